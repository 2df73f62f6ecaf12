//! Checks behind a pattern: checksums, ranges, structure. A recognizer names one in its file.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Says whether a match is what its pattern means. Gets the normalized text of the match.
pub(crate) type Validator = fn(&str) -> bool;

/// The validators that recognizer files may name.
pub(crate) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "bare_domain" => bare_domain,
        "card" => card,
        "date" => date,
        "email" => email,
        "iban" => iban,
        "id_number" => id_number,
        "ipv4" => ipv4,
        "ipv6" => ipv6,
        "phone" => phone,
        "time" => time,
        "uk_postcode" => uk_postcode,
        "url" => url,
        "us_ssn" => us_ssn,
        "us_zip" => us_zip,
        _ => return None,
    })
}

fn digits(text: &str) -> impl DoubleEndedIterator<Item = u32> + '_ {
    text.bytes().filter(u8::is_ascii_digit).map(|byte| u32::from(byte - b'0'))
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// Luhn's mod 10 (ISO/IEC 7812-1, annex B).
fn luhn(text: &str) -> bool {
    let sum: u32 = digits(text)
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Card: an issuer's range with its lengths, then Luhn.
fn card(text: &str) -> bool {
    let all: String = text.chars().filter(char::is_ascii_digit).collect();
    let Some(prefix) = all.get(..6).and_then(number) else { return false };
    let (two, three, four) = (prefix / 10_000, prefix / 1_000, prefix / 100);
    let length = all.len();
    let issued = match two {
        34 | 37 => length == 15,
        36 | 38 | 39 => (14..=19).contains(&length),
        30 => (300..=305).contains(&three) && (14..=19).contains(&length),
        35 => (15..=19).contains(&length),
        18 | 21 => matches!(four, 1800 | 2131) && length == 15,
        40..=49 => matches!(length, 13 | 16 | 19),
        51..=55 => length == 16,
        22..=27 => (2221..=2720).contains(&four) && length == 16,
        62 | 81 => (16..=19).contains(&length),
        64 | 65 => (16..=19).contains(&length),
        50 | 56..=61 | 63 | 66..=69 => (12..=19).contains(&length),
        _ => false,
    };
    issued && luhn(&all)
}

/// Lengths of the IBAN registry (ISO 13616, release 99).
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NL", 18),
    ("NO", 15),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
];

/// IBAN: the country's length, then mod 97-10 (ISO/IEC 7064).
fn iban(text: &str) -> bool {
    let compact: Vec<u8> = text
        .bytes()
        .filter(u8::is_ascii_alphanumeric)
        .map(|byte| byte.to_ascii_uppercase())
        .collect();
    let known = IBAN_LENGTHS.iter().any(|(country, length)| {
        compact.starts_with(country.as_bytes()) && compact.len() == *length
    });
    if !known {
        return false;
    }
    let remainder =
        compact.iter().cycle().skip(4).take(compact.len()).fold(0_u32, |sum, byte| match byte {
            b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
            _ => (sum * 100 + u32::from(byte - b'A') + 10) % 97,
        });
    remainder == 1
}

/// The ranges that the Social Security Administration never issues, and the two numbers
/// that advertisements made famous.
fn us_ssn(text: &str) -> bool {
    let all: String = text.chars().filter(char::is_ascii_digit).collect();
    let part = |range: std::ops::Range<usize>| all.get(range).and_then(number).unwrap_or(0);
    let (area, group, serial) = (part(0..3), part(3..5), part(5..9));
    all.len() == 9
        && area != 0
        && area != 666
        && area < 900
        && group != 0
        && serial != 0
        && !matches!(all.as_str(), "078051120" | "123456789")
}

fn email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain
            .split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
}

/// E.164 allows 15 digits; below 7 nothing is dialled from abroad.
fn phone(text: &str) -> bool {
    let number = text.split(['x', 'e']).next().unwrap_or(text);
    let all: Vec<u32> = digits(number).collect();
    let Some(first) = all.last() else { return false };
    (7..=15).contains(&all.len()) && !all.iter().all(|digit| digit == first) && !date(text)
}

