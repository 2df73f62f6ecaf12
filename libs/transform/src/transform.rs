//! Applies a policy to a text and its findings.

use std::ops::Range;
use std::sync::Arc;

use pii::{Assigner, EntityType, Finding, Mapping, PlaceholderKey, normalized};

use crate::dates::{self, Written};
use crate::error::{CryptoFailed, Failure, RestoreError, TransformError, Unfit, Unissued};
use crate::keys::Keys;
use crate::operator::{Operator, Otherwise};
use crate::policy::{Policy, Rule};
use crate::restore::{Restored, Restorer};
use crate::seal::{Form, Token, is_type, next_token};
use crate::vault::{self, Pending, TOKEN_LEN, TokenId};
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
    /// The key of the conversation that the text belongs to: placeholders are made by it.
    pub conversation: Option<&'a PlaceholderKey>,
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
    /// What restores its placeholders.
    pub mapping: Mapping,
    /// What a vault is to keep, in order of the text. Until [`Transformed::issue`] their tokens
    /// stand for nothing.
    pub pending: Vec<Pending>,
    /// Which findings, by their position, stayed: the policy keeps them, or they are below its
    /// threshold.
    pub kept: Vec<usize>,
}

/// A policy with a tenant's keys.
pub struct Transformer {
    policy: Arc<Policy>,
    keys: Keys,
    restorer: Restorer,
}

impl Transformer {
    /// # Errors
    /// When the cryptographic library does.
    pub fn new(policy: impl Into<Arc<Policy>>, keys: Keys) -> Result<Self, CryptoFailed> {
        let restorer = Restorer::new(&keys)?;
        Ok(Self { policy: policy.into(), keys, restorer })
    }

    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// As [`Restorer::restore`].
    #[must_use]
    pub fn restore(&self, text: &str) -> Restored {
        self.restorer.restore(text)
    }

    /// As [`Restorer::undo`].
    ///
    /// # Errors
    /// When a change was not reversible, or is not one of this text and tenant.
    pub fn undo(
        &self,
        text: &str,
        changes: &[Change],
        mapping: &Mapping,
    ) -> Result<String, RestoreError> {
        self.restorer.undo(text, changes, mapping)
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
        let mut assigner = context.conversation.map(Assigner::new);
        self.transformed(text, findings, context, &mut assigner)
    }

    /// The same for one of several texts, or for the next part of one, that share placeholders:
    /// what the context says of a conversation does not count. The mapping is that of this text.
    ///
    /// # Errors
    /// Also when a placeholder that was given out stands in the text: it would be restored.
    pub fn transform_next(
        &self,
        text: &str,
        findings: &[Finding],
        context: &Context<'_>,
        assigner: &mut Option<Assigner>,
    ) -> Result<Transformed, TransformError> {
        if assigner.as_ref().is_some_and(|assigner| assigner.stands_in(text)) {
            return Err(TransformError::Placeholder);
        }
        self.transformed(text, findings, context, assigner)
    }

