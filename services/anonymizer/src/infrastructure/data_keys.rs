use async_trait::async_trait;
use kernel::{Fault, Result};
use proto::common::v1::KeyValue;
use proto::envelope::v1::data_key_service_client::DataKeyServiceClient;
use proto::envelope::v1::{
    GenerateDataKeysRequest, KeyContext, UnwrapDataKeysRequest, WrappedDataKey,
};
use rpc::{Cx, Peers};
use zeroize::Zeroizing;

use crate::application::ports::{DataKeys, Key};

pub struct EnvelopeDataKeys(pub Peers);

fn context(object: &str, id: &str) -> KeyContext {
    let pair = |key: &str, value: &str| KeyValue { key: key.to_owned(), value: value.to_owned() };
    KeyContext { fields: vec![pair("object", object), pair("id", id)] }
}

fn key(bytes: Vec<u8>) -> Result<Key> {
    let bytes = Zeroizing::new(bytes);
    let key: &[u8; 32] = bytes
        .as_slice()
        .try_into()
        .map_err(|_| Fault::internal("a data key has a wrong length"))?;
    Ok(Zeroizing::new(*key))
}

fn none() -> Fault {
    Fault::internal("the envelope service gave no data key")
}

#[async_trait]
impl DataKeys for EnvelopeDataKeys {
    async fn generate(&self, cx: &Cx, object: &str, id: &str) -> Result<(Key, Vec<u8>)> {
        let mut client = DataKeyServiceClient::new(self.0.on_behalf(cx));
        let message = GenerateDataKeysRequest { contexts: vec![context(object, id)] };
        let answer =
            client.generate_data_keys(message).await.map_err(|status| rpc::fault_of(&status))?;
        let made = answer.into_inner().keys.pop().ok_or_else(none)?;
        Ok((key(made.plaintext)?, made.wrapped))
    }

    async fn unwrap(&self, cx: &Cx, wrapped: Vec<u8>, object: &str, id: &str) -> Result<Key> {
        let mut client = DataKeyServiceClient::new(self.0.on_behalf(cx));
        let keys = vec![WrappedDataKey { wrapped, context: Some(context(object, id)) }];
        let answer = client.unwrap_data_keys(UnwrapDataKeysRequest { keys }).await;
        let answer = answer.map_err(|status| rpc::fault_of(&status))?;
        key(answer.into_inner().plaintexts.pop().ok_or_else(none)?)
    }
}
