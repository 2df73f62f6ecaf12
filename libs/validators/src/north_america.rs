//! United States, Canada, Mexico.

use super::checksum::{luhn, weighted};
use super::parts::{code, digits, exactly, formed, is_short_date, listed, place, small, values};
use super::{Table, Validator};

pub(super) const TABLE: Table = &[
    ("us_ssn", us_ssn as Validator),
    ("us_itin", us_itin),
    ("us_ein", us_ein),
    ("us_routing", us_routing),
    ("us_npi", us_npi),
    ("us_dea", us_dea),
    ("us_mbi", us_mbi),
    ("us_zip", us_zip),
    ("ca_sin", ca_sin),
    ("ca_bn", ca_bn),
    ("ca_bc_phn", ca_bc_phn),
    ("ca_ohip", ca_ohip),
    ("ca_ramq", ca_ramq),
    ("mx_curp", mx_curp),
    ("mx_rfc", mx_rfc),
    ("mx_clabe", mx_clabe),
    ("mx_nss", mx_nss),
];

/// The ranges that the Social Security Administration never issues (20 CFR 422.103), and the
/// numbers that advertisements made famous.
fn us_ssn(text: &str) -> bool {
    exactly::<9>(text).is_some_and(|all| {
        let area = small(&all[..3]);
        let whole = small(&all);
        area != 0
            && area != 666
            && area < 900
            && small(&all[3..5]) != 0
            && small(&all[5..]) != 0
            && !matches!(whole, 78_051_120 | 219_099_999 | 457_555_462 | 123_456_789)
    })
}

