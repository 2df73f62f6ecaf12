//! How far a long work is: one line on standard error, while a person watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

const BYTES: &str =
    "{msg} [{bar:24}] {percent:>3} %  {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
const BYTES_OF_UNKNOWN: &str = "{msg} {bytes}, {bytes_per_sec}";
const ITEMS: &str = "{msg} [{bar:24}] {pos} of {len}, {elapsed}";

/// Says nothing where standard error is no terminal. Its line goes when it is dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// `total` in bytes, if it is known.
    pub fn bytes(what: &'static str, total: Option<u64>) -> Self {
        let template = if total.is_some() { BYTES } else { BYTES_OF_UNKNOWN };
        Self::new(total, template).says(what)
    }

    /// Of things that are counted as they come; see [`Self::at`].
    pub fn items() -> Self {
        Self::new(Some(0), ITEMS)
    }

    fn new(total: Option<u64>, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(bar.with_style(style.progress_chars("##-")).with_finish(ProgressFinish::AndClear))
    }

    fn says(self, what: &'static str) -> Self {
        self.0.set_message(what);
        self
    }

    pub fn add(&self, bytes: usize) {
        self.0.inc(bytes as u64);
    }

    /// `done` of `all`, and what is waited for.
    pub fn at(&self, done: u64, all: u64, what: String) {
        self.0.set_length(all);
        self.0.set_position(done);
        self.0.set_message(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_can_be_drawn() {
        for template in [BYTES, BYTES_OF_UNKNOWN, ITEMS] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn what_was_done_is_counted() {
        let bytes = Progress::bytes("Sealing", Some(9));
        bytes.add(4);
        bytes.add(3);
        assert_eq!((bytes.0.position(), bytes.0.length()), (7, Some(9)));
        let items = Progress::items();
        items.at(3, 4, "running: storage".to_owned());
        assert_eq!((items.0.position(), items.0.length()), (3, Some(4)));
        assert_eq!(items.0.message(), "running: storage");
    }
}
