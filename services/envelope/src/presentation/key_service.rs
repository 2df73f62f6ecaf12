use crypto::{KeyError, PublicKey};
use db::page::{Page, Scope};
use kernel::{Fault, Result};
use proto::envelope::v1::key_service_server::KeyService;
use proto::envelope::v1::{
    CreateKeyRequest, CreateKeyResponse, DisableKeyRequest, DisableKeyResponse, GetKeyRequest,
    GetKeyResponse, InvalidateCachesRequest, InvalidateCachesResponse, ListKeysRequest,
    ListKeysResponse, RegisterPublicKeyRequest, RegisterPublicKeyResponse, RotateKeyRequest,
    RotateKeyResponse,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::convert;
use crate::application::create_key::{CreateKey, NewKey, NewPublicKey};
use crate::application::directory::Directory;
use crate::application::disable_key::DisableKey;
use crate::application::invalidate_caches::InvalidateCaches;
use crate::application::ports::Query;
use crate::application::rotate_key::RotateKey;

const MOST_LABELS: usize = 16;
/// Letters of a public JWK: RSA-4096 needs less than a thousand.
const JWK: usize = 8 * 1024;
const PROOF: usize = 4 * 1024;

pub struct KeyApi {
    pub directory: Directory,
    pub create: CreateKey,
    pub rotate: RotateKey,
    pub disable: DisableKey,
    pub invalidate: InvalidateCaches,
}

impl KeyApi {
    async fn create(&self, cx: Cx, mut request: CreateKeyRequest) -> Result<CreateKeyResponse> {
        let request_id = std::mem::take(&mut request.request_id);
        let once = convert::once(&cx, &request_id, &request)?;
        let key_use = convert::purpose(request.purpose)?;
        let new = NewKey {
            id: convert::new_id(&request.key_id)?,
            algorithm: convert::algorithm(request.algorithm, key_use)?,
            labels: parse::pairs("labels", &request.labels, MOST_LABELS)?,
        };
        let key = self.create.create(&cx, new, once).await?;
        Ok(CreateKeyResponse { key: Some(convert::key(&key)) })
    }

    async fn register(
        &self,
        cx: Cx,
        mut request: RegisterPublicKeyRequest,
    ) -> Result<RegisterPublicKeyResponse> {
        let request_id = std::mem::take(&mut request.request_id);
        let once = convert::once(&cx, &request_id, &request)?;
        let new = NewPublicKey {
            id: convert::new_id(&request.key_id)?,
            key_use: convert::purpose(request.purpose)?,
            public: public_key(&request.public_jwk)?,
            labels: parse::pairs("labels", &request.labels, MOST_LABELS)?,
            proof: request.proof,
        };
        parse::within("proof", new.proof.len(), 0, PROOF, "bytes")?;
        let key = self.create.register(&cx, new, once).await?;
        Ok(RegisterPublicKeyResponse { key: Some(convert::key(&key)) })
    }

    async fn get(&self, cx: Cx, request: GetKeyRequest) -> Result<GetKeyResponse> {
        let id = convert::name("name", &request.name)?;
        let key = self.directory.get(&cx, &id).await?;
        Ok(GetKeyResponse { key: Some(convert::key(&key)) })
    }

    async fn list(&self, cx: Cx, request: ListKeysRequest) -> Result<ListKeysResponse> {
        let key_use = match request.purpose {
            0 => None,
            set => Some(convert::purpose(set)?),
        };
        let filter = request.purpose.to_string();
        let scope = Scope { tenant: cx.tenant(), method: cx.method(), filter: &filter };
        let page = Page::<Uuid>::parse(&scope, request.page_size, &request.page_token)?;
        let query = Query { before: page.after, limit: page.limit(), key_use };
        let keys = self.directory.list(&cx, &query).await?;
        let (keys, next_page_token) = page.cut(&scope, keys, |key| key.head.serial)?;
        Ok(ListKeysResponse { keys: keys.iter().map(convert::key).collect(), next_page_token })
    }

    async fn rotate(&self, cx: Cx, mut request: RotateKeyRequest) -> Result<RotateKeyResponse> {
        let request_id = std::mem::take(&mut request.request_id);
        let once = convert::once(&cx, &request_id, &request)?;
        let id = convert::name("name", &request.name)?;
        let key = self.rotate.rotate(&cx, &id, once).await?;
        Ok(RotateKeyResponse { key: Some(convert::key(&key)) })
    }

    async fn disable(&self, cx: Cx, request: DisableKeyRequest) -> Result<DisableKeyResponse> {
        let id = convert::name("name", &request.name)?;
        let version = parse::within("version", request.version, 0, i32::MAX, "")?;
        let version = (version > 0).then_some(version);
        let key = self.disable.disable(&cx, &id, version).await?;
        Ok(DisableKeyResponse { key: Some(convert::key(&key)) })
    }
}

impl KeyApi {
    async fn invalidate(&self, cx: Cx) -> Result<InvalidateCachesResponse> {
        let done = self.invalidate.run(&cx).await?;
        Ok(InvalidateCachesResponse {
            keys: i32::try_from(done.keys).unwrap_or(i32::MAX),
            epoch: done.epoch,
        })
    }
}

fn public_key(jwk: &str) -> Result<PublicKey> {
    parse::within("public_jwk", jwk.len(), 1, JWK, "bytes")?;
    PublicKey::from_jwk(jwk).map_err(|error| match error {
        KeyError::Syntax => Fault::invalid("public_jwk", "must be a JSON object, each member once"),
        KeyError::Missing(member) | KeyError::Invalid(member) => {
            Fault::invalid(format!("public_jwk.{member}"), "is missing or not valid here")
        }
        KeyError::PrivateMember(member) => {
            Fault::invalid(format!("public_jwk.{member}"), "is private: send the public half only")
        }
        _ => Fault::invalid("public_jwk", "is not a usable key"),
    })
}

#[tonic::async_trait]
impl KeyService for KeyApi {
    async fn create_key(
        &self,
        request: Request<CreateKeyRequest>,
    ) -> Result<Response<CreateKeyResponse>, Status> {
        rpc::unary(request, |cx, message| self.create(cx, message)).await
    }

    async fn register_public_key(
        &self,
        request: Request<RegisterPublicKeyRequest>,
    ) -> Result<Response<RegisterPublicKeyResponse>, Status> {
        rpc::unary(request, |cx, message| self.register(cx, message)).await
    }

    async fn get_key(
        &self,
        request: Request<GetKeyRequest>,
    ) -> Result<Response<GetKeyResponse>, Status> {
        rpc::unary(request, |cx, message| self.get(cx, message)).await
    }

    async fn list_keys(
        &self,
        request: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        rpc::unary(request, |cx, message| self.list(cx, message)).await
    }

    async fn rotate_key(
        &self,
        request: Request<RotateKeyRequest>,
    ) -> Result<Response<RotateKeyResponse>, Status> {
        rpc::unary(request, |cx, message| self.rotate(cx, message)).await
    }

    async fn disable_key(
        &self,
        request: Request<DisableKeyRequest>,
    ) -> Result<Response<DisableKeyResponse>, Status> {
        rpc::unary(request, |cx, message| self.disable(cx, message)).await
    }

    async fn invalidate_caches(
        &self,
        request: Request<InvalidateCachesRequest>,
    ) -> Result<Response<InvalidateCachesResponse>, Status> {
        rpc::unary(request, |cx, _| self.invalidate(cx)).await
    }
}
