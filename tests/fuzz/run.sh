#!/usr/bin/env bash
# Runs every fuzz target for a while, coverage-guided, on stable Rust.
#
#   tests/fuzz/run.sh            every target, SECONDS_EACH=10
#   tests/fuzz/run.sh TARGET …   these; what libFuzzer finds is in artifacts/
#
# An input that was found is run again with
#   SIGNET_FUZZ_TARGET=TARGET target/fuzz/…/signet-fuzz FILE
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
each=${SECONDS_EACH:-10}

command -v c++ >/dev/null || {
    echo "Missing: a C++ compiler (c++), for libFuzzer" >&2
    echo "    apt-get install build-essential" >&2
    exit 1
}

# What `cargo fuzz` passes, without the sanitizer, which needs nightly: memory
# errors are not what is looked for in code without `unsafe`. `--target` keeps
# the counters out of build scripts and macros.
host=$(rustc -vV | sed -n 's/^host: //p')
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
for counter in inline-8bit-counters pc-table trace-compares; do
    flags+=" -Cllvm-args=-sanitizer-coverage-$counter"
done
export CARGO_TARGET_DIR=$root/target/fuzz
RUSTFLAGS="$flags" cargo build --quiet --locked --target "$host"
fuzz=$CARGO_TARGET_DIR/$host/debug/signet-fuzz

targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(sed -n 's/^    ("\([a-z_]*\)", .*/\1/p' src/main.rs)
[ "${#targets[@]}" -gt 0 ] || { echo "no targets in src/main.rs" >&2; exit 1; }

failed=0
for target in "${targets[@]}"; do
    found=$root/target/fuzz/corpus/$target
    mkdir -p "$found" "artifacts/$target"
    seeds=()
    [ ! -d "corpus/$target" ] || seeds=("corpus/$target")
    log=$root/target/fuzz/$target.log
    if SIGNET_FUZZ_TARGET=$target "$fuzz" "$found" "${seeds[@]}" -max_total_time="$each" \
        -timeout=5 -rss_limit_mb=1024 -max_len=4096 -artifact_prefix="artifacts/$target/" \
        >"$log" 2>&1; then
        printf '%-24s %s\n' "$target" "$(grep -E '^(Done|#[0-9]+.*DONE)' "$log" | tail -n1)"
        rmdir "artifacts/$target"
    else
        failed=$((failed + 1))
        printf '%-24s FAILED: the input is in tests/fuzz/artifacts/%s\n' "$target" "$target"
        tail -n 25 "$log"
    fi
done
rmdir artifacts 2>/dev/null || true
echo "$((${#targets[@]} - failed)) passed, $failed failed"
[ "$failed" = 0 ]
