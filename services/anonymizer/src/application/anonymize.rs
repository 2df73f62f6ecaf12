//! A text without its personal data, by a policy.

use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use chrono::Datelike as _;
use detection::offsets;
use documents::Format;
use kernel::{Fault, Result};
use pii::{Engine, EntityType, PlaceholderKey, TooMuch};
use reasons::anonymizer::OPERATOR_UNFIT;
use rewriting::Made;
use rpc::Cx;
use transform::{Change, Context, Keys, Pending, Policy, TransformError, Transformed, Transformer};
use uuid::Uuid;
use wayback::{Formats, Patches, SealedMapping, WayBack};
use zeroize::Zeroizing;

use super::of_documents;
use super::texts::{Search, Texts, Told};
use super::vault::Value;

/// What is to be done with a text.
#[derive(Clone)]
pub struct Work {
    pub text: String,
    pub search: Search,
    pub policy: Arc<Policy>,
    /// Whose text it is; empty: nobody knows.
    pub subject: String,
    /// What texts have in common whose subjects have one placeholder; empty: nothing.
    pub conversation: Vec<u8>,
    /// Nothing is given out but what would be done.
    pub dry_run: bool,
}

/// A text without its personal data.
pub struct Outcome {
    /// Empty after a dry run.
    pub text: String,
    pub findings: Vec<Told>,
    /// What became of each, in order of the text, and of tokens that stood in it.
    pub changes: Vec<Change>,
    /// What restores it; empty when nothing does, or only the tenant's keys are needed.
    pub mapping: Vec<u8>,
}

/// What a thread needs that does the work.
struct Bench {
    engine: Arc<Engine>,
    keys: Keys,
    conversation: PlaceholderKey,
    year: i32,
}

/// A document whose values are made, but for the tokens of the vault.
struct Half {
    work: Work,
    engine: Arc<Engine>,
    transformer: Transformer,
    made: Made,
}

/// A text that is done, but for the tokens of the vault; its way back is still in the clear.
struct Done {
    transformed: Transformed,
    findings: Vec<Told>,
    /// As the caller counts.
    changes: Vec<Change>,
    /// What the vault is to keep.
    values: Vec<Value>,
}

impl Texts {
    pub async fn anonymize(&self, cx: &Cx, work: Work) -> Result<Outcome> {
        let keys = self.keys(cx, &work.policy, &work.subject).await?;
        let conversation = if work.conversation.is_empty() || !work.policy.makes_placeholders() {
            PlaceholderKey::new(*random()?)
        } else {
            self.secrets.placeholder_key(cx, &work.conversation).await?
        };
        let bench = Bench {
            engine: Arc::clone(&self.engine),
            keys,
            conversation,
            year: self.clock.now().year(),
        };
        if work.search.format == Format::Text {
            self.text(cx, bench, work).await
        } else {
            self.document(cx, bench, work).await
        }
    }

    /// What a policy is applied with.
    pub(super) async fn keys(&self, cx: &Cx, policy: &Policy, subject: &str) -> Result<Keys> {
        if subject.is_empty() && policy.shifts_dates() {
            return Err(Fault::invalid("subject", "is needed: dates are shifted by it"));
        }
        if policy.makes_placeholders() || policy.is_keyed() {
            return self.secrets.operator_keys(cx).await;
        }
        // Nothing is made with them: the text needs no key, so nothing is asked for one.
        Ok(Keys::derive(&*random()?, ""))
    }

    /// Has the vault keep what it is to keep, and puts its tokens in their places.
    pub(super) async fn issued(
        &self,
        cx: &Cx,
        transformed: &mut Transformed,
        subject: &str,
        values: &[Value],
    ) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        let tokens = self.vault.keep(cx, subject, values).await?;
        transformed.issue(&tokens).map_err(Fault::internal)
    }

    async fn text(&self, cx: &Cx, bench: Bench, work: Work) -> Result<Outcome> {
        let (dry_run, subject) = (work.dry_run, work.subject.clone());
        let done = tokio::task::spawn_blocking(move || bench.transformed(work)).await;
        let Done { mut transformed, findings, changes, values } =
            done.map_err(Fault::internal)??;
        self.count_all(&findings, &changes);
        let mut outcome = Outcome { text: String::new(), findings, changes, mapping: Vec::new() };
        if dry_run {
            return Ok(outcome);
        }
        self.issued(cx, &mut transformed, &subject, &values).await?;
        let formats = Formats::of(&transformed.text, &transformed.changes);
        let back = WayBack { mapping: transformed.mapping, formats, patches: None };
        outcome.text = transformed.text;
        outcome.mapping = self.sealed(cx, &back).await?;
        Ok(outcome)
    }

    /// The tokens of the vault stand in the values before these are written, so that the way
    /// back can be tried.
    async fn document(&self, cx: &Cx, bench: Bench, work: Work) -> Result<Outcome> {
        let (dry_run, subject) = (work.dry_run, work.subject.clone());
        let half = tokio::task::spawn_blocking(move || bench.made(work)).await;
        let mut half = half.map_err(Fault::internal)??;
        let values = kept(&half.made.text, &half.made.transformed);
        if !dry_run {
            self.issued(cx, &mut half.made.transformed, &subject, &values).await?;
        }
        let written = tokio::task::spawn_blocking(move || half.written()).await;
        let (mut outcome, back) = written.map_err(Fault::internal)??;
        self.count_all(&outcome.findings, &outcome.changes);
        if dry_run {
            outcome.text = String::new();
        } else {
            outcome.mapping = self.sealed(cx, &back).await?;
        }
        Ok(outcome)
    }

    /// Empty where nothing has to be kept.
    pub(super) async fn sealed(&self, cx: &Cx, back: &WayBack) -> Result<Vec<u8>> {
        if back.is_empty() {
            return Ok(Vec::new());
        }
        let id = Uuid::now_v7();
        let key = self.secrets.mapping_key(cx, id).await?;
        Ok(SealedMapping::seal(id, &key, back)?.to_bytes())
    }

    pub(super) fn count_all(&self, findings: &[Told], changes: &[Change]) {
        self.count(findings);
        for change in changes {
            metrics::counter!("signet_transformations_total", "operator" => change.operator)
                .increment(1);
        }
    }
}

