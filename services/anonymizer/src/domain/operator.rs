//! What becomes of a finding.

use pii::Finding;
use transform::{Mask, masked};

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

impl Operator {
    /// What stands for an original that cannot be restored.
    fn replacement(self, finding: &Finding, original: &str) -> String {
        match self {
            Self::Placeholder | Self::Redact => String::new(),
            Self::Mask => masked(finding.entity.as_str(), original, &Mask::default()),
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
