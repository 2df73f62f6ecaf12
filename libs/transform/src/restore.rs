//! The way back.

use std::ops::Range;

use pii::{Engine, Finding, Mapping, TooMuch};

use crate::error::{CryptoFailed, Failure, RestoreError, TooLong};
use crate::ff1::Ff1;
use crate::format;
use crate::keys::Keys;
use crate::operator::Operator;
use crate::seal::{Form, Sealer, next_token};
use crate::transform::{Change, Transformed};
use crate::vault::Opened;

/// A text with its originals.
pub struct Restored {
    pub text: String,
    /// How many tokens were opened.
    pub opened: usize,
    /// How many of a vault's were not: it does not keep them, or not any more.
    pub unopened: usize,
}

impl Restored {
    fn new(capacity: usize) -> Self {
        Self { text: String::with_capacity(capacity), opened: 0, unopened: 0 }
    }

    fn push(&mut self, piece: &str, most: usize) -> Result<(), TooLong> {
        if piece.len() > most.saturating_sub(self.text.len()) {
            return Err(TooLong);
        }
        self.text.push_str(piece);
        Ok(())
    }
}

/// What undoes the reversible operators of one tenant, whatever the policy was.
pub struct Restorer {
    pub(crate) sealer: Sealer,
    pub(crate) ff1: Ff1,
}

/// Whether a text holds something that has the form of a token.
#[must_use]
pub fn holds_token(text: &str) -> bool {
    next_token(text, 0).is_some()
}

impl Restorer {
    /// # Errors
    /// When the cryptographic library does.
    pub fn new(keys: &Keys) -> Result<Self, CryptoFailed> {
        Ok(Self { sealer: Sealer::new(&keys.encrypt)?, ff1: Ff1::new(&keys.format)? })
    }

    /// Opens every token of this tenant in a text, wherever it came from: a text that
    /// `Transformer::transform` gave, a part of it, or an answer that quotes it. What is no
    /// token, or not one of this tenant, stays as it is.
    #[must_use]
    pub fn restore(&self, text: &str) -> Restored {
        let mut restored = Restored::new(text.len());
        // Encrypted values are shorter than their tokens: there is no text that is too large.
        let _ = self.restore_with(text, &Opened::default(), usize::MAX, &mut restored);
        restored
    }

    /// The same, with what a vault has opened. A token is short and its value may be long, so the
    /// result has at most `most` bytes.
    ///
    /// # Errors
    /// When it would have more.
    pub fn restore_all(
        &self,
        text: &str,
        opened: &Opened,
        most: usize,
    ) -> Result<Restored, TooLong> {
        let mut restored = Restored::new(text.len().min(most));
        self.restore_with(text, opened, most, &mut restored).map(|()| restored)
    }

    fn restore_with(
        &self,
        text: &str,
        opened: &Opened,
        most: usize,
        restored: &mut Restored,
    ) -> Result<(), TooLong> {
        let mut at = 0;
        while let Some(token) = next_token(text, at) {
            restored.push(&text[at..token.range.start], most)?;
            let sealed = self.sealer.open(&token);
            if let Some(value) = sealed.as_ref().map(|value| value.as_str()).or(opened.of(&token)) {
                restored.push(value, most)?;
                restored.opened += 1;
            } else {
                restored.unopened += usize::from(token.form == Form::Vault);
                restored.push(&text[token.range.clone()], most)?;
            }
            at = token.range.end;
        }
        restored.push(&text[at..], most)
    }

    /// Undoes a transformation byte for byte. The text is the one that
    /// `Transformer::transform` gave with these changes and this mapping, unaltered: what kept
    /// its format can be told from other text only by where it stands.
    ///
    /// # Errors
    /// When a change was not reversible, or is not one of this text and tenant.
    pub fn undo(
        &self,
        text: &str,
        changes: &[Change],
        mapping: &Mapping,
    ) -> Result<String, RestoreError> {
        let mut restored = String::with_capacity(text.len());
        let mut at = 0;
        for (index, change) in changes.iter().enumerate() {
            let (between, made) = text
                .get(at..change.output.start)
                .zip(text.get(change.output.clone()))
                .ok_or(RestoreError::Change { index })?;
            restored.push_str(between);
            restored.push_str(&self.undone(index, change, made, mapping)?);
            at = change.output.end;
        }
        restored.push_str(text.get(at..).unwrap_or_default());
        Ok(restored)
    }

