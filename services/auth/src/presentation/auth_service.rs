use std::sync::Arc;

use db::page::{Page, Scope};
use kernel::{ApiKeyId, Result, Secret};
use prost::Message as _;
use proto::auth::v1::auth_service_server::AuthService;
use proto::auth::v1::{
    CreateApiKeyRequest, CreateApiKeyResponse, CreateUserRequest, CreateUserResponse,
    ListApiKeysRequest, ListApiKeysResponse, LogInRequest, LogInResponse, RevokeApiKeyRequest,
    RevokeApiKeyResponse, WhoAmIRequest, WhoAmIResponse,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::shape;
use crate::application::create_api_key::CreateApiKey;
use crate::application::create_user::CreateUser;
use crate::application::log_in::LogIn;
use crate::application::ports::ApiKeys;
use crate::application::revoke_api_key::{RevokeApiKey, owner_of_visible};
use crate::domain::{Email, Roles, ShortName};

pub struct AuthApi {
    pub log_in: LogIn,
    pub create_user: CreateUser,
    pub create_api_key: CreateApiKey,
    pub revoke_api_key: RevokeApiKey,
    pub keys: Arc<dyn ApiKeys>,
}

impl AuthApi {
    async fn log_in(&self, cx: Cx, request: LogInRequest) -> Result<LogInResponse> {
        let password = Secret::new(request.password);
        let tenant = ShortName::parse("tenant", &request.tenant)?;
        let email = Email::parse("email", &request.email)?;
        parse::within("password", password.expose().len(), 1, 1_024, "bytes")?;
        let (token, expires) = self.log_in.run(&cx, &tenant, &email, password).await?;
        Ok(LogInResponse {
            access_token: token.expose().clone(),
            token_type: "Bearer".to_owned(),
            expire_time: Some(shape::time(expires)),
        })
    }

    fn who_am_i(cx: &Cx) -> Result<WhoAmIResponse> {
        let principal = cx.principal()?;
        Ok(WhoAmIResponse {
            user: principal.user_name(),
            tenant: format!("tenants/{}", principal.tenant),
            roles: principal.roles.iter().map(|role| role.name().to_owned()).collect(),
            expire_time: Some(shape::time(principal.expires)),
            api_key: principal.api_key.map(|key| format!("apiKeys/{key}")).unwrap_or_default(),
        })
    }

    async fn create_user(&self, cx: Cx, request: CreateUserRequest) -> Result<CreateUserResponse> {
        let password = Secret::new(request.password);
        let user = parse::required("user", request.user)?;
        // Without the password: a fast hash of it must not be stored anywhere.
        let once = shape::once(&cx, &request.request_id, &user.encode_to_vec())?;
        let email = Email::parse("user.email", &user.email)?;
        let roles = Roles::parse("user.roles", &user.roles)?;
        let user = self.create_user.run(&cx, email, roles, password, once).await?;
        Ok(CreateUserResponse { user: Some(shape::user(user)) })
    }

    async fn create_api_key(
        &self,
        cx: Cx,
        request: CreateApiKeyRequest,
    ) -> Result<CreateApiKeyResponse> {
        let key = parse::required("api_key", request.api_key)?;
        let once = shape::once(&cx, &request.request_id, &key.encode_to_vec())?;
        parse::text("api_key.display_name", &key.display_name, 1, 100)?;
        // PostgreSQL has no NUL in texts, and nobody has a use for control characters.
        if key.display_name.chars().any(char::is_control) {
            let what = "must not have control characters";
            return Err(kernel::Fault::invalid("api_key.display_name", what));
        }
        let now = self.create_api_key.clock.now();
        let expires = shape::future("api_key.expire_time", key.expire_time, now)?;
        let (key, secret) = self.create_api_key.run(&cx, key.display_name, expires, once).await?;
        Ok(CreateApiKeyResponse {
            api_key: Some(shape::api_key(key)),
            secret: secret.map(|secret| secret.expose().to_owned()).unwrap_or_default(),
        })
    }

    async fn list_api_keys(
        &self,
        cx: Cx,
        request: ListApiKeysRequest,
    ) -> Result<ListApiKeysResponse> {
        let owner = owner_of_visible(cx.principal()?);
        let filter = owner.map_or_else(|| "all".to_owned(), |owner| owner.to_string());
        let scope = Scope { tenant: cx.tenant(), method: cx.method(), filter: &filter };
        let page = Page::<Uuid>::parse(&scope, request.page_size, &request.page_token)?;
        let before = page.after.map(ApiKeyId::from_uuid);
        let keys = self.keys.list(cx.tenant(), owner, before, page.limit()).await?;
        let (keys, next_page_token) = page.cut(&scope, keys, |key| key.id.uuid())?;
        let api_keys = keys.into_iter().map(shape::api_key).collect();
        Ok(ListApiKeysResponse { api_keys, next_page_token })
    }

    async fn revoke_api_key(
        &self,
        cx: Cx,
        request: RevokeApiKeyRequest,
    ) -> Result<RevokeApiKeyResponse> {
        let id = parse::resource("name", "apiKeys", &request.name)?;
        let key = self.revoke_api_key.run(&cx, id).await?;
        Ok(RevokeApiKeyResponse { api_key: Some(shape::api_key(key)) })
    }
}

#[tonic::async_trait]
impl AuthService for AuthApi {
    async fn log_in(
        &self,
        request: Request<LogInRequest>,
    ) -> Result<Response<LogInResponse>, Status> {
        rpc::unary(request, |cx, message| self.log_in(cx, message)).await
    }

    async fn who_am_i(
        &self,
        request: Request<WhoAmIRequest>,
    ) -> Result<Response<WhoAmIResponse>, Status> {
        rpc::unary(request, |cx, _| async move { Self::who_am_i(&cx) }).await
    }

    async fn create_user(
        &self,
        request: Request<CreateUserRequest>,
    ) -> Result<Response<CreateUserResponse>, Status> {
        rpc::unary(request, |cx, message| self.create_user(cx, message)).await
    }

    async fn create_api_key(
        &self,
        request: Request<CreateApiKeyRequest>,
    ) -> Result<Response<CreateApiKeyResponse>, Status> {
        rpc::unary(request, |cx, message| self.create_api_key(cx, message)).await
    }

    async fn list_api_keys(
        &self,
        request: Request<ListApiKeysRequest>,
    ) -> Result<Response<ListApiKeysResponse>, Status> {
        rpc::unary(request, |cx, message| self.list_api_keys(cx, message)).await
    }

    async fn revoke_api_key(
        &self,
        request: Request<RevokeApiKeyRequest>,
    ) -> Result<Response<RevokeApiKeyResponse>, Status> {
        rpc::unary(request, |cx, message| self.revoke_api_key(cx, message)).await
    }
}
