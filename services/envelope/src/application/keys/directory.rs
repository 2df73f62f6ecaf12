//! Finding keys: by name, by thumbprint, in lists. A service's own keys come
//! into being when they are first asked for.

use std::sync::Arc;

use crypto::{KeyUse, Suite};
use kernel::{Fault, Result, common};
use rpc::Cx;

use super::create_key::{CreateKey, NewKey};
use super::known_keys::Reading;
use crate::application::ports::{Keys, KnownKeys, Query};
use crate::domain::{Key, KeyHolder, KeyName, Keyed, Owner, SERVICE_ROTATION};

#[derive(Clone)]
pub struct Directory {
    pub keys: Arc<dyn Keys>,
    pub known: Arc<dyn KnownKeys>,
    pub create: CreateKey,
    /// What services' keys are made with.
    pub suite: Suite,
}

impl Directory {
    pub async fn get(&self, cx: &Cx, id: &KeyName) -> Result<Key> {
        if let Some(key) = self.keys.find(cx.tenant(), id).await? {
            return Ok(key);
        }
        let (holder, key_use) = id.of_service().ok_or_else(Fault::not_found)?;
        self.make(cx, id, (holder, key_use)).await
    }

    pub async fn list(&self, cx: &Cx, query: &Query) -> Result<Vec<Key>> {
        self.keys.list(cx.tenant(), query).await
    }

    /// The versions with these thumbprints, in their order; None for unknown ones.
    pub async fn by_kids(
        &self,
        cx: &Cx,
        kids: &[String],
        reading: Reading,
    ) -> Result<Vec<Option<Keyed>>> {
        let found = match reading {
            Reading::Known => self.known.by_kids(cx.tenant(), kids).await?,
            Reading::Again | Reading::Source => self.keys.by_kids(cx.tenant(), kids).await?,
        };
        if reading == Reading::Again {
            for keyed in &found {
                self.known.changed(cx.tenant(), &keyed.head.id).await;
            }
        }
        let one = |kid: &String| found.iter().find(|keyed| keyed.version.kid == *kid).cloned();
        Ok(kids.iter().map(one).collect())
    }

    /// Several instances may do this at once: the database takes one key, and
    /// all use that.
    async fn make(
        &self,
        cx: &Cx,
        id: &KeyName,
        (holder, key_use): (KeyHolder, KeyUse),
    ) -> Result<Key> {
        let algorithm = self.suite.default_algorithm(key_use);
        let (id_of_new, rotation) = (id.clone(), Some(SERVICE_ROTATION));
        let new = NewKey { id: id_of_new, algorithm, labels: Vec::new(), rotation };
        let key = self.create.make(cx, new, Owner::Service(holder));
        match self.create.store(cx, key.await?, None).await {
            Err(fault) if fault.reason().code == common::RESOURCE_EXISTS.code => {
                self.keys.find(cx.tenant(), id).await?.ok_or_else(Fault::not_found)
            }
            outcome => outcome,
        }
    }
}
