//! Has the destruction of data keys certified: a deleted prompt's certificate is
//! due as soon as the envelope service can be reached.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Kind, Result};
use tokio_util::sync::CancellationToken;

use super::ports::{Certifier, Destroyed, Destructions};

const EVERY: Duration = Duration::from_secs(2);
/// Read at once.
const PAGE: i64 = 100;

pub struct Certify {
    pub destructions: Arc<dyn Destructions>,
    pub certifier: Arc<dyn Certifier>,
}

impl Certify {
    /// Until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
            if let Some(Err(fault)) = stop.run_until_cancelled(self.round()).await {
                tracing::warn!(cause = ?fault, "destructions not certified, will retry");
            }
        }
    }

    /// Certifies what is there now; says how many.
    pub async fn round(&self) -> Result<usize> {
        let (mut done, mut after) = (0, None);
        loop {
            let pending = self.destructions.pending(after, PAGE).await?;
            let Some(last) = pending.last() else { return Ok(done) };
            after = Some(last.id);
            for destroyed in &pending {
                match self.certify(destroyed).await {
                    Ok(()) => done += 1,
                    Err(fault) if fault.kind() == Kind::Unavailable => return Err(fault),
                    // One tenant's trouble is not another's.
                    Err(fault) => {
                        tracing::warn!(tenant = %destroyed.tenant, cause = ?fault, "a destruction cannot be certified now");
                    }
                }
            }
        }
    }

    /// Cut off in between, it is certified again: the same id, one certificate.
    async fn certify(&self, destroyed: &Destroyed) -> Result<()> {
        self.certifier.certify(destroyed).await?;
        self.destructions.certified(destroyed.id).await
    }
}