fn ipv4(text: &str) -> bool {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
    if prefix.is_some_and(|bits| number(bits).is_none_or(|bits| bits > 32)) {
        return false;
    }
    // Addresses that point at nobody are noise in configuration and logs.
    address
        .parse::<Ipv4Addr>()
        .is_ok_and(|ip| !ip.is_unspecified() && !ip.is_loopback() && !ip.is_broadcast())
}

fn ipv6(text: &str) -> bool {
    let enough = text.bytes().filter(u8::is_ascii_hexdigit).count() >= 4;
    enough && text.parse::<Ipv6Addr>().is_ok_and(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

fn url(text: &str) -> bool {
    let host = text.split_once("://").map_or(text, |(_, rest)| rest);
    host.len() >= 4 && host.contains(|c: char| c.is_alphanumeric())
}

/// A host name without scheme looks like a file name or a method call unless it has three
/// labels, a path, or a suffix that no language uses.
fn bare_domain(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or(text);
    let labels = host.split('.').count();
    let well_formed = host
        .split('.')
        .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    let telling = host
        .rsplit('.')
        .next()
        .is_some_and(|suffix| matches!(suffix, "com" | "org" | "net" | "edu" | "gov"));
    let letters = host.bytes().filter(u8::is_ascii_lowercase).count();
    well_formed && letters >= 4 && (labels >= 3 || text.contains('/') || telling)
}

const fn days_in(month: u32) -> u32 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year first, or day and month in either order. The year may be missing its century.
fn date(text: &str) -> bool {
    let day = text.split(['T', ',']).next().unwrap_or(text);
    let parts: Vec<u32> = day
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .take(3)
        .filter_map(|part| if part.len() > 4 { None } else { number(part) })
        .collect();
    let separators = text.bytes().filter(|byte| matches!(byte, b'-' | b'/' | b'.')).count();
    let [a, b, c] = parts[..] else { return false };
    let fits =
        |month: u32, day: u32| (1..=12).contains(&month) && day >= 1 && day <= days_in(month);
    let year = |value: u32| value < 100 || (1800..2100).contains(&value);
    separators >= 2
        && if a > 31 {
            (1800..2100).contains(&a) && fits(b, c)
        } else {
            year(c) && (fits(a, b) || fits(b, a))
        }
}

fn time(text: &str) -> bool {
    text.split(':').next().and_then(number).is_some_and(|hour| hour < 24)
}

/// Enough digits to be a number that somebody was given, and no date.
fn id_number(text: &str) -> bool {
    digits(text).count() >= 4 && !date(text)
}

/// Outward code, space, inward code (BS 7666); the inward code leaves letters out.
fn uk_postcode(text: &str) -> bool {
    text.bytes().rev().take(2).all(|byte| byte.is_ascii_uppercase() && !b"CIKMOV".contains(&byte))
}

const US_STATES: &[&str] = &[
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA",
    "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM",
    "NY", "NC", "ND", "OH", "OK", "OR", "PA", "PR", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA",
    "WA", "WV", "WI", "WY",
];

fn us_zip(text: &str) -> bool {
    text.get(..2).is_some_and(|state| US_STATES.contains(&state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_reject_every_single_digit_error() {
        for (good, check) in [
            ("4111111111111111", card as Validator),
            ("378282246310005", card),
            ("DE89370400440532013000", iban),
            ("GB29NWBK60161331926819", iban),
        ] {
            assert!(check(good), "{good}");
            for (at, byte) in
                good.bytes().enumerate().skip(2).filter(|(_, byte)| byte.is_ascii_digit())
            {
                for other in (b'0'..=b'9').filter(|other| *other != byte) {
                    let mut bad = good.as_bytes().to_vec();
                    bad[at] = other;
                    assert!(
                        !check(std::str::from_utf8(&bad).unwrap()),
                        "{good} with {other} at {at}"
                    );
                }
            }
        }
    }

    #[test]
    fn ranges() {
        assert!(us_ssn("536-22-8765") && !us_ssn("666-22-8765") && !us_ssn("536-00-8765"));
        assert!(
            ipv4("10.1.2.3") && ipv4("10.0.0.0/8") && !ipv4("10.0.0.0/40") && !ipv4("300.1.1.1")
        );
        assert!(
            date("29.02.2024") && date("2/28/24") && !date("31.04.2024") && !date("2024-00-10")
        );
        assert!(bare_domain("anna-weber.com") && !bare_domain("main.de") && !bare_domain("a.b"));
    }
}
