//! Policies somebody wrote, and texts with tokens somebody altered.

use std::sync::{Arc, LazyLock};

use pii::{EntityInfo, EntityType, Finding};
use transform::{Context, Keys, Policy, Transformer};

use crate::input::{pieces, text};

const TYPES: &[&str] = &[
    "PERSON",
    "DATE_TIME",
    "CREDIT_CARD",
    "AGE",
    "ID_NUMBER",
    "POSTAL_CODE",
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "US_SSN",
    "IBAN_CODE",
    "IP_ADDRESS",
    "DATE_OF_BIRTH",
    "COORDINATES",
    "NRP",
    "PASSWORD",
    "PIN",
    "CVV",
    "USERNAME",
    "LOCATION",
    "ORGANIZATION",
    "URL",
];
const REVERSIBLE: &str = "name = 'r'\nversion = 1\n[default]\noperator = 'encrypt'\n\
    [types.ID_NUMBER]\noperator = 'format_preserving'\notherwise = { operator = 'encrypt' }\n";

static REVERSING: LazyLock<Transformer> =
    LazyLock::new(|| transformer(Policy::parse(REVERSIBLE, &types()).unwrap()));

fn types() -> Vec<EntityInfo> {
    let info = |name: &&str| EntityInfo {
        name: EntityType::new(name),
        parent: (**name == *"POSTAL_CODE").then(|| EntityType::new("PERSON")),
        category: String::new(),
        description: String::new(),
        common: false,
    };
    TYPES.iter().map(info).collect()
}

fn transformer(policy: Policy) -> Transformer {
    Transformer::new(policy, Keys::derive(&[7; 32], "fuzz")).unwrap()
}

fn finding(name: &str, range: std::ops::Range<usize>) -> Finding {
    Finding { entity: EntityType::new(name), range, score: 1.0, recognizer: Arc::from("fuzz") }
}

/// A document that is a policy does something with every value, or says why not.
pub(crate) fn policy(data: &[u8]) {
    let Some(document) = text(data) else { return };
    let Ok(policy) = Policy::parse(document, &types()) else { return };
    let reversible = policy.is_reversible();
    let transformer = transformer(policy);
    let context = Context { subject: Some("s"), year: Some(2026), ..Context::default() };
    for value in ["Anna Weber", "17. März 2024", "4111 1111 1111 1111", "93", "IL 62704", document]
    {
        for name in TYPES {
            let findings = [finding(name, 0..value.len())];
            let Ok(done) = transformer.transform(value, &findings, &context) else { continue };
            if reversible {
                assert_eq!(
                    transformer.undo(&done.text, &done.changes, &done.mapping).unwrap(),
                    value
                );
            }
        }
    }
}

/// Pieces of a text, every second one a finding: all of it comes back, whatever the text held.
pub(crate) fn restore_tokens(data: &[u8]) {
    let (mut whole, mut findings) = (String::new(), Vec::new());
    for (index, piece) in pieces(data).into_iter().enumerate() {
        let Some(piece) = text(piece).filter(|piece| !piece.is_empty()) else { continue };
        let start = whole.len();
        whole.push_str(piece);
        if index % 2 == 1 {
            findings.push(finding(TYPES[index % TYPES.len()], start..whole.len()));
        }
    }
    let once = REVERSING.transform(&whole, &findings, &Context::default()).unwrap();
    assert_eq!(REVERSING.undo(&once.text, &once.changes, &once.mapping).unwrap(), whole);
    // A transformed text is a text like any other.
    let again = REVERSING.transform(&once.text, &[], &Context::default()).unwrap();
    assert_eq!(REVERSING.restore(&again.text).text, once.text);
    let _ = REVERSING.restore(&whole);
}

pub(crate) fn format_preserving(data: &[u8]) {
    let Some(value) = text(data).filter(|value| !value.is_empty()) else { return };
    let findings = [finding("ID_NUMBER", 0..value.len())];
    let done = REVERSING.transform(value, &findings, &Context::default()).unwrap();
    assert_eq!(REVERSING.undo(&done.text, &done.changes, &done.mapping).unwrap(), value);
}
