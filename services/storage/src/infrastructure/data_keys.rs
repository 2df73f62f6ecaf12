//! Data keys from the envelope service.

use async_trait::async_trait;
use crypto::provider::AesKey;
use datakeys::{Binding, For};
use kernel::{Fault, Kind, Result};
use reasons::envelope::DATA_KEY_REJECTED;
use reasons::storage::BLOB_CORRUPT;
use rpc::Cx;
use zeroize::Zeroizing;

use crate::application::ports::{DataKey, DataKeys};
use crate::domain::Place;

pub struct PeerDataKeys(pub datakeys::DataKeys);

#[async_trait]
impl DataKeys for PeerDataKeys {
    async fn generate(&self, cx: &Cx, place: &Place) -> Result<DataKey> {
        let made = self.0.generate_one(For::Call(cx), binding(place)).await.map_err(ours)?;
        Ok(DataKey { plain: Zeroizing::new(*made.plain.expose()), wrapped: made.wrapped })
    }

    async fn unwrap(&self, cx: &Cx, place: &Place, wrapped: &[u8]) -> Result<AesKey> {
        let key = self.0.unwrap_one(For::Call(cx), wrapped, binding(place)).await.map_err(ours)?;
        Ok(Zeroizing::new(*key.expose()))
    }
}

pub(super) fn binding(place: &Place) -> Binding {
    Binding::new(place.key_context())
}

/// The wrapped key is ours, not the caller's: if it is refused, what is stored
/// is damaged. Nor can the caller mend anything else in this request.
fn ours(fault: Fault) -> Fault {
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
        let reason = |fault: Fault| ours(fault).reason();
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
        let named = Binding::new([
            ("object", format!("prompts/{}", place.prompt)),
            ("revision", "3".to_owned()),
        ]);
        assert_eq!(binding(&place), named);
        assert_ne!(binding(&Place { revision: 4, ..place }), named);
    }
}
