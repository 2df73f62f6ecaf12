//! The anonymizer service on its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    boot::main::<anonymizer::Anonymizer>()
}
