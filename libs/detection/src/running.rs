//! A text of any length that arrives in pieces, cut anywhere: searched window by window.
//!
//! Where a window ends depends on the text alone, so every way of cutting it gives the same
//! findings. A window ends where a paragraph, a line or a word does, never inside of a finding;
//! it is searched together with a little of what stands before and behind it. What is kept does
//! not grow with the text.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use pii::{Engine, EntityType, Finding, TooMuch};

use crate::wishes::Wishes;

/// Bytes of a window, at most.
const WINDOW: usize = 64 * 1024;
/// Bytes behind a window that are searched with it.
const AHEAD: usize = 4 * 1024;
/// Bytes before it, at most.
const BEHIND: usize = 512;
/// Bytes of what was found that later windows are searched for.
const REMEMBERED: usize = 64 * 1024;
/// Stands between what is remembered and the text: nothing repeats itself across it.
const APART: &str = "\n\0\n";

/// The bytes are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be UTF-8")]
pub struct NotUtf8;

/// A text on its way.
pub struct Running {
    wishes: Wishes,
    /// What stands before the next window, and what has arrived of it.
    text: String,
    behind: usize,
    bytes: Utf8,
    ended: bool,
    known: Known,
}

/// Text whose bytes arrive cut anywhere.
#[derive(Default)]
pub struct Utf8 {
    /// Bytes of a character that is not complete yet.
    partial: Vec<u8>,
}

impl Utf8 {
    /// The characters that are complete by now.
    ///
    /// # Errors
    /// When the bytes can be no part of a text.
    pub fn push(&mut self, piece: &[u8]) -> Result<String, NotUtf8> {
        self.partial.extend_from_slice(piece);
        let whole = match std::str::from_utf8(&self.partial) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_some() => return Err(NotUtf8),
            Err(error) => error.valid_up_to(),
        };
        let rest = self.partial.split_off(whole);
        let text = String::from_utf8(std::mem::replace(&mut self.partial, rest));
        text.map_err(|_| NotUtf8)
    }

    /// Nothing comes any more.
    ///
    /// # Errors
    /// When the last character is not complete.
    pub fn end(&self) -> Result<(), NotUtf8> {
        if self.partial.is_empty() { Ok(()) } else { Err(NotUtf8) }
    }
}

/// A part of the text. Together, in order, they are the text.
pub struct Part {
    pub text: String,
    /// Sorted, without overlaps, inside of the part.
    pub findings: Vec<Finding>,
}

impl Running {
    #[must_use]
    pub fn new(wishes: Wishes) -> Self {
        Self {
            wishes,
            text: String::new(),
            behind: 0,
            bytes: Utf8::default(),
            ended: false,
            known: Known::default(),
        }
    }

    /// Takes the next bytes, which may be cut inside a character.
    ///
    /// # Errors
    /// When they can be no part of a text.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), NotUtf8> {
        let text = self.bytes.push(piece)?;
        self.text.push_str(&text);
        Ok(())
    }

    /// Nothing comes any more.
    ///
    /// # Errors
    /// When the last character is not complete.
    pub fn end(&mut self) -> Result<(), NotUtf8> {
        self.ended = true;
        self.bytes.end()
    }

    /// Whether [`Self::next`] has something to give.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let pending = self.text.len() - self.behind;
        pending > WINDOW + AHEAD || (self.ended && pending > 0)
    }

    /// The next part, if enough of the text is there. `repeated` adds whatever repeats a finding,
    /// also one of an earlier part.
    ///
    /// # Errors
    /// When there is too much to be compared with the text.
    pub fn next(
        &mut self,
        engine: &Engine,
        least: &dyn Fn(&EntityType) -> Option<f32>,
        repeated: bool,
    ) -> Result<Option<Part>, TooMuch> {
        if !self.is_ready() {
            return Ok(None);
        }
        let last = self.text.len() - self.behind <= WINDOW + AHEAD;
        let end = if last { self.text.len() } else { self.behind + WINDOW + AHEAD };
        let view = &self.text[..self.text.floor_char_boundary(end)];
        let mut findings = self.wishes.detect(engine, view, least);
        if repeated {
            findings = self.known.repeated(engine, &self.wishes, view, findings)?;
        }
        let start = self.behind;
        let cut = if last { view.len() } else { cut(view, start, &findings) };
        findings.retain(|found| found.range.end > start && found.range.start < cut);
        for finding in &mut findings {
            let range = &finding.range;
            finding.range = range.start.max(start) - start..range.end - start;
        }
        let part = Part { text: view[start..cut].to_owned(), findings };
        if repeated {
            self.known.learn(engine, &part);
        }
        self.drop_until(cut);
        Ok(Some(part))
    }

    /// Keeps whole words of what stands before the next window.
    fn drop_until(&mut self, cut: usize) {
        let near = self.text.ceil_char_boundary(cut.saturating_sub(BEHIND));
        let kept = &self.text[near..cut];
        let from = if near == 0 {
            0
        } else {
            kept.find(char::is_whitespace).map_or(cut, |found| near + found)
        };
        self.text.drain(..from);
        self.behind = cut - from;
    }
}

