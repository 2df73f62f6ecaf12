//! Where patterns can begin at all: nine of ten places are passed over by one look in a table.

use regex_automata::util::syntax::{Config, parse_with};
use regex_syntax::hir::{Class, Hir, HirKind};

/// A set of bytes.
type Bytes = [bool; 256];

/// The pattern, and before it, where it always begins with a letter or digit, the start of a
/// word: nothing inside a word is ever a finding.
pub(crate) fn at_word_start(pattern: &str, config: Config) -> Result<String, String> {
    let hir = parse_with(pattern, &config).map_err(|error| error.to_string())?;
    Ok(if begins_with_word(&hir) {
        format!(r"\b{{start-half}}(?:{pattern})")
    } else {
        format!("(?:{pattern})")
    })
}

/// Where any of some patterns may begin, told by the byte there and the one before it.
pub(crate) struct Starts {
    /// By the byte before, 256 times: may a pattern begin with this one?
    after: Vec<bool>,
    /// At the start of a text.
    first: Bytes,
    /// Bytes of which a pattern may begin with a limited number.
    run: Bytes,
    /// The least of those limits.
    limit: usize,
}

impl Starts {
    pub(crate) fn new<'p>(
        patterns: impl Iterator<Item = &'p str>,
        config: Config,
    ) -> Result<Self, String> {
        let mut starts = Self {
            after: vec![false; 256 * 256],
            first: [false; 256],
            run: [false; 256],
            limit: usize::MAX,
        };
        for pattern in patterns {
            let hir = parse_with(pattern, &config).map_err(|error| error.to_string())?;
            starts.add(&hir);
        }
        Ok(starts)
    }

    fn add(&mut self, hir: &Hir) {
        let mut first = [false; 256];
        if first_bytes(hir, &mut first) {
            first = [true; 256];
        }
        let bound = begins_with_word(hir);
        let run = leading_run(hir).filter(|(_, most)| *most >= SHORTEST_RUN);
        if let Some((class, most)) = &run {
            self.limit = self.limit.min(*most);
            union(&mut self.run, class);
        }
        union(&mut self.first, &first);
        for before in 0_u8..=255 {
            let word = before.is_ascii_alphanumeric() || before == b'_';
            let inside = run.as_ref().is_some_and(|(class, _)| class[usize::from(before)]);
            if inside || bound && word {
                continue;
            }
            let row = usize::from(before) << 8;
            for (may, here) in self.after[row..row + 256].iter_mut().zip(&first) {
                *may |= here;
            }
        }
    }

    /// The first place from `at` on at which a pattern may begin.
    ///
    /// A pattern that begins with a run of characters is not tried inside of the run, since it has
    /// been at its start, unless the run is longer than what the pattern takes, or the search goes
    /// on at `at`, behind something that was found. And nothing begins with a letter or digit
    /// inside a word.
    /// `run_end` is where the run that was looked at last ends; 0 at the start of a text.
    pub(crate) fn next(&self, bytes: &[u8], at: usize, run_end: &mut usize) -> Option<usize> {
        let mut before = at.checked_sub(1).and_then(|before| bytes.get(before)).copied();
        for (place, byte) in bytes.iter().copied().enumerate().skip(at) {
            let here = usize::from(byte);
            let may = match before.replace(byte) {
                None => self.first[here],
                // Inside a character.
                Some(_) if byte & 0xc0 == 0x80 => false,
                // Inside a word.
                Some(before) if before.is_ascii_alphanumeric() && byte.is_ascii_alphanumeric() => {
                    false
                }
                Some(before) => {
                    let row = usize::from(before);
                    self.after[row << 8 | here]
                        || self.first[here]
                            && self.run[row]
                            && self.run[here]
                            && (place == at || self.is_long(bytes, place, run_end))
                }
            };
            if may {
                return Some(place);
            }
        }
        None
    }

    fn is_long(&self, bytes: &[u8], place: usize, run_end: &mut usize) -> bool {
        if *run_end <= place {
            let run = bytes[place..].iter().take_while(|byte| self.run[usize::from(**byte)]);
            *run_end = place + run.count();
        }
        *run_end - place >= self.limit
    }
}

/// Fewer than that is no run but the form of a key.
const SHORTEST_RUN: usize = 16;

fn union(into: &mut Bytes, other: &Bytes) {
    into.iter_mut().zip(other).for_each(|(into, other)| *into |= other);
}

/// Adds the bytes that a match can begin with; says whether it can be empty.
fn first_bytes(hir: &Hir, into: &mut Bytes) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => {
            literal.0.first().map(|byte| into[usize::from(*byte)] = true).is_none()
        }
        HirKind::Class(class) => {
            union(into, &bytes_of(class));
            false
        }
        HirKind::Repetition(repetition) => {
            first_bytes(&repetition.sub, into) || repetition.min == 0
        }
        HirKind::Capture(capture) => first_bytes(&capture.sub, into),
        HirKind::Concat(parts) => parts.iter().all(|part| first_bytes(part, into)),
        HirKind::Alternation(parts) => {
            // Of every part, also where the first one may be empty.
            let empty: Vec<bool> = parts.iter().map(|part| first_bytes(part, into)).collect();
            empty.contains(&true)
        }
    }
}

