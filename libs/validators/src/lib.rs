//! Checks behind a pattern: checksums, ranges, structure. A recognizer names one in its file.
//!
//! A file a region; each function names where its rule is published. All of them get the
//! normalized text of a match and must stand any text, since ad-hoc patterns use them too.

mod asia;
mod britain;
mod checksum;
mod crypto;
mod dach;
mod generic;
mod latin_america;
mod network;
mod nordic;
mod north_america;
mod parts;
mod poland;
mod secrets;
mod south_europe;
mod southern;
mod west_europe;

/// Says whether a match is what its pattern means. Gets the normalized text of the match.
pub type Validator = fn(&str) -> bool;

type Table = &'static [(&'static str, Validator)];

const TABLES: &[Table] = &[
    generic::TABLE,
    network::TABLE,
    secrets::TABLE,
    crypto::TABLE,
    north_america::TABLE,
    britain::TABLE,
    dach::TABLE,
    west_europe::TABLE,
    south_europe::TABLE,
    nordic::TABLE,
    poland::TABLE,
    asia::TABLE,
    southern::TABLE,
    latin_america::TABLE,
];

/// The validator that a recognizer file may name so.
pub fn by_name(name: &str) -> Option<Validator> {
    names_and_validators().find(|(known, _)| *known == name).map(|(_, validator)| validator)
}

fn names_and_validators() -> impl Iterator<Item = (&'static str, Validator)> {
    TABLES.iter().flat_map(|table| table.iter().copied())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_stands_once() {
        let mut seen = HashSet::new();
        for (name, _) in names_and_validators() {
            assert!(seen.insert(name), "{name}");
        }
        assert!(by_name("no_such_check").is_none());
    }

    #[test]
    fn no_text_makes_a_validator_panic() {
        let long = "9".repeat(300);
        let texts = [
            "",
            "ü",
            "1",
            "A",
            "00000000000000",
            "ÜÜÜÜÜÜÜÜÜÜÜ",
            "----",
            "é1é2é3é4é5",
            long.as_str(),
        ];
        for (name, validator) in names_and_validators() {
            for text in texts {
                let _ = validator(text);
            }
            assert!(!validator(""), "{name} takes an empty text");
        }
    }
}
