//! The auth service: who somebody is, proven to the others by a short token.
//!
//! Passwords and API keys come in; what the rest of the mesh sees is a JWT that
//! each service verifies by itself.

pub mod application;
pub mod domain;
pub mod infrastructure;
pub mod presentation;
mod settings;

use std::sync::Arc;

use boot::{App, Parts, Service};
use datakeys::{CacheSettings, Rewrapper};
use db::{Db, Migrations, Shared};
use kernel::{Result, SharedClock};
use proto::Rule;
use proto::auth::v1::auth_service_server::AuthServiceServer;
use proto::auth::v1::token_key_service_server::TokenKeyServiceServer;

use application::bootstrap::Bootstrap;
use application::check::Check;
use application::create_api_key::CreateApiKey;
use application::create_user::CreateUser;
use application::forget::forget;
use application::key_cache::{FRESH, KeyCache};
use application::log_in::LogIn;
use application::ports::{Accounts, ApiKeys, DataKeys, Passwords, SigningKeys, Trail};
use application::revoke_api_key::RevokeApiKey;
use application::signing::Signer;
use application::token_keys::LocalKeys;
use domain::{Email, ShortName};
use infrastructure::{
    Argon2Passwords, HeldKeys, PeerDataKeys, SqlAccounts, SqlApiKeys, SqlSigningKeys, SqlTrail,
    read_password,
};
use presentation::{AuthApi, AuthorizationApi, AuthorizationServer, CHECK, TokenKeyApi};
pub use settings::{AuthSettings, BootstrapSettings};

pub struct Auth;

/// The one key that is unwrapped is held by the signer itself.
const CACHE: CacheSettings = CacheSettings { max_keys: 0, ..CacheSettings::DEFAULT };

/// The schema.
pub static MIGRATIONS: Migrations =
    Migrations::new(Auth::NAME, sqlx::migrate!(), &[Shared::Outbox, Shared::Idempotency]);

impl Service for Auth {
    const NAME: &'static str = "auth";
    type Settings = AuthSettings;

    fn migrations() -> &'static Migrations {
        &MIGRATIONS
    }

    fn extra_rules() -> &'static [Rule] {
        CHECK
    }

    async fn start(parts: Parts<AuthSettings>) -> Result<App> {
        let Parts { settings, clock, db, peers, stop } = parts;
        let rewrapper = Rewrapper::new(peers.clone(), Arc::new(HeldKeys(db.clone())));
        let client = datakeys::DataKeys::new(peers, CACHE, Arc::clone(&clock));
        let data_keys: Arc<dyn DataKeys> = Arc::new(PeerDataKeys(client));
        let house = House::new(db, clock, data_keys, &settings)?;
        if let Some(first) = settings.bootstrap {
            house.bootstrap(first).await?;
        }
        let signer = Arc::clone(&house.signer);
        Ok(App::new()
            .serve(AuthServiceServer::new(house.auth_api()))
            .serve(TokenKeyServiceServer::new(house.token_key_api()))
            .serve(AuthorizationServer::new(house.authorization_api()))
            .token_keys(Arc::clone(&house.token_keys) as _)
            .check("signing key", move || {
                let signer = Arc::clone(&signer);
                async move { signer.usable().await }
            })
            .task("rewraps", rewrapper.run(stop.clone()))
            .task("cache", house.cache.clone().run(stop.clone()))
            .task("signing key", Arc::clone(&house.signer).prepare(stop.clone()))
            .task("log-in attempts", forget(house.accounts, house.clock, stop)))
    }
}

/// The use cases' ports, filled.
pub struct House {
    pub accounts: Arc<dyn Accounts>,
    pub api_keys: Arc<dyn ApiKeys>,
    pub passwords: Arc<dyn Passwords>,
    pub trail: Arc<dyn Trail>,
    pub cache: KeyCache,
    pub signer: Arc<Signer>,
    pub token_keys: Arc<LocalKeys>,
    pub clock: SharedClock,
}

impl House {
    pub fn new(
        db: Db,
        clock: SharedClock,
        data_keys: Arc<dyn DataKeys>,
        settings: &AuthSettings,
    ) -> Result<Self> {
        let store: Arc<dyn SigningKeys> = Arc::new(SqlSigningKeys(db.clone()));
        let bounded = settings.cache.clone().within(FRESH);
        Ok(Self {
            accounts: Arc::new(SqlAccounts(db.clone())),
            api_keys: Arc::new(SqlApiKeys(db.clone())),
            passwords: Argon2Passwords::new(settings.max_hashings),
            trail: Arc::new(SqlTrail(db)),
            cache: KeyCache::new("auth.api_key", &bounded, Arc::clone(&clock))?,
            signer: Signer::new(Arc::clone(&store), data_keys, Arc::clone(&clock)),
            token_keys: LocalKeys::new(store, Arc::clone(&clock)),
            clock,
        })
    }

    pub async fn bootstrap(&self, first: BootstrapSettings) -> Result<()> {
        let tenant = ShortName::parse("service.bootstrap.tenant", &first.tenant)?;
        let email = Email::parse("service.bootstrap.email", &first.email)?;
        let bootstrap = Bootstrap {
            accounts: Arc::clone(&self.accounts),
            passwords: Arc::clone(&self.passwords),
            clock: Arc::clone(&self.clock),
        };
        bootstrap.run(&tenant, email, || read_password(&first.password_file)).await
    }

    pub fn auth_api(&self) -> AuthApi {
        AuthApi {
            log_in: LogIn {
                accounts: Arc::clone(&self.accounts),
                passwords: Arc::clone(&self.passwords),
                trail: Arc::clone(&self.trail),
                signer: Arc::clone(&self.signer),
                clock: Arc::clone(&self.clock),
            },
            create_user: CreateUser {
                accounts: Arc::clone(&self.accounts),
                passwords: Arc::clone(&self.passwords),
                clock: Arc::clone(&self.clock),
            },
            create_api_key: CreateApiKey {
                keys: Arc::clone(&self.api_keys),
                clock: Arc::clone(&self.clock),
            },
            revoke_api_key: RevokeApiKey {
                keys: Arc::clone(&self.api_keys),
                cache: self.cache.clone(),
                clock: Arc::clone(&self.clock),
            },
            keys: Arc::clone(&self.api_keys),
        }
    }

    pub fn token_key_api(&self) -> TokenKeyApi {
        TokenKeyApi { keys: Arc::clone(&self.token_keys) }
    }

    pub fn authorization_api(&self) -> AuthorizationApi {
        AuthorizationApi {
            use_case: Check {
                keys: Arc::clone(&self.api_keys),
                cache: self.cache.clone(),
                trail: Arc::clone(&self.trail),
                signer: Arc::clone(&self.signer),
                token_keys: Arc::clone(&self.token_keys) as _,
                clock: Arc::clone(&self.clock),
            },
        }
    }
}
