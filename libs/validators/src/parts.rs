//! Reading a number apart: its digits, its letters, the date in it.

/// Marks that people put between the groups of a number.
const fn separates(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/' | b':' | b',')
}

/// Exactly `N` digits with nothing but separators around them.
pub(super) fn exactly<const N: usize>(text: &str) -> Option<[u32; N]> {
    let mut found = [0; N];
    let mut places = found.iter_mut();
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => *places.next()? = u32::from(byte - b'0'),
            _ if separates(byte) => {}
            _ => return None,
        }
    }
    places.next().is_none().then_some(found)
}

/// All digits, where there are only digits and separators.
pub(super) fn digits(text: &str) -> Option<Vec<u32>> {
    text.bytes()
        .filter(|byte| !separates(*byte))
        .map(|byte| byte.is_ascii_digit().then(|| u32::from(byte - b'0')))
        .collect()
}

/// Exactly `N` letters and digits, in upper case, with nothing but separators around them.
pub(super) fn code<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut found = [0; N];
    let mut places = found.iter_mut();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            *places.next()? = byte.to_ascii_uppercase();
        } else if !separates(byte) {
            return None;
        }
    }
    places.next().is_none().then_some(found)
}

/// Whether a code is formed so: `A` a letter, `9` a digit, `*` either, all else itself.
pub(super) fn formed(code: &[u8], form: &str) -> bool {
    code.len() == form.len()
        && code.iter().zip(form.bytes()).all(|(byte, form)| match form {
            b'A' => byte.is_ascii_uppercase(),
            b'9' => byte.is_ascii_digit(),
            b'*' => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            _ => *byte == form,
        })
}

/// 0 to 9 as they are, A to Z as 10 to 35.
pub(super) fn value(byte: u8) -> u32 {
    char::from(byte).to_digit(36).unwrap_or(0)
}

/// The value of every character of a code.
pub(super) fn values<const N: usize>(code: &[u8; N]) -> [u32; N] {
    code.map(value)
}

/// The number that digits write.
pub(super) fn number(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(*digit))
}

/// The small number that a few digits write.
pub(super) fn small(digits: &[u32]) -> u32 {
    digits.iter().fold(0, |sum, digit| sum * 10 + digit)
}

/// The place of a byte in an alphabet.
pub(super) fn place(alphabet: &[u8], byte: u8) -> Option<u32> {
    alphabet.iter().position(|known| *known == byte).and_then(|at| u32::try_from(at).ok())
}

/// Whether a letter or digit is the one at this place of an alphabet.
pub(super) fn stands_at(alphabet: &[u8], at: u32, byte: u8) -> bool {
    alphabet.get(at as usize) == Some(&byte)
}

/// A text without the prefix of a country, in any case.
pub(super) fn without<'a>(text: &'a str, prefix: &str) -> &'a str {
    match (text.get(..prefix.len()), text.get(prefix.len()..)) {
        (Some(start), Some(rest)) if start.eq_ignore_ascii_case(prefix) => rest,
        _ => text,
    }
}

/// A day of the Gregorian calendar.
pub(super) const fn is_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    1 <= month && month <= 12 && 1 <= day && day <= last
}

/// A day whose year lost its century.
pub(super) const fn is_short_date(year: u32, month: u32, day: u32) -> bool {
    is_date(2000 + year, month, day)
}

/// A code of two letters out of a list written in one piece, `"ALAKAZ"`.
pub(super) fn listed(list: &str, code: &[u8]) -> bool {
    list.as_bytes().chunks(2).any(|known| known == code)
}

/// Whether every digit is the same: a number that somebody typed to fill a form.
pub(super) fn all_the_same(digits: &[u32]) -> bool {
    digits.windows(2).all(|pair| pair.first() == pair.last())
}
