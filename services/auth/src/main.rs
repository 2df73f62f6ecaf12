//! The auth service on its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    boot::main::<auth::Auth>()
}
