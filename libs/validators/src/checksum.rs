//! Checksums that many numbers share.

/// The sum of digits times weights.
pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// Luhn's mod 10 (ISO/IEC 7812-1, annex B).
pub(super) fn luhn(digits: &[u32]) -> bool {
    luhn_of(digits, 10)
}

/// Luhn over an alphabet of any even size.
pub(super) fn luhn_of(values: &[u32], base: u32) -> bool {
    luhn_sum(values, base).is_multiple_of(base)
}

/// Luhn's sum with the last digit undoubled.
pub(super) fn luhn_sum(values: &[u32], base: u32) -> u32 {
    values
        .iter()
        .rev()
        .enumerate()
        .map(|(at, value)| if at % 2 == 0 { *value } else { value * 2 / base + value * 2 % base })
        .sum()
}

/// The sum of the digits of each product, as German and Taiwanese numbers want it.
pub(super) fn crossed(digits: &[u32], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| digit * weight / 10 + digit * weight % 10)
        .sum()
}

/// Verhoeff's check over the dihedral group D5 (J. Verhoeff, Error Detecting Decimal Codes, 1969).
pub(super) fn verhoeff(digits: &[u32]) -> bool {
    const PERMUTED: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permute = |digit: u32| PERMUTED.get(digit as usize).copied().unwrap_or(digit);
    let multiply = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b) % 5,
        (false, true) => 5 + (a - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let check = digits.iter().rev().enumerate().fold(0, |check, (at, digit)| {
        multiply(check, (0..at % 8).fold(*digit, |digit, _| permute(digit)))
    });
    check == 0
}

/// ISO/IEC 7064 mod 11,10.
pub(super) fn mod_11_10(digits: &[u32]) -> bool {
    let Some((check, rest)) = digits.split_last() else { return false };
    let product = rest.iter().fold(10, |product, digit| {
        let sum = (product + digit) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == *check
}

/// ISO/IEC 7064 mod 97-10; letters count as 10 to 35.
pub(super) fn mod_97(text: impl IntoIterator<Item = u8>) -> u32 {
    text.into_iter().fold(0, |sum, byte| {
        let value = super::parts::value(byte);
        (sum * if value < 10 { 10 } else { 100 } + value) % 97
    })
}

/// The check digit of machine-readable travel documents: weights 7, 3, 1 (ICAO Doc 9303-3, 4.9).
pub(super) fn travel_document(values: &[u32]) -> u32 {
    values.iter().zip([7, 3, 1].iter().cycle()).map(|(value, weight)| value * weight).sum::<u32>()
        % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u32> {
        super::super::parts::digits(text).unwrap()
    }

    #[test]
    fn published_examples() {
        // ISO/IEC 7812-1; Verhoeff's own 236 with check digit 3; ISO/IEC 7064's 0794 with 5;
        // the specimen of ICAO Doc 9303.
        assert!(luhn(&digits("79927398713")) && !luhn(&digits("79927398710")));
        assert!(verhoeff(&digits("2363")) && !verhoeff(&digits("2364")));
        assert!(mod_11_10(&digits("07945")) && !mod_11_10(&digits("07944")));
        assert_eq!(mod_97(*b"3214282912345698765432161182"), 1);
        let specimen: Vec<u32> =
            b"L898902C3".iter().map(|b| super::super::parts::value(*b)).collect();
        assert_eq!(travel_document(&specimen), 6);
    }

    #[test]
    fn single_errors_and_neighbours_are_caught() {
        let good = digits("2363");
        for at in 0..good.len() {
            for other in (0..10).filter(|other| *other != good[at]) {
                let mut bad = good.clone();
                bad[at] = other;
                assert!(!verhoeff(&bad), "{bad:?}");
            }
        }
        assert!(!verhoeff(&digits("3263")) && !verhoeff(&digits("2633")));
    }
}
