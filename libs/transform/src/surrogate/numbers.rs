//! Numbers with check digits, and everything that is mostly digits.

use std::net::IpAddr;

use super::{SHORTEST, Value};
use crate::error::Unfit;
use crate::format::fill;
use crate::keys::Draw;

/// What card numbers begin with, and what the numbers that the brands publish for tests begin
/// with instead.
const BRANDS: &[(&str, &str)] = &[
    ("34", "378282"),
    ("37", "378282"),
    ("30", "305693"),
    ("36", "305693"),
    ("38", "305693"),
    ("39", "305693"),
    ("35", "353011"),
    ("2", "222300"),
    ("4", "411111"),
    ("51", "555555"),
    ("52", "555555"),
    ("53", "555555"),
    ("54", "555555"),
    ("55", "555555"),
    ("62", "620000"),
    ("6011", "601111"),
    ("64", "601111"),
    ("65", "601111"),
];
const OTHER_BRAND: &str = "630400";
const CARD_LENGTHS: std::ops::RangeInclusive<usize> = 12..=19;

/// Countries and how many characters of their account number name the bank: zeros, and X for
/// letters, name none there.
const BANK_CODES: &[(&str, usize)] = &[
    ("AT", 5),
    ("CH", 5),
    ("DE", 8),
    ("DK", 4),
    ("ES", 4),
    ("FR", 5),
    ("GB", 4),
    ("IE", 4),
    ("IT", 6),
    ("LI", 5),
    ("LU", 3),
    ("MC", 5),
    ("NL", 4),
    ("NO", 4),
    ("PL", 8),
    ("PT", 4),
    ("SE", 3),
    ("SM", 6),
    ("TR", 5),
];
const ACCOUNT_DIGITS: usize = 10;

fn alphanumeric(text: &str) -> Vec<u8> {
    text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase()).collect()
}

/// Only ASCII is filled in place; anything else would be left standing.
fn plain(value: &Value<'_>) -> Result<(), Unfit> {
    let foreign = |c: char| c.is_alphanumeric() && !c.is_ascii();
    if value.original.contains(foreign) { Err(Unfit::NoSurrogate) } else { Ok(()) }
}

pub(super) fn card(draw: &mut Draw<'_>, value: &Value<'_>) -> Result<String, Unfit> {
    plain(value)?;
    let number = alphanumeric(value.original);
    if !number.iter().all(u8::is_ascii_digit) || !CARD_LENGTHS.contains(&number.len()) {
        return Err(Unfit::NoSurrogate);
    }
    let brand = BRANDS.iter().find(|(start, _)| number.starts_with(start.as_bytes()));
    let mut made = brand.map_or(OTHER_BRAND, |(_, test)| test).to_owned();
    while made.len() + 1 < number.len() {
        made.push(draw.digit());
    }
    made.push(luhn(&made));
    Ok(fill(value.original, made.as_bytes()))
}

/// The digit that makes the sum a multiple of ten (ISO/IEC 7812-1, annex B).
fn luhn(number: &str) -> char {
    let sum: u32 = number
        .bytes()
        .rev()
        .map(|byte| u32::from(byte.wrapping_sub(b'0')))
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit) {
            (0, digit) if digit > 4 => digit * 2 - 9,
            (0, digit) => digit * 2,
            (_, digit) => digit,
        })
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

pub(super) fn iban(draw: &mut Draw<'_>, value: &Value<'_>) -> Result<String, Unfit> {
    plain(value)?;
    let number = alphanumeric(value.original);
    let country = number.get(..2).and_then(|code| std::str::from_utf8(code).ok());
    let bank = BANK_CODES.iter().find(|(code, _)| Some(*code) == country);
    let Some((country, bank)) = bank.filter(|_| number.len() > 12) else {
        let mut account = "0".repeat(8);
        (0..ACCOUNT_DIGITS).for_each(|_| account.push(draw.digit()));
        return Ok(checked("DE", &account));
    };
    let mut account = String::with_capacity(number.len());
    for (place, byte) in number.iter().skip(4).enumerate() {
        account.push(match (byte.is_ascii_digit(), place < *bank) {
            (true, true) => '0',
            (false, true) => 'X',
            (true, false) => draw.digit(),
            (false, false) => letter(draw),
        });
    }
    Ok(fill(value.original, checked(country, &account).as_bytes()))
}

/// An IBAN with the check digits of ISO/IEC 7064, mod 97-10.
fn checked(country: &str, account: &str) -> String {
    let rest = format!("{account}{country}00").bytes().fold(0_u32, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte.wrapping_sub(b'A')) + 10) % 97,
    });
    format!("{country}{:02}{account}", 98 - rest)
}

fn letter(draw: &mut Draw<'_>) -> char {
    char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[draw.below(26)])
}

/// Areas from 900 are never given out; groups below 50 are none of a taxpayer number (ITIN),
/// which begins with 9 too.
pub(super) fn ssn(draw: &mut Draw<'_>, value: &Value<'_>) -> Result<String, Unfit> {
    plain(value)?;
    if alphanumeric(value.original).len() != 9 {
        return Err(Unfit::NoSurrogate);
    }
    let (area, group) = (900 + draw.below(100), 1 + draw.below(49));
    let made = format!("{area}{group:02}{:04}", 1 + draw.below(9999));
    Ok(fill(value.original, made.as_bytes()))
}

