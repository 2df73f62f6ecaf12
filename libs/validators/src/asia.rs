//! India, Singapore, Korea, Japan, China, Taiwan, Thailand, Philippines.

use super::checksum::{crossed, luhn, luhn_of, verhoeff, weighted};
use super::parts::{
    code, digits, exactly, formed, is_date, listed, number, place, small, stands_at, values,
};
use super::{Table, Validator};

pub(super) const TABLE: Table = &[
    ("in_aadhaar", in_aadhaar as Validator),
    ("in_vid", in_vid),
    ("in_pan", in_pan),
    ("in_gstin", in_gstin),
    ("in_epic", in_epic),
    ("in_plate", in_plate),
    ("sg_nric", sg_nric),
    ("sg_uen", sg_uen),
    ("kr_rrn", kr_rrn),
    ("kr_frn", kr_frn),
    ("kr_rrn_form", kr_rrn_form),
    ("kr_brn", kr_brn),
    ("jp_my_number", jp_my_number),
    ("jp_corporate", jp_corporate),
    ("cn_ric", cn_ric),
    ("cn_uscc", cn_uscc),
    ("tw_national_id", tw_national_id),
    ("tw_ubn", tw_ubn),
    ("th_pin", th_pin),
    ("ph_tin", ph_tin),
];

/// Twelve or sixteen digits of the UIDAI: none starts with 0 or 1, none reads the same backwards,
/// Verhoeff (UIDAI, Aadhaar number).
fn uidai(all: &[u32]) -> bool {
    all.first().is_some_and(|first| *first >= 2)
        && !all.iter().eq(all.iter().rev())
        && verhoeff(all)
}

fn in_aadhaar(text: &str) -> bool {
    exactly::<12>(text).is_some_and(|all| uidai(&all))
}

/// Virtual id that stands for an Aadhaar number (UIDAI circular 1 of 2018).
fn in_vid(text: &str) -> bool {
    exactly::<16>(text).is_some_and(|all| uidai(&all))
}

fn pan(all: &[u8]) -> bool {
    formed(all, "AAAAA9999A") && b"ABCFGHLJPTK".contains(&all[3]) && &all[5..9] != b"0000"
}

/// Permanent account number: the fourth letter says what kind of holder (Income Tax Department).
fn in_pan(text: &str) -> bool {
    code::<10>(text).is_some_and(|all| pan(&all))
}

/// Goods and services number: state, PAN, registration, Z, Luhn over 36 characters (GSTN).
fn in_gstin(text: &str) -> bool {
    code::<15>(text).is_some_and(|all| {
        let d = values(&all);
        formed(&all[..2], "99")
            && matches!(small(&d[..2]), 1..=37)
            && pan(&all[2..12])
            && all[12] != b'0'
            && all[13] == b'Z'
            && luhn_of(&d, 36)
    })
}

/// Voter's card: three letters and seven digits with Luhn (Election Commission of India).
fn in_epic(text: &str) -> bool {
    code::<10>(text).is_some_and(|all| formed(&all, "AAA9999999") && luhn(&values(&all)[3..]))
}

const IN_STATES: &str = "ANAPARASBHBRCGCHDDDLDNGAGJHPHRJHJKKAKLLALDMHMLMNMPMZNLODORPBPYRJSKTGTNTRTS\
                         UAUKUPWB";

/// Plate: state, district, series, number (Central Motor Vehicles Rules, 1989).
fn in_plate(text: &str) -> bool {
    text.get(..2).is_some_and(|state| listed(IN_STATES, state.as_bytes()))
        && text.bytes().filter(u8::is_ascii_digit).count() >= 5
        && !text.ends_with("0000")
}

/// NRIC and FIN: weights 2, 7, 6, 5, 4, 3, 2 mod 11, moved by 4 for T and G and by 3 for M
/// (Immigration and Checkpoints Authority).
fn sg_nric(text: &str) -> bool {
    code::<9>(text).is_some_and(|all| {
        let sum = weighted(&values(&all)[1..8], &[2, 7, 6, 5, 4, 3, 2]);
        let (moved, letters) = match all[0] {
            b'S' => (0, b"JZIHGFEDCBA"),
            b'T' => (4, b"JZIHGFEDCBA"),
            b'F' => (0, b"XWUTRQPNMLK"),
            b'G' => (4, b"XWUTRQPNMLK"),
            b'M' => (3, b"XWUTRQPNJLK"),
            _ => return false,
        };
        formed(&all, "A9999999A") && stands_at(letters, (sum + moved) % 11, all[8])
    })
}

