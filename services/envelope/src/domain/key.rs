//! A key and its versions.

use crypto::{KeyAlgorithm, KeyUse};
use kernel::{PrincipalId, Timestamp};
use uuid::Uuid;

use super::{KeyHolder, KeyName};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Enabled,
    Disabled,
}

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
    pub state: State,
    /// The newest version: the one that seals and signs.
    pub primary: i32,
    pub owner: Owner,
    /// Whether the private half stays with the client.
    pub registered: bool,
    pub labels: Vec<(String, String)>,
    pub created_at: Timestamp,
}

#[derive(Clone)]
pub struct Version {
    pub number: i32,
    pub state: State,
    pub public_jwk: String,
    pub kid: String,
    pub created_at: Timestamp,
    /// None for a registered key.
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

    pub fn is_services(&self) -> bool {
        matches!(self.owner, Owner::Service(_))
    }
}

impl Key {
    pub fn version(&self, number: i32) -> Option<Keyed> {
        let version = self.versions.iter().find(|version| version.number == number)?;
        Some(Keyed { head: self.head.clone(), version: version.clone() })
    }

    /// The version that seals and signs.
    pub fn primary(&self) -> Option<Keyed> {
        self.version(self.head.primary)
    }
}

impl Keyed {
    /// Neither the key nor this version is disabled.
    pub fn is_enabled(&self) -> bool {
        self.head.state == State::Enabled && self.version.state == State::Enabled
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
