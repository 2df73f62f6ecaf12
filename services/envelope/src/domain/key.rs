//! A key and its versions.

use chrono::Duration;
use crypto::{KeyAlgorithm, KeyUse};
use kernel::{PrincipalId, Timestamp};
use uuid::Uuid;

use super::{KeyHolder, KeyName, State};

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Kept for the whole tenant.
    Tenant,
    /// Registered by this user, who has the private half.
    User(PrincipalId),
    Service(KeyHolder),
}

impl Owner {
    /// As resources and the database have it.
    pub fn name(self) -> String {
        match self {
            Self::Tenant => String::new(),
            Self::User(user) => format!("users/{user}"),
            Self::Service(holder) => format!("services/{}", holder.name()),
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        if name.is_empty() {
            return Some(Self::Tenant);
        }
        match name.split_once('/')? {
            ("users", id) => id.parse().ok().map(Self::User),
            ("services", service) => KeyHolder::from_name(service).map(Self::Service),
            _ => None,
        }
    }
}

/// All of a key but its versions.
#[derive(Clone)]
pub struct Head {
    pub id: KeyName,
    /// UUIDv7: sorts by creation.
    pub serial: Uuid,
    pub algorithm: KeyAlgorithm,
    /// For every use of every version.
    pub disabled: bool,
    pub owner: Owner,
    /// Whether the private half stays with the client.
    pub registered: bool,
    pub labels: Vec<(String, String)>,
    pub created_at: Timestamp,
    /// The age of the newest version at which the service adds another.
    pub rotation: Option<Duration>,
    /// When it is to do that, if it is.
    pub rotate_at: Option<Timestamp>,
    /// Counts changes: a change is made to what its maker has seen.
    pub revision: i64,
}

#[derive(Clone)]
pub struct Version {
    pub number: i32,
    pub state: State,
    pub public_jwk: String,
    pub kid: String,
    pub created_at: Timestamp,
    /// When a pending version becomes enabled.
    pub activate_at: Option<Timestamp>,
    /// When its private half is to be destroyed, or was.
    pub destroy_at: Option<Timestamp>,
    /// None for a registered key, and after destruction.
    pub private: Option<SealedHalf>,
}

/// A private half at rest.
#[derive(Clone)]
pub struct SealedHalf {
    /// The data key under the tenant's KEK.
    pub data_key: Vec<u8>,
    /// PKCS#8 under the data key.
    pub sealed: Vec<u8>,
}

#[derive(Clone)]
pub struct Key {
    pub head: Head,
    /// Oldest first.
    pub versions: Vec<Version>,
}

/// One version, with all that decides about its use.
#[derive(Clone)]
pub struct Keyed {
    pub head: Head,
    pub version: Version,
}

impl Head {
    pub fn key_use(&self) -> KeyUse {
        self.algorithm.key_use()
    }

    /// What a change may be made conditional on.
    pub fn etag(&self) -> String {
        self.revision.to_string()
    }

    pub fn is_services(&self) -> bool {
        matches!(self.owner, Owner::Service(_))
    }
}

impl Key {
    pub fn version(&self, number: i32) -> Option<Keyed> {
        let version = self.versions.iter().find(|version| version.number == number)?;
        Some(Keyed { head: self.head.clone(), version: version.clone() })
    }

    /// The version that seals and signs: the newest enabled one.
    pub fn primary(&self) -> Option<Keyed> {
        let able = |version: &&Version| version.state.may_protect();
        let newest = self.versions.iter().rev().find(able)?;
        Some(Keyed { head: self.head.clone(), version: newest.clone() })
    }
}

impl Keyed {
    /// May seal or sign something new.
    pub fn may_protect(&self) -> bool {
        !self.head.disabled && self.version.state.may_protect()
    }

    /// May open or verify what it has sealed or signed.
    pub fn may_process(&self) -> bool {
        !self.head.disabled && self.version.state.may_process()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_parse_back() {
        for owner in
            [Owner::Tenant, Owner::User(PrincipalId::new()), Owner::Service(KeyHolder::Response)]
        {
            assert_eq!(Owner::from_name(&owner.name()), Some(owner));
        }
        for wrong in ["users/x", "services/auth", "x", "keys/abc"] {
            assert_eq!(Owner::from_name(wrong), None, "{wrong}");
        }
    }
}
