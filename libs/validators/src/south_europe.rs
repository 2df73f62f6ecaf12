//! Spain, Italy, Portugal, Turkey.

use super::checksum::{luhn, luhn_sum, weighted};
use super::parts::{
    code, exactly, formed, is_short_date, number, place, small, value, values, without,
};
use super::{Table, Validator};

pub(super) const TABLE: Table = &[
    ("es_dni", es_dni as Validator),
    ("es_nie", es_nie),
    ("es_cif", es_cif),
    ("es_ccc", es_ccc),
    ("es_naf", es_naf),
    ("it_fiscal_code", it_fiscal_code),
    ("it_vat", it_vat),
    ("it_identity_card", it_identity_card),
    ("pt_nif", pt_nif),
    ("pt_cc", pt_cc),
    ("pt_niss", pt_niss),
    ("tr_national_id", tr_national_id),
    ("tr_tax", tr_tax),
];

/// The letter that belongs to a number, mod 23 (Real Decreto 1553/2005).
fn spanish(number: u64) -> u8 {
    let at = usize::try_from(number % 23).unwrap_or(0);
    b"TRWAGMYFPDXBNJZSQVHLCKE".get(at).copied().unwrap_or(0)
}

/// Identity number: eight digits and their letter; K, L, M for those without a card.
fn es_dni(text: &str) -> bool {
    code::<9>(text).is_some_and(|all| {
        let d = values(&all);
        formed(&all, "99999999A") && spanish(number(&d[..8])) == all[8]
            || formed(&all, "A9999999A")
                && b"KLM".contains(&all[0])
                && spanish(number(&d[1..8])) == all[8]
    })
}

/// Foreigner's number: X, Y, Z stand for 0, 1, 2 (Orden INT/2058/2008).
fn es_nie(text: &str) -> bool {
    code::<9>(text).is_some_and(|all| {
        let first = b"XYZ".iter().position(|letter| *letter == all[0]);
        let rest = number(&values(&all)[1..8]);
        formed(&all, "A9999999A")
            && first.is_some_and(|first| {
                spanish(u64::try_from(first).unwrap_or(0) * 10_000_000 + rest) == all[8]
            })
    })
}

/// Company's tax number: Luhn over seven digits, as a digit or as a letter
/// (Orden EHA/451/2008).
fn es_cif(text: &str) -> bool {
    code::<9>(text).is_some_and(|all| {
        let d = values(&all);
        let check = (10 - luhn_sum_ahead(&d[1..8])) % 10;
        formed(&all, "A9999999*")
            && b"ABCDEFGHJNPQRSUVW".contains(&all[0])
            && (d[8] == check || b"JABCDEFGHI".get(check as usize) == Some(&all[8]))
    })
}

/// Luhn's sum mod 10 of digits to which a check digit will be appended.
fn luhn_sum_ahead(digits: &[u32]) -> u32 {
    let mut whole = digits.to_vec();
    whole.push(0);
    luhn_sum(&whole, 10) % 10
}

/// Account: bank and branch, two check digits, account; powers of 2 mod 11 (Banco de España).
fn es_ccc(text: &str) -> bool {
    let check = |digits: &[u32]| {
        let rest = digits.iter().enumerate().map(|(at, digit)| digit * (1 << at)).sum::<u32>() % 11;
        if rest < 2 { rest } else { 11 - rest }
    };
    exactly::<20>(text).is_some_and(|all| {
        let mut bank = vec![0, 0];
        bank.extend(&all[..8]);
        all.iter().any(|digit| *digit != 0) && check(&bank) == all[8] && check(&all[10..]) == all[9]
    })
}

/// Social security affiliation: province, number, and their rest mod 97 (TGSS).
fn es_naf(text: &str) -> bool {
    exactly::<12>(text).is_some_and(|all| {
        let (province, serial) = (number(&all[..2]), number(&all[2..10]));
        let whole = if serial < 10_000_000 {
            serial + province * 10_000_000
        } else {
            serial + province * 100_000_000
        };
        (1..=66).contains(&province) && whole % 97 == number(&all[10..])
    })
}

