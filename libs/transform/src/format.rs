//! Format-preserving encryption of values: letters and digits change, what groups them stays.

use crate::error::{Failure, Unfit};
use crate::ff1::Ff1;

/// SP 800-38G rev. 1, section 5.1: smaller domains can be guessed through.
const SMALLEST_DOMAIN: u64 = 1_000_000;
/// The arithmetic grows with the square of the length; identifiers are far shorter.
const LONGEST: usize = 128;

const DIGITS: &[u8] = b"0123456789";
const UPPER: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const BOTH: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[derive(Clone, Copy)]
enum Direction {
    Encrypt,
    Decrypt,
}

/// Encrypts a value of at least 6 digits, or 4 letters and digits.
pub(crate) fn encrypt(ff1: &Ff1, entity: &str, value: &str) -> Result<String, Failure> {
    walk(ff1, entity, value, Direction::Encrypt)
}

/// Undoes [`encrypt`].
pub(crate) fn decrypt(ff1: &Ff1, entity: &str, value: &str) -> Result<String, Failure> {
    walk(ff1, entity, value, Direction::Decrypt)
}

/// The smallest alphabet that holds every letter and digit of the value. The result must have
/// the same one, or it could not be told on the way back: results of a smaller alphabet are
/// encrypted once more until one has it (cycle walking; a few per cent need a second turn).
fn walk(ff1: &Ff1, entity: &str, value: &str, to: Direction) -> Result<String, Failure> {
    let wanted: Vec<u8> = value
        .chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| u8::try_from(c).ok().filter(u8::is_ascii_alphanumeric))
        .collect::<Option<_>>()
        .ok_or(Unfit::Alphabet)?;
    let alphabet = alphabet(&wanted);
    let radix = u32::try_from(alphabet.len()).unwrap_or(u32::MAX);
    if wanted.len() > LONGEST {
        return Err(Unfit::TooLong.into());
    }
    let domain = (0..wanted.len()).fold(1_u64, |all, _| all.saturating_mul(radix.into()));
    if domain < SMALLEST_DOMAIN {
        return Err(Unfit::TooSmall.into());
    }
    let mut numerals: Vec<u8> = wanted
        .iter()
        .filter_map(|byte| alphabet.iter().position(|known| known == byte))
        .filter_map(|place| u8::try_from(place).ok())
        .collect();
    let tweak = [entity.as_bytes(), &[0], alphabet].concat();
    loop {
        numerals = match to {
            Direction::Encrypt => ff1.encrypt(radix, &tweak, &numerals)?,
            Direction::Decrypt => ff1.decrypt(radix, &tweak, &numerals)?,
        };
        let found: Vec<u8> = numerals
            .iter()
            .filter_map(|numeral| alphabet.get(usize::from(*numeral)))
            .copied()
            .collect();
        if self::alphabet(&found) == alphabet {
            return Ok(fill(value, &found));
        }
    }
}

fn alphabet(bytes: &[u8]) -> &'static [u8] {
    let upper = bytes.iter().any(u8::is_ascii_uppercase);
    let lower = bytes.iter().any(u8::is_ascii_lowercase);
    match (upper, lower) {
        (false, false) => DIGITS,
        (true, false) => UPPER,
        (false, true) => LOWER,
        (true, true) => BOTH,
    }
}

/// A value with other letters and digits in the places of its own.
pub(crate) fn fill(value: &str, with: &[u8]) -> String {
    let mut with = with.iter().copied().map(char::from);
    value.chars().map(|c| if c.is_alphanumeric() { with.next().unwrap_or(c) } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ff1(key: u8) -> Ff1 {
        Ff1::new(&[key; 32]).unwrap()
    }

    #[test]
    fn what_groups_a_value_stays() {
        let sealed = encrypt(&ff1(1), "CREDIT_CARD", "4111 1111-1111 1111").unwrap();
        assert_eq!((sealed.len(), &sealed[4..5], &sealed[9..10]), (19, " ", "-"));
        assert_ne!(sealed, "4111 1111-1111 1111");
        assert_ne!(sealed, encrypt(&ff1(1), "ID_NUMBER", "4111 1111-1111 1111").unwrap());
        assert_ne!(sealed, encrypt(&ff1(2), "CREDIT_CARD", "4111 1111-1111 1111").unwrap());
    }

    #[test]
    fn small_domains_and_foreign_letters_are_refused() {
        let failed = |value: &str| encrypt(&ff1(1), "ID_NUMBER", value).err();
        assert_eq!(failed("12-345"), Some(Unfit::TooSmall.into()));
        assert_eq!(failed("123-456"), None);
        assert_eq!(failed("A12"), Some(Unfit::TooSmall.into()));
        assert_eq!(failed("A123"), None);
        assert_eq!(failed("aB1"), Some(Unfit::TooSmall.into()));
        assert_eq!(failed(""), Some(Unfit::TooSmall.into()));
        assert_eq!(failed("４１１１１１１１"), Some(Unfit::Alphabet.into()));
        assert_eq!(failed("Müller12345"), Some(Unfit::Alphabet.into()));
        assert_eq!(failed(&"1".repeat(LONGEST + 1)), Some(Unfit::TooLong.into()));
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value in "[0-9A-Za-z]{0,4}[-0-9A-Za-z ./]{0,24}", key: u8) {
            let ff1 = ff1(key);
            if let Ok(sealed) = encrypt(&ff1, "ID_NUMBER", &value) {
                prop_assert_eq!(decrypt(&ff1, "ID_NUMBER", &sealed).unwrap(), value.clone());
                let shape = |text: &str| {
                    text.chars().map(|c| if c.is_alphanumeric() { 'x' } else { c }).collect::<String>()
                };
                prop_assert_eq!(shape(&sealed), shape(&value));
            }
        }

        #[test]
        fn the_alphabet_stays(value in "[0-9]{0,3}[A-Z][0-9]{3,6}|[a-z0-9]{5}[A-Z]") {
            let sealed = encrypt(&ff1(9), "ID_NUMBER", &value).unwrap();
            prop_assert_eq!(alphabet(sealed.as_bytes()), alphabet(value.as_bytes()));
        }
    }
}
