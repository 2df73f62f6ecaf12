//! Single texts: detect, anonymize, restore.

use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use db::Db;
use events::Draft;
use kernel::{Fault, Result, SharedClock};
use pii::{
    Anonymized, Engine, Escape, Finding, Mapping, Options, PlaceholderKey, Policy, StreamRestorer,
    TooMuch,
};
use reasons::anonymizer::MAPPING_INVALID;
use rpc::Cx;
use uuid::Uuid;

use super::ports::DataKeys;
use super::secrets::Secrets;
use crate::domain::{Operator, SealedMapping};

/// What the data key of an earlier mapping is for.
const OBJECT: &str = "mapping";
const RESTORED: &str = "dev.signet.anonymizer.text.restored";
const REFUSED: &str = "dev.signet.anonymizer.text.restore_refused";
/// Bytes of a text that are restored at a time.
const STEP: usize = 64;
/// A restored text has at most this, and one original.
const LARGEST_RESTORED: usize = 8 * 1024 * 1024;

#[derive(Clone)]
pub struct Texts {
    pub engine: Arc<Engine>,
    pub secrets: Secrets,
    pub data_keys: Arc<dyn DataKeys>,
    pub db: Db,
    pub clock: SharedClock,
}

/// A text without its personal data.
pub struct Outcome {
    pub text: String,
    pub findings: Vec<Finding>,
    /// What restores it; empty without placeholders.
    pub mapping: Vec<u8>,
}

impl Texts {
    /// Runs where it may take its time: a large text keeps a thread busy.
    pub async fn detect(&self, text: String, options: Options) -> Result<Vec<Finding>> {
        let engine = Arc::clone(&self.engine);
        let findings = tokio::task::spawn_blocking(move || engine.detect(&text, &options)).await;
        let findings = findings.map_err(Fault::internal)?;
        count(&findings);
        Ok(findings)
    }

    pub async fn anonymize(
        &self,
        cx: &Cx,
        text: String,
        options: Options,
        operator: Operator,
    ) -> Result<Outcome> {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).map_err(|_| Fault::internal("no randomness"))?;
        let key = PlaceholderKey::new(key);
        let engine = Arc::clone(&self.engine);
        let done = tokio::task::spawn_blocking(move || {
            // Also where nothing can be restored: it finds what is repeated, too.
            let policy = Policy::default();
            let done = pii::Anonymizer::new(&engine, options, policy).anonymize(&key, &text)?;
            if operator == Operator::Placeholder {
                return Ok(done);
            }
            let text = operator.applied(&text, &done.findings);
            Ok(Anonymized { text, mapping: Mapping::new(), findings: done.findings })
        });
        let done = done.await.map_err(Fault::internal)?;
        let done = done.map_err(|error: TooMuch| Fault::invalid("text", error.to_string()))?;
        count(&done.findings);
        let mapping = if done.mapping.is_empty() {
            Vec::new()
        } else {
            let id = Uuid::now_v7();
            let key = self.secrets.mapping_key(cx, id).await?;
            SealedMapping::seal(id, &key, &done.mapping)?.to_bytes()
        };
        Ok(Outcome { text: done.text, findings: done.findings, mapping })
    }

    pub async fn restore(&self, cx: &Cx, text: &str, mapping: &[u8]) -> Result<String> {
        let sealed = SealedMapping::parse(mapping)?;
        let subject = format!("mappings/{}", sealed.id);
        let mapping = match self.opened(cx, sealed).await {
            Ok(mapping) => mapping,
            Err(fault) => {
                if fault.reason() == &MAPPING_INVALID {
                    let draft = Draft::new(cx, REFUSED, subject).denied(fault.reason());
                    events::record(&self.db, draft, self.clock.now()).await?;
                }
                return Err(fault);
            }
        };
        let placeholders = mapping.len();
        let restored = restored(mapping, text)?;
        let draft = Draft::new(cx, RESTORED, subject).with("placeholders", placeholders);
        // Before the plaintext leaves.
        events::record(&self.db, draft, self.clock.now()).await?;
        Ok(restored)
    }

    async fn opened(&self, cx: &Cx, sealed: SealedMapping) -> Result<Mapping> {
        let key = match &sealed.wrapped {
            None => self.secrets.mapping_key(cx, sealed.id).await?,
            Some(wrapped) => {
                let id = sealed.id.to_string();
                let key = self.data_keys.unwrap(cx, wrapped.clone(), OBJECT, &id).await;
                key.map_err(unwrappable)?
            }
        };
        sealed.open(&key)
    }
}

/// In steps that hold a few placeholders each: an original may be as long as
/// the text it came from, and a text may repeat its placeholder without end.
fn restored(mapping: Mapping, text: &str) -> Result<String> {
    let mut restorer = StreamRestorer::new(Arc::new(mapping), Escape::None);
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let mut at = 0;
    while at < text.len() {
        let end = text.ceil_char_boundary((at + STEP).min(text.len()));
        out.push_str(&restorer.push(&text[at..end]));
        at = end;
        if out.len() > LARGEST_RESTORED {
            return Err(Fault::invalid("text", "must have at most 8 MiB when it is restored"));
        }
    }
    out.push_str(&restorer.finish().map_err(Fault::internal)?);
    Ok(out)
}

/// A mapping of another tenant, or altered, has a key that does not unwrap.
fn unwrappable(fault: Fault) -> Fault {
    if fault.reason() == &reasons::envelope::DATA_KEY_REJECTED {
        return Fault::new(&MAPPING_INVALID).with_note("data key rejected");
    }
    fault
}

fn count(findings: &[Finding]) {
    for finding in findings {
        let kind = finding.entity.as_str().to_owned();
        metrics::counter!("signet_findings_total", "type" => kind).increment(1);
    }
}
