//! A new revision of a prompt.

use std::sync::Arc;

use events::Draft;
use kernel::{Fault, PromptId, Result};
use rpc::Cx;

use super::contents::Contents;
use super::once::Once;
use super::ports::{Prompts, Stored, Write};
use crate::domain::{Facts, Prompt, Text};

/// How often an update without an etag is begun anew when others were faster.
pub(crate) const ATTEMPTS: u32 = 8;

pub struct Update {
    pub prompts: Arc<dyn Prompts>,
    pub contents: Contents,
}

/// What is to change.
pub struct Change {
    pub id: PromptId,
    /// Empty: whatever the prompt is now.
    pub etag: String,
    pub facts: Facts,
    pub text: Text,
}

impl Update {
    pub async fn run(&self, cx: &Cx, change: &Change, once: Option<Once>) -> Result<Prompt> {
        let now = self.contents.clock.now();
        if let Some(once) = &once
            && let Some(before) = self.prompts.answered(once, now).await?
        {
            return Ok(before);
        }
        let subject = format!("prompts/{}", change.id);
        let event = Draft::new(cx, "dev.signet.storage.prompt.updated", subject);
        let event = event.with("size_bytes", change.text.size()?).finish(now)?;
        let write = Write { once, event, now };
        for _ in 0..ATTEMPTS {
            match self.attempt(cx, change, &write).await? {
                (prompt, Stored::Done) | (_, Stored::Before(prompt)) => return Ok(prompt),
                (_, Stored::Raced) => {}
            }
        }
        Err(Fault::unavailable("others changed the prompt every time"))
    }

    async fn attempt(&self, cx: &Cx, change: &Change, write: &Write) -> Result<(Prompt, Stored)> {
        let found = self.prompts.find(cx.tenant(), change.id).await?;
        let earlier = found.ok_or_else(Fault::not_found)?;
        earlier.allows(&change.etag)?;
        let number = earlier.revision.checked_add(1).ok_or_else(|| Fault::internal("revision"))?;
        let next = self.contents.store(cx, change.id, number, &change.text).await?;
        let prompt = Prompt {
            facts: change.facts.clone().over(earlier.facts),
            revision: number,
            size: next.size,
            updated: write.now,
            ..earlier
        };
        let stored = self.prompts.update(&prompt, &next, write).await?;
        Ok((prompt, stored))
    }
}
