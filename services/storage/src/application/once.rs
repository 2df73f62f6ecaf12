//! A request that is to happen once.

use db::idempotency::{Digest, Key};
use kernel::Result;
use rpc::{Cx, parse};

const STORED_ID: &str = "signet.dev 2026 storage request id v1";
const DIGEST_KEY: &str = "signet.dev 2026 storage request digest v1";

/// A request id and a digest of its request.
///
/// The digest covers a text, and a plain hash of a text is a way to confirm a
/// guess of it, even after the text was deleted. So the digest is keyed by the
/// request id, and the id itself is stored only as a hash.
pub struct Once {
    pub key: Key,
    pub digest: Digest,
}

impl Once {
    /// None if the request has no id. `request` is its encoding without the id.
    pub fn new(cx: &Cx, request_id: &str, request: &[u8]) -> Result<Option<Self>> {
        let Some(id) = parse::request_id(request_id)? else { return Ok(None) };
        let stored = hex::encode(blake3::derive_key(STORED_ID, id.as_bytes()));
        let keyed = blake3::keyed_hash(&blake3::derive_key(DIGEST_KEY, id.as_bytes()), request);
        let digest = Digest::of(keyed.as_bytes());
        let key = Key::new(cx.tenant(), cx.principal()?.user, cx.method(), &stored)?;
        Ok(key.map(|key| Self { key, digest }))
    }
}
