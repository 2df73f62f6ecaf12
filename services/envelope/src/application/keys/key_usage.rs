//! How much a key is used, and what still depends on its versions.

use std::sync::Arc;

use kernel::{Fault, Result};
use rpc::Cx;

use super::uses::Uses;
use crate::application::ports::{Keys, UseCounts, VersionUses};
use crate::domain::{Key, KeyName};

#[derive(Clone)]
pub struct KeyUsage {
    pub keys: Arc<dyn Keys>,
    pub counts: Arc<dyn UseCounts>,
    pub uses: Arc<Uses>,
}

impl KeyUsage {
    pub async fn of(&self, cx: &Cx, id: &KeyName) -> Result<(Key, Vec<VersionUses>)> {
        let key = self.keys.find(cx.tenant(), id).await?.ok_or_else(Fault::not_found)?;
        // What this instance has counted is not worth waiting for the others'.
        self.uses.store().await?;
        let uses = self.counts.of(cx.tenant(), &key.head).await?;
        Ok((key, uses))
    }
}
