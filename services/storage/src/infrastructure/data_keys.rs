//! Data keys from the envelope service.

use async_trait::async_trait;
use crypto::provider::{AES_KEY_LEN, AesKey};
use kernel::{Fault, Kind, Result};
use proto::common::v1::KeyValue;
use proto::envelope::v1::data_key_service_client::DataKeyServiceClient;
use proto::envelope::v1::{
    GenerateDataKeysRequest, KeyContext, UnwrapDataKeysRequest, WrappedDataKey,
};
use reasons::envelope::DATA_KEY_REJECTED;
use reasons::storage::BLOB_CORRUPT;
use rpc::{Cx, Peers};
use tonic::Status;
use zeroize::Zeroizing;

use crate::application::ports::{DataKey, DataKeys};
use crate::domain::Place;

pub struct PeerDataKeys(pub Peers);

#[async_trait]
impl DataKeys for PeerDataKeys {
    async fn generate(&self, cx: &Cx, place: &Place) -> Result<DataKey> {
        let mut client = DataKeyServiceClient::new(self.0.on_behalf(cx));
        let request = GenerateDataKeysRequest { contexts: vec![context(place)] };
        let answer = client.generate_data_keys(request).await.map_err(|status| fault(&status))?;
        let [key] = <[_; 1]>::try_from(answer.into_inner().keys)
            .map_err(|_| Fault::internal("not one data key was made"))?;
        Ok(DataKey { plain: plain(key.plaintext)?, wrapped: key.wrapped })
    }

    async fn unwrap(&self, cx: &Cx, place: &Place, wrapped: &[u8]) -> Result<AesKey> {
        let mut client = DataKeyServiceClient::new(self.0.on_behalf(cx));
        let key = WrappedDataKey { wrapped: wrapped.to_vec(), context: Some(context(place)) };
        let request = UnwrapDataKeysRequest { keys: vec![key] };
        let answer = client.unwrap_data_keys(request).await.map_err(|status| fault(&status))?;
        let [key] = <[_; 1]>::try_from(answer.into_inner().plaintexts)
            .map_err(|_| Fault::internal("not one data key was unwrapped"))?;
        plain(key)
    }
}

fn context(place: &Place) -> KeyContext {
    let fields = place.key_context().map(|(key, value)| KeyValue { key: key.to_owned(), value });
    KeyContext { fields: fields.into() }
}

fn plain(bytes: Vec<u8>) -> Result<AesKey> {
    let bytes = Zeroizing::new(bytes);
    let key = <[u8; AES_KEY_LEN]>::try_from(bytes.as_slice())
        .map_err(|_| Fault::internal("a data key has not 32 bytes"))?;
    Ok(Zeroizing::new(key))
}

/// The wrapped key is ours, not the caller's: if it is refused, what is stored
/// is damaged. Nor can the caller mend anything else in this request.
fn fault(status: &Status) -> Fault {
    let fault = rpc::fault_of(status);
    if *fault.reason() == DATA_KEY_REJECTED {
        return Fault::new(&BLOB_CORRUPT).with_source(fault);
    }
    match fault.kind() {
        Kind::InvalidArgument | Kind::NotFound | Kind::FailedPrecondition => {
            Fault::internal("the envelope service refused a data key").with_source(fault)
        }
        _ => fault,
    }
}
