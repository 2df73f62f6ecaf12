//! Mixed documents by the megabyte through the reader, the threads that search and the writer, as
//! `signet detect --jsonl` does it: with one thread and with two, in one run. Prints the rates,
//! their ratio, and the most memory that was held after each quarter, which must not grow.
//!
//! `MEGABYTES=100 cargo bench -p signet-scan --bench jsonl`; sixteen without it.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark: prints, and ends where it fails"
)]

use std::fmt::Write as _;
use std::io::{self, Read};
use std::time::Instant;

use pii::{Engine, Options};
use scan::jsonl::{Settings, detect};
use scan::offsets::Unit;

fn main() {
    let size = std::env::var("MEGABYTES").map_or(16, |size| size.parse().unwrap()) << 20;
    // The automata of the patterns are built as they are needed: not at the cost of the first.
    run(1, 1 << 20);
    let (one, two) = (run(1, size), run(2, size));
    println!("two threads : one  {:.2}", two / one);
}

/// Megabytes a second.
fn run(threads: usize, size: usize) -> f64 {
    let engine = Engine::standard().unwrap();
    let settings = Settings { options: Options::default(), unit: Unit::CodePoints, threads };
    let (mut done, mut quarters) = (0, Vec::new());
    let start = Instant::now();
    let mut progress = |bytes: usize| {
        done += bytes;
        if done * 4 / size > quarters.len() {
            quarters.push(most_memory());
        }
    };
    detect(&engine, &settings, Documents::new(size), &mut io::sink(), &mut progress).unwrap();
    let rate = done as f64 / start.elapsed().as_secs_f64() / 1e6;
    println!(
        "{} MB, {threads} thread(s): {rate:.2} MB/s; most memory after each quarter: {quarters:?} MB",
        done >> 20
    );
    rate
}

/// The high-water mark of this process.
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

/// Lines with documents that are made while they are read, no two alike.
struct Documents {
    left: usize,
    dice: u64,
    line: Vec<u8>,
    at: usize,
}

const WORDS: &str = "the harbour was quiet when report copper signal had been sent to our garden \
    and nobody meadow could find lantern invoice before noon because every wall held moss yesterday";
const HEADS: [&str; 8] = ["Hal", "Mor", "Wester", "Kal", "Bren", "Fer", "Lund", "Sant"];
const ENDS: [&str; 8] = ["son", "berg", "ini", "ard", "ova", "ley", "mann", "ström"];

impl Documents {
    fn new(size: usize) -> Self {
        Self { left: size, dice: 3, line: Vec::new(), at: 0 }
    }

    fn below(&mut self, most: usize) -> usize {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.dice >> 33) as usize % most
    }

    fn name(&mut self) -> String {
        let (head, middle, end) = (self.below(8), self.below(8), self.below(8));
        format!("{}{}{}", HEADS[head], HEADS[middle].to_lowercase(), ENDS[end])
    }

    /// A letter, a row of a table, a line of a log or a paragraph.
    fn piece(&mut self, text: &mut String) {
        let (name, first, number) =
            (self.name(), self.name(), self.below(900_000_000) + 100_000_000);
        let (day, month, kind) = (self.below(27) + 1, self.below(12) + 1, self.below(4));
        match kind {
            0 => write!(
                text,
                "Dear Mrs. {name},\\nplease call {first} {name} on +49 89 {number} or write to \
                 {first}@{name}.example before {day:02}.{month:02}.2026.\\n"
            ),
            1 => write!(text, "{first},{name},{number},19{day:02}-{month:02}-{day:02},{name}\\n"),
            2 => write!(
                text,
                "2026-{month:02}-{day:02}T10:{day:02}:00Z INFO worker-{day} job {number:x} done in {day}ms\\n"
            ),
            _ => {
                let words: Vec<&str> = WORDS.split_ascii_whitespace().collect();
                (0..60).try_for_each(|_| write!(text, "{} ", words[self.below(words.len())]))
            }
        }
        .unwrap();
    }

    fn next_line(&mut self) {
        let mut text = String::new();
        let length = 200 + self.below(4_000);
        while text.len() < length {
            self.piece(&mut text);
        }
        self.line = format!("{{\"id\":{},\"text\":\"{text}\"}}\n", self.left).into_bytes();
        self.at = 0;
        self.left = self.left.saturating_sub(self.line.len());
    }
}

impl Read for Documents {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.line.len() {
            if self.left == 0 {
                return Ok(0);
            }
            self.next_line();
        }
        let count = into.len().min(self.line.len() - self.at);
        into[..count].copy_from_slice(&self.line[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
