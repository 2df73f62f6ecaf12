//! Where a pattern can begin at all.

use regex_automata::util::syntax::{Config, parse_with};
use regex_syntax::hir::{Class, Hir, HirKind};

/// The pattern, and before it, where it always begins with a letter or digit, the start of a
/// word: nothing inside a word is ever a finding, and a search that may start at every digit of a
/// long number has many more states than one that starts where the number does.
pub(crate) fn at_word_start(pattern: &str, config: Config) -> Result<String, String> {
    let hir = parse_with(pattern, &config).map_err(|error| error.to_string())?;
    Ok(if begins_with_word(&hir) {
        format!(r"\b{{start-half}}(?:{pattern})")
    } else {
        format!("(?:{pattern})")
    })
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

    #[test]
    fn only_what_always_begins_with_a_letter_or_digit() {
        let config = || Config::new().unicode(false).utf8(false);
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
}
