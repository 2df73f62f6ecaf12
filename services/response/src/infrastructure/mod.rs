//! Peers and model providers.

mod anonymizer;
mod envelope;
pub mod provider;

pub use anonymizer::AnonymizerClient;
pub use envelope::EnvelopeClient;
