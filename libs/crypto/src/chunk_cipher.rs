//! The STREAM construction ([Hoang, Reyhanitabar, Rogaway, Vizár 2015](https://eprint.iacr.org/2015/189))
//! over AES-256-GCM: each chunk is encrypted under prefix ‖ 32-bit counter ‖ last flag, so a chunk
//! opens only in its place, and only the last one as the last.

use zeroize::Zeroizing;

use crate::provider::{self, AES_KEY_LEN, Aead, AesKey, Failed, NONCE_LEN, TAG_LEN};

const PREFIX_LEN: usize = NONCE_LEN - 5;

pub(crate) struct ChunkCipher {
    key: Box<dyn Aead>,
    prefix: [u8; PREFIX_LEN],
}

impl ChunkCipher {
    /// Key and nonce prefix follow from `secret`, `salt` and `info`. A pair of secret and salt
    /// must serve for one sequence of chunks only.
    pub(crate) fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> Result<Self, Failed> {
        let mut derived = Zeroizing::new([0; AES_KEY_LEN + PREFIX_LEN]);
        provider::default().hkdf_sha256(salt, secret, info, &mut *derived)?;
        let mut key: AesKey = Zeroizing::new([0; AES_KEY_LEN]);
        key.copy_from_slice(&derived[..AES_KEY_LEN]);
        let mut prefix = [0; PREFIX_LEN];
        prefix.copy_from_slice(&derived[AES_KEY_LEN..]);
        Ok(Self { key: provider::default().aead(&key)?, prefix })
    }

    fn nonce(&self, index: u32, last: bool) -> [u8; NONCE_LEN] {
        let mut nonce = [0; NONCE_LEN];
        nonce[..PREFIX_LEN].copy_from_slice(&self.prefix);
        nonce[PREFIX_LEN..NONCE_LEN - 1].copy_from_slice(&index.to_be_bytes());
        nonce[NONCE_LEN - 1] = u8::from(last);
        nonce
    }

    pub(crate) fn seal(
        &self,
        index: u32,
        last: bool,
        chunk: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Failed> {
        self.key.seal(self.nonce(index, last), chunk)
    }

    /// The plaintext is the first `n` bytes, `n` returned.
    pub(crate) fn open(
        &self,
        index: u32,
        last: bool,
        chunk_and_tag: &mut [u8],
    ) -> Result<usize, Failed> {
        self.key.open(self.nonce(index, last), chunk_and_tag)
    }
}
