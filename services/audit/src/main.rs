//! The audit service on its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    boot::main::<audit::Audit>()
}
