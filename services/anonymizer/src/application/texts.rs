//! Single texts: what the use cases share, and detecting.

use std::sync::Arc;

use db::Db;
use detection::offsets::{self, Unit};
use detection::{InvalidWish, Wishes};
use documents::{FieldRule, Format};
use kernel::{Fault, Result, SharedClock};
use pii::{Engine, EntityType, Explanation, Finding};

use super::of_documents;
use super::ports::DataKeys;
use super::secrets::Secrets;
use super::vault::Vault;

#[derive(Clone)]
pub struct Texts {
    pub engine: Arc<Engine>,
    pub secrets: Secrets,
    pub data_keys: Arc<dyn DataKeys>,
    pub vault: Vault,
    pub db: Db,
    pub clock: SharedClock,
}

/// What a call looks for, and how it counts.
#[derive(Clone)]
pub struct Search {
    pub wishes: Wishes,
    pub unit: Unit,
    /// Whether findings say how they came about.
    pub explain: bool,
    /// What the text is, and what the caller knows of its fields.
    pub format: Format,
    pub fields: Vec<FieldRule>,
}

/// A finding with its span as the caller counts.
pub struct Told {
    pub finding: Finding,
    pub explanation: Option<Explanation>,
}

impl Search {
    /// Of a text that is no document.
    pub const fn of_text(wishes: Wishes, unit: Unit, explain: bool) -> Self {
        Self { wishes, unit, explain, format: Format::Text, fields: Vec::new() }
    }

    pub(super) fn told(&self, engine: &Engine, text: &str, findings: Vec<Finding>) -> Vec<Told> {
        let explained = if self.explain { engine.explain(text, &findings) } else { Vec::new() };
        self.counted(text, findings, explained)
    }

    /// Findings with their explanations, if there are any, as the caller counts.
    pub(super) fn counted(
        &self,
        text: &str,
        findings: Vec<Finding>,
        explained: Vec<Explanation>,
    ) -> Vec<Told> {
        let mut explained = explained.into_iter();
        let spans: Vec<_> = findings.iter().map(|finding| finding.range.clone()).collect();
        let spans = offsets::convert(text, &spans, self.unit);
        let told = |(finding, range): (Finding, _)| Told {
            finding: Finding { range, ..finding },
            explanation: explained.next(),
        };
        findings.into_iter().zip(spans).map(told).collect()
    }
}

impl Texts {
    /// Runs where it may take its time: a large text keeps a thread busy.
    pub async fn detect(&self, text: String, search: Search) -> Result<Vec<Told>> {
        let engine = Arc::clone(&self.engine);
        let work = move || match search.format {
            Format::Text => {
                let found = search.wishes.detect(&engine, &text, &no_other);
                Ok(search.told(&engine, &text, found))
            }
            _ => of_documents::detected(&engine, &search, &text),
        };
        let findings = tokio::task::spawn_blocking(work).await.map_err(Fault::internal)??;
        self.count(&findings);
        Ok(findings)
    }

    /// By type; types that callers make up are one, or they would be without number.
    pub(super) fn count(&self, findings: &[Told]) {
        let types = self.engine.types();
        for Told { finding, .. } in findings {
            let known = types.iter().any(|info| info.name == finding.entity);
            let kind = if known { finding.entity.as_str() } else { "AD_HOC" };
            metrics::counter!("signet_findings_total", "type" => kind.to_owned()).increment(1);
        }
    }
}

/// A wish that cannot be granted, by its field.
pub fn invalid(wish: InvalidWish) -> Fault {
    Fault::invalid(format!("options.{}", wish.field), wish.why)
}

/// No policy has a threshold.
pub(super) fn no_other(_: &EntityType) -> Option<f32> {
    None
}
