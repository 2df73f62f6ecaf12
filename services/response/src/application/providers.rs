//! Which provider has a model.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use kernel::{Fault, Result, common};

use super::ports::Provider;

/// How long a list of models is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The providers, in the order of preference.
#[derive(Clone)]
pub struct Providers(pub Vec<Arc<dyn Provider>>);

impl Providers {
    pub fn of_model(&self, model: &str) -> Result<Arc<dyn Provider>> {
        let found = self.0.iter().find(|provider| provider.has(model));
        found.cloned().ok_or_else(|| Fault::new(&reasons::response::MODEL_UNKNOWN))
    }

    /// All models as (id, provider), as requests for them would go. A provider
    /// that is down or slow is left out and logged: the others' models are
    /// still usable.
    pub async fn models(&self) -> Vec<(String, String)> {
        let listed =
            self.0.iter().map(|provider| tokio::time::timeout(PATIENCE, provider.models()));
        let mut all: Vec<(String, String)> = Vec::new();
        for (provider, outcome) in self.0.iter().zip(join_all(listed).await) {
            let outcome = outcome.unwrap_or_else(|_| Err(Fault::new(&common::DEADLINE_EXCEEDED)));
            match outcome {
                Ok(models) => {
                    let known: HashSet<String> = all.iter().map(|(id, _)| id.clone()).collect();
                    let new = models.into_iter().filter(|id| !known.contains(id));
                    all.extend(new.map(|id| (id, provider.name().to_owned())));
                }
                Err(fault) => {
                    tracing::warn!(provider = provider.name(), cause = ?fault, "models not listed");
                }
            }
        }
        all
    }
}
