//! Model providers.

mod echo;
mod openai;
mod sse;

use std::sync::Arc;

use kernel::Result;

pub use echo::Echo;
pub use openai::OpenAi;
pub use sse::{Events, TooLong};

use crate::application::ports::Provider;
use crate::settings::ProviderSettings;

/// The providers that are configured.
pub fn all(settings: &[ProviderSettings]) -> Result<Vec<Arc<dyn Provider>>> {
    let provider = |settings: &ProviderSettings| -> Result<Arc<dyn Provider>> {
        Ok(match settings {
            ProviderSettings::Echo => Arc::new(Echo),
            ProviderSettings::Openai(settings) => Arc::new(OpenAi::new(settings.clone())?),
        })
    };
    settings.iter().map(provider).collect()
}
