//! What every call passes before a handler sees it: room, the caller's identity,
//! the method's rule, the user's token, the deadline. Default deny: a method
//! without a rule does not exist.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use kernel::{Fault, Result, Secret, SharedClock, common};
use proto::{Caller, Principal as Who, Rule};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::{Instrument as _, Span};

use crate::context::{Cx, Parts, Principal};
use crate::handle::log_fault;
use crate::token::{self, TokenKeys};
use crate::{budget, identity, metric, status, trace};

/// gRPC's own services: health for the sidecar's probes, reflection where it
/// is switched on. They reveal no data; the socket is private to the sidecar.
const OPEN: &[&str] = &["/grpc.health.v1.Health/", "/grpc.reflection.v1.ServerReflection/"];

#[derive(Clone)]
pub struct GuardSettings {
    /// The service's name: `audit`.
    pub service: &'static str,
    /// Rules for methods that `proto/` does not declare (Envoy's ext_authz).
    pub extra_rules: &'static [Rule],
    /// Calls served at once; more are refused.
    pub max_in_flight: usize,
    /// For callers that set no deadline.
    pub default_deadline: Duration,
}

/// The layer; one a server.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    settings: GuardSettings,
    room: Arc<Semaphore>,
    keys: Arc<dyn TokenKeys>,
    clock: SharedClock,
}

impl Guard {
    pub fn new(settings: GuardSettings, keys: Arc<dyn TokenKeys>, clock: SharedClock) -> Self {
        let room = Arc::new(Semaphore::new(settings.max_in_flight));
        Self(Arc::new(Inner { settings, room, keys, clock }))
    }
}

impl Inner {
    fn rule(&self, path: &str) -> Result<&'static Rule> {
        let extra = || self.settings.extra_rules.iter().find(|rule| rule.path == path);
        proto::rule(path)
            .or_else(extra)
            .filter(|rule| rule.service == self.settings.service)
            .ok_or_else(|| Fault::new(&reasons::rpc::METHOD_UNKNOWN))
    }

    /// Everything that can refuse a call, cheapest first.
    async fn admit(
        &self,
        rule: &'static Rule,
        headers: &HeaderMap,
        request_id: String,
        span: &Span,
    ) -> Result<Cx> {
        let started = Instant::now();
        let permit = Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            Fault::new(&common::OVERLOADED).with_retry_after(Duration::from_secs(1))
        })?;
        let caller = admit_caller(rule, headers)?;
        span.record("caller", caller.name());
        // What a caller streams may be of any size; that it keeps coming is watched elsewhere.
        let default =
            if rule.client_streaming { budget::MOST } else { self.settings.default_deadline };
        let deadline = budget::deadline(headers, default)?;
        let (principal, token) = self.admit_principal(rule, headers).await?;
        if let Some(principal) = &principal {
            span.record("tenant", tracing::field::display(principal.tenant));
        }
        let trace_id = trace::id(span);
        let place = Some((permit, metric::InFlight::new(rule.service)));
        Ok(Cx::new(Parts {
            rule,
            caller,
            principal,
            token,
            request_id,
            trace_id,
            started,
            deadline,
            _place: place,
        }))
    }

    async fn admit_principal(
        &self,
        rule: &'static Rule,
        headers: &HeaderMap,
    ) -> Result<(Option<Principal>, Option<Secret<String>>)> {
        if matches!(rule.principal, Who::Anonymous | Who::Service) {
            return Ok((None, None));
        }
        let Some(token) = headers.get(token::HEADER) else {
            return match rule.principal {
                Who::UserOrService => Ok((None, None)),
                _ => Err(Fault::new(&common::CREDENTIAL_MISSING)),
            };
        };
        let token = token.to_str().map_err(|_| Fault::new(&common::CREDENTIAL_INVALID))?;
        let principal = token::verify(token, self.keys.as_ref(), &self.clock).await?;
        if !rule.roles.iter().any(|role| principal.has(*role)) {
            let note = format!("{} needs one of {:?}", rule.path, rule.roles);
            return Err(Fault::new(&common::NOT_ALLOWED).with_note(note));
        }
        Ok((Some(principal), Some(Secret::new(token.to_owned()))))
    }
}

fn admit_caller(rule: &'static Rule, headers: &HeaderMap) -> Result<Caller> {
    let refused = || Fault::new(&reasons::rpc::CALLER_NOT_ALLOWED);
    let caller = identity::peer_of(headers)
        .ok_or_else(|| refused().with_note("no verified peer identity"))?;
    if rule.callers.contains(&caller) {
        return Ok(caller);
    }
    Err(refused().with_note(format!("{} may not call {}", caller.name(), rule.path)))
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded { guard: Arc::clone(&self.0), inner }
    }
}

#[derive(Clone)]
pub struct Guarded<S> {
    guard: Arc<Inner>,
    inner: S,
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The clone that was polled ready serves this call.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let guard = Arc::clone(&self.guard);
        if OPEN.iter().any(|prefix| request.uri().path().starts_with(prefix)) {
            return Box::pin(inner.call(request));
        }
        let request_id = trace::request_id(request.headers());
        let rule = guard.rule(request.uri().path());
        let name = rule.as_ref().map_or("unknown", |rule| rule.path);
        let span = trace::incoming(guard.settings.service, name, &request_id, request.headers());
        Box::pin(
            async move { guarded(&guard, &mut inner, request, rule, request_id).await }
                .instrument(span),
        )
    }
}

async fn guarded<S>(
    guard: &Inner,
    inner: &mut S,
    mut request: Request<Body>,
    rule: Result<&'static Rule>,
    request_id: String,
) -> Result<Response<Body>, Infallible>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let service = guard.settings.service;
    let method = rule.as_ref().map_or("unknown", |rule| rule.path);
    let started = Instant::now();
    let refuse = |fault: Fault| {
        log_fault(&fault, method);
        metric::handled(service, method, fault.reason().code, started.elapsed());
        Ok(status::status_of(&fault, &request_id).into_http())
    };
    let admitted = match rule {
        Ok(rule) => {
            guard.admit(rule, request.headers(), request_id.clone(), &Span::current()).await
        }
        Err(fault) => Err(fault),
    };
    let cx = match admitted {
        Ok(cx) => cx,
        Err(fault) => return refuse(fault),
    };
    request.extensions_mut().insert(cx);
    let Ok(response) = inner.call(request).await;
    match response.extensions().get::<Status>().and_then(status::foreign) {
        Some(fault) => refuse(fault),
        None => Ok(response),
    }
}
