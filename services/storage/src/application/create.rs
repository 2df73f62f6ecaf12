//! A new prompt.

use std::sync::Arc;

use events::Draft;
use kernel::{Fault, PromptId, Result};
use rpc::Cx;

use super::contents::Contents;
use super::once::Once;
use super::ports::{Prompts, Stored, Write};
use crate::domain::{Facts, Prompt, Text};

pub struct Create {
    pub prompts: Arc<dyn Prompts>,
    pub contents: Contents,
}

impl Create {
    pub async fn run(
        &self,
        cx: &Cx,
        facts: Facts,
        text: &Text,
        once: Option<Once>,
    ) -> Result<Prompt> {
        let now = self.contents.clock.now();
        if let Some(once) = &once
            && let Some(before) = self.prompts.answered(once, now).await?
        {
            return Ok(before);
        }
        let id = PromptId::new();
        let first = self.contents.store(cx, id, 1, text).await?;
        let prompt = Prompt {
            tenant: cx.tenant(),
            id,
            facts,
            revision: first.number,
            size: first.size,
            created: now,
            updated: now,
        };
        let event = Draft::new(cx, "dev.signet.storage.prompt.created", prompt.name())
            .with("revision", prompt.revision)
            .with("size_bytes", prompt.size)
            .finish(now)?;
        match self.prompts.create(&prompt, &first, &Write { once, event, now }).await? {
            Stored::Done => Ok(prompt),
            Stored::Before(before) => Ok(before),
            Stored::Raced => Err(Fault::internal("a new prompt has no rival")),
        }
    }
}
