//! Restoring gives back every text byte for byte, and nothing found is left behind.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use pii::{Anonymizer, Engine, Options, PlaceholderKey};
use proptest::prelude::*;

fn pieces() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![
        Just("Dr. Anna Weber".to_owned()),
        Just("ANNA WEBER".to_owned()),
        Just("Weber".to_owned()),
        Just("anna.weber@mail.example".to_owned()),
        Just("+49 171 2345678".to_owned()),
        Just("4111 1111 1111 1111".to_owned()),
        Just("4111-1111-1111-1111".to_owned()),
        Just("geb. 04.05.1961".to_owned()),
        Just("<PERSON_7K2M9>".to_owned()),
        Just("PERSON_".to_owned()),
        Just("<".to_owned()),
        Just("\u{200b}".to_owned()),
        Just("https://x.example/anna".to_owned()),
        "\\PC{0,12}",
        "[ \n,.:<>_@+-]{0,3}",
    ];
    prop::collection::vec(piece, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn restore_undoes_anonymize(pieces in pieces(), seed: u8) {
        let engine = Engine::standard().unwrap();
        let anonymizer = Anonymizer::new(&engine, Options::default());
        let text = pieces.concat();
        let done = anonymizer.anonymize(&PlaceholderKey::new([seed; 32]), &text).unwrap();
        prop_assert_eq!(done.mapping.restore(&done.text), text.clone());
        let mut last = 0;
        for finding in &done.findings {
            prop_assert!(finding.range.start >= last && finding.range.end > finding.range.start);
            prop_assert!(text.is_char_boundary(finding.range.start) && text.is_char_boundary(finding.range.end));
            last = finding.range.end;
        }
    }
}

/// A text that holds what would have been the placeholder gets another one.
#[test]
fn a_placeholder_in_the_input_is_only_text() {
    let engine = Engine::standard().unwrap();
    let anonymizer = Anonymizer::new(&engine, Options::default());
    let key = PlaceholderKey::new([7; 32]);
    let first = anonymizer.anonymize(&key, "Dear Anna,").unwrap();
    let trap = format!("{} Dear Anna, {}", first.text, first.text.to_lowercase());
    let done = anonymizer.anonymize(&key, &trap).unwrap();
    assert_eq!(done.mapping.restore(&done.text), trap);
}