/// What may follow the year in the UEN of other entities (ACRA, UEN entity types).
const SG_ENTITIES: &str =
    "CCCDCHCLCMCPCSCXDPFBFCFMFNGAGBGSHSLLLPMBMCMDMHMMMQNBNRPAPBPFRFRPSMSSTCTUVHXL";

/// Unique entity number: businesses, local companies, others, each with its own letter mod 11
/// (ACRA, UEN format).
fn sg_uen(text: &str) -> bool {
    const OTHERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWX0123456789";
    if let Some(all) = code::<9>(text) {
        let sum = weighted(&values(&all)[..8], &[10, 4, 9, 3, 8, 2, 7, 1]);
        return formed(&all, "99999999A") && stands_at(b"XMKECAWLJDB", sum % 11, all[8]);
    }
    code::<10>(text).is_some_and(|all| {
        let d = values(&all);
        if formed(&all, "999999999A") {
            let sum = weighted(&d[..9], &[10, 8, 6, 4, 9, 7, 5, 3, 1]);
            return matches!(small(&d[..4]), 1800..=2099)
                && stands_at(b"ZKCMDNERGWH", sum % 11, all[9]);
        }
        let sum: u32 = all[..9]
            .iter()
            .zip([4, 3, 5, 3, 10, 2, 2, 5, 7])
            .map(|(byte, weight)| place(OTHERS, *byte).unwrap_or(0) * weight)
            .sum();
        formed(&all, "A99AA9999A")
            && b"RST".contains(&all[0])
            && listed(SG_ENTITIES, &all[3..5])
            && stands_at(OTHERS, (sum + 6) % 11, all[9])
    })
}

/// Date, sex and century of a Korean registration number.
fn korean(all: &[u32; 13]) -> bool {
    let century = match all[6] {
        1 | 2 | 5 | 6 => 1900,
        3 | 4 | 7 | 8 => 2000,
        _ => 1800,
    };
    is_date(century + small(&all[..2]), small(&all[2..4]), small(&all[4..6]))
}

const KOREAN: &[u32] = &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];

/// Resident registration number: birth, sex, place, mod 11 (Ministry of the Interior and Safety).
fn kr_rrn(text: &str) -> bool {
    exactly::<13>(text).is_some_and(|all| {
        korean(&all)
            && small(&all[7..9]) <= 96
            && (11 - weighted(&all[..12], KOREAN) % 11) % 10 == all[12]
    })
}

/// Foreigner's registration number: the same sum, 2 more (Ministry of Justice).
fn kr_frn(text: &str) -> bool {
    exactly::<13>(text).is_some_and(|all| {
        korean(&all)
            && (5..=8).contains(&all[6])
            && (13 - weighted(&all[..12], KOREAN) % 11) % 10 == all[12]
    })
}

/// The form alone: since October 2020 the last six digits are drawn by lot and check nothing.
fn kr_rrn_form(text: &str) -> bool {
    exactly::<13>(text).is_some_and(|all| korean(&all) && (1..=8).contains(&all[6]))
}

