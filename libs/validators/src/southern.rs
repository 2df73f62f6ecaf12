//! Australia, Nigeria, South Africa.

use super::checksum::{luhn, verhoeff, weighted};
use super::parts::{digits, exactly, is_short_date, number, small};
use super::{Table, Validator};

pub(super) const TABLE: Table = &[
    ("au_abn", au_abn as Validator),
    ("au_acn", au_acn),
    ("au_tfn", au_tfn),
    ("au_medicare", au_medicare),
    ("ng_nin", ng_nin),
    ("za_id", za_id),
    ("za_tax", za_tax),
];

/// Business number: 1 off the first digit, weights 10, 1, 3 … 19, mod 89 (Australian Business
/// Register).
fn au_abn(text: &str) -> bool {
    exactly::<11>(text).is_some_and(|all| {
        let sum = weighted(&all, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
        all[0] != 0 && (sum + 89 - 10).is_multiple_of(89)
    })
}

/// Company number: weights 8 to 1, mod 10 (ASIC).
fn au_acn(text: &str) -> bool {
    exactly::<9>(text).is_some_and(|all| {
        number(&all) != 0
            && (10 - weighted(&all[..8], &[8, 7, 6, 5, 4, 3, 2, 1]) % 10) % 10 == all[8]
    })
}

/// Tax file number: eight or nine digits, mod 11 (Australian Taxation Office).
fn au_tfn(text: &str) -> bool {
    digits(text).is_some_and(|all| {
        matches!(all.len(), 8 | 9)
            && number(&all) != 0
            && weighted(&all, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
    })
}

/// Medicare card: 2 to 6 first, weights 1, 3, 7, 9 mod 10 give the ninth digit, then issue and
/// perhaps the person on the card (Services Australia).
fn au_medicare(text: &str) -> bool {
    digits(text).is_some_and(|all| {
        matches!(all.len(), 10 | 11)
            && (2..=6).contains(&all[0])
            && all.get(9).is_some_and(|issue| *issue != 0)
            && weighted(&all[..8], &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == all[8]
    })
}

/// National identification number: eleven digits, Verhoeff (NIMC).
fn ng_nin(text: &str) -> bool {
    exactly::<11>(text).is_some_and(|all| number(&all) != 0 && verhoeff(&all))
}

/// Identity number: birth date, sex, citizenship 0, 1 or 2, Luhn (Department of Home Affairs).
fn za_id(text: &str) -> bool {
    exactly::<13>(text).is_some_and(|all| {
        is_short_date(small(&all[..2]), small(&all[2..4]), small(&all[4..6]))
            && all[10] <= 2
            && luhn(&all)
    })
}

/// Tax reference: starts with 0 to 3 or 9, Luhn (SARS).
fn za_tax(text: &str) -> bool {
    exactly::<10>(text)
        .is_some_and(|all| matches!(all[0], 0..=3 | 9) && number(&all) != 0 && luhn(&all))
}
