//! Dictionaries are small for what they hold.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use detection::custom::{Custom, Dictionary, Document};
use detection::{Asked, Wishes};
use pii::Engine;

const DOCUMENT: &str =
    "name = 'many'\ntype = 'CODE_NAME'\nexamples = ['[[x]]']\n[dictionary]\nfold_case = true\n";

/// Two made-up words and a number.
fn entry(at: usize) -> String {
    let word = |seed: usize| -> String {
        let pick = |seed: usize| (["ka", "lo", "mi", "ru", "ten", "vor", "sil", "dan"])[seed % 8];
        [pick(seed), pick(seed / 8), pick(seed / 64)].concat()
    };
    format!("{} {} {at}", word(at.wrapping_mul(2_654_435_761) >> 7), word(at))
}

fn custom(entries: &[String]) -> (Arc<Custom>, usize) {
    let document = Document::parse(DOCUMENT).unwrap();
    let built = Dictionary::new("entries", entries, document.folds_case()).unwrap();
    let size = built.as_bytes().len();
    (Arc::new(Custom::new("many", &document, Some(built)).unwrap()), size)
}

fn found(custom: &Arc<Custom>, text: &str) -> usize {
    let engine = Engine::standard().unwrap();
    let asked = Asked { custom: vec![Arc::clone(custom)], only_custom: true, ..Asked::default() };
    Wishes::new(&engine, &asked).unwrap().detect(&engine, text, &|_| None).len()
}

#[test]
fn a_hundred_thousand_entries_take_less_than_their_text() {
    let entries: Vec<_> = (0..100_000).map(entry).collect();
    let (custom, size) = custom(&entries);
    let bytes: usize = entries.iter().map(String::len).sum();
    assert!(3 * size < 2 * bytes, "{size} bytes for {bytes}");
    let text = format!(
        "{}. {}; {} x {}",
        entries[7],
        entries[99_999].to_uppercase(),
        entries[5],
        entry(100_000)
    );
    assert_eq!(found(&custom, &text), 3);
}