/// Where a window ends that starts at `start`.
fn cut(view: &str, start: usize, findings: &[Finding]) -> usize {
    let near = view.floor_char_boundary(start + WINDOW / 2);
    let half = &view[near..view.floor_char_boundary(start + WINDOW)];
    let after = |mark: &str| half.rfind(mark).map(|at| at + mark.len());
    // Neither placeholders nor tokens hold one of these.
    let gap = |c: char| !c.is_ascii_alphanumeric() && !"_-:[]<>".contains(c);
    let blank = || half.char_indices().rfind(|(_, c)| gap(*c)).map(|(at, c)| at + c.len_utf8());
    let found = after("\n\n").or_else(|| after("\n")).or_else(|| after(". "));
    let cut = near + found.or_else(|| after(" ")).or_else(blank).unwrap_or(half.len());
    let over = |range: &&Range<usize>| range.start < cut && cut < range.end;
    match findings.iter().map(|finding| &finding.range).find(over) {
        Some(range) if range.start > start => range.start,
        Some(range) => range.end,
        None => cut,
    }
}

/// What was found in earlier parts.
#[derive(Default)]
struct Known {
    /// The originals, each with [`APART`] behind it, and where they stand.
    text: String,
    findings: Vec<Finding>,
    seen: HashSet<String>,
}

impl Known {
    fn repeated(
        &self,
        engine: &Engine,
        wishes: &Wishes,
        view: &str,
        findings: Vec<Finding>,
    ) -> Result<Vec<Finding>, TooMuch> {
        let skipped = self.text.len();
        let joined = format!("{}{view}", self.text);
        let mut all = self.findings.clone();
        all.extend(findings.into_iter().map(|finding| {
            let range = finding.range.start + skipped..finding.range.end + skipped;
            Finding { range, ..finding }
        }));
        let mut found = wishes.repeated(engine, &joined, all)?;
        found.retain(|finding| finding.range.end > skipped);
        for finding in &mut found {
            let range = &finding.range;
            finding.range = range.start.saturating_sub(skipped)..range.end - skipped;
        }
        Ok(found)
    }

    fn learn(&mut self, engine: &Engine, part: &Part) {
        for finding in part.findings.iter().filter(|found| !engine.is_common(&found.entity)) {
            let original = &part.text[finding.range.clone()];
            let room = REMEMBERED.saturating_sub(self.text.len());
            if original.len() + APART.len() > room || !self.seen.insert(original.to_owned()) {
                continue;
            }
            let start = self.text.len();
            self.text.push_str(original);
            let recognizer = Arc::clone(&finding.recognizer);
            let range = start..self.text.len();
            let (entity, score) = (finding.entity.clone(), finding.score);
            self.findings.push(Finding { entity, range, score, recognizer });
            self.text.push_str(APART);
        }
    }
}
