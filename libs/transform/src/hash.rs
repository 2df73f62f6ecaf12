//! Keyed hashes: the same subject has the same one everywhere in a tenant, and none that says
//! anything in another.

use pii::normalize_subject;

use crate::keys::{Keys, mac};

/// How a hash is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash {
    /// Characters of the hash, 4 bits each.
    pub length: usize,
    /// Only the hash, without the type around it: for columns of tables.
    pub bare: bool,
}

/// Two of a million subjects are alike once in 10^11 tenants.
const DEFAULT_LENGTH: usize = 20;
pub(crate) const SHORTEST: usize = 12;
pub(crate) const LONGEST: usize = 64;

impl Default for Hash {
    fn default() -> Self {
        Self { length: DEFAULT_LENGTH, bare: false }
    }
}

/// The type is part of what is hashed: a number that is both somebody's phone and somebody's
/// account does not link the two.
pub(crate) fn hashed(keys: &Keys, entity: &str, original: &str, form: Hash) -> String {
    let subject = normalize_subject(original);
    let mac = mac(&keys.hash, &[entity.as_bytes(), subject.as_bytes()]);
    let mut code = hex::encode(&mac[..]);
    code.truncate(form.length.clamp(SHORTEST, LONGEST));
    if form.bare { code } else { format!("[hash:{entity}:{code}]") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(secret: u8, entity: &str, original: &str) -> String {
        hashed(&Keys::derive(&[secret; 32], "t"), entity, original, Hash::default())
    }

    #[test]
    fn joins_inside_a_tenant_and_type_only() {
        let one = hash(1, "PERSON", "Anna Weber");
        assert_eq!(one, hash(1, "PERSON", "ANNA  WEBER"));
        assert_ne!(one, hash(1, "PERSON", "Anna Weger"));
        assert_ne!(one, hash(2, "PERSON", "Anna Weber"));
        let code = |hash: &str| hash.rsplit(':').next().map(str::to_owned);
        assert_ne!(code(&one), code(&hash(1, "ORGANIZATION", "Anna Weber")));
        assert_eq!(
            hash(1, "CREDIT_CARD", "4111 1111 1111 1111"),
            hash(1, "CREDIT_CARD", "4111-1111-1111-1111")
        );
    }

    #[test]
    fn is_as_long_as_asked() {
        let keys = Keys::derive(&[1; 32], "t");
        let bare = hashed(&keys, "PERSON", "Anna", Hash { length: 64, bare: true });
        assert_eq!(bare.len(), 64);
        let framed = hashed(&keys, "PERSON", "Anna", Hash { length: 16, bare: false });
        assert_eq!(framed, format!("[hash:PERSON:{}]", &bare[..16]));
    }
}