    fn undone(
        &self,
        index: usize,
        change: &Change,
        made: &str,
        mapping: &Mapping,
    ) -> Result<String, RestoreError> {
        let entity = || change.entity.clone();
        let rejected = || RestoreError::Rejected { index, entity: entity() };
        if change.operator == Operator::Placeholder.name() {
            let restored = mapping.restore(made);
            return if restored == made { Err(rejected()) } else { Ok(restored) };
        }
        if change.operator == Operator::Encrypt.name() {
            let token = next_token(made, 0)
                .filter(|token| token.range == (0..made.len()))
                .filter(|token| token.entity == change.entity.as_str());
            let value = token.and_then(|token| self.sealer.open(&token)).ok_or_else(rejected)?;
            return Ok(value.to_string());
        }
        if change.operator == Operator::FormatPreserving.name() {
            return format::decrypt(&self.ff1, change.entity.as_str(), made).map_err(|failure| {
                match failure {
                    Failure::Unfit(_) => rejected(),
                    Failure::Crypto => RestoreError::Crypto(CryptoFailed),
                }
            });
        }
        if change.operator == (Operator::Tokenize { ttl_seconds: None }).name() {
            return Err(RestoreError::InVault { index, entity: entity() });
        }
        Err(RestoreError::Irreversible { index, entity: entity(), operator: change.operator })
    }
}

impl Transformed {
    /// Searches the result for what was replaced, in every form that a reader would recognize:
    /// other case, spacing or grouping. `text` and `findings` are those that were transformed.
    /// Gives the positions in `changes` of what is still there. Not counted is what was left
    /// unchanged on purpose (an age below the top of its bucket), and what stands inside of a
    /// change or of a finding that the policy keeps.
    ///
    /// # Errors
    /// When there are too many originals to compare.
    pub fn left_behind(
        &self,
        engine: &Engine,
        text: &str,
        findings: &[Finding],
    ) -> Result<Vec<usize>, TooMuch> {
        let mut allowed: Vec<Range<usize>> = self.kept_outputs(findings).collect();
        let (mut sought, mut originals) = (Vec::new(), Vec::new());
        for (at, change) in self.changes.iter().enumerate() {
            allowed.push(change.output.clone());
            let original = text.get(change.range.clone()).unwrap_or_default();
            let changed = self.text.get(change.output.clone()) != Some(original);
            if changed && !engine.is_common(&change.entity) {
                sought.push(at);
                originals.push(original);
            }
        }
        allowed.sort_unstable_by_key(|range| range.start);
        let inside = |hit: &Range<usize>| {
            let after = allowed.partition_point(|range| range.start <= hit.start);
            let before = after.checked_sub(1).and_then(|at| allowed.get(at));
            before.is_some_and(|range| hit.end <= range.end)
        };
        let mut left: Vec<usize> = engine
            .find_again(&self.text, &originals)?
            .into_iter()
            .filter(|(hit, _)| !inside(hit))
            .filter_map(|(_, source)| sought.get(source).copied())
            .collect();
        left.sort_unstable();
        left.dedup();
        Ok(left)
    }

    /// What became of every finding, in order of the text: also of those that stayed.
    #[must_use]
    pub fn all(&self, findings: &[Finding]) -> Vec<Change> {
        let mut all = self.changes.clone();
        let stayed = self.kept.iter().filter_map(|index| findings.get(*index));
        for (finding, output) in stayed.zip(self.kept_outputs(findings)) {
            let (entity, range) = (finding.entity.clone(), finding.range.clone());
            let over =
                |change: &&Change| change.range.start < range.end && range.start < change.range.end;
            // A token of the text may reach over what stays: that went with it.
            let change = match self.changes.iter().find(over) {
                Some(token) => Change { entity, range, ..token.clone() },
                None => Change { entity, range, output, operator: Operator::Keep.name() },
            };
            all.push(change);
        }
        all.sort_by_key(|change| (change.range.start, change.range.end));
        all
    }

    /// Where the findings that stayed stand now.
    fn kept_outputs<'a>(&'a self, findings: &'a [Finding]) -> impl Iterator<Item = Range<usize>> {
        self.kept.iter().filter_map(|index| findings.get(*index)).map(|finding| {
            let range = &finding.range;
            let next = self.changes.partition_point(|change| change.range.end <= range.start);
            let before = next.checked_sub(1).and_then(|at| self.changes.get(at));
            let (from, to) = before.map_or((0, 0), |change| (change.range.end, change.output.end));
            range.start - from + to..range.end - from + to
        })
    }
}
