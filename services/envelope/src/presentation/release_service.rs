use kernel::{Fault, Result, common};
use proto::envelope::v1::release_service_server::ReleaseService;
use proto::envelope::v1::{
    SignManifestRequest, SignManifestResponse, UnwrapContentKeyRequest, UnwrapContentKeyResponse,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};

use super::convert;
use crate::application::envelopes::release::{self, ReleaseKey};
use crate::application::envelopes::sign_manifest::SignManifest;
use crate::domain::{KeyHolder, RESPOND};

pub struct ReleaseApi {
    pub release: ReleaseKey,
    pub sign: SignManifest,
}

impl ReleaseApi {
    async fn unwrap(
        &self,
        cx: Cx,
        request: UnwrapContentKeyRequest,
    ) -> Result<UnwrapContentKeyResponse> {
        if request.purpose != RESPOND {
            return Err(Fault::invalid("purpose", "must be `respond`"));
        }
        convert::manifest("manifest", &request.manifest)?;
        convert::wrapped_keys(&request.wrapped_keys)?;
        let asked = release::Request {
            manifest: request.manifest,
            wrapped_keys: request.wrapped_keys,
            purpose: RESPOND,
            request_id: parse::request_id(&request.request_id)?,
        };
        let (key, verified) = self.release.release(&cx, holder(&cx)?, asked).await?;
        Ok(UnwrapContentKeyResponse {
            content_key: key.expose().to_vec(),
            manifest: Some(convert::verified(&verified)?),
        })
    }

    async fn sign(&self, cx: Cx, request: SignManifestRequest) -> Result<SignManifestResponse> {
        let manifest = self.sign.sign(&cx, holder(&cx)?, &request.claims).await?;
        Ok(SignManifestResponse { manifest })
    }
}

/// The access rule lets in only services that have keys of their own.
fn holder(cx: &Cx) -> Result<KeyHolder> {
    KeyHolder::of(cx.caller()).ok_or_else(|| {
        Fault::new(&common::NOT_ALLOWED).with_note("the caller has no keys of its own")
    })
}

#[tonic::async_trait]
impl ReleaseService for ReleaseApi {
    async fn unwrap_content_key(
        &self,
        request: Request<UnwrapContentKeyRequest>,
    ) -> Result<Response<UnwrapContentKeyResponse>, Status> {
        rpc::unary(request, |cx, message| self.unwrap(cx, message)).await
    }

    async fn sign_manifest(
        &self,
        request: Request<SignManifestRequest>,
    ) -> Result<Response<SignManifestResponse>, Status> {
        rpc::unary(request, |cx, message| self.sign(cx, message)).await
    }
}