/// Documentation addresses: RFC 5737 and RFC 3849.
pub(super) fn ip(draw: &mut Draw<'_>, value: &Value<'_>) -> Result<String, Unfit> {
    let (address, bits) = match value.original.split_once('/') {
        Some((address, bits)) if bits.parse::<u8>().is_ok() => (address, format!("/{bits}")),
        _ => (value.original, String::new()),
    };
    match address.parse::<IpAddr>().map_err(|_| Unfit::Address)? {
        IpAddr::V4(_) => {
            let net = draw.pick(&["192.0.2", "198.51.100", "203.0.113"]).copied();
            Ok(format!("{}.{}{bits}", net.unwrap_or("192.0.2"), 1 + draw.below(254)))
        }
        IpAddr::V6(_) => {
            let mut group = || 1 + draw.below(0xffff);
            let (one, two, three) = (group(), group(), group());
            Ok(format!("2001:db8:{one:x}:{two:x}::{three:x}{bits}"))
        }
    }
}

/// A page of the domain of RFC 2606, under the scheme of the original.
pub(super) fn url(draw: &mut Draw<'_>, value: &Value<'_>) -> Result<String, Unfit> {
    let scheme = value.original.split_once("://").map(|(scheme, _)| scheme);
    let scheme = scheme.filter(|scheme| scheme.bytes().all(|b| b.is_ascii_alphabetic()));
    let scheme = scheme.map(|scheme| format!("{scheme}://")).unwrap_or_default();
    Ok(format!("{scheme}example.org/{:08x}", draw.below(1 << 32)))
}

/// A digit for a digit, a letter for a letter.
pub(super) fn shaped(draw: &mut Draw<'_>, value: &Value<'_>) -> Result<String, Unfit> {
    plain(value)?;
    let count = alphanumeric(value.original);
    let digits = count.iter().filter(|byte| byte.is_ascii_digit()).count();
    if count.len() < SHORTEST || digits * 2 < count.len() {
        return Err(Unfit::NoSurrogate);
    }
    let other = |c: char, draw: &mut Draw<'_>| match c {
        '0'..='9' => draw.digit(),
        'A'..='Z' => letter(draw),
        'a'..='z' => letter(draw).to_ascii_lowercase(),
        _ => c,
    };
    Ok(value.original.chars().map(|c| other(c, draw)).collect())
}

#[cfg(test)]
mod tests {
    use pii::{Engine, EntityType, Options};

    use crate::keys::Keys;
    use crate::surrogate::surrogate;

    fn made(entity: &str, original: &str) -> String {
        surrogate(&Keys::derive(&[1; 32], "t"), &[entity], original).unwrap()
    }

    /// What `libs/pii` finds is valid by its checksum.
    fn is_found(entity: &str, text: &str) -> bool {
        let engine = Engine::standard().unwrap();
        let types = Some(vec![EntityType::new(entity)]);
        let options = Options { types, ..Options::default() };
        engine.detect(text, &options).iter().any(|finding| finding.range == (0..text.len()))
    }

    #[test]
    fn cards_of_test_numbers_with_a_valid_digit() {
        for original in [
            "4111 1111 1111 1111",
            "5555-5555-5555-4444",
            "378282246310005",
            "3530111333300000",
            "6304000000000000",
            "2223003122003222",
        ] {
            let card = made("CREDIT_CARD", original);
            assert!(is_found("CREDIT_CARD", &card), "{original}: {card}");
            assert_eq!(card.len(), original.len());
        }
        assert!(made("CREDIT_CARD", "4012 8888 8888 1881").starts_with("4111 11"));
    }

    #[test]
    fn ibans_of_no_bank_with_valid_digits() {
        for (original, start) in [
            ("DE89 3704 0044 0532 0130 00", "0000 0000"),
            ("GB82WEST12345698765432", "XXXX"),
            ("FR14 2004 1010 0505 0001 3M02 606", "0000 0"),
            ("NL91ABNA0417164300", "XXXX"),
            ("BE68 5390 0754 7034", "00000000"),
        ] {
            let iban = made("IBAN_CODE", original);
            assert!(is_found("IBAN_CODE", &iban), "{original}: {iban}");
            assert!(iban[4..].trim_start().starts_with(start), "{iban}");
        }
    }

    #[test]
    fn social_security_numbers_that_nobody_has() {
        let ssn = made("US_SSN", "536-22-8765");
        assert!(ssn.starts_with('9') && !is_found("US_SSN", &ssn), "{ssn}");
        assert_eq!((&ssn[3..4], &ssn[6..7]), ("-", "-"));
    }

    #[test]
    fn addresses_of_documents() {
        assert!(is_found("IP_ADDRESS", &made("IP_ADDRESS", "10.9.8.7")));
        assert!(made("IP_ADDRESS", "10.0.0.0/8").ends_with("/8"));
        assert!(made("IP_ADDRESS", "2001:470::1").starts_with("2001:db8:"));
        assert!(made("URL", "https://anna.example/x?y").starts_with("https://example.org/"));
        assert!(made("URL", "www.anna.example").starts_with("example.org/"));
    }

    #[test]
    fn other_numbers_keep_their_shape() {
        let id = made("ID_NUMBER", "KH-2024-00817");
        let shape: Vec<bool> = id.chars().map(|c| c.is_ascii_digit()).collect();
        let expected: Vec<bool> = "KH-2024-00817".chars().map(|c| c.is_ascii_digit()).collect();
        assert_eq!(shape, expected);
    }
}
