//! A stored text sealed for others, without passing through the caller.

use std::sync::Arc;

use events::Draft;
use kernel::{PromptId, Result};
use proto::envelope::v1::Envelope;
use rpc::Cx;

use super::ports::{SealFor, Sealer};
use super::read::Read;

pub struct Seal {
    pub read: Read,
    pub sealer: Arc<dyn Sealer>,
}

impl Seal {
    pub async fn run(
        &self,
        cx: &Cx,
        id: PromptId,
        number: Option<i32>,
        target: SealFor,
    ) -> Result<Envelope> {
        let recipients = target.recipients.len();
        // The text goes to the envelope service: a release like any other.
        let (prompt, text) = self.read.run(cx, id, number, "seal").await?;
        let envelope = self.sealer.seal(cx, &text, target).await?;
        let event = Draft::new(cx, "dev.signet.storage.prompt.sealed", prompt.name())
            .with("revision", prompt.revision)
            .with("recipients", recipients)
            .finish(self.read.contents.clock.now())?;
        self.read.prompts.record(&event).await?;
        Ok(envelope)
    }
}
