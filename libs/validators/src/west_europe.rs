//! France, Belgium, Netherlands.

use super::checksum::{luhn, mod_97, weighted};
use super::parts::{code, digits, exactly, formed, number, place, small, values, without};
use super::{Table, Validator};

pub(super) const TABLE: Table = &[
    ("fr_nir", fr_nir as Validator),
    ("fr_spi", fr_spi),
    ("fr_siren", fr_siren),
    ("fr_siret", fr_siret),
    ("fr_tva", fr_tva),
    ("fr_rib", fr_rib),
    ("be_national_number", be_national_number),
    ("be_vat", be_vat),
    ("be_eid", be_eid),
    ("nl_bsn", nl_bsn),
    ("nl_btw", nl_btw),
];

/// Social security number: sex, year, month, department, commune, serial, and 97 less the rest
/// mod 97; Corsica's 2A and 2B count as 19 and 18 (INSEE, NIR).
fn fr_nir(text: &str) -> bool {
    code::<15>(text).is_some_and(|all| {
        let mut plain = all;
        match &all[5..7] {
            b"2A" => plain[5..7].copy_from_slice(b"19"),
            b"2B" => plain[5..7].copy_from_slice(b"18"),
            _ => {}
        }
        let d = values(&plain);
        formed(&plain, "999999999999999")
            && matches!(d[0], 1..=4 | 7 | 8)
            && matches!(small(&d[3..5]), 1..=12 | 20..=42 | 50..=99)
            && 97 - number(&d[..13]) % 97 == number(&d[13..])
    })
}

/// Tax number: starts with 0 to 3, the last three are the rest mod 511 (impots.gouv.fr, SPI).
fn fr_spi(text: &str) -> bool {
    exactly::<13>(text)
        .is_some_and(|all| all[0] <= 3 && number(&all[..10]) % 511 == number(&all[10..]))
}

/// Company: nine digits, Luhn (INSEE, SIREN).
fn fr_siren(text: &str) -> bool {
    exactly::<9>(text).is_some_and(|all| number(&all) != 0 && luhn(&all))
}

/// Establishment: SIREN and five digits, Luhn; La Poste's sum to a multiple of 5
/// (INSEE, SIRET).
fn fr_siret(text: &str) -> bool {
    exactly::<14>(text).is_some_and(|all| {
        let post = number(&all[..9]) == 356_000_000 && number(&all[9..]) != 48;
        let whole = if post { all.iter().sum::<u32>().is_multiple_of(5) } else { luhn(&all) };
        number(&all[..9]) != 0 && whole && luhn(&all[..9])
    })
}

/// VAT number: two characters that check a SIREN (DGFiP; letters but O and I in the new form).
fn fr_tva(text: &str) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    code::<11>(without(text, "FR")).is_some_and(|all| {
        let d = values(&all);
        let (Some(a), Some(b)) = (place(ALPHABET, all[0]), place(ALPHABET, all[1])) else {
            return false;
        };
        if !formed(&all[2..], "999999999") || (small(&d[2..5]) != 0 && !luhn(&d[2..])) {
            return false;
        }
        let siren = number(&d[2..]);
        if a < 10 && b < 10 {
            return u64::from(a * 10 + b) == (siren * 100 + 12) % 97;
        }
        let check =
            if a < 10 { (a * 24 + b).checked_sub(10) } else { (a * 34 + b).checked_sub(100) };
        check.is_some_and(|check| (siren + 1 + u64::from(check / 11)) % 11 == u64::from(check % 11))
    })
}

/// Bank account before IBAN: bank, branch, account, and a key so that the whole is 0 mod 97;
/// letters of the account count as digits (Comité français d'organisation, RIB).
fn fr_rib(text: &str) -> bool {
    code::<23>(text).is_some_and(|all| {
        let plain = all.map(|byte| match byte {
            b'A'..=b'I' => byte - b'A' + b'1',
            b'J'..=b'R' => byte - b'J' + b'1',
            b'S'..=b'Z' => byte - b'S' + b'2',
            _ => byte,
        });
        formed(&all[..10], "9999999999")
            && formed(&all[21..], "99")
            && all.iter().any(|byte| *byte != b'0')
            && mod_97(plain) == 0
    })
}

/// National register number: birth date, serial, 97 less the rest mod 97, with a 2 before the
/// number for those born since 2000. Months +20 or +40 are the bis numbers of people who are not
/// residents (Royal decree of 3 April 1984).
fn be_national_number(text: &str) -> bool {
    exactly::<11>(text).is_some_and(|all| {
        let (first, check) = (number(&all[..9]), number(&all[9..]));
        let month = small(&all[2..4]);
        let day = small(&all[4..6]);
        first != 0
            && matches!(month, 0..=12 | 20..=32 | 40..=52)
            && day <= 31
            && [first, first + 2_000_000_000].iter().any(|whole| 97 - whole % 97 == check)
    })
}

/// Enterprise and VAT number: ten digits from 0 or 1, 97 less the rest mod 97 (KBO/BCE).
fn be_vat(text: &str) -> bool {
    let rest = without(text, "BE");
    let all = exactly::<10>(rest).or_else(|| {
        // Numbers of before 2005 have nine digits.
        exactly::<9>(rest).map(|old| {
            let mut all = [0; 10];
            all[1..].copy_from_slice(&old);
            all
        })
    });
    all.is_some_and(|all| {
        number(&all) != 0
            && all[0] <= 1
            && (number(&all[..8]) + number(&all[8..])).is_multiple_of(97)
    })
}

/// Number of an identity card: twelve digits, the rest mod 97 or 97 itself (Ministry of the
/// Interior, eID).
fn be_eid(text: &str) -> bool {
    exactly::<12>(text).is_some_and(|all| {
        let rest = number(&all[..10]) % 97;
        number(&all) != 0 && number(&all[10..]) == if rest == 0 { 97 } else { rest }
    })
}

/// The eleven test: weights 9 to 2, the last digit subtracted.
fn eleven(all: &[u32; 9]) -> bool {
    let sum = weighted(&all[..8], &[9, 8, 7, 6, 5, 4, 3, 2]);
    number(all) != 0 && (sum + 11 - all[8]).is_multiple_of(11)
}

/// Citizen service number: eight or nine digits, the eleven test (RvIG, logisch ontwerp BRP).
fn nl_bsn(text: &str) -> bool {
    let Some(all) = digits(text) else { return false };
    match all[..] {
        [a, b, c, d, e, f, g, h] => eleven(&[0, a, b, c, d, e, f, g, h]),
        [a, b, c, d, e, f, g, h, i] => eleven(&[a, b, c, d, e, f, g, h, i]),
        _ => false,
    }
}

/// VAT number: a citizen or company number, B and two digits; since 2020 checked by mod 97-10
/// instead (Belastingdienst, btw-identificatienummer).
fn nl_btw(text: &str) -> bool {
    code::<12>(without(text, "NL")).is_some_and(|all| {
        let d = values(&all);
        let first = [d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8]];
        formed(&all, "999999999B99")
            && small(&d[10..]) != 0
            && number(&first) != 0
            && (eleven(&first) || mod_97(b"NL".iter().chain(&all).copied()) == 1)
    })
}
