//! A service's own key in a tenant, where nobody of the tenant asks for it.

use crypto::KeyUse;
use events::Draft;
use kernel::{Fault, Result, TenantId, common};

use super::directory::Directory;
use crate::application::ports::Change;
use crate::domain::{Key, KeyHolder, Owner};

impl Directory {
    /// Finds the key, or makes it. Several instances may do this at once: the
    /// database takes one key, and all use that.
    pub async fn of_service(
        &self,
        tenant: TenantId,
        (holder, key_use): (KeyHolder, KeyUse),
    ) -> Result<Key> {
        let id = holder.key(key_use);
        if let Some(key) = self.keys.find(tenant, &id).await? {
            return Ok(key);
        }
        let (create, algorithm) = (&self.create, self.suite.default_algorithm(key_use));
        let pair = create.custody.generate(algorithm).await?;
        let private = create.custody.lock(tenant, (&id, 1), &pair).await?;
        let owner = Owner::Service(holder);
        let halves = (pair.public(), Some(private));
        let key = create.assemble((id.clone(), algorithm), owner, Vec::new(), halves);
        let kind = "dev.signet.envelope.key.created";
        let event = Draft::of_service("envelope", tenant, kind, id.resource())
            .with("algorithm", algorithm)
            .with("kid", pair.kid())
            .finish(create.clock.now())?;
        let at = create.clock.now();
        let change = Change { once: None, events: vec![event], at, answer: None };
        match self.keys.add(tenant, &key, &change).await {
            Err(fault) if fault.reason().code != common::RESOURCE_EXISTS.code => Err(fault),
            _ => self.keys.find(tenant, &id).await?.ok_or_else(Fault::not_found),
        }
    }
}
