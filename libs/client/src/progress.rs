//! How far a long work is: one line on standard error, while a person watches.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Less often than the eye can follow, and than it would cost anything.
const EVERY: Duration = Duration::from_millis(100);
/// What is done sooner needs no line.
const PATIENCE: Duration = Duration::from_millis(400);

/// Says nothing where standard error is no terminal.
pub struct Progress {
    what: &'static str,
    total: Option<u64>,
    done: u64,
    started: Instant,
    shown: Option<Instant>,
    watched: bool,
}

impl Progress {
    /// `total` in bytes, if it is known.
    pub fn new(what: &'static str, total: Option<u64>) -> Self {
        let (started, watched) = (Instant::now(), io::stderr().is_terminal());
        Self { what, total, done: 0, started, shown: None, watched }
    }

    pub fn add(&mut self, bytes: usize) {
        self.done += bytes as u64;
        if !self.watched || self.started.elapsed() < PATIENCE {
            return;
        }
        if self.shown.is_none_or(|shown| shown.elapsed() >= EVERY) {
            self.shown = Some(Instant::now());
            let line = line(self.what, self.done, self.total, self.started.elapsed());
            // Back to the line's start, over what was there; a terminal that is gone is no error.
            let _ = write!(io::stderr().lock(), "\r{line}\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "for the eye"
)]
fn line(what: &str, done: u64, total: Option<u64>, took: Duration) -> String {
    const WIDTH: u64 = 24;
    let rate = done as f64 / took.as_secs_f64().max(0.001);
    let speed = size(rate as u64);
    match total.filter(|total| *total > 0) {
        None => format!("{what} {}, {speed}/s", size(done)),
        Some(total) => {
            let filled = (done.min(total) as f64 / total as f64 * WIDTH as f64) as usize;
            let bar = format!("{}{}", "#".repeat(filled), "-".repeat(WIDTH as usize - filled));
            let percent = done.min(total) as f64 / total as f64 * 100.0;
            let left = total.saturating_sub(done) as f64 / rate.max(1.0);
            let (done, total) = (size(done), size(total));
            format!(
                "{what} [{bar}] {percent:3.0} %  {done} of {total}, {speed}/s, {left:.0} s left"
            )
        }
    }
}

/// Bytes for people.
#[allow(clippy::cast_precision_loss, reason = "for the eye")]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let (mut value, mut unit) = (bytes as f64 / 1_024.0, 0);
    while value >= 1_024.0 && unit + 1 < UNITS.len() {
        value /= 1_024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_how_fast_and_how_long() {
        let half = line("Sealing", 512 << 20, Some(1 << 30), Duration::from_secs(2));
        assert_eq!(
            half,
            "Sealing [############------------]  50 %  512.0 MiB of 1.0 GiB, 256.0 MiB/s, 2 s left"
        );
        let unknown = line("Opening", 100, None, Duration::from_secs(1));
        assert_eq!(unknown, "Opening 100 B, 100 B/s");
        assert!(line("Sealing", 9, Some(3), Duration::ZERO).contains("100 %"), "a file that grew");
    }

    #[test]
    fn sizes_are_for_people() {
        let cases = [(0, "0 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (u64::MAX, "16384.0 PiB")];
        for (bytes, shown) in cases {
            assert_eq!(size(bytes), shown);
        }
    }
}
