//! Germany, Austria, Switzerland.

use super::checksum::{crossed, luhn_sum, mod_11_10, travel_document, weighted};
use super::parts::{code, exactly, formed, number, small, value, values, without};
use super::{Table, Validator};

pub(super) const TABLE: Table = &[
    ("de_tax_id", de_tax_id as Validator),
    ("de_tax_number", de_tax_number),
    ("de_vat", de_vat),
    ("de_social_security", de_social_security),
    ("de_health_insurance", de_health_insurance),
    ("de_lanr", de_lanr),
    ("de_document", de_document),
    ("at_svnr", at_svnr),
    ("at_tax", at_tax),
    ("at_uid", at_uid),
    ("ch_ahv", ch_ahv),
    ("ch_uid", ch_uid),
];

/// Tax id: one digit twice or thrice among the first ten, no zero first, ISO 7064 mod 11,10
/// (Bundeszentralamt für Steuern, § 139b AO).
fn de_tax_id(text: &str) -> bool {
    exactly::<11>(text).is_some_and(|all| {
        let mut times = [0_u32; 10];
        for digit in &all[..10] {
            if let Some(count) = times.get_mut(*digit as usize) {
                *count += 1;
            }
        }
        let repeated: Vec<u32> = times.into_iter().filter(|count| *count > 1).collect();
        all[0] != 0 && matches!(repeated[..], [2 | 3]) && mod_11_10(&all)
    })
}

/// Tax number: 10 or 11 digits as a tax office writes them, or 13 with the land and a zero in the
/// fifth place (ELSTER, Aufbau der Steuernummer). Check digits differ by land.
fn de_tax_number(text: &str) -> bool {
    super::parts::digits(text).is_some_and(|all| match all.len() {
        10 | 11 => !super::parts::all_the_same(&all),
        13 => {
            all.get(4) == Some(&0)
                && all.get(..2).is_some_and(|land| {
                    matches!(small(land), 10 | 11 | 21..=24 | 26..=28 | 30..=32 | 40 | 41 | 50..=59 | 90..=99)
                })
        }
        _ => false,
    })
}

/// VAT id: ISO 7064 mod 11,10 over nine digits (§ 27a UStG).
fn de_vat(text: &str) -> bool {
    exactly::<9>(without(text, "DE")).is_some_and(|all| all[0] != 0 && mod_11_10(&all))
}

/// The digits of a code with its letter as two digits, A = 01.
fn spelled(code: &[u8]) -> Vec<u32> {
    let mut all = Vec::with_capacity(code.len() + 1);
    for byte in code {
        if byte.is_ascii_digit() {
            all.push(value(*byte));
        } else {
            let place = value(*byte).saturating_sub(9);
            all.extend([place / 10, place % 10]);
        }
    }
    all
}

/// Pension insurance number: area, birth date (day may be +50), initial, serial; weights
/// 2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1 with crossed sums, mod 10 (VKVV § 2).
fn de_social_security(text: &str) -> bool {
    code::<12>(text).is_some_and(|all| {
        let d = values(&all);
        let sum = crossed(&spelled(&all[..11]), &[2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]);
        formed(&all, "99999999A999")
            && small(&d[..2]) > 1
            && matches!(small(&d[2..4]), 1..=31 | 51..=81)
            && small(&d[4..6]) <= 12
            && sum % 10 == d[11]
    })
}

/// Health insurance number: a letter and nine digits; weights 1, 2 with crossed sums over the
/// letter's place and eight digits, mod 10 (§ 290 SGB V, GKV-Spitzenverband).
fn de_health_insurance(text: &str) -> bool {
    code::<10>(text).is_some_and(|all| {
        let sum = crossed(&spelled(&all[..9]), &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
        formed(&all, "A999999999") && sum % 10 == value(all[9])
    })
}

/// Lifelong number of a physician: weights 4, 9 mod 10 over six digits, then the check digit and
/// two of the speciality (KBV, Arztnummern-Richtlinie).
fn de_lanr(text: &str) -> bool {
    exactly::<9>(text).is_some_and(|all| {
        let sum = weighted(&all, &[4, 9, 4, 9, 4, 9]);
        number(&all[..6]) != 0 && (10 - sum % 10) % 10 == all[6]
    })
}

/// Serial number of an identity card or passport and its check digit, weights 7, 3, 1
/// (ICAO Doc 9303; the letters are those of PassV annex 11).
fn de_document(text: &str) -> bool {
    code::<10>(text).is_some_and(|all| {
        let d = values(&all);
        let serial = |byte: &u8| byte.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(byte);
        all[0].is_ascii_uppercase()
            && all[..9].iter().all(serial)
            && all[..9].iter().filter(|byte| byte.is_ascii_digit()).count() >= 2
            && all[9].is_ascii_digit()
            && travel_document(&d[..9]) == d[9]
    })
}

/// Social insurance number: the fourth digit checks serial and birth date, mod 11 (§ 31 ASVG,
/// Dachverband der Sozialversicherungsträger). Months 13 and 14 stand for unknown dates.
fn at_svnr(text: &str) -> bool {
    exactly::<10>(text).is_some_and(|all| {
        all[0] != 0
            && weighted(&all, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == all[3]
            && (1..=31).contains(&small(&all[4..6]))
            && (1..=15).contains(&small(&all[6..8]))
    })
}

/// Tax number: office, file, Luhn's weights from the left (Bundesministerium für Finanzen).
fn at_tax(text: &str) -> bool {
    exactly::<9>(text).is_some_and(|all| {
        let sum = crossed(&all[..8], &[1, 2, 1, 2, 1, 2, 1, 2]);
        (3..=98).contains(&small(&all[..2])) && (10 - sum % 10) % 10 == all[8]
    })
}

/// VAT id: U and eight digits, Luhn with 4 more (BMF, Aufbau der UID).
fn at_uid(text: &str) -> bool {
    let rest = without(text, "AT");
    let Some(rest) = rest.trim_start_matches([' ', '-']).strip_prefix(['U', 'u']) else {
        return false;
    };
    exactly::<8>(rest).is_some_and(|all| (16 - luhn_sum(&all[..7], 10) % 10) % 10 == all[7])
}

/// AHV number: 756 and ten digits with the check digit of EAN-13 (BSV, NAVS13).
fn ch_ahv(text: &str) -> bool {
    exactly::<13>(text).is_some_and(|all| {
        small(&all[..3]) == 756
            && weighted(&all, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
    })
}

/// Enterprise number: CHE and nine digits, weights 5, 4, 3, 2, 7, 6, 5, 4 mod 11; as VAT number
/// with MWST, TVA or IVA (Bundesamt für Statistik, eCH-0097).
fn ch_uid(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let Some(rest) = upper.strip_prefix("CHE") else { return false };
    let rest = ["MWST", "TVA", "IVA", "TPV"]
        .iter()
        .find_map(|suffix| rest.strip_suffix(suffix))
        .unwrap_or(rest);
    exactly::<9>(rest)
        .is_some_and(|all| (11 - weighted(&all, &[5, 4, 3, 2, 7, 6, 5, 4]) % 11) % 11 == all[8])
}