fn bytes_of(class: &Class) -> Bytes {
    let mut bytes = [false; 256];
    match class {
        Class::Bytes(class) => {
            for range in class.iter() {
                bytes[usize::from(range.start())..=usize::from(range.end())].fill(true);
            }
        }
        Class::Unicode(class) => {
            for range in class.iter() {
                let end = u8::try_from(range.end()).unwrap_or(u8::MAX);
                let start = u8::try_from(range.start()).unwrap_or(0x80).min(end);
                bytes[usize::from(start)..=usize::from(end)].fill(true);
                if !range.end().is_ascii() {
                    bytes[0x80..].fill(true);
                }
            }
        }
    }
    bytes
}

/// The class of bytes that a pattern begins with a number of, and the most that it takes of them.
fn leading_run(hir: &Hir) -> Option<(Bytes, usize)> {
    match hir.kind() {
        HirKind::Repetition(repetition) if repetition.min > 0 => match repetition.sub.kind() {
            HirKind::Class(class) => {
                let most = repetition.max.and_then(|most| usize::try_from(most).ok());
                Some((bytes_of(class), most.unwrap_or(usize::MAX)))
            }
            _ => leading_run(&repetition.sub),
        },
        HirKind::Capture(capture) => leading_run(&capture.sub),
        HirKind::Concat(parts) => leading_run(parts.first()?),
        _ => None,
    }
}

fn begins_with_word(hir: &Hir) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric();
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.first().is_some_and(|byte| word(*byte)),
        HirKind::Class(Class::Bytes(class)) => {
            class.iter().all(|range| (range.start()..=range.end()).all(word))
        }
        HirKind::Class(Class::Unicode(class)) => class.iter().all(|range| {
            range.end().is_ascii()
                && (range.start()..=range.end()).all(|c| c.is_ascii_alphanumeric())
        }),
        HirKind::Repetition(repetition) => repetition.min > 0 && begins_with_word(&repetition.sub),
        HirKind::Capture(capture) => begins_with_word(&capture.sub),
        HirKind::Concat(parts) => {
            // What may be left out, and what then comes first.
            let optional = |part: &&Hir| part.properties().minimum_len() == Some(0);
            let first = parts.iter().find(|part| !optional(part));
            parts.iter().take_while(optional).all(begins_when_there)
                && first.is_some_and(begins_with_word)
        }
        HirKind::Alternation(parts) => parts.iter().all(begins_with_word),
    }
}

/// Of something that may be empty: how it begins where it is not.
fn begins_when_there(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => begins_with_word(&repetition.sub),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::new().unicode(false).utf8(false)
    }

    #[test]
    fn only_what_always_begins_with_a_letter_or_digit() {
        for (pattern, bound) in [
            ("[0-9]{3}-x", true),
            ("(?i:ab|c)d", true),
            ("a?b", true),
            ("(?:[A-Z]{1,3} ?)?[0-9]", true),
            ("-?b", false),
            (r"\+[0-9]", false),
            ("a|-b", false),
            ("[a-z_]+", false),
        ] {
            let written = at_word_start(pattern, config()).unwrap();
            assert_eq!(written.starts_with(r"\b"), bound, "{pattern}");
        }
        assert!(at_word_start("(", config()).is_err());
    }

    fn places(patterns: &[&str], text: &str) -> Vec<usize> {
        let starts = Starts::new(patterns.iter().copied(), config()).unwrap();
        let (mut places, mut at, mut run_end) = (Vec::new(), 0, 0);
        while let Some(place) = starts.next(text.as_bytes(), at, &mut run_end) {
            places.push(place);
            at = place + 1;
        }
        places
    }

    #[test]
    fn a_pattern_is_tried_where_it_may_begin() {
        assert_eq!(places(&["[0-9]{3}"], "12 a3 4,56"), [0, 6, 8]);
        assert_eq!(places(&["-?[0-9]"], "1-2 -3"), [0, 1, 2, 4, 5]);
        assert_eq!(places(&["(?i:tel) ([0-9])", "x?@"], "Tel t x@"), [0, 4, 6, 7]);
        assert_eq!(places(&[r"[\x80-\xff]a"], "€äa"), [0, 3], "never inside a character");
    }

    #[test]
    fn a_run_is_tried_at_its_start_unless_it_is_too_long() {
        let run = "[a-z.]{1,20}@";
        assert_eq!(places(&[run], "anna.b.c@x"), [0, 9]);
        assert_eq!(places(&[run], &format!("{}@", "ab.".repeat(8))), [0, 2, 3]);
        assert_eq!(places(&["[a-z.]{3}Q"], "ab.cdQ"), [0, 2, 3], "a form, no run");
        let starts = Starts::new([run].into_iter(), config()).unwrap();
        assert_eq!(starts.next(b"a@b.c.d@x", 3, &mut 0), Some(3), "behind a finding");
        assert_eq!(starts.next(b"a@b.c.d@x", 2, &mut 0), Some(2));
    }
}
