//! Keys on their way in.

use chrono::Duration;
use crypto::{KeyAlgorithm, KeyUse};
use kernel::{Fault, KeyId, Result};
use proto::envelope::v1::{
    BeginKeyRegistrationRequest, BeginKeyRegistrationResponse, CreateImportKeyRequest,
    CreateImportKeyResponse, ImportKeyRequest, ImportKeyResponse,
};
use rpc::{Cx, parse};

use super::KeyApi;
use super::convert;
use super::key_service::{MOST_LABELS, public_key};
use crate::application::keys::create_key::NewKey;
use crate::application::keys::enrol::Wrapped;

/// Letters of a wrapped key.
const WRAPPED: usize = 16 * 1024;

impl KeyApi {
    pub(super) async fn begin_registration(
        &self,
        cx: Cx,
        request: BeginKeyRegistrationRequest,
    ) -> Result<BeginKeyRegistrationResponse> {
        let key = public_key(&request.public_jwk)?;
        let (challenge, until) = self.enrol.challenge(&cx, &key).await?;
        let expire_time = Some(convert::time(until));
        Ok(BeginKeyRegistrationResponse { challenge, expire_time })
    }

    pub(super) async fn create_import_key(
        &self,
        cx: Cx,
        request: CreateImportKeyRequest,
    ) -> Result<CreateImportKeyResponse> {
        let algorithm = match request.algorithm {
            0 => KeyAlgorithm::X25519,
            set => convert::algorithm(set, KeyUse::Seal)?,
        };
        let made = self.enrol.import_key(&cx, algorithm).await?;
        Ok(CreateImportKeyResponse {
            import_key: format!("importKeys/{}", made.id),
            public_jwk: made.public.to_jwk(),
            expire_time: Some(convert::time(made.expires_at)),
        })
    }

    pub(super) async fn import(
        &self,
        cx: Cx,
        mut request: ImportKeyRequest,
    ) -> Result<ImportKeyResponse> {
        let request_id = std::mem::take(&mut request.request_id);
        let once = convert::once(&cx, &request_id, &request)?;
        let key_use = convert::purpose(request.purpose)?;
        let rotation: Option<Duration> =
            convert::rotation("rotation_period", request.rotation_period)?;
        let new = NewKey {
            id: convert::new_id(&request.key_id)?,
            algorithm: convert::algorithm(request.algorithm, key_use)?,
            labels: parse::pairs("labels", &request.labels, MOST_LABELS)?,
            rotation,
        };
        let import_key: KeyId = parse::resource("import_key", "importKeys", &request.import_key)?;
        parse::within("wrapped_key", request.wrapped_key.len(), 1, WRAPPED, "bytes")?;
        let wrapped =
            Wrapped { import_key: import_key.uuid(), key_use, token: request.wrapped_key };
        let key = self.enrol.import(&cx, new, wrapped, once).await?;
        Ok(ImportKeyResponse { key: Some(convert::key(&key)) })
    }
}

/// Which version is meant where 0 is the primary one.
pub(super) fn version_or_primary(number: i32) -> Result<Option<i32>, Fault> {
    let number = parse::within("version", number, 0, i32::MAX, "")?;
    Ok((number > 0).then_some(number))
}