/// What the vault is to keep of a text.
pub(super) fn kept(text: &str, transformed: &Transformed) -> Vec<Value> {
    let value = |pending: &Pending| Value {
        entity: pending.entity.clone(),
        value: Zeroizing::new(text.get(pending.range.clone()).unwrap_or_default().to_owned()),
        ttl_seconds: pending.ttl_seconds,
    };
    transformed.pending.iter().map(value).collect()
}

impl Half {
    fn written(self) -> Result<(Outcome, WayBack)> {
        let Self { work: Work { text, search, .. }, engine, transformer, made } = self;
        let done = made.write(&text, &|value| transformer.restore(value).text);
        let done = done.map_err(of_documents::refused)?;
        // Which format it was has to be known wherever something is put back.
        let patches = (!done.mapping.is_empty() || !done.patches.is_empty())
            .then(|| Patches::of(search.format, &done.text, &done.changes, done.patches));
        let back = WayBack { mapping: done.mapping, formats: None, patches };
        let findings = of_documents::told(&engine, &search, &done.document, done.findings);
        let changes = converted(&search, &text, &done.text, done.changes);
        Ok((Outcome { text: done.text, findings, changes, mapping: Vec::new() }, back))
    }
}

impl Bench {
    fn made(self, work: Work) -> Result<Half> {
        let transformer =
            Transformer::new(Arc::clone(&work.policy), self.keys).map_err(Fault::internal)?;
        let context = Context {
            subject: (!work.subject.is_empty()).then_some(&work.subject),
            year: Some(self.year),
            conversation: Some(&self.conversation),
        };
        let made =
            of_documents::made(&self.engine, &work.search, &transformer, context, &work.text)?;
        Ok(Half { work, engine: self.engine, transformer, made })
    }

    /// Runs where it may take its time: a large text keeps a thread busy.
    fn transformed(self, work: Work) -> Result<Done> {
        let Work { text, search, policy, subject, .. } = work;
        let too_much = |error: TooMuch| Fault::invalid("text", error.to_string());
        let least = |entity: &EntityType| policy.threshold(entity);
        // Also what is repeated: it is personal, whatever becomes of it.
        let findings = search.wishes.detect_all(&self.engine, &text, &least).map_err(too_much)?;
        let context = Context {
            subject: (!subject.is_empty()).then_some(&subject),
            year: Some(self.year),
            conversation: Some(&self.conversation),
        };
        let transformer =
            Transformer::new(Arc::clone(&policy), self.keys).map_err(Fault::internal)?;
        let done = transformer.transform(&text, &findings, &context).map_err(failed)?;
        let changes = converted(&search, &text, &done.text, done.all(&findings));
        let values = kept(&text, &done);
        let findings = search.told(&self.engine, &text, findings);
        Ok(Done { transformed: done, findings, changes, values })
    }
}

/// Changes with their spans as the caller counts.
pub(super) fn converted(
    search: &Search,
    text: &str,
    new: &str,
    mut changes: Vec<Change>,
) -> Vec<Change> {
    let spans: Vec<_> = changes.iter().map(|change| change.range.clone()).collect();
    let outputs: Vec<_> = changes.iter().map(|change| change.output.clone()).collect();
    let spans = offsets::convert(text, &spans, search.unit);
    let outputs = offsets::convert(new, &outputs, search.unit);
    for (change, (span, output)) in changes.iter_mut().zip(spans.into_iter().zip(outputs)) {
        (change.range, change.output) = (span, output);
    }
    changes
}

/// Says which finding it is, never what it holds.
pub(super) fn failed(error: TransformError) -> Fault {
    match error {
        TransformError::Placeholder => Fault::invalid("text", error.to_string()),
        TransformError::Unfit { .. } => {
            Fault::new(&OPERATOR_UNFIT).with_violation("text", error.to_string())
        }
        _ => Fault::internal(error),
    }
}

pub(super) fn random() -> Result<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(&mut *bytes).map_err(|_| Fault::internal("no randomness"))?;
    Ok(bytes)
}
