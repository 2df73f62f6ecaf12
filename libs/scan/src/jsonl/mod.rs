//! A line of JSON in, a line of JSON out, in the same order.
//!
//! One thread reads, some search, the caller's writes. What is between the first and the last is
//! bounded in bytes, so that memory does not grow with the file. The first line that is wrong
//! ends the work: every line before it has been answered, no line from it on.

mod read;
mod record;
mod room;

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use pii::{Engine, Finding, Options};
use serde::Serialize;
use serde_json::value::RawValue;

use self::record::Record;
pub use self::record::RecordError;
use self::room::Held;
use crate::offsets::{self, Unit};

/// The longest line.
pub const LONGEST: usize = 64 << 20;
/// Batches that wait for a thread, or for their turn to be written.
const AHEAD: usize = 64;

/// How to search.
#[derive(Clone)]
pub struct Settings {
    pub options: Options,
    /// What the offsets of the answers count.
    pub unit: Unit,
    /// Threads that search; one at least.
    pub threads: usize,
}

/// Why not all lines were answered.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// Lines count from 1, blank ones too.
    #[error("line {line}: {what}")]
    Line { line: u64, what: RecordError },
    #[error("cannot be read: {0}")]
    Read(io::Error),
    #[error("the answers cannot be written: {0}")]
    Write(io::Error),
    #[error("no thread to search with: {0}")]
    Threads(io::Error),
    #[error("the search broke off at line {0} or a little later")]
    BrokeOff(u64),
}

/// Whole lines that are searched together.
struct Batch {
    /// The number of the first line.
    first: u64,
    lines: Vec<u8>,
    held: Held,
    answer: SyncSender<Answer>,
}

/// What becomes of a batch.
struct Answer {
    lines: Vec<u8>,
    wrong: Option<ScanError>,
    /// Bytes of input that this answers; they leave when the answer is written.
    held: Held,
}

/// What the writer waits for, in the order of the input.
enum Next {
    /// The number of the first line, and where its batch's answer will be.
    Batch(u64, Receiver<Answer>),
    Wrong(ScanError),
}

/// Answers every line of `input`. `progress` is told of bytes of input that are done with.
pub fn detect(
    engine: &Arc<Engine>,
    settings: &Settings,
    input: impl Read + Send + 'static,
    output: &mut dyn Write,
    progress: &mut dyn FnMut(usize),
) -> Result<(), ScanError> {
    let (order, nexts) = sync_channel(AHEAD);
    let (batches, work) = sync_channel(AHEAD);
    let work = Arc::new(Mutex::new(work));
    let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
        // Not scoped: after a failure nobody waits for a reader that waits for its input.
        let spawned = thread::Builder::new().name(name.to_owned()).spawn(body);
        spawned.map(drop).map_err(ScanError::Threads)
    };
    for _ in 0..settings.threads.max(1) {
        let worker = Worker { engine: Arc::clone(engine), settings: settings.clone() };
        let work = Arc::clone(&work);
        spawn("search", Box::new(move || worker.run(&work)))?;
    }
    // The reader must notice when all workers are gone.
    drop(work);
    spawn("read", Box::new(move || read::feed(input, &order, &batches)))?;
    write(&nexts, output, progress)
}

fn write(
    nexts: &Receiver<Next>,
    output: &mut dyn Write,
    progress: &mut dyn FnMut(usize),
) -> Result<(), ScanError> {
    loop {
        let next = match nexts.try_recv() {
            Ok(next) => next,
            Err(TryRecvError::Disconnected) => return output.flush().map_err(ScanError::Write),
            Err(TryRecvError::Empty) => {
                // Whoever sends line by line waits for what has been found so far.
                output.flush().map_err(ScanError::Write)?;
                let Ok(next) = nexts.recv() else { return Ok(()) };
                next
            }
        };
        let answer = match next {
            Next::Batch(first, answer) => answer.recv().map_err(|_| ScanError::BrokeOff(first))?,
            Next::Wrong(error) => {
                output.flush().map_err(ScanError::Write)?;
                return Err(error);
            }
        };
        output.write_all(&answer.lines).map_err(ScanError::Write)?;
        if let Some(error) = answer.wrong {
            output.flush().map_err(ScanError::Write)?;
            return Err(error);
        }
        progress(answer.held.bytes());
    }
}

struct Worker {
    engine: Arc<Engine>,
    settings: Settings,
}

#[derive(Serialize)]
struct Line<'l> {
    id: &'l RawValue,
    spans: Vec<Span<'l>>,
}

#[derive(Serialize)]
struct Span<'l> {
    #[serde(rename = "type")]
    entity: &'l str,
    start: usize,
    end: usize,
    score: f64,
}

impl Worker {
    fn run(&self, work: &Mutex<Receiver<Batch>>) {
        loop {
            let batch = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Batch { first, lines, held, answer }) = batch else { return };
            let (lines, wrong) = self.search(first, &lines);
            // The writer is gone only after a failure.
            let _ = answer.send(Answer { lines, wrong, held });
        }
    }

    fn search(&self, first: u64, lines: &[u8]) -> (Vec<u8>, Option<ScanError>) {
        let mut answers = Vec::new();
        for (line, number) in lines.split(|byte| *byte == b'\n').zip(first..) {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if let Err(what) = self.answer(line, &mut answers) {
                return (answers, Some(ScanError::Line { line: number, what }));
            }
        }
        (answers, None)
    }

    fn answer(&self, line: &[u8], answers: &mut Vec<u8>) -> Result<(), RecordError> {
        let record = Record::parse(line)?;
        let findings = self.engine.detect(&record.text, &self.settings.options);
        let spans = spans(&record.text, &findings, self.settings.unit);
        let line = serde_json::to_vec(&Line { id: record.id, spans });
        let unwritable = RecordError::Field { field: "id", problem: "cannot be written" };
        answers.append(&mut line.map_err(|_| unwritable)?);
        answers.push(b'\n');
        Ok(())
    }
}

fn spans<'l>(text: &str, findings: &'l [Finding], unit: Unit) -> Vec<Span<'l>> {
    let ranges: Vec<_> = findings.iter().map(|finding| finding.range.clone()).collect();
    let converted = offsets::convert(text, &ranges, unit);
    let span = |(finding, range): (&'l Finding, std::ops::Range<usize>)| Span {
        entity: finding.entity.as_str(),
        start: range.start,
        end: range.end,
        score: (f64::from(finding.score) * 1_000.0).round() / 1_000.0,
    };
    findings.iter().zip(converted).map(span).collect()
}