    fn transformed(
        &self,
        text: &str,
        findings: &[Finding],
        context: &Context<'_>,
        assigner: &mut Option<Assigner>,
    ) -> Result<Transformed, TransformError> {
        check(text, findings)?;
        let mut out = Transformed::new(text.len());
        if let Some(assigner) = assigner {
            let changed =
                findings.iter().filter(|known| self.policy.covers(&known.entity, known.score));
            assigner.reserve_all(text, changed.map(|known| known.range.clone()));
        }
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
                .replace(rule, &finding.entity, original, context, assigner)
                .map_err(|failure| failed(failure, index, &finding.entity))?;
            let (entity, range) = (finding.entity.clone(), finding.range.clone());
            out.change(entity, range, operator.name(), &replacement);
            out.await_token(operator);
            gap = finding.range.end;
        }
        self.gap(text, gap..text.len(), &mut out)?;
        if let Some(assigner) = assigner {
            out.mapping = assigner.mapping().part(out.placeholders());
        }
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
            if self.is_ours(&token) {
                let sealed = self.restorer.sealer.seal(NESTED, written)?;
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

    /// Whether restoring may open it. Of a token of the vault the vault alone knows, so it counts
    /// as one wherever the text is made to be restored.
    fn is_ours(&self, token: &Token<'_>) -> bool {
        match token.form {
            Form::Sealed => self.restorer.sealer.open(token).is_some(),
            Form::Vault => self.policy.is_keyed() || self.policy.makes_placeholders(),
        }
    }

    fn replace<'r>(
        &self,
        rule: &'r Rule,
        entity: &EntityType,
        original: &str,
        context: &Context<'_>,
        assigner: &mut Option<Assigner>,
    ) -> Result<(&'r Operator, String), Failure> {
        let operator = rule.operator();
        let made = self.apply(operator, entity, original, context, assigner);
        match (made, rule.otherwise()) {
            (Err(Failure::Unfit(_)), Otherwise::Use(other)) => {
                let made = self.apply(other, entity, original, context, assigner);
                made.map(|made| (other, made))
            }
            (made, _) => made.map(|made| (operator, made)),
        }
    }

    fn apply(
        &self,
        operator: &Operator,
        entity: &EntityType,
        original: &str,
        context: &Context<'_>,
        assigner: &mut Option<Assigner>,
    ) -> Result<String, Failure> {
        let name = entity.as_str();
        Ok(match operator {
            Operator::Keep => original.to_owned(),
            Operator::Placeholder => {
                let assigner = assigner.as_mut().ok_or(Unfit::NoConversation)?;
                assigner.placeholder(entity, original)
            }
            Operator::Redact => String::new(),
            Operator::Replace { with: Some(with) } => with.clone(),
            Operator::Replace { with: None } => format!("<{name}>"),
            Operator::Mask(form) => mask::masked(name, original, form),
            Operator::Hash(form) => hash::hashed(&self.keys, name, original, *form),
            Operator::Encrypt => self.restorer.sealer.seal(name, original)?,
            Operator::Tokenize { .. } => vault::written(name, &[0; TOKEN_LEN]),
            Operator::FormatPreserving => format::encrypt(&self.restorer.ff1, name, original)?,
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
    fn new(length: usize) -> Self {
        Self {
            text: String::with_capacity(length),
            changes: Vec::new(),
            mapping: Mapping::new(),
            pending: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// As they stand in the text.
    fn placeholders(&self) -> impl Iterator<Item = &str> {
        let made = |change: &&Change| change.operator == Operator::Placeholder.name();
        self.changes.iter().filter(made).filter_map(|change| self.text.get(change.output.clone()))
    }

    fn change(&mut self, entity: EntityType, range: Range<usize>, by: &'static str, with: &str) {
        let start = self.text.len();
        self.text.push_str(with);
        self.changes.push(Change { entity, range, output: start..self.text.len(), operator: by });
    }

    /// Notes that the last change waits for its token, if it does.
    fn await_token(&mut self, by: &Operator) {
        if let (Operator::Tokenize { ttl_seconds }, Some(change)) = (by, self.changes.last()) {
            self.pending.push(Pending {
                entity: change.entity.clone(),
                range: change.range.clone(),
                output: change.output.clone(),
                ttl_seconds: *ttl_seconds,
            });
        }
    }

    /// Puts the vault's tokens where they belong, one for each of `pending`: all of a type are of
    /// one length, so nothing moves.
    ///
    /// # Errors
    /// When there is not one for each; the text is not to be given out then.
    pub fn issue(&mut self, tokens: &[TokenId]) -> Result<(), Unissued> {
        if tokens.len() != self.pending.len() {
            return Err(Unissued);
        }
        for (pending, token) in self.pending.drain(..).zip(tokens) {
            let token = vault::written(pending.entity.as_str(), token);
            self.text.replace_range(pending.output, &token);
        }
        Ok(())
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
