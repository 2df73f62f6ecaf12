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

#[cfg(test)]
mod tests {
    use kernel::{PromptId, TenantId, common};

    use super::*;

    #[test]
    fn what_is_wrong_with_our_keys_is_no_fault_of_the_caller() {
        let reason = |fault: Fault| super::fault(&rpc::status_of(&fault, "")).reason();
        assert_eq!(reason(Fault::new(&DATA_KEY_REJECTED)), &BLOB_CORRUPT);
        assert_eq!(reason(Fault::invalid("contexts[0]", "is wrong")), &common::INTERNAL);
        assert_eq!(reason(Fault::unavailable("no KMS")), &common::DEPENDENCY_UNAVAILABLE);
    }

    #[test]
    fn a_key_is_asked_for_one_revision_of_one_prompt() {
        let place = Place {
            tenant: TenantId::new(),
            prompt: PromptId::new(),
            revision: 3,
            address: cas::Address::from_bytes([0; 32]),
        };
        let fields = context(&place).fields;
        assert_eq!(
            (fields[0].key.as_str(), fields[0].value.clone()),
            ("object", format!("prompts/{}", place.prompt))
        );
        assert_eq!((fields[1].key.as_str(), fields[1].value.as_str()), ("revision", "3"));
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        assert!(plain(vec![0; 32]).is_ok());
        assert!(plain(vec![0; 31]).is_err() && plain(Vec::new()).is_err());
    }
}
