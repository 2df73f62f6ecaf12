//! `signet`: the whole mesh in one process, and the client.

use std::process::ExitCode;

fn main() -> ExitCode {
    signet::main()
}
