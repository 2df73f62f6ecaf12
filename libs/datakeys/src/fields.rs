//! Personal columns: encrypted a value at a time, and found again by equality.
//!
//! A service has one secret a version (a data key, kept wrapped like any other).
//! From it each column of each tenant gets two keys of its own: one encrypts
//! ([`crypto::field`], bound to table, column and row), the other makes blind
//! indexes. Rotating adds a version: new values are written with it, values of
//! older versions are still read; indexes stay with the oldest secret that is
//! given, because a value must always have the same one.
//!
//! What a blind index gives away to whoever reads the table: which rows of one
//! tenant and one column have equal values, and, by counting, how common a value
//! is. Not the value, not across columns or tenants. It is cut to 16 bytes: far
//! too long for two values to share one by chance, so it serves unique columns
//! too. A column of few possible values (yes or no, a country) tells all by its
//! frequencies: do not index it.

use std::collections::BTreeMap;

use crypto::field::{self, FieldCipher, Place};
use crypto::provider;
use crypto::{OpenError, SealError};
use kernel::TenantId;
use zeroize::Zeroizing;

/// Bytes of a blind index.
pub const INDEX: usize = 16;

const SEAL: &[u8] = b"signet.dev/v1/field-key\0";
const FIND: &[u8] = b"signet.dev/v1/blind-index\0";

/// A secret of the service, in the clear.
pub type FieldSecret = Zeroizing<[u8; 32]>;

/// A service's secrets for its personal columns.
pub struct FieldKeys {
    current: u32,
    secrets: BTreeMap<u32, FieldSecret>,
}

/// The keys of one column of one tenant.
pub struct Column {
    table: &'static str,
    column: &'static str,
    cipher: FieldCipher,
    index: FieldSecret,
}

impl FieldKeys {
    /// `version` writes.
    #[must_use]
    pub fn new(version: u32, secret: FieldSecret) -> Self {
        Self { current: version, secrets: BTreeMap::from([(version, secret)]) }
    }

    /// Adds a version that is read but not written with.
    #[must_use]
    pub fn readable(mut self, version: u32, secret: FieldSecret) -> Self {
        self.secrets.entry(version).or_insert(secret);
        self
    }

    /// The keys of a column. Deriving costs three hashes a version.
    pub fn column(
        &self,
        tenant: TenantId,
        table: &'static str,
        column: &'static str,
    ) -> Option<Column> {
        let key = |label, secret: &FieldSecret| derived(secret, label, tenant, table, column);
        let write = self.secrets.get(&self.current)?;
        let mut cipher = FieldCipher::new(self.current, key(SEAL, write));
        for (version, secret) in &self.secrets {
            cipher = cipher.readable(*version, key(SEAL, secret));
        }
        let (_, eldest) = self.secrets.first_key_value()?;
        Some(Column { table, column, cipher, index: key(FIND, eldest) })
    }
}

impl Column {
    /// # Errors
    /// When the system has no randomness to give.
    pub fn seal(&self, row: &[u8], value: &[u8]) -> Result<Vec<u8>, SealError> {
        self.cipher.seal(self.place(row), value)
    }

    /// # Errors
    /// When it was altered, or moved, or its version is not readable.
    pub fn open(&self, row: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        self.cipher.open(self.place(row), sealed)
    }

    /// Whether a value was written with an older version, and is to be sealed anew.
    #[must_use]
    pub fn is_old(&self, sealed: &[u8]) -> bool {
        field::key_version(sealed) != Some(self.cipher.current())
    }

    /// By what a value is found. Normalize first (lower case, trimmed): what is not
    /// equal byte by byte is not found.
    #[must_use]
    pub fn blind_index(&self, value: &[u8]) -> [u8; INDEX] {
        let whole = provider::default().hmac_sha256(self.index.as_slice(), &[value]);
        let mut index = [0; INDEX];
        index.copy_from_slice(&whole[..INDEX]);
        index
    }

    fn place<'a>(&self, row: &'a [u8]) -> Place<'a> {
        Place { table: self.table, column: self.column, row }
    }
}

/// HMAC-SHA-256 under the secret, over label, tenant, and the names with their
/// lengths: no two columns share a key.
fn derived(
    secret: &FieldSecret,
    label: &[u8],
    tenant: TenantId,
    table: &str,
    column: &str,
) -> FieldSecret {
    let tenant = tenant.uuid();
    let length = |text: &str| (text.len() as u64).to_be_bytes();
    let (first, second) = (length(table), length(column));
    let parts: [&[u8]; 6] =
        [label, tenant.as_bytes(), &first, table.as_bytes(), &second, column.as_bytes()];
    Zeroizing::new(provider::default().hmac_sha256(secret.as_slice(), &parts))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> FieldKeys {
        FieldKeys::new(1, Zeroizing::new([1; 32]))
    }

    fn email(keys: &FieldKeys, tenant: TenantId) -> Column {
        keys.column(tenant, "users", "email").unwrap()
    }

    #[test]
    fn a_value_opens_in_its_place_only() {
        let (tenant, keys) = (TenantId::new(), keys());
        let column = email(&keys, tenant);
        let sealed = column.seal(b"1", b"a@b.test").unwrap();
        assert_eq!(column.open(b"1", &sealed).unwrap().as_slice(), b"a@b.test");
        assert!(column.open(b"2", &sealed).is_err());
        assert!(email(&keys, TenantId::new()).open(b"1", &sealed).is_err());
        for (table, name) in [("users", "phone"), ("people", "email"), ("user", "semail")] {
            let other = keys.column(tenant, table, name).unwrap();
            assert!(other.open(b"1", &sealed).is_err());
            assert_ne!(other.blind_index(b"a@b.test"), column.blind_index(b"a@b.test"));
        }
        let mut altered = sealed.clone();
        for at in 0..altered.len() {
            altered[at] ^= 1;
            assert!(column.open(b"1", &altered).is_err(), "byte {at}");
            altered[at] ^= 1;
        }
    }

    #[test]
    fn a_new_version_writes_and_old_values_are_read_and_found() {
        let tenant = TenantId::new();
        let before = email(&keys(), tenant);
        let old = before.seal(b"1", b"a").unwrap();
        let two = Zeroizing::new([2; 32]);
        let both = FieldKeys::new(2, two.clone()).readable(1, Zeroizing::new([1; 32]));
        let now = email(&both, tenant);
        assert_eq!(now.open(b"1", &old).unwrap().as_slice(), b"a");
        assert!(now.is_old(&old) && !before.is_old(&old));
        let new = now.seal(b"1", b"a").unwrap();
        assert!(!now.is_old(&new));
        assert!(before.open(b"1", &new).is_err(), "the old secret does not read it");
        assert_eq!(now.blind_index(b"a"), before.blind_index(b"a"));
        assert!(email(&FieldKeys::new(2, two), tenant).open(b"1", &old).is_err());
    }

    proptest! {
        #[test]
        fn equal_values_and_only_they_share_an_index(
            one in prop::collection::vec(any::<u8>(), 0..40),
            two in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let tenant = TenantId::new();
            let column = email(&keys(), tenant);
            prop_assert_eq!(one == two, column.blind_index(&one) == column.blind_index(&two));
            prop_assert_eq!(column.blind_index(&one), email(&keys(), tenant).blind_index(&one));
            prop_assert_ne!(column.blind_index(&one), email(&keys(), TenantId::new()).blind_index(&one));
            let sealed = column.seal(b"row", &one).unwrap();
            let opened = column.open(b"row", &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), one.as_slice());
            prop_assert_ne!(sealed, column.seal(b"row", &one).unwrap());
        }
    }
}
