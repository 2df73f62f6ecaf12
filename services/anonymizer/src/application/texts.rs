//! Single texts: what the use cases share, and detecting.

use std::sync::Arc;

use db::Db;
use kernel::{Fault, Result, SharedClock};
use pii::{Engine, Finding, Options};

use super::ports::DataKeys;
use super::secrets::Secrets;

#[derive(Clone)]
pub struct Texts {
    pub engine: Arc<Engine>,
    pub secrets: Secrets,
    pub data_keys: Arc<dyn DataKeys>,
    pub db: Db,
    pub clock: SharedClock,
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
}

pub(super) fn count(findings: &[Finding]) {
    for finding in findings {
        let kind = finding.entity.as_str().to_owned();
        metrics::counter!("signet_findings_total", "type" => kind).increment(1);
    }
}
