//! Sweden, Finland, Denmark, Norway.

use super::checksum::{luhn, weighted};
use super::parts::{digits, exactly, is_date, is_short_date, number, small, stands_at, without};
use super::{Table, Validator};

pub(super) const TABLE: Table = &[
    ("se_personnummer", se_personnummer as Validator),
    ("se_orgnr", se_orgnr),
    ("fi_hetu", fi_hetu),
    ("fi_ytunnus", fi_ytunnus),
    ("dk_cpr", dk_cpr),
    ("dk_cvr", dk_cvr),
    ("no_fodselsnummer", no_fodselsnummer),
    ("no_orgnr", no_orgnr),
    ("no_account", no_account),
];

/// Personal number, with or without century; the day is 60 more in coordination numbers; Luhn
/// (Skatteverket, SKV 704).
fn se_personnummer(text: &str) -> bool {
    let Some(all) = digits(&text.replace('+', "-")) else { return false };
    let Some(short) = all.len().checked_sub(10).and_then(|from| all.get(from..)) else {
        return false;
    };
    let (year, month, day) = (small(&short[..2]), small(&short[2..4]), small(&short[4..6]));
    let day = if day > 60 { day - 60 } else { day };
    let born = match all.len() {
        10 => is_short_date(year, month, day),
        12 => {
            let century = small(&all[..2]);
            matches!(century, 18..=20) && is_date(century * 100 + year, month, day)
        }
        _ => false,
    };
    born && number(&short[6..]) != 0 && luhn(short)
}

/// Organisation number: ten digits, the third at least 2, so that no person has it; Luhn; as VAT
/// number with 01 (Skatteverket, SKV 709).
fn se_orgnr(text: &str) -> bool {
    let rest = without(text, "SE");
    let plain = exactly::<10>(rest).or_else(|| {
        exactly::<12>(rest)
            .filter(|long| long[10..] == [0, 1])
            .and_then(|long| long[..10].try_into().ok())
    });
    plain.is_some_and(|all: [u32; 10]| all[0] != 0 && all[2] >= 2 && luhn(&all))
}

/// Personal identity code: date, century sign, serial from 002, and a character mod 31
/// (Digi- ja väestötietovirasto). 900 and above are given to nobody; they are for tests.
fn fi_hetu(text: &str) -> bool {
    let bytes: Vec<u8> = text.bytes().map(|byte| byte.to_ascii_uppercase()).collect();
    let Ok([d, dd, m, mm, y, yy, sign, a, b, c, check]) = <[u8; 11]>::try_from(bytes) else {
        return false;
    };
    let parts = [d, dd, m, mm, y, yy, a, b, c];
    let digit = parts.map(super::parts::value);
    let century = match sign {
        b'+' => 1800,
        b'-' | b'U'..=b'Y' => 1900,
        b'A'..=b'F' => 2000,
        _ => return false,
    };
    let rest = u32::try_from(number(&digit) % 31).unwrap_or(0);
    parts.iter().all(u8::is_ascii_digit)
        && is_date(century + small(&digit[4..6]), small(&digit[2..4]), small(&digit[..2]))
        && small(&digit[6..]) >= 2
        && stands_at(b"0123456789ABCDEFHJKLMNPRSTUVWXY", rest, check)
}

/// Business id: weights 7, 9, 10, 5, 8, 4, 2, 1 mod 11 (PRH, Y-tunnus); also after FI.
fn fi_ytunnus(text: &str) -> bool {
    exactly::<8>(without(text, "FI")).is_some_and(|all| {
        number(&all) != 0 && weighted(&all, &[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11)
    })
}

/// Personal number: a date whose century the seventh digit says. The mod 11 check was given up
/// in 2007, so it decides nothing (CPR-kontoret, personnummeret i CPR).
fn dk_cpr(text: &str) -> bool {
    exactly::<10>(text).is_some_and(|all| {
        let year = small(&all[4..6]);
        let century = match all[6] {
            5..=8 if year >= 58 => 1800,
            0..=3 => 1900,
            4 | 9 if year >= 37 => 1900,
            _ => 2000,
        };
        number(&all[6..]) != 0 && is_date(century + year, small(&all[2..4]), small(&all[..2]))
    })
}

/// Company: eight digits, weights 2, 7, 6, 5, 4, 3, 2, 1 mod 11 (Erhvervsstyrelsen, CVR).
fn dk_cvr(text: &str) -> bool {
    exactly::<8>(without(text, "DK")).is_some_and(|all| {
        all[0] != 0 && weighted(&all, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
    })
}

/// National identity number: date (D-numbers: day +40; H-numbers: month +40), serial that says
/// the century, two check digits mod 11 (Skatteetaten, fødselsnummer).
fn no_fodselsnummer(text: &str) -> bool {
    exactly::<11>(text).is_some_and(|all| {
        let first = weighted(&all[..10], &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]);
        let second = weighted(&all, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
        let (day, month, year) = (small(&all[..2]), small(&all[2..4]), small(&all[4..6]));
        let day = if day > 40 { day - 40 } else { day };
        let month = if month > 40 { month - 40 } else { month };
        let century = match (small(&all[6..9]), year) {
            (0..=499, _) => 1900,
            (500..=749, 54..) => 1800,
            (500..=999, 0..=39) => 2000,
            (900..=999, 40..) => 1900,
            _ => return false,
        };
        first.is_multiple_of(11) && second.is_multiple_of(11) && is_date(century + year, month, day)
    })
}

/// Organisation: nine digits, weights 3, 2, 7, 6, 5, 4, 3, 2, 1 mod 11 (Brønnøysundregistrene).
fn no_orgnr(text: &str) -> bool {
    let rest = without(text, "NO");
    let rest = rest.strip_suffix("MVA").unwrap_or(rest);
    exactly::<9>(rest).is_some_and(|all| {
        number(&all) != 0 && weighted(&all, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
    })
}

/// Account: eleven digits, weights 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1 mod 11 (Finans Norge).
fn no_account(text: &str) -> bool {
    exactly::<11>(text).is_some_and(|all| {
        number(&all[..4]) != 0
            && weighted(&all, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specimens_of_the_authorities() {
        assert!(fi_hetu("131052-308T") && fi_hetu("131052-308t") && !fi_hetu("131052-308U"));
        assert!(se_personnummer("811228-9874") && se_personnummer("19811228-9874"));
        assert!(!se_personnummer("811328-9874") && !se_personnummer("811228-9875"));
    }
}
