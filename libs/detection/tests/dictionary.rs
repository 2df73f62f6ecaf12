//! A dictionary of a million entries is small, and finding does not grow with it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Instant;

use detection::custom::{Custom, Dictionary, Document, MOST_ENTRIES};
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
fn a_hundred_thousand_entries_take_a_few_bytes_each() {
    let entries: Vec<_> = (0..100_000).map(entry).collect();
    let (custom, size) = custom(&entries);
    assert!(size < 10 * entries.len(), "{size} bytes");
    let text = format!(
        "{}. {}; {} x {}",
        entries[7],
        entries[99_999].to_uppercase(),
        entries[5],
        entry(100_000)
    );
    assert_eq!(found(&custom, &text), 3);
}

/// `cargo test -p signet-detection --test dictionary -- --ignored --nocapture`
#[test]
#[ignore = "prints a measurement"]
fn a_million_entries_measured() {
    let entries: Vec<_> = (0..MOST_ENTRIES).map(entry).collect();
    let bytes: usize = entries.iter().map(String::len).sum();
    let started = Instant::now();
    let (custom, size) = custom(&entries);
    println!(
        "{MOST_ENTRIES} entries of {bytes} bytes: built in {:?}, {size} bytes",
        started.elapsed()
    );
    let text: String = (0..40_000).map(|at| entry(at * 3) + ", and something else; ").collect();
    let started = Instant::now();
    let count = found(&custom, &text);
    println!("{count} found in {} bytes in {:?}", text.len(), started.elapsed());
    assert_eq!(count, 40_000);
}
