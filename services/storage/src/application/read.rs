//! A text leaves the store: decrypted, checked, recorded, in this order.

use std::sync::Arc;

use events::Draft;
use kernel::{Fault, PromptId, Result};
use reasons::storage::BLOB_CORRUPT;
use rpc::Cx;

use super::contents::Contents;
use super::ports::Prompts;
use crate::domain::{Place, Prompt, Text};

const READ: &str = "dev.signet.storage.prompt.read";

#[derive(Clone)]
pub struct Read {
    pub prompts: Arc<dyn Prompts>,
    pub contents: Contents,
}

impl Read {
    /// `purpose` goes into the event: why the text leaves.
    pub async fn run(
        &self,
        cx: &Cx,
        id: PromptId,
        number: Option<i32>,
        purpose: &'static str,
    ) -> Result<(Prompt, Text)> {
        let found = self.prompts.find_revision(cx.tenant(), id, number).await?;
        let (prompt, revision) = found.ok_or_else(Fault::not_found)?;
        let place = Place {
            tenant: cx.tenant(),
            prompt: id,
            revision: revision.number,
            address: revision.address,
        };
        let prompt = prompt.at(&revision);
        let event = || {
            Draft::new(cx, READ, prompt.name())
                .with("revision", place.revision)
                .with("purpose", purpose)
        };
        let now = self.contents.clock.now();
        let opened = self.contents.open(cx, &place, &revision.wrapped_key).await;
        let text = match opened {
            Ok(Some(text)) => text,
            Ok(None) => return Err(self.absent(cx, &place, event(), &prompt).await?),
            Err(fault) if *fault.reason() == BLOB_CORRUPT => {
                self.prompts.record(&event().failed(&BLOB_CORRUPT).finish(now)?).await?;
                return Err(fault);
            }
            Err(fault) => return Err(fault),
        };
        if !self.prompts.record_release(&place, &event().finish(now)?).await? {
            return Err(Fault::not_found());
        }
        Ok((prompt, text))
    }

    /// A blob that is absent was deleted with its prompt a moment ago, or is lost.
    async fn absent(&self, cx: &Cx, place: &Place, event: Draft, prompt: &Prompt) -> Result<Fault> {
        let number = Some(place.revision);
        if self.prompts.find_revision(cx.tenant(), prompt.id, number).await?.is_none() {
            return Ok(Fault::not_found());
        }
        let now = self.contents.clock.now();
        self.prompts.record(&event.failed(&BLOB_CORRUPT).finish(now)?).await?;
        Ok(Fault::new(&BLOB_CORRUPT).with_note("the blob is absent"))
    }
}
