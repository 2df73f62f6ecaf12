//! Operators and their parameters in a document.

use super::PolicyError;
use super::section::Section;
use crate::bucket::Bucket;
use crate::generalize::Generalize;
use crate::hash::{self, Hash};
use crate::mask::Mask;
use crate::operator::{Operator, Otherwise};

/// Characters of a fixed replacement.
const LONGEST_TEXT: usize = 200;
/// Ten years: more would move a child's dates before its birth.
const MOST_DAYS: u32 = 3650;
const DEFAULT_DAYS: u32 = 365;
const MOST_KEPT: usize = 32;
const MOST_WIDTH: u64 = 1_000_000_000;
const OLDEST: u32 = 200;
/// Ten years: who needs longer says nothing.
const LONGEST_TTL: u32 = 315_360_000;

/// The operator that a table names, with its parameters; other fields are left for others.
pub(super) fn operator(section: &mut Section) -> Result<Operator, PolicyError> {
    let name = section.text("operator")?.ok_or_else(|| section.missing("operator"))?;
    Ok(match name.as_str() {
        "keep" => Operator::Keep,
        "placeholder" => Operator::Placeholder,
        "redact" => Operator::Redact,
        "replace" => Operator::Replace { with: replacement(section)? },
        "mask" => Operator::Mask(mask(section)?),
        "hash" => Operator::Hash(hash(section)?),
        "encrypt" => Operator::Encrypt,
        "tokenize" => {
            Operator::Tokenize { ttl_seconds: section.whole("ttl_seconds", 1..=LONGEST_TTL)? }
        }
        "format_preserving" => Operator::FormatPreserving,
        "date_shift" => {
            let days = section.whole("days", 1..=MOST_DAYS)?.unwrap_or(DEFAULT_DAYS);
            Operator::DateShift { days }
        }
        "bucket" => Operator::Bucket(bucket(section)?),
        "generalize" => Operator::Generalize(generalize(section)?),
        "surrogate" => Operator::Surrogate,
        _ => return Err(PolicyError::UnknownOperator { path: section.path("operator") }),
    })
}

/// What is done with values that an operator does not fit: the table `otherwise`, where the
/// operator `refuse` is known too.
pub(super) fn otherwise(section: &mut Section, of: &Operator) -> Result<Otherwise, PolicyError> {
    let path = section.path("otherwise");
    let Some(mut table) = section.table("otherwise")? else { return Ok(of.otherwise()) };
    if of.fits_all() {
        return Err(PolicyError::UnknownField { path });
    }
    if table.peek("operator") == Some("refuse") {
        table.text("operator")?;
        table.finish()?;
        return Ok(Otherwise::Refuse);
    }
    let other = operator(&mut table)?;
    if !other.fits_all() {
        let expected = "refuse or an operator that fits every value".to_owned();
        return Err(table.range("operator", expected));
    }
    table.finish()?;
    Ok(Otherwise::Use(other))
}

fn replacement(section: &mut Section) -> Result<Option<String>, PolicyError> {
    let with = section.text("with")?;
    if with.as_ref().is_some_and(|with| with.chars().count() > LONGEST_TEXT) {
        return Err(section.range("with", format!("of at most {LONGEST_TEXT} characters")));
    }
    Ok(with)
}

fn mask(section: &mut Section) -> Result<Mask, PolicyError> {
    let mut mask = Mask::default();
    if let Some(with) = section.text("with")? {
        let mut letters = with.chars();
        mask.with = match (letters.next(), letters.next()) {
            (Some(with), None) if !with.is_control() => with,
            _ => return Err(section.range("with", "one character".to_owned())),
        };
    }
    mask.keep_first = section.whole("keep_first", 0..=MOST_KEPT)?.unwrap_or(mask.keep_first);
    mask.keep_last = section.whole("keep_last", 0..=MOST_KEPT)?;
    mask.keep_domain = section.flag("keep_domain")?.unwrap_or(mask.keep_domain);
    Ok(mask)
}

fn hash(section: &mut Section) -> Result<Hash, PolicyError> {
    let usual = Hash::default();
    Ok(Hash {
        length: section.whole("length", hash::SHORTEST..=hash::LONGEST)?.unwrap_or(usual.length),
        bare: section.flag("bare")?.unwrap_or(usual.bare),
    })
}

fn bucket(section: &mut Section) -> Result<Bucket, PolicyError> {
    let bucket = Bucket {
        width: section.whole("width", 2..=MOST_WIDTH)?,
        top: section.whole("top", 1..=MOST_WIDTH)?,
        bottom: section.whole("bottom", 1..=MOST_WIDTH)?,
    };
    if bucket.width.or(bucket.top).or(bucket.bottom).is_none() {
        return Err(section.missing("width"));
    }
    match (bucket.bottom, bucket.top) {
        (Some(bottom), Some(top)) if bottom >= top => {
            Err(section.range("bottom", "less than top".to_owned()))
        }
        _ => Ok(bucket),
    }
}

fn generalize(section: &mut Section) -> Result<Generalize, PolicyError> {
    let to = section.text("to")?.ok_or_else(|| section.missing("to"))?;
    Ok(match to.as_str() {
        "year" => Generalize::Year { max_age: section.whole("max_age", 1..=OLDEST)? },
        "month" => Generalize::Month,
        "prefix" => Generalize::Prefix {
            keep: section.whole("keep", 1..=MOST_KEPT)?.unwrap_or(3),
            restricted_zip: section.flag("restricted_zip")?.unwrap_or(false),
        },
        "network" => Generalize::Network {
            v4: section.whole("v4", 0..=31)?.unwrap_or(24),
            v6: section.whole("v6", 0..=127)?.unwrap_or(48),
        },
        "coordinates" => {
            Generalize::Coordinates { places: section.whole("places", 0..=6)?.unwrap_or(1) }
        }
        _ => {
            let expected = "year, month, prefix, network or coordinates".to_owned();
            return Err(section.range("to", expected));
        }
    })
}
