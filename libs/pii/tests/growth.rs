//! Hostile inputs cost what their length costs, and nothing panics.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::time::Duration;

use pii::{Anonymizer, Engine, Options, PlaceholderKey};
use rustix::time::{ClockId, clock_gettime};

/// Texts made to send a scanner back over what it has seen.
const HOSTILE: &[&str] = &[
    "1.",
    "1-",
    "4111 ",
    "+1 ",
    "0",
    "a",
    "a.",
    "a@",
    "@a.",
    "a:",
    "0:",
    "://",
    "www.",
    "DE89 ",
    "Dear ",
    "Dr. ",
    "Anna ",
    "Anna, ",
    "A. ",
    "von ",
    "12 Elm ",
    "X GmbH & ",
    "University of ",
    "\u{200b}",
    "а",
    "e\u{301}",
    "<",
    "<PERSON_",
    "\"",
    "name: ",
    "Best regards,\n",
    "Anna <",
    "1 Jan ",
    "00 ",
    "()",
    "'",
    "Bad ",
    "New ",
    "in ",
    "sk-",
    "ghp_0aB-",
    "eyJ4111-",
    "-----BEGIN PRIVATE KEY-----",
    "password: ",
    "123-456-789 ",
    "AB12",
    "passport ",
    "12.345.678-",
    "%40",
    "%2525",
    "&#64;",
    "=40",
    "=\n",
    "a b c d e f ",
    "YW5uYUBtYWlsLmRl",
    "YW5u ",
    "x_",
    "anna.weber-",
    "€1",
    "8Q~a",
    " dot ",
];

/// Of the processor, for this thread: the machine may do other things as well.
fn seconds(runs: usize, work: impl Fn()) -> f64 {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap().as_secs_f64();
    // The best of some runs, against the noise of a shared machine.
    (0..runs)
        .map(|_| {
            let start = now();
            work();
            now() - start
        })
        .fold(f64::MAX, f64::min)
}

#[test]
fn work_grows_with_the_text_and_not_faster() {
    let engine = Engine::standard().unwrap();
    let anonymizer = Anonymizer::new(&engine, Options::default());
    let key = PlaceholderKey::new([1; 32]);
    let run = |text: &str| {
        let done = anonymizer.anonymize(&key, text).unwrap();
        assert_eq!(done.mapping.restore(&done.text), text);
    };
    run(&HOSTILE.concat());
    for piece in HOSTILE {
        let small = piece.repeat(4_000 / piece.len());
        let large = piece.repeat(64_000 / piece.len());
        let (one, sixteen) = (seconds(2, || run(&small)), seconds(2, || run(&large)));
        // Quadratic work would cost 256 times as much.
        assert!(sixteen < 64.0 * one.max(0.002), "{piece:?}: {one:.4} s, then {sixteen:.4} s");
    }
}

/// Many different subjects in one text, each of which is looked for everywhere.
#[test]
fn many_subjects_stay_linear() {
    let engine = Engine::standard().unwrap();
    let anonymizer = Anonymizer::new(&engine, Options::default());
    let key = PlaceholderKey::new([1; 32]);
    let text = |count: usize| -> String {
        (0..count)
            .map(|n| format!("Anna W{n:x}eber wrote to user{n}@mail.example, 4{n:07}. "))
            .collect()
    };
    let (small, large) = (text(100), text(1_600));
    let run = |text: &str| {
        let done = anonymizer.anonymize(&key, text).unwrap();
        assert_eq!(done.mapping.restore(&done.text), text);
    };
    let (one, sixteen) = (seconds(2, || run(&small)), seconds(2, || run(&large)));
    assert!(sixteen < 64.0 * one.max(0.002), "{one:.4} s, then {sixteen:.4} s");
}

/// All of it in one text, as long as a file that somebody drops in.
#[test]
fn a_byte_costs_the_same_in_a_kilobyte_and_in_ten_megabytes() {
    let engine = Engine::standard().unwrap();
    let whole = HOSTILE.concat();
    let cost = |size: usize| {
        let text = whole.repeat(size / whole.len() + 1);
        let text = &text[..text.floor_char_boundary(size)];
        let times = (1 << 17) / size + 1;
        let run = || (0..times).for_each(|_| drop(engine.detect(text, &Options::default())));
        seconds(if size > 1 << 20 { 1 } else { 2 }, run) / (size * times) as f64
    };
    cost(1 << 17);
    let costs = [1 << 10, 100 << 10, 10 << 20].map(cost);
    let [small, middle, large] = costs;
    assert!(middle < 4.0 * small && large < 2.0 * middle, "seconds a byte: {costs:?}");
}
