//! The filter of a list, after <https://google.aip.dev/160>: terms joined by AND.

use crypto::KeyUse;
use kernel::{Fault, Result};

use super::convert;
use crate::domain::{State, Term};

const LONGEST: usize = 1_024;
const MOST: usize = 8;

/// Also the entry for fuzzing: takes any text.
pub fn parse(text: &str) -> Result<Vec<Term>> {
    if text.len() > LONGEST {
        return Err(wrong("must be at most 1,024 bytes"));
    }
    let mut tokens = tokens(text)?.into_iter();
    let mut terms = Vec::new();
    let Some(mut field) = tokens.next() else { return Ok(terms) };
    loop {
        let (equals, value) = (tokens.next(), tokens.next());
        let (Some(Token::Equals), Some(Token::Text(value))) = (equals, value) else {
            return Err(wrong("must be terms `FIELD = VALUE` joined by AND"));
        };
        terms.push(term(&field, value)?);
        if terms.len() > MOST {
            return Err(wrong("must have at most 8 terms"));
        }
        match (tokens.next(), tokens.next()) {
            (None, _) => return Ok(terms),
            (Some(Token::Text(word)), Some(next)) if word == "AND" => field = next,
            _ => return Err(wrong("must be terms `FIELD = VALUE` joined by AND")),
        }
    }
}

#[derive(PartialEq)]
enum Token {
    Equals,
    Text(String),
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '=' => (Token::Equals, &rest[1..]),
            '"' => {
                let (value, after) =
                    rest[1..].split_once('"').ok_or_else(|| wrong("has an open quote"))?;
                if value.contains('\\') {
                    return Err(wrong("must have no backslash in quotes"));
                }
                (Token::Text(value.to_owned()), after)
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || c == '=' || c == '"';
                let (value, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
                (Token::Text(value.to_owned()), after)
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn term(field: &Token, value: String) -> Result<Term> {
    let Token::Text(field) = field else {
        return Err(wrong("must be terms `FIELD = VALUE` joined by AND"));
    };
    let known = |term: Option<Term>| {
        term.ok_or_else(|| wrong(format!("has an unknown value for `{}`", fixed(field))))
    };
    match field.as_str() {
        "purpose" => known(match value.as_str() {
            "SEAL" => Some(Term::Use(KeyUse::Seal)),
            "SIGN" => Some(Term::Use(KeyUse::Sign)),
            _ => None,
        }),
        "algorithm" => known(convert::algorithm_named(&value).map(Term::Algorithm)),
        "state" => known(
            State::from_word(&value.to_ascii_lowercase())
                .filter(|_| !value.contains(|c: char| c.is_ascii_lowercase()))
                .map(Term::State),
        ),
        "registered" => known(value.parse().ok().map(Term::Registered)),
        "owner" => Ok(Term::Owner(value)),
        _ => match field.strip_prefix("labels.") {
            Some(key) if !key.is_empty() => Ok(Term::Label(key.to_owned(), value)),
            _ => Err(wrong("must name purpose, algorithm, state, owner, registered or labels.KEY")),
        },
    }
}

/// The name of a field that is known: never what somebody has sent.
fn fixed(field: &str) -> &'static str {
    ["purpose", "algorithm", "state", "registered"]
        .into_iter()
        .find(|known| *known == field)
        .unwrap_or("it")
}

fn wrong(what: impl Into<String>) -> Fault {
    Fault::invalid("filter", what)
}

#[cfg(test)]
mod tests {
    use crypto::KeyAlgorithm;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn terms_are_read() {
        let terms = parse(
            r#" purpose=SIGN AND algorithm = EDDSA_ED25519 AND state = DECRYPT_ONLY
            AND labels.team = "blue AND green" AND owner="" AND registered = false"#,
        );
        let label = Term::Label("team".into(), "blue AND green".into());
        assert_eq!(
            terms.unwrap(),
            [
                Term::Use(KeyUse::Sign),
                Term::Algorithm(KeyAlgorithm::Ed25519),
                Term::State(State::DecryptOnly),
                label,
                Term::Owner(String::new()),
                Term::Registered(false),
            ]
        );
        assert_eq!(parse("  ").unwrap(), []);
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in [
            "purpose",
            "purpose =",
            "= SIGN",
            "purpose = SIGN AND",
            "purpose = SIGN purpose = SEAL",
            "purpose = SIGN OR purpose = SEAL",
            "purpose = sign",
            "state = enabled",
            "state = \"",
            "labels. = x",
            "color = red",
            "algorithm = ROT13",
            "algorithm = UNSPECIFIED",
            "registered = yes",
            "owner = \"a\\\"",
            &"x".repeat(1_025),
            &["registered = true"; 9].join(" AND "),
        ] {
            let fault = parse(text).unwrap_err();
            assert_eq!(fault.violations()[0].field, "filter", "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "[a-zA-Z.= \"\\\\äAND]{0,80}") {
            if let Ok(terms) = parse(&text) {
                prop_assert!(terms.len() <= MOST);
            }
        }

        #[test]
        fn a_quoted_value_arrives_whole(key in "[a-z0-9_.-]{1,20}", value in "[^\"\\\\]{0,40}") {
            let terms = parse(&format!("labels.{key} = \"{value}\"")).unwrap();
            prop_assert_eq!(terms, [Term::Label(key, value)]);
        }
    }
}