/// Business number: weights 1, 3, 7, 1, 3, 7, 1, 3, 5 and the tens of the last product, mod 10
/// (National Tax Service).
fn kr_brn(text: &str) -> bool {
    exactly::<10>(text).is_some_and(|all| {
        let sum = weighted(&all[..9], &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + all[8] * 5 / 10;
        small(&all[..3]) >= 101
            && small(&all[3..5]) != 0
            && small(&all[5..9]) != 0
            && (10 - sum % 10) % 10 == all[9]
    })
}

/// My Number of a person: weights 6 to 2 and 7 to 2, mod 11 (Ministry of Internal Affairs,
/// ordinance 85 of 2014).
fn jp_my_number(text: &str) -> bool {
    exactly::<12>(text).is_some_and(|all| {
        let sum = weighted(&all[..11], &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
        number(&all) != 0 && (11 - sum % 11) % 11 % 10 == all[11]
    })
}

/// Corporate number: the first digit checks the others, weights 1 and 2 mod 9
/// (National Tax Agency).
fn jp_corporate(text: &str) -> bool {
    exactly::<13>(text).is_some_and(|all| {
        let sum = weighted(&all[1..], &[2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
        number(&all[1..]) != 0 && 9 - sum % 9 == all[0]
    })
}

/// Resident identity: region, birth date, serial, ISO 7064 mod 11-2 with X (GB 11643-1999).
fn cn_ric(text: &str) -> bool {
    code::<18>(text).is_some_and(|all| {
        let d = values(&all);
        let sum = d[..17].iter().fold(0, |sum, digit| (sum + digit) * 2 % 11);
        let check = (12 - sum) % 11;
        let last = if all[17] == b'X' { 10 } else { d[17] };
        formed(&all[..17], "99999999999999999")
            && (all[17] == b'X' || all[17].is_ascii_digit())
            && matches!(d[0] * 10 + d[1],
                11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83 | 91)
            && is_date(small(&d[6..10]), small(&d[10..12]), small(&d[12..14]))
            && (1800..2100).contains(&small(&d[6..10]))
            && check == last
    })
}

/// Unified social credit: powers of 3 mod 31 (GB 32100-2015).
fn cn_uscc(text: &str) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    const WEIGHTS: [u32; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    code::<18>(text).is_some_and(|all| {
        let Some(d) = all.iter().map(|byte| place(ALPHABET, *byte)).collect::<Option<Vec<u32>>>()
        else {
            return false;
        };
        formed(&all[..8], "99999999")
            && number(&d[..8]) != 0
            && (31 - weighted(&d, &WEIGHTS) % 31) % 31 == d[17]
    })
}

/// National id and resident certificate: the letter as two digits, weights 1, 9 to 1, 1 mod 10
/// (Ministry of the Interior).
fn tw_national_id(text: &str) -> bool {
    // A is 10, then as the counties were numbered, not as the alphabet runs.
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    code::<10>(text).is_some_and(|all| {
        let d = values(&all);
        let Some(letter) = place(LETTERS, all[0]).map(|at| at + 10) else { return false };
        let sum = letter / 10 + letter % 10 * 9 + weighted(&d[1..], &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
        formed(&all, "A999999999") && matches!(d[1], 1 | 2 | 8 | 9) && sum.is_multiple_of(10)
    })
}

/// Business number: crossed sums of weights 1, 2, 1, 2, 1, 2, 4, 1; since April 2023 a multiple
/// of 5, before of 10; a 7 in the seventh place may count one more (Ministry of Finance).
fn tw_ubn(text: &str) -> bool {
    exactly::<8>(text).is_some_and(|all| {
        let sum = crossed(&all, &[1, 2, 1, 2, 1, 2, 4, 1]);
        number(&all) != 0 && (sum.is_multiple_of(5) || all[6] == 7 && (sum + 1).is_multiple_of(5))
    })
}

/// National id of a person (first digit 1 to 8) or a juristic person (0): weights 13 to 2, mod 11
/// (Department of Provincial Administration; Revenue Department).
fn th_pin(text: &str) -> bool {
    exactly::<13>(text).is_some_and(|all| {
        let sum = weighted(&all[..12], &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
        all[0] != 9 && number(&all) != 0 && (11 - sum % 11) % 10 == all[12]
    })
}

/// Taxpayer number: weights 9 to 2, mod 11 is the ninth digit; a branch of three or five digits
/// may follow (Bureau of Internal Revenue).
fn ph_tin(text: &str) -> bool {
    digits(text).is_some_and(|all| {
        matches!(all.len(), 9 | 12 | 14)
            && all.get(..9).is_some_and(|main| {
                number(main) != 0 && weighted(&main[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == main[8]
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_that_no_oracle_covers() {
        assert!(sg_nric("S1234567D") && !sg_nric("S1234567E") && sg_nric("F1234567N"));
        assert!(tw_national_id("A123456789") && !tw_national_id("A123456788"));
        assert!(ph_tin("000-123-456-000") && !ph_tin("000-123-457-000"));
        assert!(kr_rrn_form("900101-1234567") && !kr_rrn_form("901301-1234567"));
    }
}
