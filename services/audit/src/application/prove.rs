//! Proofs against the newest checkpoint.

use std::sync::Arc;

use kernel::{EventId, Fault, Result, TenantId};
use reasons::audit::{EVENT_NOT_INTEGRATED, TREE_SIZE_UNKNOWN};

use super::ports::{Events, Log};
use crate::domain::entry_of;

pub struct Inclusion {
    pub index: u64,
    pub tree_size: u64,
    pub hashes: Vec<Vec<u8>>,
    pub checkpoint: String,
    pub entry: Vec<u8>,
}

pub struct Consistency {
    pub first: u64,
    pub second: u64,
    pub hashes: Vec<Vec<u8>>,
    pub checkpoint: String,
}

#[derive(Clone)]
pub struct Prove {
    pub events: Arc<dyn Events>,
    pub log: Arc<dyn Log>,
}

impl Prove {
    pub async fn inclusion(&self, tenant: TenantId, id: EventId) -> Result<Inclusion> {
        let event = self.events.find(tenant, id).await?.ok_or_else(Fault::not_found)?;
        let index = u64::try_from(event.index).map_err(Fault::internal)?;
        let head = self.log.head();
        if index >= head.size {
            return Err(Fault::new(&EVENT_NOT_INTEGRATED));
        }
        let hashes = self.log.inclusion(index, head.size).await?;
        let entry = entry_of(&event.salt, &event.encoded);
        Ok(Inclusion { index, tree_size: head.size, hashes, checkpoint: head.note, entry })
    }

    /// `second` of 0 is the newest size.
    pub async fn consistency(&self, first: u64, second: u64) -> Result<Consistency> {
        let head = self.log.head();
        let second = if second == 0 { head.size } else { second };
        if second > head.size {
            return Err(Fault::new(&TREE_SIZE_UNKNOWN));
        }
        if first == 0 || first > second {
            return Err(Fault::invalid("first_size", "must be 1 to second_size"));
        }
        let hashes = self.log.consistency(first, second).await?;
        Ok(Consistency { first, second, hashes, checkpoint: head.note })
    }
}
