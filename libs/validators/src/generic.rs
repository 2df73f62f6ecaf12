//! Numbers and dates of no one country: cards, accounts, devices, vehicles, calendars.

use super::checksum::{luhn, mod_97};
use super::parts::{code, digits, formed, listed, number, small, value};
use super::{Table, Validator};

pub(super) const TABLE: Table = &[
    ("card", card as Validator),
    ("luhn", any_luhn),
    ("iban", iban),
    ("bic", bic),
    ("imei", imei),
    ("vin", vin),
    ("lei", lei),
    ("card_expiry", card_expiry),
    ("coordinates", coordinates),
    ("age", age),
    ("date", date),
    ("time", time),
    ("phone", phone),
    ("id_number", id_number),
    ("mixed_code", mixed_code),
];

/// Card: an issuer's range with its lengths, then Luhn (ISO/IEC 7812).
fn card(text: &str) -> bool {
    let Some(all) = digits(text) else { return false };
    let Some(prefix) = all.get(..6).map(small) else { return false };
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

/// Any number with a valid Luhn digit (ISO/IEC 7812-1, annex B).
fn any_luhn(text: &str) -> bool {
    digits(text).is_some_and(|all| all.len() > 1 && luhn(&all))
}

/// Countries and lengths of the IBAN registry (ISO 13616, release 99).
const IBAN_LENGTHS: &str = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29\
     ES24FI18FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20\
     LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25\
     QA29RO24RS22SA24SC31SD18SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20";

/// IBAN: the country's length, then mod 97-10 (ISO/IEC 7064).
fn iban(text: &str) -> bool {
    let compact: Vec<u8> = text
        .bytes()
        .filter(u8::is_ascii_alphanumeric)
        .map(|byte| byte.to_ascii_uppercase())
        .collect();
    let known = IBAN_LENGTHS.as_bytes().chunks(4).any(|entry| {
        compact.starts_with(&entry[..2])
            && u64::try_from(compact.len()).ok()
                == Some(number(&[value(entry[2]), value(entry[3])]))
    });
    known && mod_97(compact.iter().cycle().skip(4).take(compact.len()).copied()) == 1
}

/// ISO 3166-1 codes and Kosovo's XK, as banks use them.
const COUNTRIES: &str = "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZ\
     CACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGG\
     GHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZ\
     LALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNR\
     NUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZ\
     TCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW";

/// Bank identifier: institution, country, location, perhaps branch (ISO 9362).
fn bic(text: &str) -> bool {
    let all = text.as_bytes();
    matches!(all.len(), 8 | 11)
        && formed(&all[..6], "AAAAAA")
        && listed(COUNTRIES, &all[4..6])
        && all[6..].iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Device: fifteen digits with Luhn, or sixteen with a software version (3GPP TS 23.003, 6.2).
fn imei(text: &str) -> bool {
    digits(text).is_some_and(|all| match all.len() {
        15 => number(&all[..8]) != 0 && luhn(&all),
        16 => number(&all[..8]) != 0,
        _ => false,
    })
}

/// Vehicle: seventeen characters without I, O, Q; the ninth checks the others mod 11
/// (49 CFR 565.15, ISO 3779). Europe leaves the check digit out, so such numbers need context.
fn vin(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    code::<17>(text).is_some_and(|all| {
        let count = |byte: &u8| match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            b'A'..=b'H' => u32::from(byte - b'A') + 1,
            b'J'..=b'R' => u32::from(byte - b'J') + 1,
            _ => u32::from(byte.saturating_sub(b'S')) + 2,
        };
        let sum: u32 = all.iter().zip(WEIGHTS).map(|(byte, weight)| count(byte) * weight).sum();
        let check = match sum % 11 {
            10 => b'X',
            rest => b'0' + u8::try_from(rest).unwrap_or(0),
        };
        !all.iter().any(|byte| b"IOQ".contains(byte))
            && all.iter().any(u8::is_ascii_uppercase)
            && all[13..].iter().all(u8::is_ascii_digit)
            && all[8] == check
    })
}

/// Legal entity: twenty characters, mod 97-10 (ISO 17442).
fn lei(text: &str) -> bool {
    code::<20>(text).is_some_and(|all| formed(&all[18..], "99") && mod_97(all) == 1)
}

/// Month and year of a card: 01 to 12, and 2000 to 2099.
fn card_expiry(text: &str) -> bool {
    digits(text).is_some_and(|all| {
        matches!(all.len(), 4 | 6)
            && (1..=12).contains(&small(&all[..2]))
            && (all.len() == 4 || all[2..4] == [2, 0])
    })
}

/// Latitude within 90 degrees and longitude within 180, with decimals that say a place.
fn coordinates(text: &str) -> bool {
    let parts: Vec<f64> = text
        .split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c == '+'))
        .filter_map(|part| part.parse().ok())
        .collect();
    let [latitude, longitude] = parts[..] else { return false };
    latitude.abs() <= 90.0 && longitude.abs() <= 180.0 && (latitude != 0.0 || longitude != 0.0)
}

/// An age that people reach.
fn age(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse::<u32>().is_ok_and(|age| age <= 120)
}

/// E.164 allows 15 digits; below 7 nothing is dialled from abroad.
fn phone(text: &str) -> bool {
    let number = text.split(['x', 'e']).next().unwrap_or(text);
    let all: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).collect();
    let Some(first) = all.last() else { return false };
    (7..=15).contains(&all.len()) && !all.iter().all(|digit| digit == first) && !date(text)
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
        .filter_map(|part| if part.len() > 4 { None } else { part.parse().ok() })
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
    text.split(':').next().and_then(|hour| hour.parse::<u32>().ok()).is_some_and(|hour| hour < 24)
}

/// Enough digits to be a number that somebody was given, and no date.
fn id_number(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= 4 && !date(text)
}

/// Letters and digits both, so that it is neither a word nor an amount.
fn mixed_code(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
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
            ("1M8GDM9AXKP042788", vin),
            ("490154203237518", imei),
            ("529900T8BM49AURSDO55", lei),
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
        assert!(
            date("29.02.2024") && date("2/28/24") && !date("31.04.2024") && !date("2024-00-10")
        );
        assert!(bic("DEUTDEFF") && bic("COBADEFFXXX") && !bic("ABCDQQ22") && !bic("DEUTDEF"));
        assert!(coordinates("52.5200, 13.4050") && !coordinates("95.1234, 13.4050"));
        assert!(card_expiry("09/27") && card_expiry("09/2027") && !card_expiry("13/27"));
        assert!(age("42 years old") && !age("420"));
    }
}
