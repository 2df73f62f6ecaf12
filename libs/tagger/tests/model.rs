//! The model that is shipped: how large, how fast it loads, what it finds and what it must not.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::sync::LazyLock;

use proptest::prelude::*;
use tagger::{Kind, ModelError, Tagger};

const FILE: &[u8] = include_bytes!("../model/names.bin");
static TAGGER: LazyLock<Tagger> = LazyLock::new(|| Tagger::embedded().unwrap());

fn found(text: &str) -> Vec<(Kind, &str)> {
    TAGGER.find(text).into_iter().map(|one| (one.kind, &text[one.range])).collect()
}

#[test]
fn the_file_is_small_and_read_as_it_was_written() {
    assert!(FILE.len() <= 4 << 20, "{} bytes", FILE.len());
    assert!(TAGGER.to_bytes() == FILE, "what is read is not written back");
}

#[test]
fn a_damaged_file_is_refused() {
    assert_eq!(Tagger::from_bytes(b"").err(), Some(ModelError::Unknown));
    assert_eq!(Tagger::from_bytes(b"SGNTNER0").err(), Some(ModelError::Unknown));
    for length in [8, 100, FILE.len() / 2, FILE.len() - 1] {
        assert_eq!(Tagger::from_bytes(&FILE[..length]).err(), Some(ModelError::Damaged));
    }
    let longer = [FILE, b"x"].concat();
    assert_eq!(Tagger::from_bytes(&longer).err(), Some(ModelError::Damaged));
}

#[test]
fn names_are_found_by_what_stands_around_them() {
    use Kind::{Organization, Person, Place};
    for (text, known) in [
        ("I spoke to Zibbelina Quorthand about it.", vec![(Person, "Zibbelina Quorthand")]),
        ("She has lived in Vornhausel since May.", vec![(Place, "Vornhausel")]),
        ("He works for Trangsoft GmbH.", vec![(Organization, "Trangsoft GmbH")]),
        ("my name is chidi okonkwo", vec![(Person, "chidi okonkwo")]),
        ("PATIENT MARGARET THOMPSON WAS ADMITTED", vec![(Person, "MARGARET THOMPSON")]),
        ("Best regards,\nSzabolcs Nagy", vec![(Person, "Szabolcs Nagy")]),
    ] {
        assert_eq!(found(text), known, "{text}");
    }
}

#[test]
fn ordinary_text_and_code_hold_none() {
    for text in [
        "The mark on the hood of the car will fade by summer.",
        "let frank = Mark::new(Will { may: true }); // parses the header",
        "Please reset my password, the app does not work.",
        "WARN pool exhausted after 3000 ms, 17 waiting, 0 idle",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn long_texts_are_searched_to_their_end() {
    let text = "The order is late. ".repeat(4_000) + "I spoke to Anna Weber yesterday.";
    assert_eq!(found(&text), [(Kind::Person, "Anna Weber")]);
    // Without a place to cut.
    let text = "ä".repeat(100_000);
    assert!(found(&text).len() <= 16);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn spans_stand_in_order_on_characters(text in "(?s).{0,400}") {
        let mut end = 0;
        for entity in TAGGER.find(&text) {
            prop_assert!(entity.range.start >= end && !entity.range.is_empty());
            prop_assert!(text.get(entity.range.clone()).is_some());
            prop_assert!((0.0..=1.0).contains(&entity.score));
            end = entity.range.end;
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(edits in proptest::collection::vec((0..FILE.len(), any::<u8>()), 1..4)) {
        let mut bytes = FILE.to_vec();
        for (at, byte) in edits {
            bytes[at] = byte;
        }
        if let Ok(tagger) = Tagger::from_bytes(&bytes) {
            tagger.find("Anna Weber lives in Leeds.");
        }
    }
}
