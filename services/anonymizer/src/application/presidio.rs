//! Replaces what somebody else found, as Presidio does.

use std::sync::Arc;

use kernel::{Fault, Result};
use presidio::{AnonymizeRequest, Anonymized, anonymized};

use super::texts::Texts;

impl Texts {
    pub async fn presidio(&self, request: AnonymizeRequest) -> Result<Anonymized> {
        let engine = Arc::clone(&self.engine);
        let work = move || anonymized(&engine, &request);
        tokio::task::spawn_blocking(work).await.map_err(Fault::internal)?
    }
}
