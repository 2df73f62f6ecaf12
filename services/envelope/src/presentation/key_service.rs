use chrono::Duration;
use crypto::{KeyError, PublicKey};
use db::page::{Page, Scope};
use kernel::{Fault, Result};
use proto::envelope::v1::key_service_server::KeyService;
use proto::envelope::v1::{
    BeginKeyRegistrationRequest, BeginKeyRegistrationResponse, CancelKeyDestructionRequest,
    CancelKeyDestructionResponse, CreateImportKeyRequest, CreateImportKeyResponse,
    CreateKeyRequest, CreateKeyResponse, DisableKeyRequest, DisableKeyResponse, EnableKeyRequest,
    EnableKeyResponse, ExportPublicKeyRequest, GetKeyRequest, GetKeyResponse, GetKeySetRequest,
    GetKeyUsageRequest, GetKeyUsageResponse, ImportKeyRequest, ImportKeyResponse,
    InvalidateCachesRequest, InvalidateCachesResponse, ListKeysRequest, ListKeysResponse,
    RegisterPublicKeyRequest, RegisterPublicKeyResponse, RotateKeyRequest, RotateKeyResponse,
    ScheduleKeyDestructionRequest, ScheduleKeyDestructionResponse, UpdateKeyRequest,
    UpdateKeyResponse,
};
use proto::google::api::HttpBody;
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::key_export::cacheable;
use super::{convert, key_filter};
use crate::application::keys::create_key::{CreateKey, NewKey, NewPublicKey};
use crate::application::keys::directory::Directory;
use crate::application::keys::enrol::Enrol;
use crate::application::keys::invalidate_caches::InvalidateCaches;
use crate::application::keys::key_states::KeyStates;
use crate::application::keys::key_usage::KeyUsage;
use crate::application::keys::rotate_key::RotateKey;
use crate::application::ports::Query;
use crate::domain::{LONGEST_PENDING, Term};

pub(super) const MOST_LABELS: usize = 16;
/// Letters of a public JWK: RSA-4096 needs less than a thousand.
const JWK: usize = 8 * 1024;
const PROOF: usize = 8 * 1024;

pub struct KeyApi {
    pub directory: Directory,
    pub create: CreateKey,
    pub rotate: RotateKey,
    pub invalidate: InvalidateCaches,
    pub states: KeyStates,
    pub usage: KeyUsage,
    pub enrol: Enrol,
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
            rotation: convert::rotation("rotation_period", request.rotation_period)?,
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
        let mut terms = key_filter::parse(&request.filter)?;
        if request.purpose != 0 {
            terms.push(Term::Use(convert::purpose(request.purpose)?));
        }
        let filter = format!("{} {}", request.purpose, request.filter);
        let scope = Scope { tenant: cx.tenant(), method: cx.method(), filter: &filter };
        let page = Page::<Uuid>::parse(&scope, request.page_size, &request.page_token)?;
        let query = Query { before: page.after, limit: page.limit(), terms };
        let keys = self.directory.list(&cx, &query).await?;
        let (keys, next_page_token) = page.cut(&scope, keys, |key| key.head.serial)?;
        Ok(ListKeysResponse { keys: keys.iter().map(convert::key).collect(), next_page_token })
    }

    async fn rotate(&self, cx: Cx, mut request: RotateKeyRequest) -> Result<RotateKeyResponse> {
        let request_id = std::mem::take(&mut request.request_id);
        let once = convert::once(&cx, &request_id, &request)?;
        let id = convert::name("name", &request.name)?;
        let pending = convert::span("activate_after", request.activate_after)?;
        let pending = pending.unwrap_or_else(Duration::zero);
        if !(Duration::zero()..=LONGEST_PENDING).contains(&pending) {
            return Err(Fault::invalid("activate_after", "must be 0 to 30 days"));
        }
        let key = self.rotate.rotate(&cx, &id, pending, once).await?;
        Ok(RotateKeyResponse { key: Some(convert::key(&key)) })
    }
}

impl KeyApi {
    async fn invalidate(
        &self,
        cx: Cx,
        _: InvalidateCachesRequest,
    ) -> Result<InvalidateCachesResponse> {
        let done = self.invalidate.run(&cx).await?;
        Ok(InvalidateCachesResponse {
            keys: i32::try_from(done.keys).unwrap_or(i32::MAX),
            epoch: done.epoch,
        })
    }
}

pub(super) fn public_key(jwk: &str) -> Result<PublicKey> {
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

/// Each RPC: its handler, its request, its response.
macro_rules! serve {
    (
        messages { $($rpc:ident => $handler:ident($request:ty) -> $response:ty;)+ }
        cached { $($document:ident => $reader:ident($asked:ty);)+ }
    ) => {
        #[tonic::async_trait]
        impl KeyService for KeyApi {
            $(async fn $rpc(
                &self,
                request: Request<$request>,
            ) -> Result<Response<$response>, Status> {
                rpc::unary(request, |cx, message| self.$handler(cx, message)).await
            })+
            $(async fn $document(
                &self,
                request: Request<$asked>,
            ) -> Result<Response<HttpBody>, Status> {
                rpc::unary(request, |cx, message| self.$reader(cx, message)).await.map(cacheable)
            })+
        }
    };
}

serve! {
    messages {
    create_key => create(CreateKeyRequest) -> CreateKeyResponse;
    register_public_key => register(RegisterPublicKeyRequest) -> RegisterPublicKeyResponse;
    get_key => get(GetKeyRequest) -> GetKeyResponse;
    list_keys => list(ListKeysRequest) -> ListKeysResponse;
    update_key => update(UpdateKeyRequest) -> UpdateKeyResponse;
    rotate_key => rotate(RotateKeyRequest) -> RotateKeyResponse;
    disable_key => disable(DisableKeyRequest) -> DisableKeyResponse;
    enable_key => enable(EnableKeyRequest) -> EnableKeyResponse;
    schedule_key_destruction => schedule_destruction(ScheduleKeyDestructionRequest) -> ScheduleKeyDestructionResponse;
    cancel_key_destruction => cancel_destruction(CancelKeyDestructionRequest) -> CancelKeyDestructionResponse;
    invalidate_caches => invalidate(InvalidateCachesRequest) -> InvalidateCachesResponse;
    get_key_usage => usage(GetKeyUsageRequest) -> GetKeyUsageResponse;
    begin_key_registration => begin_registration(BeginKeyRegistrationRequest) -> BeginKeyRegistrationResponse;
    create_import_key => create_import_key(CreateImportKeyRequest) -> CreateImportKeyResponse;
    import_key => import(ImportKeyRequest) -> ImportKeyResponse;
    }
    cached {
        export_public_key => export(ExportPublicKeyRequest);
        get_key_set => key_set(GetKeySetRequest);
    }
}
