//! Numbers made coarse: 34 becomes 30-39, 93 becomes 90+.

use std::ops::Range;

use crate::error::Unfit;

/// How a number is made coarse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Numbers are put together in ranges of this width; without it they stay as they are
    /// between the ends.
    pub width: Option<u64>,
    /// Larger numbers, and this one, are one bucket.
    pub top: Option<u64>,
    /// Smaller numbers are one bucket.
    pub bottom: Option<u64>,
}

impl Bucket {
    /// Replaces the one number of a text: "34 years" becomes "30-39 years".
    pub(crate) fn apply(&self, text: &str) -> Result<String, Unfit> {
        let (range, value) = number(text)?;
        let replaced = self.label(value).unwrap_or_else(|| text[range.clone()].to_owned());
        Ok(format!("{}{replaced}{}", &text[..range.start], &text[range.end..]))
    }

    fn label(&self, value: u64) -> Option<String> {
        if let Some(top) = self.top.filter(|top| value >= *top) {
            return Some(format!("{top}+"));
        }
        if let Some(bottom) = self.bottom.filter(|bottom| value < *bottom) {
            return Some(format!("<{bottom}"));
        }
        let width = self.width?;
        let low = value - value % width;
        let high = low.saturating_add(width - 1).min(self.top.map_or(u64::MAX, |top| top - 1));
        Some(format!("{}-{high}", low.max(self.bottom.unwrap_or(0))))
    }
}

/// The only number of a text, without what stands behind its decimal point.
fn number(text: &str) -> Result<(Range<usize>, u64), Unfit> {
    let start = text.find(|c: char| c.is_ascii_digit()).ok_or(Unfit::Number)?;
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let end = text[start..].find(|c| !numeric(c)).map_or(text.len(), |length| start + length);
    let written = text[start..end].trim_end_matches(['.', ',']);
    let range = start..start + written.len();
    let (before, behind) = (&text[..range.start], &text[range.end..]);
    if behind.contains(char::is_numeric)
        || before.contains(char::is_numeric)
        || before.ends_with(['-', '−'])
    {
        return Err(Unfit::Number);
    }
    let whole = if grouped(written) {
        written.replace(['.', ','], "")
    } else {
        let mut parts = written.split(['.', ',']);
        let whole = parts.next().unwrap_or_default().to_owned();
        // One point may part the decimals; two are a date or a version.
        if parts.nth(1).is_some() {
            return Err(Unfit::Number);
        }
        whole
    };
    whole.parse().map(|value| (range, value)).map_err(|_| Unfit::Number)
}

/// 1,234 and 1.234.567: groups of three behind at most three.
fn grouped(written: &str) -> bool {
    let mut groups = written.split(['.', ',']);
    let first = groups.next().unwrap_or_default();
    let mut rest = groups.peekable();
    (1..=3).contains(&first.len())
        && first != "0"
        && rest.peek().is_some()
        && rest.all(|group| group.len() == 3)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ages_and_amounts() {
        let ages = Bucket { width: Some(10), top: Some(90), bottom: None };
        let bucket = |text: &str| ages.apply(text).unwrap_or_else(|_| "-".to_owned());
        for (text, expected) in [
            ("34", "30-39"),
            ("34 years old", "30-39 years old"),
            ("aged 34.", "aged 30-39."),
            ("89", "80-89"),
            ("90", "90+"),
            ("102-year-old", "90+-year-old"),
            ("4.5", "0-9"),
            ("thirty-four", "-"),
            ("34 and 35", "-"),
            ("-4", "-"),
            ("1.2.3", "-"),
            ("99999999999999999999999", "-"),
        ] {
            assert_eq!(bucket(text), expected, "{text}");
        }
        let pay = Bucket { width: Some(25_000), top: None, bottom: Some(10_000) };
        assert_eq!(pay.apply("$51,250").unwrap(), "$50000-74999");
        assert_eq!(pay.apply("9.999 €").unwrap(), "<10000 €");
        assert_eq!(pay.apply("12000").unwrap(), "10000-24999");
    }

    #[test]
    fn ends_alone_leave_what_is_between() {
        let top = Bucket { width: None, top: Some(90), bottom: None };
        assert_eq!(top.apply("aged 89").unwrap(), "aged 89");
        assert_eq!(top.apply("aged 93").unwrap(), "aged 90+");
    }

    proptest! {
        #[test]
        fn a_number_is_in_its_bucket(value in 0_u64..1_000_000, width in 2_u64..5_000) {
            let bucket = Bucket { width: Some(width), top: None, bottom: None };
            let label = bucket.apply(&value.to_string()).unwrap();
            let (low, high) = label.split_once('-').unwrap();
            let (low, high): (u64, u64) = (low.parse().unwrap(), high.parse().unwrap());
            prop_assert!(low <= value && value <= high && high - low == width - 1);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,30}|[0-9.,-]{0,12}") {
            let bucket = Bucket { width: Some(10), top: Some(90), bottom: Some(20) };
            let _ = bucket.apply(&text);
        }
    }
}
