//! A text that arrives in pieces: what is found does not depend on how it is cut.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::sync::{Arc, OnceLock};

use detection::{Asked, NotUtf8, Part, Running, Wishes};
use pii::{Engine, Finding};
use proptest::prelude::*;

fn engine() -> &'static Arc<Engine> {
    static ENGINE: OnceLock<Arc<Engine>> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::standard().unwrap())
}

fn wishes() -> Wishes {
    Wishes::new(engine(), &Asked::default()).unwrap()
}

/// A text's parts, when it arrives in pieces of these sizes, over and over.
fn parts(text: &[u8], sizes: &[usize], repeated: bool) -> Vec<Part> {
    let mut running = Running::new(wishes());
    let (mut parts, mut at) = (Vec::new(), 0);
    for size in sizes.iter().cycle() {
        if at == text.len() {
            break;
        }
        let end = text.len().min(at + size);
        running.push(&text[at..end]).unwrap();
        at = end;
        parts.extend(drain(&mut running, repeated));
    }
    running.end().unwrap();
    parts.extend(drain(&mut running, repeated));
    parts
}

fn drain(running: &mut Running, repeated: bool) -> Vec<Part> {
    std::iter::from_fn(|| running.next(engine(), &|_| None, repeated).unwrap()).collect()
}

/// Findings of the whole text.
fn placed(parts: &[Part]) -> Vec<Finding> {
    let mut start = 0;
    let mut all = Vec::new();
    for part in parts {
        all.extend(part.findings.iter().map(|finding| Finding {
            range: finding.range.start + start..finding.range.end + start,
            ..finding.clone()
        }));
        start += part.text.len();
    }
    all
}

fn spans(findings: &[Finding]) -> Vec<(String, std::ops::Range<usize>)> {
    findings.iter().map(|found| (found.entity.as_str().to_owned(), found.range.clone())).collect()
}

/// Lines of different lengths, with addresses and cards at places that no window knows.
fn long(lines: usize, separator: &str) -> String {
    (0..lines)
        .map(|line| {
            let words = "grüne Äpfel und stones ".repeat(line % 7);
            format!("{words}mail to user{line}@example.org or pay 4111 1111 1111 1111.{separator}")
        })
        .collect()
}

#[test]
fn a_short_text_is_one_part_with_the_same_findings() {
    let text = "Dr. Anna Weber lives at 12 High Street, London. Call +44 20 7946 0958.";
    let parts = parts(text.as_bytes(), &[3], false);
    assert_eq!(parts.len(), 1);
    let whole = wishes().detect(engine(), text, &|_| None);
    assert_eq!(spans(&parts[0].findings), spans(&whole));
    assert!(!whole.is_empty());
}

#[test]
fn every_cut_gives_the_same_and_nothing_is_lost_between_windows() {
    for separator in ["\n", " ", "\n\n", ""] {
        let text = long(6_000, separator);
        assert!(text.len() > 500_000);
        let whole = parts(text.as_bytes(), &[text.len()], false);
        assert!(whole.len() > 4, "{separator:?}: {}", whole.len());
        assert_eq!(whole.iter().map(|part| part.text.as_str()).collect::<String>(), text);
        assert!(whole.iter().all(|part| part.text.len() <= 68 * 1024));
        let found = spans(&placed(&whole));
        for kind in ["EMAIL_ADDRESS", "CREDIT_CARD"] {
            let count = found.iter().filter(|(found, _)| found == kind).count();
            assert_eq!(count, 6_000, "{kind}, {separator:?}");
        }
        for sizes in [&[70_000][..], &[1_048_576], &[1, 65_536, 4_097]] {
            assert_eq!(spans(&placed(&parts(text.as_bytes(), sizes, false))), found);
        }
    }
}

#[test]
fn what_was_found_is_looked_for_in_later_windows() {
    let filler = "nothing of note happens here today.\n".repeat(6_000);
    let name = "Xq7-Vortigern";
    let asked = Asked {
        deny_list: vec![detection::Denied {
            text: "Dr Vortigernson".into(),
            entity: "PERSON".into(),
        }],
        ..Asked::default()
    };
    let mut running = Running::new(Wishes::new(engine(), &asked).unwrap());
    let text = format!("Dr Vortigernson, {name}\n{filler}said dr  VORTIGERNSON again.\n");
    running.push(text.as_bytes()).unwrap();
    running.end().unwrap();
    let parts = drain(&mut running, true);
    let last = parts.last().unwrap();
    let found: Vec<_> = last.findings.iter().map(|found| &last.text[found.range.clone()]).collect();
    assert!(parts.len() > 2 && found.contains(&"dr  VORTIGERNSON"), "{found:?}");
}

#[test]
fn what_is_no_text_is_said() {
    let mut running = Running::new(wishes());
    assert_eq!(running.push(b"ab\xff"), Err(NotUtf8));
    let mut running = Running::new(wishes());
    running.push("ü".as_bytes().split_at(1).0).unwrap();
    assert_eq!(running.end(), Err(NotUtf8));
    let mut running = Running::new(wishes());
    running.end().unwrap();
    assert!(!running.is_ready());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn pieces_of_any_size_are_the_text(
        words in prop::collection::vec("[a-zäöü@.0-9]{1,12}[ \n]?", 0..200),
        sizes in prop::collection::vec(1_usize..50, 1..5),
    ) {
        let text = words.concat();
        let whole = parts(text.as_bytes(), &[text.len().max(1)], true);
        let cut = parts(text.as_bytes(), &sizes, true);
        prop_assert_eq!(cut.iter().map(|part| part.text.as_str()).collect::<String>(), text);
        prop_assert_eq!(spans(&placed(&cut)), spans(&placed(&whole)));
    }
}