const IT_MONTHS: &[u8] = b"ABCDEHLMPRST";
/// What letters and digits in the odd places count (D.M. 23 December 1976).
const IT_ODD: [u32; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/// Fiscal code: name, birth date (day +40 for women), place, and a letter mod 26 (D.M. 23
/// December 1976). Where two people would share one, letters LMNPQRSTUV replace digits.
fn it_fiscal_code(text: &str) -> bool {
    const REPLACED: &[u8] = b"LMNPQRSTUV";
    code::<16>(text).is_some_and(|all| {
        let plain = |at: usize| {
            let byte = all[at];
            if byte.is_ascii_digit() { Some(value(byte)) } else { place(REPLACED, byte) }
        };
        let digit: Option<Vec<u32>> = [6, 7, 9, 10, 12, 13, 14].into_iter().map(plain).collect();
        let (Some(d), Some(month)) = (digit, place(IT_MONTHS, all[8])) else { return false };
        let [y, yy, dd, day, ..] = d[..] else { return false };
        let letters = [0, 1, 2, 3, 4, 5, 8, 11, 15];
        let weight = |(at, byte): (usize, &u8)| {
            let own = if byte.is_ascii_digit() { value(*byte) } else { value(*byte) - 10 };
            if at % 2 == 0 { IT_ODD.get(own as usize).copied().unwrap_or(0) } else { own }
        };
        let sum: u32 = all[..15].iter().enumerate().map(weight).sum();
        letters.into_iter().all(|at| all[at].is_ascii_uppercase())
            && is_short_date(y * 10 + yy, month + 1, (dd * 10 + day) % 40)
            && dd * 10 + day < 72
            && u32::from(b'A') + sum % 26 == u32::from(all[15])
    })
}

/// VAT number: eleven digits, Luhn; the office is 001–100, 120, 121, 888 or 999
/// (Agenzia delle Entrate).
fn it_vat(text: &str) -> bool {
    exactly::<11>(without(text, "IT")).is_some_and(|all| {
        number(&all[..7]) != 0
            && matches!(small(&all[7..10]), 1..=100 | 120 | 121 | 888 | 999)
            && luhn(&all)
    })
}

/// Identity card: electronic CA00000AA, or two letters and seven digits on paper
/// (Ministero dell'Interno).
fn it_identity_card(text: &str) -> bool {
    code::<9>(text).is_some_and(|all| formed(&all, "CA99999AA") || formed(&all, "AA9999999"))
}

/// Tax number: weights 9 to 2, mod 11, 10 counts as 0 (Autoridade Tributária).
fn pt_nif(text: &str) -> bool {
    exactly::<9>(without(text, "PT")).is_some_and(|all| {
        let sum = weighted(&all[..8], &[9, 8, 7, 6, 5, 4, 3, 2]);
        all[0] != 0 && (11 - sum % 11) % 11 % 10 == all[8]
    })
}

/// Citizen card: number, version letters, and Luhn over letters and digits
/// (IRN, validação de número de documento).
fn pt_cc(text: &str) -> bool {
    code::<12>(text).is_some_and(|all| {
        let sum: u32 = values(&all)
            .iter()
            .rev()
            .enumerate()
            .map(|(at, value)| match (at % 2, value * 2) {
                (0, _) => *value,
                (_, double) if double > 9 => double - 9,
                (_, double) => double,
            })
            .sum();
        formed(&all, "999999999**9") && sum.is_multiple_of(10)
    })
}

/// Social security number: eleven digits from 1 or 2, primes as weights, 9 less the rest mod 10
/// (Segurança Social, NISS).
fn pt_niss(text: &str) -> bool {
    exactly::<11>(text).is_some_and(|all| {
        let sum = weighted(&all[..10], &[29, 23, 19, 17, 13, 11, 7, 5, 3, 2]);
        matches!(all[0], 1 | 2) && 9 - sum % 10 == all[10]
    })
}

/// National id: two check digits, both mod 10 (NVİ, T.C. Kimlik No).
fn tr_national_id(text: &str) -> bool {
    exactly::<11>(text).is_some_and(|all| {
        let odd = weighted(&all[..9], &[7, 0, 7, 0, 7, 0, 7, 0, 7]);
        let even = weighted(&all[..9], &[0, 9, 0, 9, 0, 9, 0, 9]);
        all[0] != 0 && (odd + even) % 10 == all[9] && all[..10].iter().sum::<u32>() % 10 == all[10]
    })
}

/// Tax number: each digit moved by its place and multiplied by a power of 2 mod 9
/// (Gelir İdaresi Başkanlığı).
fn tr_tax(text: &str) -> bool {
    exactly::<10>(text).is_some_and(|all| {
        let sum: u32 = all[..9]
            .iter()
            .rev()
            .zip(1_u32..)
            .map(|(digit, place)| match (digit + place) % 10 {
                0 => 0,
                moved => match moved * (1 << place) % 9 {
                    0 => 9,
                    rest => rest,
                },
            })
            .sum();
        number(&all) != 0 && (10 - sum % 10) % 10 == all[9]
    })
}
