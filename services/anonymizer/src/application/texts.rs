//! Single texts: detect, anonymize, restore.

use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use db::Db;
use events::Draft;
use kernel::{Fault, Result, SharedClock};
use pii::{Engine, Finding, Operator, Options, PlaceholderKey, Policy};
use rpc::Cx;
use uuid::Uuid;

use super::ports::DataKeys;
use crate::domain::SealedMapping;

const OBJECT: &str = "mapping";

#[derive(Clone)]
pub struct Texts {
    pub engine: Arc<Engine>,
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
        let reversible = operator == Operator::Placeholder;
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).map_err(|_| Fault::internal("no randomness"))?;
        let key = PlaceholderKey::new(key);
        let engine = Arc::clone(&self.engine);
        let done = tokio::task::spawn_blocking(move || {
            let policy = Policy { default: operator, ..Policy::default() };
            pii::Anonymizer::new(&engine, options, policy).anonymize(&key, &text)
        });
        let done = done.await.map_err(Fault::internal)?;
        let done = done.map_err(|error| Fault::invalid("text", error.to_string()))?;
        count(&done.findings);
        let mapping = if reversible && !done.mapping.is_empty() {
            let id = Uuid::now_v7();
            let (key, wrapped) = self.data_keys.generate(cx, OBJECT, &id.to_string()).await?;
            SealedMapping::seal(id, &key, wrapped, &done.mapping)?.to_bytes()?
        } else {
            Vec::new()
        };
        Ok(Outcome { text: done.text, findings: done.findings, mapping })
    }

    /// Each finding becomes the name of its type.
    pub async fn replace_by_type(&self, text: String, options: Options) -> Result<Outcome> {
        let findings = self.detect(text.clone(), options).await?;
        let mut replaced = String::with_capacity(text.len());
        let mut end = 0;
        for finding in &findings {
            replaced.push_str(&text[end..finding.range.start]);
            replaced.push_str(&format!("<{}>", finding.entity));
            end = finding.range.end;
        }
        replaced.push_str(&text[end..]);
        Ok(Outcome { text: replaced, findings, mapping: Vec::new() })
    }

    pub async fn restore(&self, cx: &Cx, text: &str, mapping: &[u8]) -> Result<String> {
        let sealed = SealedMapping::parse(mapping)?;
        let id = sealed.id.to_string();
        let key = self
            .data_keys
            .unwrap(cx, sealed.wrapped.clone(), OBJECT, &id)
            .await
            .map_err(unwrappable)?;
        let mapping = sealed.open(&key)?;
        let restored = mapping.restore(text);
        let draft = Draft::new(cx, "dev.signet.anonymizer.text.restored", format!("mappings/{id}"))
            .with("placeholders", mapping.len());
        // Before the plaintext leaves.
        events::record(&self.db, draft, self.clock.now()).await?;
        Ok(restored)
    }
}

/// A mapping of another tenant, or altered, has a key that does not unwrap.
fn unwrappable(fault: Fault) -> Fault {
    if fault.reason() == &reasons::envelope::DATA_KEY_REJECTED {
        return Fault::new(&reasons::anonymizer::MAPPING_INVALID).with_note("data key rejected");
    }
    fault
}

fn count(findings: &[Finding]) {
    for finding in findings {
        let kind = finding.entity.as_str().to_owned();
        metrics::counter!("signet_findings_total", "type" => kind).increment(1);
    }
}
