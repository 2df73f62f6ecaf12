//! What becomes of a finding.

use pii::Finding;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// A token that can be restored.
    Placeholder,
    /// Removed.
    Redact,
    /// Letters and digits become `*`, as people expect of the type.
    Mask,
    /// The type's name in angle brackets.
    Replace,
}

/// Types whose last characters people know their own by.
const KNOWN_BY_THEIR_END: &[&str] = &["CREDIT_CARD", "IBAN_CODE", "PHONE_NUMBER", "US_SSN"];
/// So many of them are kept.
const KEPT: usize = 4;
/// Of shorter ones nothing is kept: four would be half of them or more.
const LONG_ENOUGH: usize = 8;

impl Operator {
    /// What stands for an original that cannot be restored.
    fn replacement(self, finding: &Finding, original: &str) -> String {
        match self {
            Self::Placeholder | Self::Redact => String::new(),
            Self::Mask => masked(finding.entity.as_str(), original),
            Self::Replace => format!("<{}>", finding.entity),
        }
    }

    /// The text without its findings, which are in order and do not overlap.
    pub fn applied(self, text: &str, findings: &[Finding]) -> String {
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for finding in findings {
            out.push_str(&text[end..finding.range.start]);
            out.push_str(&self.replacement(finding, &text[finding.range.clone()]));
            end = finding.range.end;
        }
        out.push_str(&text[end..]);
        out
    }
}

fn masked(entity: &str, original: &str) -> String {
    let count = original.chars().filter(|c| c.is_alphanumeric()).count();
    match original.rsplit_once('@') {
        Some((local, domain)) if entity == "EMAIL_ADDRESS" => {
            format!("{}@{domain}", stars(local, 0))
        }
        _ if KNOWN_BY_THEIR_END.contains(&entity) && count >= LONG_ENOUGH => stars(original, KEPT),
        _ => stars(original, 0),
    }
}

/// Letters and digits but the last ones become `*`; what groups them stays.
fn stars(original: &str, keep_last: usize) -> String {
    let count = original.chars().filter(|c| c.is_alphanumeric()).count();
    let mut left = count.saturating_sub(keep_last);
    let star = |c: char| {
        if left > 0 && c.is_alphanumeric() {
            left -= 1;
            '*'
        } else {
            c
        }
    };
    original.chars().map(star).collect()
}

#[cfg(test)]
mod tests {
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
            assert_eq!(masked(entity, original), expected);
        }
    }
}
