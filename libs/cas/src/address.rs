//! Names of blobs: the keyed hash of the plaintext, inside a tenant.

use std::fmt;
use std::str::FromStr;

use kernel::{Secret, TenantId};
use subtle::ConstantTimeEq;

/// A tenant's address key. Keyed, so that nobody without it can test whether a
/// tenant stores a text he knows, and equal texts of two tenants look unrelated.
#[derive(Clone)]
pub struct AddressKey(Secret<[u8; 32]>);

impl AddressKey {
    pub fn new(key: [u8; 32]) -> Self {
        Self(Secret::new(key))
    }

    pub fn address(&self, plaintext: &[u8]) -> Address {
        Address(*blake3::keyed_hash(self.0.expose(), plaintext).as_bytes())
    }

    /// Whether this is the plaintext of that address.
    pub fn matches(&self, address: &Address, plaintext: &[u8]) -> bool {
        self.address(plaintext).0.ct_eq(&address.0).into()
    }

    /// For plaintext that arrives in pieces.
    pub fn addresser(&self) -> Addresser {
        Addresser(blake3::Hasher::new_keyed(self.0.expose()))
    }
}

/// Computes an address piece by piece.
pub struct Addresser(blake3::Hasher);

impl Addresser {
    pub fn update(&mut self, plaintext: &[u8]) -> &mut Self {
        self.0.update(plaintext);
        self
    }

    pub fn finish(&self) -> Address {
        Address(*self.0.finalize().as_bytes())
    }
}

/// Keyed BLAKE3 of a plaintext; written as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address([u8; 32]);

impl Address {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Address {
    type Err = NameError;

    /// Only lower case: one address, one spelling, one file.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NameError)?;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(NameError);
        }
        Ok(Self(bytes))
    }
}

/// Which blob of which tenant. Built from typed parts only, so a name can hold
/// no `..`, no separator and nothing that a file system reads differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobName {
    pub tenant: TenantId,
    pub address: Address,
}

impl BlobName {
    pub const fn new(tenant: TenantId, address: Address) -> Self {
        Self { tenant, address }
    }

    /// Where the store keeps it. 256 directories a tenant, so that none gets huge.
    pub(crate) fn path(&self) -> String {
        let address = self.address.to_string();
        format!("{}/{}/{address}", self.tenant, &address[..2])
    }

    pub(crate) fn from_path(path: &str) -> Result<Self, NameError> {
        let (rest, address) = path.rsplit_once('/').ok_or(NameError)?;
        let (tenant, shard) = rest.rsplit_once('/').ok_or(NameError)?;
        if !address.starts_with(shard) || shard.len() != 2 {
            return Err(NameError);
        }
        format!("{tenant}/{address}").parse()
    }
}

/// `<tenant>/<address>`.
impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.address)
    }
}

impl FromStr for BlobName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (tenant, address) = text.split_once('/').ok_or(NameError)?;
        Ok(Self::new(tenant.parse().map_err(|_| NameError)?, address.parse()?))
    }
}

/// Text that is not the canonical name of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameError;

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be <tenant id>/<64 lower-case hexadecimal digits>")
    }
}

impl std::error::Error for NameError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_depend_on_the_tenants_key() {
        let (one, two) = (AddressKey::new([1; 32]), AddressKey::new([2; 32]));
        assert_ne!(one.address(b"text"), two.address(b"text"));
        assert!(one.matches(&one.address(b"text"), b"text"));
        assert!(!one.matches(&one.address(b"text"), b"texts"));
    }

    /// The official BLAKE3 test vectors (test_vectors.json, input length 0 and 1).
    #[test]
    fn published_keyed_hash_vectors() {
        let key = AddressKey::new(*b"whats the Elvish word for friend");
        assert_eq!(
            key.address(b"").to_string(),
            "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26"
        );
        assert_eq!(
            key.address(&[0]).to_string(),
            "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b"
        );
    }

    #[test]
    fn only_canonical_names_parse() {
        let name = BlobName::new(TenantId::SYSTEM, Address::from_bytes([0xab; 32]));
        assert_eq!(name.to_string().parse(), Ok(name));
        assert_eq!(BlobName::from_path(&name.path()), Ok(name));
        let hex = "ab".repeat(32);
        for bad in [
            String::new(),
            hex.clone(),
            format!("../{hex}"),
            format!("{}/../{hex}", TenantId::SYSTEM),
            format!("{}/{}", TenantId::SYSTEM, hex.to_uppercase()),
            format!("{}/{hex}/", TenantId::SYSTEM),
            format!("{}/{}", TenantId::SYSTEM, &hex[2..]),
            format!("/{name}"),
            format!("{name}\0"),
        ] {
            assert_eq!(bad.parse::<BlobName>(), Err(NameError), "{bad:?}");
        }
        assert!(BlobName::from_path(&format!("{}/cd/{hex}", TenantId::SYSTEM)).is_err());
    }

    proptest! {
        #[test]
        fn pieces_give_the_same_address(text: Vec<u8>, cut: prop::sample::Index) {
            let key = AddressKey::new([7; 32]);
            let cut = cut.index(text.len() + 1);
            let pieces = key.addresser().update(&text[..cut]).update(&text[cut..]).finish();
            prop_assert_eq!(pieces, key.address(&text));
        }

        #[test]
        fn any_text_parses_or_is_refused(text: String) {
            if let Ok(name) = text.parse::<BlobName>() {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
