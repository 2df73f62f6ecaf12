//! Deletes a prompt: its data keys first, which is what counts, then its blobs.

use std::sync::Arc;

use cas::BlobName;
use events::Draft;
use kernel::{Fault, PromptId, Result, SharedClock};
use rpc::Cx;

use super::ports::Prompts;
use super::sweep::Sweep;
use super::update::ATTEMPTS;

pub struct Delete {
    pub prompts: Arc<dyn Prompts>,
    pub sweep: Sweep,
    pub clock: SharedClock,
}

impl Delete {
    /// Returns how many data keys were destroyed.
    pub async fn run(&self, cx: &Cx, id: PromptId, etag: &str) -> Result<i32> {
        for _ in 0..ATTEMPTS {
            let found = self.prompts.find(cx.tenant(), id).await?;
            let prompt = found.ok_or_else(Fault::not_found)?;
            prompt.allows(etag)?;
            let event = Draft::new(cx, "dev.signet.storage.prompt.deleted", prompt.name())
                .with("data_keys_destroyed", prompt.revision)
                .finish(self.clock.now())?;
            let Some(addresses) = self.prompts.delete(&prompt, &event).await? else { continue };
            let blobs = addresses.iter().map(|address| BlobName::new(prompt.tenant, *address));
            for blob in blobs {
                // They are of no use to anybody, and the sweeper comes again.
                if let Err(fault) = self.sweep.remove(&blob).await {
                    tracing::warn!(cause = ?fault, "a deleted prompt's blob stays for now");
                    break;
                }
            }
            return Ok(prompt.revision);
        }
        Err(Fault::unavailable("others changed the prompt every time"))
    }
}
