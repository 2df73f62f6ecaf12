//! One service, its clock in hand, and clients that come through its guard.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use auth::application::ports::DataKeys;
use auth::domain::{Email, Roles, ShortName, User};
use auth::presentation::{AuthorizationServer, CHECK};
use auth::{AuthSettings, House};
use crypto::provider::AesKey;
use db::Db;
use kernel::{Fault, ManualClock, PrincipalId, Result, Secret, SharedClock, TenantId};
use prost::Message as _;
use proto::Role;
use proto::audit::v1::Event;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::auth_service_server::AuthServiceServer;
use proto::auth::v1::token_key_service_client::TokenKeyServiceClient;
use proto::auth::v1::token_key_service_server::TokenKeyServiceServer;
use proto::auth::v1::{ApiKey, CreateApiKeyRequest, CreateApiKeyResponse, LogInRequest};
use rpc::{Guard, GuardSettings};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;
use tower::Layer as _;
use tower::util::BoxCloneSyncService;

pub(crate) const PASSWORD: &str = "correct donkey";

/// The service as the sidecar sees it.
pub(crate) type Door = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Infallible>;

/// A data key and the row that it is for.
type Bound = (String, [u8; 32]);

/// The envelope service's part: keeps what it wrapped, and can be down.
#[derive(Default)]
pub(crate) struct FakeDataKeys {
    pub(crate) down: AtomicBool,
    pub(crate) unwrapped: AtomicUsize,
    kept: Mutex<HashMap<Vec<u8>, Bound>>,
}

impl FakeDataKeys {
    fn reached(&self) -> Result<()> {
        if self.down.load(Ordering::SeqCst) {
            return Err(Fault::unavailable("envelope is down"));
        }
        Ok(())
    }
}

#[async_trait]
impl DataKeys for FakeDataKeys {
    async fn generate(&self, row: &str) -> Result<(AesKey, Vec<u8>)> {
        self.reached()?;
        let key = crypto::provider::random_key().unwrap();
        let wrapped = PrincipalId::new().uuid().as_bytes().to_vec();
        self.kept.lock().unwrap().insert(wrapped.clone(), (row.to_owned(), *key));
        Ok((key, wrapped))
    }

    async fn unwrap(&self, row: &str, wrapped: &[u8]) -> Result<AesKey> {
        self.reached()?;
        self.unwrapped.fetch_add(1, Ordering::SeqCst);
        match self.kept.lock().unwrap().get(wrapped) {
            Some((bound, key)) if bound == row => Ok(AesKey::new(*key)),
            _ => Err(Fault::new(&reasons::envelope::DATA_KEY_REJECTED)),
        }
    }
}

pub(crate) struct Fixture {
    pub(crate) db: Db,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) data_keys: Arc<FakeDataKeys>,
    pub(crate) house: House,
    pub(crate) door: Door,
}

impl Fixture {
    pub(crate) fn new(db: Db) -> Self {
        let start = chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        Self::with(db, ManualClock::at(start), Arc::default(), &AuthSettings::default())
    }

    /// Another instance of the service over the same database.
    pub(crate) fn again(&self) -> Self {
        self.again_with(&AuthSettings::default())
    }

    pub(crate) fn again_with(&self, settings: &AuthSettings) -> Self {
        let (clock, data_keys) = (Arc::clone(&self.clock), Arc::clone(&self.data_keys));
        Self::with(self.db.clone(), clock, data_keys, settings)
    }

    fn with(
        db: Db,
        clock: Arc<ManualClock>,
        data_keys: Arc<FakeDataKeys>,
        settings: &AuthSettings,
    ) -> Self {
        let shared: SharedClock = Arc::clone(&clock) as _;
        let house = House::new(db.clone(), shared, Arc::clone(&data_keys) as _, settings).unwrap();
        let door = door(&house, Arc::clone(&clock) as _);
        Self { db, clock, data_keys, house, door }
    }

    pub(crate) fn client(&self) -> AuthServiceClient<Door> {
        AuthServiceClient::new(self.door.clone())
    }

    pub(crate) fn token_keys(&self) -> TokenKeyServiceClient<Door> {
        TokenKeyServiceClient::new(self.door.clone())
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(chrono::Duration::seconds(seconds));
    }

