//! Every validator that python-stdnum has too says the same as python-stdnum, of a thousand valid
//! numbers and nine thousand slips of the hand each (`tests/interop/stdnum_oracle.py`).

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// How many validators the oracle judges; a shorter list means that the script lost some.
const JUDGED: usize = 91;

#[derive(Default)]
struct Count {
    valid: usize,
    invalid: usize,
    differ: Vec<String>,
}

#[test]
fn validators_agree_with_python_stdnum() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join(".venv/bin/python");
    let mut oracle = Command::new(&python)
        .arg(root.join("tests/interop/stdnum_oracle.py"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; run `make venv`", python.display()));
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for line in BufReader::new(oracle.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let [name, number, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not of three columns: {line:?}");
        };
        let validator = validators::by_name(name).unwrap_or_else(|| panic!("{name} is unknown"));
        let count = counts.entry(name.to_owned()).or_default();
        let expected = expected == "1";
        *(if expected { &mut count.valid } else { &mut count.invalid }) += 1;
        if validator(number) != expected {
            count.differ.push(format!("{number} is {expected} there"));
        }
    }
    assert!(oracle.wait().unwrap().success(), "the oracle failed; run `make venv`");
    let mut wrong = Vec::new();
    for (name, Count { valid, invalid, differ }) in &counts {
        if *valid < 1_000 || *invalid < 1_000 {
            wrong.push(format!("{name}: only {valid} valid and {invalid} invalid numbers"));
        }
        if !differ.is_empty() {
            let shown = differ[..differ.len().min(4)].join(", ");
            wrong.push(format!("{name}: {} differ: {shown}", differ.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(counts.len() >= JUDGED, "only {} validators were judged", counts.len());
}
