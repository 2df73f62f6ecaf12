//! Findings in documents, by the standard engine.
#![allow(clippy::unwrap_used, reason = "tests")]

use documents::{Format, Malformed, detect};
use pii::{Engine, Options};

fn found(format: Format, document: &str) -> Vec<(String, String)> {
    let engine = Engine::standard().unwrap();
    let findings = detect(&engine, &Options::default(), format, &[], document).unwrap();
    let mut last = 0;
    findings
        .into_iter()
        .map(|finding| {
            assert!(last <= finding.range.start, "in order, without overlaps");
            last = finding.range.end;
            (finding.entity.as_str().to_owned(), document[finding.range].to_owned())
        })
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(entity, text)| ((*entity).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn a_key_says_what_its_value_is() {
    let document = r#"{"customer": {"ssn": "536-22-8145", "e-mail": "zo\u00eb@example.org"},
        "note": "paid"}"#;
    assert_eq!(
        found(Format::Json, document),
        pairs(&[("US_SSN", "536-22-8145"), ("EMAIL_ADDRESS", r"zo\u00eb@example.org")])
    );
}

#[test]
fn a_column_says_what_its_values_are() {
    let mut table = "id,iban\n".to_owned();
    for n in 0..6 {
        table.push_str(&format!("{n},DE89 3704 0044 0532 0130 00\n"));
    }
    // A digit is wrong: no IBAN by itself.
    table.push_str("7,DE89 3704 0044 0532 0130 01\n8,\n");
    let found = found(Format::Csv, &table);
    assert_eq!(found.len(), 7, "{found:?}");
    assert_eq!(found[6], ("IBAN_CODE".to_owned(), "DE89 3704 0044 0532 0130 01".to_owned()));
}

#[test]
fn lines_of_json_are_one_document() {
    let document = "{\"mail\":\"a@example.org\"}\n{\"mail\":\"b@example.org\"}\n";
    assert_eq!(
        found(Format::Ndjson, document),
        pairs(&[("EMAIL_ADDRESS", "a@example.org"), ("EMAIL_ADDRESS", "b@example.org")])
    );
}

#[test]
fn what_is_malformed_has_no_findings() {
    let engine = Engine::standard().unwrap();
    let document = "{\"mail\": \"a@example.org\"";
    let refused = detect(&engine, &Options::default(), Format::Json, &[], document);
    assert_eq!(refused.unwrap_err(), Malformed { line: 1, what: "not valid JSON" });
}
