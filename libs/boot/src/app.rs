//! What a service hands over to be run.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use kernel::{Result, SharedClock};
use proto::Rule;
use rpc::Peers;
use rpc::token::TokenKeys;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};

/// A service: its name, settings, schema, and how it is put together.
pub trait Service: Sized + Send + Sync + 'static {
    /// As in `spiffe://signet.dev/<name>`: `audit`.
    const NAME: &'static str;
    /// The `[service]` section of its configuration.
    type Settings: DeserializeOwned + config::Validate + Send + 'static;

    fn migrations() -> &'static db::Migrations;

    /// Rules for methods that `proto/` does not declare.
    fn extra_rules() -> &'static [Rule] {
        &[]
    }

    /// The composition root. Must not wait for peers: they start in any order.
    fn start(parts: Parts<Self::Settings>) -> impl Future<Output = Result<App>> + Send;
}

/// What every service gets.
pub struct Parts<S> {
    pub settings: S,
    pub clock: SharedClock,
    /// Opened, migrated.
    pub db: db::Db,
    pub peers: Peers,
    /// Cancelled when the service is to end.
    pub stop: CancellationToken,
}

pub(crate) type Probe = Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// gRPC services, probes of dependencies, background tasks.
#[derive(Default)]
pub struct App {
    pub(crate) routes: RoutesBuilder,
    pub(crate) checks: Vec<(&'static str, Probe)>,
    pub(crate) tasks: Vec<(&'static str, BoxFuture<'static, ()>)>,
    pub(crate) token_keys: Option<Arc<dyn TokenKeys>>,
}

impl App {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a gRPC service.
    #[must_use]
    pub fn serve<S>(mut self, service: S) -> Self
    where
        S: tower_service::Service<http::Request<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.routes.add_service(service);
        self
    }

    /// Adds a dependency without which the service cannot work. The database is
    /// there already.
    #[must_use]
    pub fn check<F>(
        mut self,
        name: &'static str,
        probe: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.checks.push((name, Arc::new(move || Box::pin(probe()))));
        self
    }

    /// Adds a task that runs beside the server until `Parts::stop`.
    #[must_use]
    pub fn task(
        mut self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.tasks.push((name, Box::pin(task)));
        self
    }

    /// Verifies tokens with these keys instead of asking auth for them.
    #[must_use]
    pub fn token_keys(mut self, keys: Arc<dyn TokenKeys>) -> Self {
        self.token_keys = Some(keys);
        self
    }

    pub(crate) fn take_routes(&mut self) -> Routes {
        std::mem::take(&mut self.routes).routes()
    }
}
