//! API keys looked up a moment ago.

use cache::{Cache, MetadataOnly};
use config::Duration;
use kernel::{ApiKeyId, Fault, PrincipalId, Result, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::ports::Presented;
use crate::domain::{KeyState, Roles};

/// A revocation is in force everywhere at once where instances share Redis and
/// reach it; otherwise after this. With the life of the tokens made from a key
/// (`check::INTERNAL_TOKEN`), no more than the 60 seconds that the API promises.
pub const FRESH: Duration = Duration::from_secs(15);

/// By the hash of the secret.
pub type KeyCache = Cache<KnownKey>;

/// What authenticates a request: of the key, neither name nor hint.
#[derive(Clone, Serialize, Deserialize)]
pub struct KnownKey {
    pub id: ApiKeyId,
    pub tenant: TenantId,
    pub owner: PrincipalId,
    roles: String,
    expires: Option<Timestamp>,
    revoked: Option<Timestamp>,
}

/// Random ids, names of roles and times. The secret is not in it, nor its hash.
impl MetadataOnly for KnownKey {}

impl KnownKey {
    pub fn of(presented: &Presented) -> Self {
        let Presented { key, roles } = presented;
        Self {
            id: key.id,
            tenant: key.tenant,
            owner: key.owner,
            roles: roles.to_string(),
            expires: key.expires,
            revoked: key.revoked,
        }
    }

    pub fn roles(&self) -> Result<Roles> {
        Roles::from_text(&self.roles).ok_or_else(|| Fault::internal("a cached role is unknown"))
    }

    pub fn state(&self, now: Timestamp) -> KeyState {
        KeyState::of(self.expires, self.revoked, now)
    }
}
