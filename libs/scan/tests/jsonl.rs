//! Lines in, lines out: order, offsets, the first wrong line, and waiting for nobody.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::io::{self, Cursor, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use pii::{Engine, EntityType, Options};
use scan::jsonl::{self, ScanError, Settings};
use scan::offsets::Unit;
use serde_json::{Value, json};

fn settings(threads: usize, unit: Unit) -> Settings {
    let options =
        Options { types: Some(vec![EntityType::new("EMAIL_ADDRESS")]), ..Options::default() };
    Settings { options, unit, threads }
}

/// What was written, and how it ended.
fn run(input: &str, settings: &Settings) -> (Vec<Value>, Result<usize, ScanError>) {
    let (mut out, mut done) = (Vec::new(), 0);
    let input = Cursor::new(input.to_owned().into_bytes());
    let engine = Engine::standard().unwrap();
    let ended = jsonl::detect(&engine, settings, input, &mut out, &mut |bytes| done += bytes);
    let out = String::from_utf8(out).unwrap();
    assert!(out.is_empty() || out.ends_with('\n'), "only whole lines");
    (out.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), ended.map(|()| done))
}

#[test]
fn answers_come_in_the_order_of_the_lines() {
    // Some lines cost much more than others, so that threads overtake each other.
    let line = |n: usize| {
        let filler = "word ".repeat(if n.is_multiple_of(7) { 2_000 } else { 1 });
        json!({ "id": n, "text": format!("{filler}u{n}@mail.example") }).to_string() + "\n"
    };
    let input: String = (0..600).map(line).collect();
    for threads in [1, 2, 5] {
        let (answers, ended) = run(&input, &settings(threads, Unit::CodePoints));
        assert_eq!(ended.unwrap(), input.len());
        assert_eq!(answers.len(), 600);
        for (n, answer) in answers.iter().enumerate() {
            assert_eq!(answer["id"], n);
            assert_eq!(answer["spans"].as_array().unwrap().len(), 1, "{n}");
        }
    }
}

#[test]
fn offsets_count_what_was_asked_for() {
    let input = json!({ "id": "x", "text": "😀 é: anna@mail.example." }).to_string();
    for (unit, start) in [(Unit::Bytes, 9), (Unit::CodePoints, 5), (Unit::Utf16, 6)] {
        let (answers, ended) = run(&input, &settings(2, unit));
        ended.unwrap();
        let span = &answers[0]["spans"][0];
        assert_eq!((&span["type"], &span["start"]), (&json!("EMAIL_ADDRESS"), &json!(start)));
        assert_eq!(span["end"], start + "anna@mail.example".len());
        let score = span["score"].as_f64().unwrap();
        assert!((0.5..=1.0).contains(&score));
    }
}

#[test]
fn the_first_wrong_line_ends_it() {
    let good = |n: usize| format!("{}\n", json!({ "id": n, "text": "a@mail.example" }));
    let many: String = (0..4_000).map(good).collect();
    for (wrong, said) in [
        ("{\"id\":1}", "line 4003: field `text` is missing"),
        ("{\"id\":", "line 4003: not JSON: column 6"),
        ("anna@mail.example", "line 4003: not a JSON object with the fields `id` and `text`"),
    ] {
        // A mark, a blank line and an end of Windows are no lines of data, and count.
        let input = format!("\u{feff}\r\n{many}   \n{wrong}\n{many}");
        let (answers, ended) = run(&input, &settings(2, Unit::CodePoints));
        assert_eq!(ended.err().unwrap().to_string(), said);
        assert_eq!(answers.len(), 4_000, "all before it, none behind it");
    }
}

#[test]
fn nothing_in_is_nothing_out() {
    for input in ["", "\n", "\u{feff}", " \r\n\t\n"] {
        let (answers, ended) = run(input, &settings(2, Unit::Bytes));
        assert!(answers.is_empty() && ended.is_ok(), "{input:?}");
    }
}

/// Input that comes when somebody sends it.
struct Coming(Receiver<Vec<u8>>);

impl Read for Coming {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Ok(piece) = self.0.recv() else { return Ok(0) };
        out[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

/// Tells what has been flushed.
struct Flushed(Vec<u8>, Sender<Vec<u8>>);

impl Write for Flushed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let told = std::mem::take(&mut self.0);
        if told.is_empty() { Ok(()) } else { self.1.send(told).map_err(io::Error::other) }
    }
}

#[test]
fn a_caller_who_sends_a_line_at_a_time_is_answered_at_once() {
    let ((send, coming), (tell, told)) = (channel(), channel());
    let work = std::thread::spawn(move || {
        let engine = Engine::standard().unwrap();
        let mut out = Flushed(Vec::new(), tell);
        let settings = settings(2, Unit::Bytes);
        jsonl::detect(&engine, &settings, Coming(coming), &mut out, &mut |_| {})
    });
    for n in 0..3 {
        send.send(format!("{{\"id\":{n},\"text\":\"x\"}}\n").into_bytes()).unwrap();
        let answer = told.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(answer, format!("{{\"id\":{n},\"spans\":[]}}\n").into_bytes());
    }
    drop(send);
    work.join().unwrap().unwrap();
}

/// A reader of the answers who has gone away.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn nobody_waits_for_an_input_whose_answers_cannot_be_written() {
    let (send, coming) = channel();
    send.send(b"{\"id\":1,\"text\":\"x\"}\n".to_vec()).unwrap();
    let engine = Engine::standard().unwrap();
    let settings = settings(2, Unit::Bytes);
    let ended = jsonl::detect(&engine, &settings, Coming(coming), &mut Gone, &mut |_| {});
    assert!(matches!(ended, Err(ScanError::Write(_))));
    // The input was open all the time.
    drop(send);
}
