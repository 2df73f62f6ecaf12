//! What must be said, and what must not be left behind.

use crate::{hold, source, tree};

/// Words of unfinished work, put together here so that this file is not found.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("#[ign", "ore"),
    concat!("@pytest.mark.", "skip"),
    concat!("@pytest.mark.", "xfail"),
];
const OURS: &[&str] = &["libs", "services", "tests", "proto/signet", "deploy", "examples"];
const CODE: &[&str] = &[".rs", ".py", ".sh", ".toml", ".proto", ".yaml", ".sql", ".js", ".mjs"];

#[test]
fn nothing_is_left_unfinished() {
    let mut broken = Vec::new();
    for file in tree::files(OURS, CODE) {
        for (number, line) in tree::read(&file).lines().enumerate() {
            for word in UNFINISHED.iter().filter(|word| line.contains(**word)) {
                broken.push(format!("{}:{}: {word}", tree::shown(&file), number + 1));
            }
        }
    }
    hold("What is not finished is an issue, not a note in the code; no test is skipped.", &broken);
}

#[test]
fn every_library_says_what_it_is() {
    let mut broken = Vec::new();
    for file in tree::files(&["libs", "services"], &["lib.rs", "main.rs"]) {
        let text = tree::read(&file);
        if !text.starts_with("//! ") {
            broken.push(tree::shown(&file));
        }
    }
    hold("lib.rs and main.rs open with module docs (`//!`).", &broken);
}

#[test]
fn spans_record_no_arguments() {
    let mut broken = Vec::new();
    for file in tree::rust() {
        let code = source::code_only(&tree::read(&file));
        let attributes = code.split("#[").skip(1).filter_map(|rest| rest.split(']').next());
        for attribute in attributes {
            let name = attribute.split('(').next().unwrap_or_default().trim();
            if name.ends_with("instrument") && !attribute.contains("skip_all") {
                broken.push(format!("{}: #[{attribute}]", tree::shown(&file)));
            }
        }
    }
    hold("#[instrument] takes skip_all: arguments may hold a payload or a key.", &broken);
}

#[test]
fn every_exception_from_a_lint_has_its_reason() {
    let mut broken = Vec::new();
    for file in tree::rust() {
        let code = source::code_only(&tree::read(&file));
        for (at, _) in code.match_indices("#[").chain(code.match_indices("#![")) {
            let attribute = code[at..].trim_start_matches(['#', '!', '[']);
            let attribute = attribute.split(']').next().unwrap_or_default();
            let lint = attribute.starts_with("allow(") || attribute.starts_with("expect(");
            if lint && !attribute.contains("reason") {
                broken.push(format!("{}: #[{attribute}]", tree::shown(&file)));
            }
        }
    }
    hold("#[allow] and #[expect] give a reason.", &broken);
}
