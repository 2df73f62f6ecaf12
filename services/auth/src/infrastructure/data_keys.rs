//! Data keys from the envelope service, for the mesh's own tenant.

use async_trait::async_trait;
use crypto::provider::AesKey;
use kernel::{Fault, Result};
use proto::common::v1::KeyValue;
use proto::envelope::v1::data_key_service_client::DataKeyServiceClient;
use proto::envelope::v1::{
    GenerateDataKeysRequest, KeyContext, UnwrapDataKeysRequest, WrappedDataKey,
};
use rpc::{PeerChannel, Peers};
use zeroize::Zeroizing;

use crate::application::ports::DataKeys;

pub struct PeerDataKeys(pub Peers);

impl PeerDataKeys {
    fn client(&self) -> DataKeyServiceClient<PeerChannel> {
        DataKeyServiceClient::new(self.0.for_self())
    }
}

/// Which value the data key is for; envelope adds our name and the tenant.
fn context(row: &str) -> KeyContext {
    let pair = |key: &str, value: &str| KeyValue { key: key.into(), value: value.into() };
    KeyContext {
        fields: vec![
            pair("table", "signing_keys"),
            pair("column", "private_key"),
            pair("row", row),
        ],
    }
}

fn key_of(plaintext: Vec<u8>) -> Result<AesKey> {
    let plaintext = Zeroizing::new(plaintext);
    let mut key = AesKey::default();
    if plaintext.len() != key.len() {
        return Err(Fault::internal("a data key of another size"));
    }
    key.copy_from_slice(&plaintext);
    Ok(key)
}

#[async_trait]
impl DataKeys for PeerDataKeys {
    async fn generate(&self, row: &str) -> Result<(AesKey, Vec<u8>)> {
        let request = GenerateDataKeysRequest { contexts: vec![context(row)] };
        let mut client = self.client();
        let answer = client.generate_data_keys(request).await;
        let mut answer = answer.map_err(|status| rpc::fault_of(&status))?.into_inner();
        let key = answer.keys.pop().ok_or_else(|| Fault::internal("no data key came"))?;
        Ok((key_of(key.plaintext)?, key.wrapped))
    }

    async fn unwrap(&self, row: &str, wrapped: &[u8]) -> Result<AesKey> {
        let key = WrappedDataKey { wrapped: wrapped.to_vec(), context: Some(context(row)) };
        let mut client = self.client();
        let answer = client.unwrap_data_keys(UnwrapDataKeysRequest { keys: vec![key] }).await;
        let mut answer = answer.map_err(|status| rpc::fault_of(&status))?.into_inner();
        key_of(answer.plaintexts.pop().ok_or_else(|| Fault::internal("no data key came"))?)
    }
}
