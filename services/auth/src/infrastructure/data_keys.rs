//! Data keys of the mesh's own tenant, for signing keys.

use async_trait::async_trait;
use crypto::provider::AesKey;
use datakeys::{Binding, For};
use kernel::Result;
use zeroize::Zeroizing;

use crate::application::ports::DataKeys;

pub struct PeerDataKeys(pub datakeys::DataKeys);

/// Which value the data key is for.
pub(super) fn binding(kid: &str) -> Binding {
    Binding::new([
        ("table", "signing_keys".to_owned()),
        ("column", "private_key".to_owned()),
        ("row", kid.to_owned()),
    ])
}

#[async_trait]
impl DataKeys for PeerDataKeys {
    async fn generate(&self, row: &str) -> Result<(AesKey, Vec<u8>)> {
        let made = self.0.generate_one(For::Service, binding(row)).await?;
        Ok((Zeroizing::new(*made.plain.expose()), made.wrapped))
    }

    async fn unwrap(&self, row: &str, wrapped: &[u8]) -> Result<AesKey> {
        let key = self.0.unwrap_one(For::Service, wrapped, binding(row)).await?;
        Ok(Zeroizing::new(*key.expose()))
    }
}
