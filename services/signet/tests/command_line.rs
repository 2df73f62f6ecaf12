//! The binary as a person meets it: what it says, where, and with which status.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::path::Path;
use std::process::{Command, Output};

struct Told {
    status: i32,
    out: String,
    err: String,
}

fn signet(place: &Path, arguments: &[&str]) -> Told {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_signet"))
        .args(arguments)
        .current_dir(place)
        .env_clear()
        .env("HOME", place)
        .output()
        .unwrap();
    Told {
        status: status.code().unwrap(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

#[test]
fn wrong_usage_is_status_2_and_says_how() {
    let place = tempfile::tempdir().unwrap();
    for arguments in
        [&["nonsense"][..], &["keys", "create"], &["respond"], &["log-in", "--email", "a@b"]]
    {
        let told = signet(place.path(), arguments);
        assert_eq!(told.status, 2, "{arguments:?}");
        assert!(told.err.contains("--help") && told.out.is_empty(), "{}", told.err);
    }
}

#[test]
fn what_cannot_be_done_is_status_1_and_says_what_to_do() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("text"), "Dear Eleanor").unwrap();
    let nobody = "http://127.0.0.1:1";
    for (arguments, expected) in [
        (&["whoami", "--url", nobody][..], "signet dev"),
        (&["detect", "text", "--url", "http://signet.example"], "https://"),
        (&["detect", "absent"], "absent: No such file"),
        (&["open", "text"], "This is no envelope"),
        (&["log", "verify", "."], "Give --vkey"),
        (&["log", "verify", ".", "--vkey", "x"], "malformed"),
        (&["log-in"], "Give --tenant and --email"),
    ] {
        let told = signet(place.path(), arguments);
        assert_eq!(told.status, 1, "{arguments:?}: {}", told.err);
        assert!(told.err.contains(expected), "{arguments:?}: {}", told.err);
        assert!(told.out.is_empty() && !told.err.contains("Eleanor"));
    }
}

#[test]
fn texts_for_other_programs_go_to_standard_output() {
    let place = tempfile::tempdir().unwrap();
    let errors = signet(place.path(), &["errors"]);
    assert_eq!((errors.status, errors.err.as_str()), (0, ""));
    assert!(errors.out.contains("| `ENVELOPE_REJECTED` |"));
    let script = signet(place.path(), &["completion", "bash"]);
    assert_eq!(script.status, 0);
    assert!(script.out.contains("api-keys"));
    let reference = signet(place.path(), &["reference"]);
    assert!(reference.out.contains("\n## signet prompts seal\n"));
}