/// Individual taxpayer number: area 9, groups 50–65, 70–88, 90–92, 94–99 (IRS Publication 1915;
/// the low groups since 2011).
fn us_itin(text: &str) -> bool {
    exactly::<9>(text).is_some_and(|all| {
        all[0] == 9 && matches!(small(&all[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
    })
}

/// Employer number: the prefixes that the IRS campuses and the internet have
/// (IRS, How EINs are assigned and valid EIN prefixes).
fn us_ein(text: &str) -> bool {
    exactly::<9>(text).is_some_and(|all| {
        matches!(small(&all[..2]),
            1..=6 | 10..=16 | 20..=27 | 30..=48 | 50..=68 | 71..=77 | 80..=88 | 90..=95 | 98 | 99)
    })
}

/// Routing number of the American Bankers Association: its Federal Reserve ranges, then weights
/// 3, 7, 1 mod 10.
fn us_routing(text: &str) -> bool {
    exactly::<9>(text).is_some_and(|all| {
        matches!(small(&all[..2]), 0..=12 | 21..=32 | 61..=72 | 80)
            && small(&all) != 0
            && weighted(&all, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
    })
}

/// National provider identifier: Luhn behind the prefix 80840 (45 CFR 162.406).
fn us_npi(text: &str) -> bool {
    exactly::<10>(text).is_some_and(|all| {
        let mut whole = vec![8, 0, 8, 4, 0];
        whole.extend(all);
        matches!(all[0], 1 | 2) && luhn(&whole)
    })
}

/// Registration of the Drug Enforcement Administration: registrant type, initial, and seven
/// digits of which the last is the sum of the odd ones and twice the even ones, mod 10.
fn us_dea(text: &str) -> bool {
    code::<9>(text).is_some_and(|all| {
        let d = values(&all);
        formed(&all, "A*9999999")
            && b"ABCDEFGHJKLMPRSTUX".contains(&all[0])
            && (all[1].is_ascii_uppercase() || all[1] == b'9')
            && (d[2] + d[4] + d[6] + 2 * (d[3] + d[5] + d[7])) % 10 == d[8]
    })
}

/// Medicare beneficiary identifier (CMS, Understanding the MBI format): no S, L, O, I, B, Z.
fn us_mbi(text: &str) -> bool {
    code::<11>(text).is_some_and(|all| {
        formed(&all, "9A*9A*9AA99") && all[0] != b'0' && !all.iter().any(|b| b"SLOIBZ".contains(b))
    })
}

const US_STATES: &str = "ALAKAZARCACOCTDEDCFLGAHIIDILINIAKSKYLAMEMDMAMIMNMSMOMTNENVNHNJNMNYNCND\
                         OHOKORPAPRRISCSDTNTXUTVTVAWAWVWIWY";

/// A state's abbreviation before the code (USPS Publication 28, appendix B).
fn us_zip(text: &str) -> bool {
    text.get(..2).is_some_and(|state| listed(US_STATES, state.as_bytes()))
}

/// Social insurance number: Luhn; none starts with 0 or 8 (Service Canada).
fn ca_sin(text: &str) -> bool {
    exactly::<9>(text).is_some_and(|all| !matches!(all[0], 0 | 8) && luhn(&all))
}

/// Business number: Luhn, then perhaps a programme account such as RT0001 (Canada Revenue Agency).
fn ca_bn(text: &str) -> bool {
    match code::<15>(text) {
        Some(all) => {
            let d = values(&all);
            formed(&all, "999999999AA9999") && listed("RCRMRPRT", &all[9..11]) && luhn(&d[..9])
        }
        None => exactly::<9>(text).is_some_and(|all| luhn(&all)),
    }
}

/// Personal health number of British Columbia: starts with 9, mod 11 with a digit's product
/// reduced first (BC Ministry of Health, PHN validation).
fn ca_bc_phn(text: &str) -> bool {
    exactly::<10>(text).is_some_and(|all| {
        let sum: u32 = all[1..9]
            .iter()
            .zip([2, 4, 8, 5, 10, 9, 7, 3])
            .map(|(digit, weight)| digit * weight % 11)
            .sum();
        all[0] == 9 && (11 - sum % 11) % 11 == all[9]
    })
}

/// Health number of Ontario: Luhn over ten digits, then a version of up to two letters
/// (Ontario Ministry of Health, health card validation).
fn ca_ohip(text: &str) -> bool {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ' || c == '-');
    text.len() - number.len() <= 4
        && exactly::<10>(number).is_some_and(|all| all[0] != 0 && luhn(&all))
}

/// Health number of Quebec: four letters of the name, year, month (+50 for women), day, two more
/// (RAMQ, health insurance card).
fn ca_ramq(text: &str) -> bool {
    code::<12>(text).is_some_and(|all| {
        let d = values(&all);
        formed(&all, "AAAA99999999")
            && is_short_date(small(&d[4..6]), small(&d[6..8]) % 50, small(&d[8..10]))
    })
}

const MX_STATES: &str = "ASBCBSCCCHCLCMCSDFDGGRGTHGJCMCMNMSNENLNTOCPLQRQTSLSPSRTCTLTSVZYNZS";
/// The alphabet of both Mexican check digits, with its place for Ñ.
const MX_ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ";

/// CURP: name, birth, sex, state, consonants, homonym, check digit (RENAPO, Instructivo normativo).
fn mx_curp(text: &str) -> bool {
    code::<18>(text).is_some_and(|all| {
        let d = values(&all);
        let century = if all[16].is_ascii_digit() { 1900 } else { 2000 };
        let born =
            super::parts::is_date(century + small(&d[4..6]), small(&d[6..8]), small(&d[8..10]));
        let sum: u32 = all[..17]
            .iter()
            .zip((2..=18).rev())
            .map(|(byte, weight)| place(MX_ALPHABET, *byte).unwrap_or(0) * weight)
            .sum();
        formed(&all, "AAAA999999AAAAAA*9")
            && matches!(all[10], b'H' | b'M' | b'X')
            && listed(MX_STATES, &all[11..13])
            && born
            && (10 - sum % 10) % 10 == d[17]
    })
}

/// RFC: name, date, and with a homonym key of three also its check digit (SAT, Anexo 1).
fn mx_rfc(text: &str) -> bool {
    let all: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b' ' | b'-' | b'_'))
        .map(|byte| byte.to_ascii_uppercase())
        .collect();
    let letters = if all.len() == 12 { 3 } else { 4 };
    let (Some(name), Some(rest)) = (all.get(..letters), all.get(letters..)) else { return false };
    let named = name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'&');
    let (true, Some(day), Some(key)) = (named, rest.get(..6), rest.get(6..)) else { return false };
    let day: Vec<u32> =
        day.iter().filter(|b| b.is_ascii_digit()).map(|b| u32::from(b - b'0')).collect();
    let [a, b, c, d, e, f] = day[..] else { return false };
    if !is_short_date(a * 10 + b, c * 10 + d, e * 10 + f) {
        return false;
    }
    match key {
        [] => letters == 4,
        [_, _, check] => {
            // A company's name is a letter short; a blank (37) stands in for it.
            let first = if letters == 3 { 37 * 13 } else { 0 };
            let from = if letters == 3 { 12 } else { 13 };
            let sum: u32 = all[..all.len() - 1]
                .iter()
                .zip((2..=from).rev())
                .map(|(byte, weight)| place(MX_ALPHABET, *byte).unwrap_or(0) * weight)
                .sum();
            let digit = (11 - (sum + first) % 11) % 11;
            if digit == 10 { *check == b'A' } else { u32::from(*check) == u32::from(b'0') + digit }
        }
        _ => false,
    }
}

/// CLABE: bank, branch, account, and weights 3, 7, 1 mod 10 of each product
/// (Banco de México, CLABE).
fn mx_clabe(text: &str) -> bool {
    exactly::<18>(text).is_some_and(|all| {
        let sum: u32 =
            all[..17].iter().zip([3, 7, 1].iter().cycle()).map(|(d, w)| d * w % 10).sum();
        small(&all[..3]) != 0 && (10 - sum % 10) % 10 == all[17]
    })
}

/// Social security number of the IMSS: eleven digits, Luhn.
fn mx_nss(text: &str) -> bool {
    digits(text).is_some_and(|all| all.len() == 11 && small(&all[..2]) > 0 && luhn(&all))
}
