//! Poland.

use super::checksum::weighted;
use super::parts::{code, digits, exactly, formed, is_date, number, small, values, without};
use super::{Table, Validator};

pub(super) const TABLE: Table = &[
    ("pl_pesel", pl_pesel as Validator),
    ("pl_nip", pl_nip),
    ("pl_regon", pl_regon),
    ("pl_id_card", pl_id_card),
    ("pl_passport", pl_passport),
];

/// PESEL: birth date (the month says the century), serial, weights 1, 3, 7, 9 mod 10
/// (gov.pl, Co to jest numer PESEL).
fn pl_pesel(text: &str) -> bool {
    exactly::<11>(text).is_some_and(|all| {
        let month = small(&all[2..4]);
        let century = [1900, 2000, 2100, 2200, 1800].get((month / 20) as usize).copied();
        weighted(&all, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
            && century.is_some_and(|century| {
                is_date(century + small(&all[..2]), month % 20, small(&all[4..6]))
            })
    })
}

/// Tax number: weights 6, 5, 7, 2, 3, 4, 5, 6, 7 mod 11 (Ministerstwo Finansów).
fn pl_nip(text: &str) -> bool {
    exactly::<10>(without(text, "PL")).is_some_and(|all| {
        number(&all) != 0 && weighted(&all, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == all[9]
    })
}

/// Statistical number: nine digits mod 11, fourteen with a second check (GUS, REGON).
fn pl_regon(text: &str) -> bool {
    let Some(all) = digits(text) else { return false };
    let nine = |all: &[u32]| {
        let sum = weighted(&all[..8], &[8, 9, 2, 3, 4, 5, 6, 7]);
        number(all) != 0 && sum % 11 % 10 == all[8]
    };
    match all.len() {
        9 => nine(&all),
        14 => {
            let sum = weighted(&all, &[2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]);
            nine(&all[..9]) && sum % 11 % 10 == all[13]
        }
        _ => false,
    }
}

/// Identity card: three letters, check digit, five digits; weights 7, 3, 1 as in travel documents
/// with the check digit left out (Ministerstwo Cyfryzacji).
fn pl_id_card(text: &str) -> bool {
    code::<9>(text).is_some_and(|all| {
        let d = values(&all);
        formed(&all, "AAA999999") && weighted(&d, &[7, 3, 1, 0, 7, 3, 1, 7, 3]) % 10 == d[3]
    })
}

/// Passport: two letters, check digit, six digits, the same weights (Ministerstwo Spraw
/// Wewnętrznych i Administracji).
fn pl_passport(text: &str) -> bool {
    code::<9>(text).is_some_and(|all| {
        let d = values(&all);
        formed(&all, "AA9999999") && weighted(&d, &[7, 3, 0, 1, 7, 3, 1, 7, 3]) % 10 == d[2]
    })
}
