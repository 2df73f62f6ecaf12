//! Which policy a call means.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::{Fault, Result};
use pii::EntityInfo;
use transform::{Policy, READY};

const COLLECTION: &str = "policies/";

/// The policies that come with Signet, read once.
#[derive(Clone)]
pub struct Policies {
    ready: Arc<BTreeMap<&'static str, Arc<Policy>>>,
}

impl Policies {
    /// `types` are those that detection knows.
    pub fn new(types: &[EntityInfo]) -> Result<Self> {
        let read = |(name, _): &(&'static str, _)| {
            let policy = Policy::ready(name, types).map_err(Fault::internal)?;
            Ok((*name, Arc::new(policy)))
        };
        Ok(Self { ready: Arc::new(READY.iter().map(read).collect::<Result<_>>()?) })
    }

    /// The policy of a name, `policies/{id}`.
    pub fn named(&self, name: &str) -> Result<Arc<Policy>> {
        let id = name.strip_prefix(COLLECTION);
        let id = id.ok_or_else(|| Fault::invalid("policy", "must be policies/{id}"))?;
        self.ready.get(id).cloned().ok_or_else(|| Fault::invalid("policy", "there is none"))
    }
}
