#!/usr/bin/env bash
# `make test`: everything, from nothing but Rust, Python and a C compiler.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() { printf '\n==== %s (%d s)\n' "$*" "$SECONDS"; }

step set-up
tests/tools/need.sh python rust disk
make --no-print-directory venv tools

step lint
tests/lint.sh

step build
cargo build --workspace --bins

# One PostgreSQL for all test processes; each test makes its own database in it.
step tests
target/debug/signet-testkit with postgres -- cargo test --workspace --no-fail-fast

# What the default build leaves out. moto takes any credentials, but wants some.
step "AWS KMS"
AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test \
    cargo test -p signet-keys --features aws-kms --lib --test aws

step fuzzing
SECONDS_EACH=1 tests/fuzz/run.sh

if compgen -G "tests/*/conftest.py" >/dev/null; then
    step "tests from outside"
    target/debug/signet-testkit with postgres -- .venv/bin/python -m pytest -q tests
fi
step "all passed"
