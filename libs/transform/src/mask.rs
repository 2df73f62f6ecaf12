//! Masks: what groups a value stays, letters and digits go.

/// How a value is masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    pub with: char,
    pub keep_first: usize,
    /// As people expect of the type when absent.
    pub keep_last: Option<usize>,
    /// The part of an e-mail address behind the `@` stays.
    pub keep_domain: bool,
}

impl Default for Mask {
    fn default() -> Self {
        Self { with: '*', keep_first: 0, keep_last: None, keep_domain: true }
    }
}

/// Types whose last characters people know their own by.
const KNOWN_BY_THEIR_END: &[&str] = &["CREDIT_CARD", "IBAN_CODE", "PHONE_NUMBER", "US_SSN"];
/// So many of them are kept.
const KEPT: usize = 4;
/// At least so many are hidden, or nothing is kept: of a short value the rest would be guessed.
const HIDDEN: usize = 4;

/// A value masked as people expect of its type.
#[must_use]
pub fn masked(entity: &str, original: &str, mask: &Mask) -> String {
    match original.rsplit_once('@') {
        Some((local, domain)) if entity == "EMAIL_ADDRESS" && mask.keep_domain => {
            let local = stars(local, mask, mask.keep_first, mask.keep_last.unwrap_or(0));
            format!("{local}@{domain}")
        }
        _ => {
            let expected = if KNOWN_BY_THEIR_END.contains(&entity) { KEPT } else { 0 };
            stars(original, mask, mask.keep_first, mask.keep_last.unwrap_or(expected))
        }
    }
}

fn stars(original: &str, mask: &Mask, first: usize, last: usize) -> String {
    let count = original.chars().filter(|c| c.is_alphanumeric()).count();
    let enough = count >= first.saturating_add(last).saturating_add(HIDDEN);
    let (first, last) = if enough { (first, last) } else { (0, 0) };
    let hidden = first..count.saturating_sub(last);
    let mut place = 0;
    let masked = |c: char| {
        if !c.is_alphanumeric() {
            return c;
        }
        place += 1;
        if hidden.contains(&(place - 1)) { mask.with } else { c }
    };
    original.chars().map(masked).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn masks_are_what_people_expect_of_the_type() {
        for (entity, original, expected) in [
            ("CREDIT_CARD", "4111 1111 1111 1111", "**** **** **** 1111"),
            ("IBAN_CODE", "DE89 3704 0044 0532 0130 00", "**** **** **** **** **30 00"),
            ("US_SSN", "078-05-1120", "***-**-1120"),
            ("PHONE_NUMBER", "+49 30 901820", "+** ** **1820"),
            ("PHONE_NUMBER", "901820", "******"),
            ("EMAIL_ADDRESS", "anna.weber@example.org", "****.*****@example.org"),
            ("EMAIL_ADDRESS", "anna at example", "**** ** *******"),
            ("PERSON", "Zoë Müller-Lüdenscheidt", "*** ******-************"),
            ("PERSON", "a@b", "*@*"),
        ] {
            assert_eq!(masked(entity, original, &Mask::default()), expected);
        }
    }

    #[test]
    fn parameters_say_what_stays() {
        let mask = Mask { with: '#', keep_first: 6, keep_last: Some(4), keep_domain: false };
        assert_eq!(masked("CREDIT_CARD", "4111-1111-1111-1234", &mask), "4111-11##-####-1234");
        assert_eq!(masked("CREDIT_CARD", "4111111111234", &mask), "#############");
        assert_eq!(masked("EMAIL_ADDRESS", "a@x.de", &mask), "#@#.##");
    }

    proptest! {
        #[test]
        fn hides_enough_and_keeps_the_shape(
            text in "\\PC{0,40}", keep_first in 0_usize..8, keep_last in 0_usize..8,
        ) {
            let mask = Mask { keep_first, keep_last: Some(keep_last), ..Mask::default() };
            let masked = masked("ID_NUMBER", &text, &mask);
            prop_assert_eq!(masked.chars().count(), text.chars().count());
            let hidden = text
                .chars()
                .zip(masked.chars())
                .filter(|(before, _)| before.is_alphanumeric())
                .filter(|(_, after)| *after == '*')
                .count();
            let all = text.chars().filter(|c| c.is_alphanumeric()).count();
            prop_assert!(hidden >= all.min(HIDDEN));
        }
    }
}
