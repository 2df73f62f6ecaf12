//! Brazil, Argentina, Chile.

use super::checksum::weighted;
use super::parts::{all_the_same, code, digits, exactly, formed, number, small, values, without};
use super::{Table, Validator};

pub(super) const TABLE: Table = &[
    ("br_cpf", br_cpf as Validator),
    ("br_cnpj", br_cnpj),
    ("br_cnh", br_cnh),
    ("br_pis", br_pis),
    ("br_cns", br_cns),
    ("br_voter", br_voter),
    ("ar_cuit", ar_cuit),
    ("ar_cbu", ar_cbu),
    ("ar_dni", ar_dni),
    ("cl_rut", cl_rut),
];

/// A check digit mod 11 in which 10 counts as 0.
const fn eleven(sum: u32) -> u32 {
    (11 - sum % 11) % 11 % 10
}

/// Person: two check digits, weights 10 and 11 falling to 2 (Receita Federal). Eleven equal
/// digits pass the sums but are nobody's.
fn br_cpf(text: &str) -> bool {
    exactly::<11>(text).is_some_and(|all| {
        !all_the_same(&all)
            && eleven(weighted(&all[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2])) == all[9]
            && eleven(weighted(&all[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])) == all[10]
    })
}

/// Company: twelve letters or digits since July 2026, digits before, and two check digits; a
/// character counts its ASCII code less 48 (Receita Federal, IN RFB 2.229/2024).
fn br_cnpj(text: &str) -> bool {
    const WEIGHTS: [u32; 13] = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    code::<14>(text).is_some_and(|all| {
        let d = all.map(|byte| u32::from(byte - b'0'));
        formed(&all[12..], "99")
            && all[..12] != *b"000000000000"
            && eleven(weighted(&d[..12], &WEIGHTS[1..])) == d[12]
            && eleven(weighted(&d[..13], &WEIGHTS)) == d[13]
    })
}

/// Driving licence: two check digits mod 11, the second corrected where the first was 10
/// (DENATRAN, Renach).
fn br_cnh(text: &str) -> bool {
    exactly::<11>(text).is_some_and(|all| {
        let first = weighted(&all[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11;
        let less = if first >= 10 { 2 } else { 0 };
        let second = weighted(&all[..9], &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11;
        let first = if first >= 10 { 0 } else { first };
        let second = if second >= 10 { 0 } else { (second + 11 - less) % 11 };
        !all_the_same(&all) && first == all[9] && second == all[10]
    })
}

/// PIS, PASEP, NIS: weights 3, 2, 9 to 2, mod 11 (Caixa Econômica Federal).
fn br_pis(text: &str) -> bool {
    exactly::<11>(text).is_some_and(|all| {
        !all_the_same(&all)
            && eleven(weighted(&all[..10], &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2])) == all[10]
    })
}

/// Health card: fifteen digits from 1, 2, 7, 8, 9, weights 15 to 1 mod 11 (DATASUS, CNS).
fn br_cns(text: &str) -> bool {
    exactly::<15>(text).is_some_and(|all| {
        matches!(all[0], 1 | 2 | 7..=9)
            && weighted(&all, &[15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
                .is_multiple_of(11)
    })
}

/// Voter's title: serial, state 01 to 28, two check digits mod 11; in São Paulo and Minas Gerais
/// 0 becomes 1 (TSE, resolução 21.538).
fn br_voter(text: &str) -> bool {
    exactly::<12>(text).is_some_and(|all| {
        let state = small(&all[8..10]);
        let digit = |sum: u32| match sum % 11 {
            10 => 0,
            0 if matches!(state, 1 | 2) => 1,
            rest => rest,
        };
        number(&all[..8]) != 0
            && (1..=28).contains(&state)
            && digit(weighted(&all[..8], &[2, 3, 4, 5, 6, 7, 8, 9])) == all[10]
            && digit(weighted(&all[8..11], &[7, 8, 9])) == all[11]
    })
}

/// Tax and labour number: kind, document, weights 5, 4, 3, 2, 7 … mod 11 (AFIP, now ARCA).
fn ar_cuit(text: &str) -> bool {
    exactly::<11>(text).is_some_and(|all| {
        let check = match 11 - weighted(&all[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
            11 => 0,
            10 => 9,
            digit => digit,
        };
        matches!(small(&all[..2]), 20 | 23 | 24 | 27 | 30 | 33 | 34 | 50 | 51 | 55)
            && check == all[10]
    })
}

/// Account: two parts, each with weights 9, 7, 1, 3 from its end, mod 10 (BCRA, CBU).
fn ar_cbu(text: &str) -> bool {
    let check = |digits: &[u32]| {
        let sum: u32 =
            digits.iter().rev().zip([3, 1, 7, 9].iter().cycle()).map(|(d, w)| d * w).sum();
        (10 - sum % 10) % 10
    };
    exactly::<22>(text).is_some_and(|all| {
        number(&all[..3]) != 0 && check(&all[..7]) == all[7] && check(&all[8..21]) == all[21]
    })
}

/// Document: seven or eight digits, no check (RENAPER).
fn ar_dni(text: &str) -> bool {
    digits(text).is_some_and(|all| matches!(all.len(), 7 | 8) && !all_the_same(&all))
}

/// Person or company: weights 2 to 7 from the end, mod 11, K for 10 (Registro Civil).
fn cl_rut(text: &str) -> bool {
    let rest = without(text, "CL");
    let all = code::<9>(rest).or_else(|| {
        code::<8>(rest).map(|short| {
            let mut all = [b'0'; 9];
            all[1..].copy_from_slice(&short);
            all
        })
    });
    all.is_some_and(|all| {
        let d = values(&all);
        let sum = weighted(&d[..8], &[3, 2, 7, 6, 5, 4, 3, 2]);
        let check = match (11 - sum % 11) % 11 {
            10 => b'K',
            digit => b'0' + u8::try_from(digit).unwrap_or(0),
        };
        formed(&all[..8], "99999999") && number(&d[..8]) != 0 && all[8] == check
    })
}
