//! Applies a policy to a text and its findings.

use std::ops::Range;

use pii::{EntityType, Finding, normalized};

use crate::dates::{self, Written};
use crate::error::{CryptoFailed, Failure, TransformError, Unfit};
use crate::ff1::Ff1;
use crate::keys::Keys;
use crate::operator::{Operator, Otherwise};
use crate::policy::{Policy, Rule};
use crate::seal::{Sealer, is_type, next_token};
use crate::{format, hash, mask, surrogate};

/// The type of tokens that stood in the text before: they are encrypted once more, so that
/// restoring gives them back as they were.
pub(crate) const NESTED: &str = "NESTED_TOKEN";

/// What is known of a text besides its findings.
#[derive(Clone, Copy, Default)]
pub struct Context<'a> {
    /// Whose text it is: a patient, a customer. Dates are shifted by it.
    pub subject: Option<&'a str>,
    /// The current year: ages are told by it.
    pub year: Option<i32>,
}

/// What one finding became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub entity: EntityType,
    /// Where it stood in the text.
    pub range: Range<usize>,
    /// Where what it became stands in the transformed text.
    pub output: Range<usize>,
    /// The name of the operator that was used.
    pub operator: &'static str,
}

/// A text after its policy.
pub struct Transformed {
    pub text: String,
    /// In order of the text. Also of tokens that stood in it before, as `NESTED_TOKEN`.
    pub changes: Vec<Change>,
    /// Which findings, by their position, stayed: the policy keeps them, or they are below its
    /// threshold.
    pub kept: Vec<usize>,
}

/// A policy with a tenant's keys.
pub struct Transformer {
    pub(crate) policy: Policy,
    keys: Keys,
    pub(crate) sealer: Sealer,
    pub(crate) ff1: Ff1,
}

impl Transformer {
    /// # Errors
    /// When the cryptographic library does.
    pub fn new(policy: Policy, keys: Keys) -> Result<Self, CryptoFailed> {
        let (sealer, ff1) = (Sealer::new(&keys.encrypt)?, Ff1::new(&keys.format)?);
        Ok(Self { policy, keys, sealer, ff1 })
    }

    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Transforms a text. The findings are in order and do not overlap, as `pii` gives them.
    ///
    /// # Errors
    /// When a finding is no span of the text, or a value does not fit its operator and the policy
    /// says to refuse it. Nothing is given out then.
    pub fn transform(
        &self,
        text: &str,
        findings: &[Finding],
        context: &Context<'_>,
    ) -> Result<Transformed, TransformError> {
        check(text, findings)?;
        let text_out = String::with_capacity(text.len());
        let mut out = Transformed { text: text_out, changes: Vec::new(), kept: Vec::new() };
        let mut gap = 0;
        for (index, finding) in findings.iter().enumerate() {
            if !self.policy.covers(&finding.entity, finding.score) {
                // What is kept belongs to the gap around it: a token may reach over it.
                out.kept.push(index);
                continue;
            }
            let rule = self.policy.rule(&finding.entity);
            self.gap(text, gap..finding.range.start, &mut out)?;
            let original = &text[finding.range.clone()];
            let (operator, replacement) = self
                .replace(rule, &finding.entity, original, context)
                .map_err(|failure| failed(failure, index, &finding.entity))?;
            out.change(finding.entity.clone(), finding.range.clone(), operator, &replacement);
            gap = finding.range.end;
        }
        self.gap(text, gap..text.len(), &mut out)?;
        Ok(out)
    }

    /// What stands between findings stays, but for tokens of ours.
    fn gap(
        &self,
        text: &str,
        gap: Range<usize>,
        out: &mut Transformed,
    ) -> Result<(), CryptoFailed> {
        let (mut at, between) = (gap.start, &text[..gap.end]);
        while let Some(token) = next_token(between, at) {
            out.text.push_str(&text[at..token.range.start]);
            let written = &text[token.range.clone()];
            if self.sealer.open(&token).is_some() {
                let sealed = self.sealer.seal(NESTED, written)?;
                let (entity, operator) = (EntityType::new(NESTED), Operator::Encrypt.name());
                out.change(entity, token.range.clone(), operator, &sealed);
            } else {
                out.text.push_str(written);
            }
            at = token.range.end;
        }
        out.text.push_str(&text[at..gap.end]);
        Ok(())
    }

    fn replace(
        &self,
        rule: &Rule,
        entity: &EntityType,
        original: &str,
        context: &Context<'_>,
    ) -> Result<(&'static str, String), Failure> {
        let operator = rule.operator();
        match (self.apply(operator, entity, original, context), rule.otherwise()) {
            (Err(Failure::Unfit(_)), Otherwise::Use(other)) => {
                self.apply(other, entity, original, context).map(|made| (other.name(), made))
            }
            (made, _) => made.map(|made| (operator.name(), made)),
        }
    }

    fn apply(
        &self,
        operator: &Operator,
        entity: &EntityType,
        original: &str,
        context: &Context<'_>,
    ) -> Result<String, Failure> {
        let name = entity.as_str();
        Ok(match operator {
            Operator::Keep => original.to_owned(),
            Operator::Redact => String::new(),
            Operator::Replace { with: Some(with) } => with.clone(),
            Operator::Replace { with: None } => format!("<{name}>"),
            Operator::Mask(form) => mask::masked(name, original, form),
            Operator::Hash(form) => hash::hashed(&self.keys, name, original, *form),
            Operator::Encrypt => self.sealer.seal(name, original)?,
            Operator::FormatPreserving => format::encrypt(&self.ff1, name, original)?,
            // What follows reads the value: tricks of spelling undone, as when it was found.
            Operator::DateShift { days } => {
                let subject = context.subject.ok_or(Unfit::NoSubject)?;
                let days = dates::days(&self.keys, subject, *days);
                Written::parse(&normalized(original))?.shifted(days)?
            }
            Operator::Bucket(bucket) => bucket.apply(&normalized(original))?,
            Operator::Generalize(to) => to.apply(&normalized(original), context.year)?,
            Operator::Surrogate => {
                let types = self.policy.lineage(name);
                surrogate::surrogate(&self.keys, &types, &normalized(original))?
            }
        })
    }
}

impl Transformed {
    fn change(&mut self, entity: EntityType, range: Range<usize>, by: &'static str, with: &str) {
        let start = self.text.len();
        self.text.push_str(with);
        self.changes.push(Change { entity, range, output: start..self.text.len(), operator: by });
    }
}

fn check(text: &str, findings: &[Finding]) -> Result<(), TransformError> {
    let mut end = 0;
    for (index, finding) in findings.iter().enumerate() {
        if finding.range.start < end || text.get(finding.range.clone()).is_none_or(str::is_empty) {
            return Err(TransformError::Finding { index });
        }
        if !is_type(finding.entity.as_str()) {
            return Err(TransformError::TypeName { index });
        }
        end = finding.range.end;
    }
    Ok(())
}

fn failed(failure: Failure, index: usize, entity: &EntityType) -> TransformError {
    match failure {
        Failure::Unfit(why) => TransformError::Unfit { index, entity: entity.clone(), why },
        Failure::Crypto => TransformError::Crypto(CryptoFailed),
    }
}
