//! What another policy would do, on a sample.

use std::sync::Arc;

use kernel::{Fault, Result};
use pii::{DEFAULT_MIN_SCORE, EntityType, TooMuch};
use transform::{Comparison, Policy};

use super::texts::{Search, Texts, Told};

/// What the sample holds, and what the policies do with it.
pub struct Compared {
    pub findings: Vec<Told>,
    pub comparison: Comparison,
}

impl Texts {
    pub async fn compare(
        &self,
        before: Arc<Policy>,
        after: Arc<Policy>,
        sample: String,
        search: Search,
    ) -> Result<Compared> {
        let engine = Arc::clone(&self.engine);
        let work = move || -> Result<Compared> {
            let too_much = |error: TooMuch| Fault::invalid("sample", error.to_string());
            // What either of them would act on.
            let least = |entity: &EntityType| {
                let thresholds = [&before, &after].map(|policy| policy.threshold(entity));
                let usual = |threshold: Option<f32>| threshold.unwrap_or(DEFAULT_MIN_SCORE);
                thresholds.map(usual).into_iter().reduce(f32::min)
            };
            let findings = search.wishes.detect_all(&engine, &sample, &least).map_err(too_much)?;
            let comparison = transform::compare(&before, &after, &findings);
            Ok(Compared { findings: search.told(&engine, &sample, findings), comparison })
        };
        tokio::task::spawn_blocking(work).await.map_err(Fault::internal)?
    }
}
