#!/usr/bin/env bash
# Names what this machine lacks, with the command that installs it.
#
#   tests/tools/need.sh [python] [rust] [disk] [wordnet]
set -euo pipefail

missing=0
lacks() {
    echo "Missing: $1" >&2
    echo "    $2" >&2
    missing=1
}
as_root=$([ "$(id -u)" = 0 ] || echo "sudo ")
python=${PYTHON:-python3}

need_python() {
    if ! command -v "$python" >/dev/null; then
        lacks "Python 3.11 or newer" "${as_root}apt-get install python3 python3-venv"
    elif ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        lacks "Python 3.11 or newer ($("$python" --version 2>&1) is too old)" \
            "make PYTHON=/path/to/python3.11 …, or ${as_root}apt-get install python3.11 python3.11-venv"
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        lacks "Python's venv module" "${as_root}apt-get install python3-venv"
    fi
}

need_rust() {
    local wanted
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if ! command -v cargo >/dev/null; then
        lacks "Rust $wanted or newer" "see https://www.rust-lang.org/tools/install"
    elif [ "$(printf '%s\n%s\n' "$wanted" "$(cargo --version | cut -d' ' -f2)" | sort -V | head -n1)" != "$wanted" ]; then
        lacks "Rust $wanted or newer ($(cargo --version) is too old)" "rustup update stable"
    fi
    command -v cc >/dev/null || lacks "a C compiler (cc)" "${as_root}apt-get install build-essential"
}

# What all tests and fuzz targets take when they are built, in GB. A linker that
# runs out of space says so in many words, after ten minutes.
readonly WANTED=8

need_disk() {
    local built=0 free
    if [ -d target ]; then built=$(du -sk target | cut -f1); fi
    free=$(df -Pk . | awk 'NR == 2 { print $4 }')
    if [ $(((built + free) >> 20)) -lt "$WANTED" ]; then
        lacks "$WANTED GB of disk for what is built ($((free >> 20)) GB are free)" \
            "make room on the file system of $PWD: $(df -P . | awk 'NR == 2 { print $6 }')"
    fi
}

need_wordnet() {
    [ -f /usr/share/wordnet/data.noun ] ||
        lacks "WordNet, for the words of the model" "${as_root}apt-get install wordnet-base"
    [ -f /usr/share/dict/american-english-small ] ||
        lacks "an English word list" "${as_root}apt-get install wamerican-small"
}

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
for what in "${@:-python rust}"; do
    for one in $what; do "need_$one"; done
done
exit "$missing"
