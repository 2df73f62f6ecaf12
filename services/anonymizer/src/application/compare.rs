//! What another policy would do, on a sample.

use std::sync::Arc;

use kernel::{Fault, Result};
use pii::{Finding, Options, TooMuch};
use transform::{Comparison, Policy};

use super::texts::Texts;

/// What the sample holds, and what the policies do with it.
pub struct Compared {
    pub findings: Vec<Finding>,
    pub comparison: Comparison,
}

impl Texts {
    pub async fn compare(
        &self,
        before: Arc<Policy>,
        after: Arc<Policy>,
        sample: String,
        options: Options,
    ) -> Result<Compared> {
        let engine = Arc::clone(&self.engine);
        let work = move || -> Result<Compared> {
            let found = engine.detect(&sample, &options);
            let allowed = |text: &str| options.allow_list.iter().any(|allowed| allowed == text);
            let too_much = |error: TooMuch| Fault::invalid("sample", error.to_string());
            let findings = engine.repeated(&sample, found, &allowed).map_err(too_much)?;
            let comparison = transform::compare(&before, &after, &findings);
            Ok(Compared { findings, comparison })
        };
        tokio::task::spawn_blocking(work).await.map_err(Fault::internal)?
    }
}
