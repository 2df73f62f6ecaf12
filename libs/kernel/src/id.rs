//! Identifiers: UUIDv7 (RFC 9562), so that they sort by the time of creation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            #[allow(clippy::new_without_default, reason = "a default id would be a new one each time")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// Only the hyphenated form: one id, one spelling.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let id = Uuid::try_parse(text)?;
                let mut canonical = Uuid::encode_buffer();
                if id.hyphenated().encode_lower(&mut canonical) != text {
                    // Any parse error will do; uuid offers no constructor for one.
                    return Uuid::try_parse("").map(Self);
                }
                Ok(Self(id))
            }
        }
    };
}

id!(
    /// A tenant: the boundary that no data crosses.
    TenantId
);
id!(
    /// Who acts: a user or a service account.
    PrincipalId
);
id!(ApiKeyId);
id!(
    /// A key of a tenant (not a version of it).
    KeyId
);
id!(PromptId);
id!(
    /// A sealed envelope: the `jti` of its manifest, by which a replay is recognized.
    EnvelopeId
);
id!(
    /// An audit event; its sender chooses it, so that delivering twice stores once.
    EventId
);

impl TenantId {
    /// The mesh itself: owner of the secrets that belong to no tenant.
    pub const SYSTEM: Self = Self(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_creation() {
        let (a, b) = (KeyId::new(), KeyId::new());
        assert!(a < b);
    }

    #[test]
    fn only_the_canonical_spelling_parses() {
        let id = KeyId::new();
        assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
        assert!(id.to_string().to_uppercase().parse::<KeyId>().is_err());
        assert!(id.to_string().replace('-', "").parse::<KeyId>().is_err());
        assert!("".parse::<KeyId>().is_err());
    }
}
