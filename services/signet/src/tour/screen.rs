//! What the tour shows: aligned, at most 98 columns, coloured on a terminal only.

use std::fmt::Display;
use std::io::IsTerminal as _;
use std::time::Duration;

use console::terminal::say;

/// Where the text of a line begins, and how wide it may be.
const LABEL: usize = 14;
const TEXT: usize = 72;
/// Right of it: how long it took.
const TIME: usize = 9;

const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";
const RED: &str = "1;31";

/// The terminal, and what did not hold.
pub(super) struct Screen {
    coloured: bool,
    step: u32,
    broken: Vec<String>,
}

impl Screen {
    pub(super) fn of_terminal() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self::new(wanted && std::io::stdout().is_terminal())
    }

    fn new(coloured: bool) -> Self {
        Self { coloured, step: 0, broken: Vec::new() }
    }

    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) {
        self.step += 1;
        say("");
        say(self.paint(BOLD, &format!("{}  {title}", self.step)));
    }

    /// A heading without a number.
    pub(super) fn heading(&self, title: &str) {
        say("");
        say(self.paint(BOLD, title));
    }

    /// Something that happened: where, what, how long it took.
    pub(super) fn act(&self, place: &str, what: impl Display, took: Duration) {
        self.timed(place, what, &time(took));
    }

    /// Something that happened so long after the beginning.
    pub(super) fn at(&self, place: &str, what: impl Display, after: Duration) {
        self.timed(place, what, &format!("{:>TIME$}", format!("+{}", time(after).trim_start())));
    }

    fn timed(&self, place: &str, what: impl Display, time: &str) {
        let mut lines = wrapped(&what.to_string(), TEXT).into_iter();
        let first = lines.next().unwrap_or_default();
        say(format_args!("{}{first:TEXT$}{}", self.label(place), self.paint(DIM, time)));
        lines.for_each(|line| say(format_args!("{:1$}{line}", "", LABEL + 3)));
    }

    /// A remark: who could see what, or what is where.
    pub(super) fn note(&self, label: &str, what: impl Display) {
        for (index, line) in wrapped(&what.to_string(), TEXT + TIME).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            say(format_args!("{}{line}", self.label(label)));
        }
    }

    /// A line that is aligned within itself.
    pub(super) fn row(&self, label: &str, line: impl Display) {
        say(format_args!("{}{line}", self.label(label)));
    }

    /// A line as it is, too long or not: to be pasted.
    pub(super) fn paste(&self, line: impl Display) {
        say(format_args!("   {line}"));
    }

    /// The beginning of a text.
    pub(super) fn quote(&self, text: &str, lines: usize) {
        let all: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let cut = |line: &&str| line.chars().take(TEXT + TIME - 2).collect::<String>();
        for line in all.iter().take(lines) {
            say(format_args!(
                "{:1$}{2}",
                "",
                LABEL + 3,
                self.paint(DIM, &format!("| {}", cut(line)))
            ));
        }
        if all.len() > lines {
            let rest = format!("| … {} more lines", all.len() - lines);
            say(format_args!("{:1$}{2}", "", LABEL + 3, self.paint(DIM, &rest)));
        }
    }

    /// A claim that was checked by program, and whether it holds.
    pub(super) fn check(&mut self, claim: impl Display, holds: bool) {
        let (mark, colour) = if holds { ("holds", GREEN) } else { ("BROKEN", RED) };
        if !holds {
            self.broken.push(format!("step {}: {claim}", self.step));
        }
        for (index, line) in wrapped(&claim.to_string(), TEXT + TIME).into_iter().enumerate() {
            let label = if index == 0 { format!("{mark:LABEL$}") } else { " ".repeat(LABEL) };
            say(format_args!("   {}{line}", self.paint(colour, &label)));
        }
    }

    /// What did not hold, in the order of the steps.
    pub(super) fn broken(&self) -> &[String] {
        &self.broken
    }

    fn label(&self, label: &str) -> String {
        format!("   {}", self.paint(DIM, &format!("{label:LABEL$}")))
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.coloured { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// As a person reads it, right-aligned.
fn time(took: Duration) -> String {
    let millis = took.as_secs_f64() * 1_000.0;
    let text = if millis < 10.0 { format!("{millis:.1} ms") } else { format!("{millis:.0} ms") };
    format!("{text:>TIME$}")
}

/// Broken between words; a word longer than a line stays whole.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_nothing_is_lost() {
        let text = "one two three four five six seven eight nine ten ".repeat(9);
        let lines = wrapped(&text, TEXT);
        assert!(lines.iter().all(|line| line.chars().count() <= TEXT));
        assert_eq!(lines.join(" "), text.trim_end());
        assert_eq!(wrapped("", TEXT), [""]);
        assert_eq!(3 + LABEL + TEXT + TIME, 98);
    }

    #[test]
    fn times_are_honest_and_aligned() {
        assert_eq!(time(Duration::from_micros(1_234)), "   1.2 ms");
        assert_eq!(time(Duration::from_millis(1_500)), "  1500 ms");
    }

    #[test]
    fn what_breaks_is_kept_with_its_step() {
        let mut screen = Screen::new(false);
        screen.step("a");
        screen.check("this holds", true);
        assert!(screen.broken().is_empty());
        screen.step("b");
        screen.check("this does not", false);
        assert_eq!(screen.broken(), ["step 2: this does not"]);
    }

    #[test]
    fn colour_is_for_terminals() {
        assert_eq!(Screen::new(false).paint(RED, "x"), "x");
        assert_eq!(Screen::new(true).paint(RED, "x"), "\u{1b}[1;31mx\u{1b}[0m");
    }
}