    /// A user with [`PASSWORD`]; the first of a tenant makes the tenant.
    pub(crate) async fn user(&self, tenant: &str, email: &str, role: Role) -> PrincipalId {
        let user = User {
            id: PrincipalId::new(),
            tenant: TenantId::new(),
            email: Email::parse("email", email).unwrap(),
            roles: Roles::of(vec![role]).unwrap(),
            created: kernel::Clock::now(self.clock.as_ref()),
        };
        let hash = self.house.passwords.hash(Secret::new(PASSWORD.into())).await.unwrap();
        let tenant = ShortName::parse("tenant", tenant).unwrap();
        assert!(self.house.accounts.bootstrap(&tenant, &user, &hash).await.unwrap());
        user.id
    }

    pub(crate) async fn try_log_in(
        &self,
        tenant: &str,
        email: &str,
        password: &str,
    ) -> Result<String, Status> {
        let request =
            LogInRequest { tenant: tenant.into(), email: email.into(), password: password.into() };
        let answer = self.client().log_in(from_edge(request, None)).await?;
        Ok(answer.into_inner().access_token)
    }

    /// Makes a user and logs in.
    pub(crate) async fn token(&self, tenant: &str, email: &str, role: Role) -> String {
        self.user(tenant, email, role).await;
        self.try_log_in(tenant, email, PASSWORD).await.unwrap()
    }

    pub(crate) async fn api_key(&self, token: &str, lifetime: Option<i64>) -> CreateApiKeyResponse {
        let now = kernel::Clock::now(self.clock.as_ref()).timestamp();
        let expire_time =
            lifetime.map(|more| prost_types::Timestamp { seconds: now + more, nanos: 0 });
        let key = ApiKey { display_name: "build".into(), expire_time, ..ApiKey::default() };
        let request = CreateApiKeyRequest { api_key: Some(key), request_id: String::new() };
        let answer = self.client().create_api_key(from_edge(request, Some(token))).await;
        answer.unwrap().into_inner()
    }

    /// Events in the outbox whose type ends so.
    pub(crate) async fn events(&self, kind: &str) -> Vec<Event> {
        let stored = db::outbox::next(&self.db, 1_000).await.unwrap();
        let events = stored.iter().map(|event| Event::decode(&event.bytes[..]).unwrap());
        events.filter(|event| event.r#type == format!("dev.signet.auth.{kind}")).collect()
    }
}

fn door(house: &House, clock: SharedClock) -> Door {
    let routes = Routes::new(AuthServiceServer::new(house.auth_api()))
        .add_service(TokenKeyServiceServer::new(house.token_key_api()))
        .add_service(AuthorizationServer::new(house.authorization_api()));
    let settings = GuardSettings {
        service: "auth",
        extra_rules: CHECK,
        max_in_flight: 64,
        default_deadline: Duration::from_secs(30),
    };
    let guard = Guard::new(settings, Arc::clone(&house.token_keys) as _, clock);
    Door::new(guard.layer(routes.prepare()))
}

/// A call as the edge's sidecar hands it over.
pub(crate) fn from_edge<T>(message: T, token: Option<&str>) -> Request<T> {
    from("edge", message, token)
}

pub(crate) fn from<T>(caller: &str, message: T, token: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    let headers = request.metadata_mut();
    let peer = format!("URI=spiffe://signet.dev/{caller}");
    headers.insert("x-forwarded-client-cert", peer.parse().unwrap());
    if let Some(token) = token {
        headers.insert("x-signet-token", token.parse().unwrap());
    }
    request
}

/// The error code that a caller sees.
pub(crate) fn reason<T>(outcome: Result<T, Status>) -> String {
    match outcome {
        Ok(_) => "OK".to_owned(),
        Err(status) => status
            .get_error_details()
            .error_info()
            .map_or_else(String::new, |info| info.reason.clone()),
    }
}

/// The field that a refusal names.
pub(crate) fn field<T>(outcome: Result<T, Status>) -> String {
    let details = outcome.err().unwrap().get_error_details();
    details.bad_request().unwrap().field_violations[0].field.clone()
}
