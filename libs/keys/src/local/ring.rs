//! The keyring in memory, and its plain encoding (which only ever exists sealed).
//!
//! ```text
//! tenants (4) ‖ for each, ascending: id (16) ‖ versions (4) ‖ for each, ascending:
//!     version (4) ‖ created, µs since 1970 (8) ‖ KEK (32)
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use kernel::{Fault, Result, TenantId, Timestamp};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::error::KeyringError;
use crate::key::{KEY_LENGTH, PlaintextKey};
use crate::kms::{KekState, KekVersion};
use crate::reasons;

#[derive(Clone)]
struct Version {
    created: i64,
    kek: Arc<PlaintextKey>,
}

/// Names a key in a keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kek {
    pub tenant: TenantId,
    pub version: u32,
}

/// All tenants' KEKs. Cloning shares the keys.
#[derive(Clone, Default)]
pub(super) struct Ring(BTreeMap<TenantId, BTreeMap<u32, Version>>);

impl Ring {
    /// The newest version.
    pub(super) fn newest(&self, tenant: TenantId) -> Option<(u32, &PlaintextKey)> {
        let (number, version) = self.0.get(&tenant)?.last_key_value()?;
        Some((*number, &version.kek))
    }

    pub(super) fn version(&self, tenant: TenantId, number: u32) -> Option<&PlaintextKey> {
        Some(&self.0.get(&tenant)?.get(&number)?.kek)
    }

    pub(super) fn tenants(&self) -> usize {
        self.0.len()
    }

    /// All versions of all tenants, in order.
    pub(super) fn keks(&self) -> impl Iterator<Item = Kek> + '_ {
        self.0.iter().flat_map(|(tenant, versions)| {
            versions.keys().map(|version| Kek { tenant: *tenant, version: *version })
        })
    }

    /// Whether the other one has this very key.
    pub(super) fn shares(&self, other: &Self, kek: Kek) -> bool {
        let ours = self.version(kek.tenant, kek.version);
        let theirs = other.version(kek.tenant, kek.version);
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => {
                verify_slices_are_equal(ours.expose(), theirs.expose()).is_ok()
            }
            _ => false,
        }
    }

    /// The lowest version that there still is.
    pub(super) fn lowest(&self, tenant: TenantId) -> Option<u32> {
        self.0.get(&tenant)?.keys().next().copied()
    }

    /// Adds a version and returns its number.
    pub(super) fn add(&mut self, tenant: TenantId, now: Timestamp) -> Result<u32> {
        let kek = Arc::new(PlaintextKey::generate()?);
        let versions = self.0.entry(tenant).or_default();
        let number = versions.last_key_value().map_or(0, |(number, _)| *number) + 1;
        versions.insert(number, Version { created: now.timestamp_micros(), kek });
        Ok(number)
    }

    pub(super) fn versions(&self, tenant: TenantId) -> Vec<KekVersion> {
        let Some(versions) = self.0.get(&tenant) else { return Vec::new() };
        let newest = versions.last_key_value().map(|(number, _)| *number);
        let version = |(number, version): (&u32, &Version)| KekVersion {
            number: *number,
            state: if Some(*number) == newest { KekState::Primary } else { KekState::UnwrapOnly },
            created: Timestamp::from_timestamp_micros(version.created).unwrap_or_default(),
        };
        versions.iter().map(version).collect()
    }

    /// Says whether there was anything to remove.
    pub(super) fn destroy_below(&mut self, tenant: TenantId, number: u32) -> Result<bool> {
        let versions = self.0.get_mut(&tenant);
        let newest = versions.as_ref().and_then(|versions| versions.keys().next_back().copied());
        let (Some(versions), Some(newest)) = (versions, newest) else {
            return Err(not_destroyable(format!("tenant {tenant} has no KEK in this keyring")));
        };
        if number > newest {
            return Err(not_destroyable(format!("the newest version is {newest}, not {number}")));
        }
        let before = versions.len();
        versions.retain(|kept, _| *kept >= number);
        Ok(versions.len() < before)
    }

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let entries: usize = self.0.values().map(BTreeMap::len).sum();
        let length = 4 + self.0.len() * (16 + 4) + entries * (4 + 8 + KEY_LENGTH);
        // At its full size at once (growing would leave copies of keys behind),
        // with room for the tag.
        let mut out = Zeroizing::new(Vec::with_capacity(length + crate::primitives::TAG));
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
        out.extend_from_slice(&count(self.0.len()));
        for (tenant, versions) in &self.0 {
            out.extend_from_slice(tenant.uuid().as_bytes());
            out.extend_from_slice(&count(versions.len()));
            for (number, version) in versions {
                out.extend_from_slice(&number.to_be_bytes());
                out.extend_from_slice(&version.created.to_be_bytes());
                out.extend_from_slice(version.kek.expose());
            }
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, KeyringError> {
        let mut input = Input(bytes);
        let mut ring = Self::default();
        for _ in 0..u32::from_be_bytes(*input.take()?) {
            let tenant = TenantId::from_uuid(Uuid::from_bytes(*input.take()?));
            let mut versions = BTreeMap::new();
            for _ in 0..u32::from_be_bytes(*input.take()?) {
                let number = u32::from_be_bytes(*input.take()?);
                let created = i64::from_be_bytes(*input.take()?);
                let mut kek = PlaintextKey::empty();
                kek.bytes_mut().copy_from_slice(input.take::<KEY_LENGTH>()?);
                let ascends = versions.last_key_value().is_none_or(|(last, _)| *last < number);
                if number == 0 || !ascends {
                    return Err(KeyringError::Damaged);
                }
                versions.insert(number, Version { created, kek: Arc::new(kek) });
            }
            let ascends = ring.0.last_key_value().is_none_or(|(last, _)| *last < tenant);
            if versions.is_empty() || !ascends {
                return Err(KeyringError::Damaged);
            }
            ring.0.insert(tenant, versions);
        }
        if input.0.is_empty() { Ok(ring) } else { Err(KeyringError::Damaged) }
    }
}

fn not_destroyable(note: String) -> Fault {
    Fault::new(&reasons::KEK_VERSION_NOT_DESTROYABLE).with_note(note)
}

/// Takes fixed pieces off the front.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], KeyringError> {
        let (piece, rest) = self.0.split_first_chunk().ok_or(KeyringError::Damaged)?;
        self.0 = rest;
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn encoding_comes_back_the_same() {
        let now = Timestamp::from_timestamp_micros(1_700_000_000_000_000).unwrap();
        let mut ring = Ring::default();
        assert_eq!(ring.encode().as_slice(), [0; 4]);
        for tenant in [TenantId::new(), TenantId::new(), TenantId::SYSTEM] {
            assert_eq!(ring.add(tenant, now).unwrap(), 1);
            assert_eq!(ring.add(tenant, now).unwrap(), 2);
        }
        let encoded = ring.encode();
        assert_eq!(encoded.capacity(), encoded.len() + crate::primitives::TAG);
        assert_eq!(Ring::decode(&encoded).unwrap().encode(), encoded);
        for cut in 0..encoded.len() {
            assert!(Ring::decode(&encoded[..cut]).is_err());
        }
        assert!(Ring::decode(&[&encoded[..], &[0]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_canonical(bytes: Vec<u8>) {
            if let Ok(ring) = Ring::decode(&bytes) {
                prop_assert_eq!(ring.encode().to_vec(), bytes);
            }
        }
    }
}
