//! Data keys. None of these types can be printed.

use kernel::{Fault, Result};
use zeroize::Zeroizing;

use crate::primitives;
use crate::wrapped::WrappedKey;

/// Of every data key and KEK: AES-256.
pub const KEY_LENGTH: usize = 32;

/// A key in the clear. Wiped when dropped; boxed, so that moving it leaves no copies.
pub struct PlaintextKey(Box<Zeroizing<[u8; KEY_LENGTH]>>);

impl PlaintextKey {
    pub fn generate() -> Result<Self> {
        let mut key = Self::empty();
        primitives::fill_random(key.0.as_mut_slice()).map_err(Fault::internal)?;
        Ok(key)
    }

    /// `None` unless there are exactly 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Self::empty();
        (bytes.len() == KEY_LENGTH).then(|| key.0.copy_from_slice(bytes))?;
        Some(key)
    }

    /// The only way to the bytes; easy to search for in a review.
    pub fn expose(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    pub(crate) fn empty() -> Self {
        Self(Box::new(Zeroizing::new([0; KEY_LENGTH])))
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; KEY_LENGTH] {
        &mut self.0
    }
}

/// A new data key: use the plaintext once, store the wrapped form beside what it encrypts.
pub struct DataKey {
    pub plaintext: PlaintextKey,
    pub wrapped: WrappedKey,
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use super::*;

    /// Does not compile for a type that can be printed: there would be two
    /// `check`s to choose from.
    macro_rules! not_printable {
        ($($type:ty),+) => { $(const _: fn() = || {
            trait Ambiguous<A> {
                fn check() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct ByDebug;
            impl<T: ?Sized + Debug> Ambiguous<ByDebug> for T {}
            struct ByDisplay;
            impl<T: ?Sized + Display> Ambiguous<ByDisplay> for T {}
            let _ = <$type as Ambiguous<_>>::check;
        };)+ };
    }

    not_printable!(
        PlaintextKey,
        DataKey,
        crate::DataKeyCache,
        crate::Router,
        crate::local::LocalKms,
        crate::local::Upkeep,
        crate::vault::VaultKms
    );

    #[test]
    fn only_32_bytes_are_a_key() {
        assert!(PlaintextKey::from_slice(&[1; 31]).is_none());
        assert!(PlaintextKey::from_slice(&[1; 33]).is_none());
        assert!(PlaintextKey::from_slice(&[1; 32]).is_some_and(|key| *key.expose() == [1; 32]));
    }
}
