//! Surrogates: the same subject has the same plausible stand-in, which belongs to nobody.
//!
//! What is made up comes from ranges that are kept free for it where there are such: domains of
//! RFC 2606, addresses of RFC 5737 and RFC 3849, telephone numbers for films, card numbers for
//! tests, bank codes and social security areas that are not given out. Two subjects may share a
//! stand-in: what is to be joined needs a hash.

mod names;
mod numbers;
mod phone;

use pii::normalize_subject;

use crate::dates::{self, Written};
use crate::error::Unfit;
use crate::keys::{Draw, Keys};

/// A stand-in that happens to be the original is drawn anew, this many times.
const ATTEMPTS: usize = 32;
/// Dates move by at most five years.
const DATE_BOUND: u32 = 1826;
/// Of fewer letters and digits there are too few stand-ins.
const SHORTEST: usize = 4;

type Maker = fn(&mut Draw<'_>, &Value<'_>) -> Result<String, Unfit>;

/// What a stand-in is made for.
struct Value<'a> {
    keys: &'a Keys,
    original: &'a str,
}

/// The stand-in of a value. `types` are its type and the parents of that, nearest first.
pub(crate) fn surrogate(keys: &Keys, types: &[&str], original: &str) -> Result<String, Unfit> {
    let (family, maker) =
        types.iter().find_map(|name| maker(name)).unwrap_or(("SHAPE", numbers::shaped));
    let subject = normalize_subject(original);
    for attempt in 0..ATTEMPTS {
        let mut draw = Draw::new(&keys.surrogate, family, &format!("{attempt}:{subject}"));
        let made = maker(&mut draw, &Value { keys, original })?;
        if normalize_subject(&made) != subject {
            return Ok(made);
        }
    }
    Err(Unfit::NoSurrogate)
}

fn maker(entity: &str) -> Option<(&'static str, Maker)> {
    let (family, maker): (_, Maker) = match entity {
        "PERSON" => ("PERSON", names::person),
        "ORGANIZATION" => ("ORGANIZATION", names::organization),
        "EMAIL_ADDRESS" => ("EMAIL_ADDRESS", names::email),
        "PHONE_NUMBER" => ("PHONE_NUMBER", phone::phone),
        "CREDIT_CARD" => ("CREDIT_CARD", numbers::card),
        "IBAN_CODE" => ("IBAN_CODE", numbers::iban),
        "US_SSN" => ("US_SSN", numbers::ssn),
        "IP_ADDRESS" => ("IP_ADDRESS", numbers::ip),
        "URL" => ("URL", numbers::url),
        "DATE_TIME" => ("DATE_TIME", date),
        "LOCATION" => ("LOCATION", |_, _| Err(Unfit::NoSurrogate)),
        _ => return None,
    };
    Some((family, maker))
}

/// Another day, by the date alone: for dates that have to keep their distance there is the
/// operator that shifts them by subject.
fn date(draw: &mut Draw<'_>, value: &Value<'_>) -> Result<String, Unfit> {
    let subject = format!("surrogate {}", draw.below(usize::MAX));
    let days = dates::days(value.keys, &subject, DATE_BOUND);
    Written::parse(value.original)?.shifted(days)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(types: &[&str], original: &str) -> String {
        surrogate(&Keys::derive(&[1; 32], "t"), types, original).unwrap_or_else(|_| "-".to_owned())
    }

    #[test]
    fn a_subject_has_one_stand_in_in_each_tenant() {
        for (entity, one, other) in [
            ("PERSON", "Anna Weber", "ANNA WEBER"),
            ("CREDIT_CARD", "4111 1111 1111 1111", "4111-1111-1111-1111"),
            ("US_SSN", "536-22-8765", "536 22 8765"),
        ] {
            let (one, other) = (made(&[entity], one), made(&[entity], other));
            assert_eq!(normalize_subject(&one), normalize_subject(&other), "{entity}");
        }
        let second = Keys::derive(&[2; 32], "t");
        let names = ["Anna Weber", "Jonas Brandt", "Margaret Thompson", "Priya Sharma"];
        assert!(names.iter().any(|name| {
            surrogate(&second, &["PERSON"], name).unwrap() != made(&["PERSON"], name)
        }));
    }

    #[test]
    fn a_child_is_made_as_its_parent_is() {
        assert_ne!(made(&["DATE_OF_BIRTH", "DATE_TIME"], "04.05.1961"), "-");
        assert_eq!(made(&["STREET_ADDRESS", "LOCATION"], "12 Elm Street"), "-");
        assert_eq!(made(&["ID_NUMBER"], "abc"), "-");
    }

    #[test]
    fn dates_keep_their_form() {
        let moved = made(&["DATE_TIME"], "March 17, 2024");
        assert!(Written::parse(&moved).is_ok() && moved != "March 17, 2024", "{moved}");
    }

    proptest! {
        #[test]
        fn never_the_original(
            entity in prop::sample::select(vec![
                "PERSON", "ORGANIZATION", "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD",
                "IBAN_CODE", "US_SSN", "IP_ADDRESS", "URL", "DATE_TIME", "ID_NUMBER",
            ]),
            original in "\\PC{0,24}|[0-9 +./-]{0,24}|[A-Z][a-z]{1,8} [A-Z][a-z]{1,8}",
            secret: u8,
        ) {
            let keys = Keys::derive(&[secret; 32], "t");
            if let Ok(made) = surrogate(&keys, &[entity], &original) {
                prop_assert_ne!(normalize_subject(&made), normalize_subject(&original));
                prop_assert_eq!(surrogate(&keys, &[entity], &original).unwrap(), made);
            }
        }
    }
}
