//! Which provider has a model.

use std::sync::Arc;

use kernel::{Fault, Result};

use super::ports::Provider;

/// The providers, in the order of preference.
#[derive(Clone)]
pub struct Providers(pub Vec<Arc<dyn Provider>>);

impl Providers {
    pub fn of_model(&self, model: &str) -> Result<Arc<dyn Provider>> {
        let found = self.0.iter().find(|provider| provider.has(model));
        found.cloned().ok_or_else(|| Fault::new(&reasons::response::MODEL_UNKNOWN))
    }

    /// All models as (id, provider). A provider that is down is left out and
    /// logged: the others' models are still usable.
    pub async fn models(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for provider in &self.0 {
            match provider.models().await {
                Ok(models) => {
                    all.extend(models.into_iter().map(|model| (model, provider.name().to_owned())))
                }
                Err(fault) => {
                    tracing::warn!(provider = provider.name(), cause = ?fault, "models not listed")
                }
            }
        }
        all
    }
}
