//! United Kingdom and Ireland.

use super::checksum::weighted;
use super::parts::{
    code, exactly, formed, number, place, small, stands_at, value, values, without,
};
use super::{Table, Validator};

pub(super) const TABLE: Table = &[
    ("uk_nhs", uk_nhs as Validator),
    ("uk_nino", uk_nino),
    ("uk_utr", uk_utr),
    ("uk_vat", uk_vat),
    ("uk_upn", uk_upn),
    ("uk_driving_licence", uk_driving_licence),
    ("uk_plate", uk_plate),
    ("uk_postcode", uk_postcode),
    ("ie_pps", ie_pps),
    ("ie_vat", ie_vat),
    ("ie_eircode", ie_eircode),
];

/// NHS number: weights 10 to 2, mod 11 (NHS Data Dictionary, NHS number).
fn uk_nhs(text: &str) -> bool {
    exactly::<10>(text).is_some_and(|all| {
        weighted(&all, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11) && number(&all) != 0
    })
}

/// National insurance number: the prefixes that are not allocated, suffix A to D
/// (HMRC, NIM39110).
fn uk_nino(text: &str) -> bool {
    code::<9>(text).is_some_and(|all| {
        formed(&all, "AA999999A")
            && !b"DFIQUV".contains(&all[0])
            && !b"DFIQUVO".contains(&all[1])
            && !matches!(&all[..2], b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ")
            && (b'A'..=b'D').contains(&all[8])
    })
}

/// Unique taxpayer reference: the first digit checks the others (HMRC, UTR check).
fn uk_utr(text: &str) -> bool {
    let text = text.trim_end_matches(['k', 'K']);
    exactly::<10>(text).is_some_and(|all| {
        let sum = weighted(&all[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]);
        stands_at(b"21987654321", sum % 11, b'0' + u8::try_from(all[0]).unwrap_or(0))
    })
}

/// VAT number: weights 8 to 2 and the two check digits, mod 97, or the same with 55 less since
/// 2010 (HMRC, VAT reference). Nine digits, or twelve with a branch.
fn uk_vat(text: &str) -> bool {
    let rest = without(without(text, "GB"), "XI");
    let Some(all) = super::parts::digits(rest) else { return false };
    let Some(main) = all.get(..9).filter(|_| matches!(all.len(), 9 | 12)) else { return false };
    let rest = weighted(main, &[8, 7, 6, 5, 4, 3, 2, 10, 1]) % 97;
    if small(&main[..3]) >= 100 { matches!(rest, 0 | 42 | 55) } else { rest == 0 }
}

const PUPILS: &[u8] = b"ABCDEFGHJKLMNPQRTUVWXYZ0123456789";

/// Pupil number: the first letter checks the rest, mod 23 (Department for Education, UPN guide).
fn uk_upn(text: &str) -> bool {
    code::<13>(text).is_some_and(|all| {
        let weights = 2..=13;
        let sum: u32 = all[1..]
            .iter()
            .zip(weights)
            .map(|(byte, weight)| place(PUPILS, *byte).unwrap_or(0) * weight)
            .sum();
        formed(&all, "A99999999999*")
            && place(PUPILS, all[12]).is_some()
            && stands_at(PUPILS, sum % 23, all[0])
    })
}

/// Driver number: five letters of the surname, filled with 9s, then decade, month (+50 for
/// women), day, year (DVLA, driver number structure).
fn uk_driving_licence(text: &str) -> bool {
    code::<16>(text).is_some_and(|all| {
        let d = values(&all);
        let month = small(&d[6..8]);
        let name = &all[..5];
        let letters = name.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
        letters > 0
            && name[letters..].iter().all(|byte| *byte == b'9')
            && formed(&all[5..11], "999999")
            && matches!(month, 1..=12 | 51..=62)
            && (1..=31).contains(&small(&d[8..10]))
            && formed(&all[13..], "9AA")
            && (all[11].is_ascii_uppercase() && (all[12].is_ascii_uppercase() || all[12] == b'9'))
    })
}

/// Current plates: memory tag without I, Q, Z; age 02–29 or 51–79; three letters without I and Q
/// (DVLA, INF104).
fn uk_plate(text: &str) -> bool {
    code::<7>(text).is_some_and(|all| {
        let d = values(&all);
        formed(&all, "AA99AAA")
            && !all[..2].iter().any(|byte| b"IQZ".contains(byte))
            && matches!(small(&d[2..4]), 2..=29 | 51..=79)
            && !all[4..].iter().any(|byte| b"IQ".contains(byte))
    })
}

/// Outward code, space, inward code (BS 7666); the inward code leaves letters out.
fn uk_postcode(text: &str) -> bool {
    let end: Vec<u8> = text.bytes().rev().take(2).collect();
    end.len() == 2 && end.iter().all(|byte| byte.is_ascii_uppercase() && !b"CIKMOV".contains(byte))
}

/// The letter that checks Irish numbers, mod 23; the second letter counts nine times.
fn irish(digits: &[u32], extra: u32) -> u8 {
    let sum = weighted(digits, &[8, 7, 6, 5, 4, 3, 2]) + 9 * extra;
    b"WABCDEFGHIJKLMNOPQRSTUV".get((sum % 23) as usize).copied().unwrap_or(0)
}

/// Personal public service number (Department of Social Protection; since 2013 with a second
/// letter that counts).
fn ie_pps(text: &str) -> bool {
    if let Some(all) = code::<9>(text) {
        let d = values(&all);
        let counts = if b"ABH".contains(&all[8]) { value(all[8]) - 9 } else { 0 };
        return formed(&all, "9999999AA")
            && b"ABHWTX".contains(&all[8])
            && irish(&d[..7], counts) == all[7];
    }
    code::<8>(text)
        .is_some_and(|all| formed(&all, "9999999A") && irish(&values(&all)[..7], 0) == all[7])
}

/// VAT number: the same letter; in the old form the second character is a letter or a sign
/// (Revenue, VAT registration numbers).
fn ie_vat(text: &str) -> bool {
    let rest = without(text, "IE");
    if let Some(all) = code::<9>(rest) {
        let extra = if all[8] == b'W' { 0 } else { value(all[8]).saturating_sub(9) };
        return formed(&all, "9999999AA")
            && all[8] <= b'W'
            && irish(&values(&all)[..7], extra) == all[7];
    }
    code::<8>(rest).is_some_and(|all| {
        let d = values(&all);
        let old = [0, d[2], d[3], d[4], d[5], d[6], d[0]];
        formed(&all, "9999999A") && irish(&d[..7], 0) == all[7]
            || formed(&all, "9A99999A") && irish(&old, 0) == all[7]
    })
}

/// Eircode: routing key and four of the letters that are not confused (Eircode, product guide).
fn ie_eircode(text: &str) -> bool {
    const LETTERS: &[u8] = b"ACDEFHKNPRTVWXY0123456789";
    code::<7>(text).is_some_and(|all| {
        (formed(&all[..3], "A99") || &all[..3] == b"D6W")
            && LETTERS.contains(&all[0])
            && all[3..].iter().all(|byte| LETTERS.contains(byte))
            && all[3..].iter().any(u8::is_ascii_digit)
    })
}
