//! Calls to other services, through the sidecar's outbound socket: one channel
//! for all peers, routed by the method's path.

use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use kernel::{Fault, Result};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::Service;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::context::Cx;
use crate::{budget, status, token, trace};

/// For calls that a service makes for itself: relays, start-up.
const OWN_TIME: Duration = Duration::from_secs(10);

/// The way to all peers.
#[derive(Clone)]
pub struct Peers {
    channel: Channel,
    service: &'static str,
}

impl Peers {
    /// `socket` is the sidecar's outbound Unix socket. Connects when first
    /// used, and again after a loss.
    pub fn new(service: &'static str, socket: &std::path::Path) -> Result<Self> {
        let endpoint = Endpoint::from_shared(format!("unix://{}", socket.display()))
            .map_err(Fault::internal)?
            .connect_timeout(Duration::from_secs(2));
        Ok(Self { channel: endpoint.connect_lazy(), service })
    }

    /// A channel on behalf of the call being served: its user, trace, request
    /// id and what is left of its time.
    pub fn on_behalf(&self, cx: &Cx) -> PeerChannel {
        PeerChannel { peers: self.clone(), cx: Some(cx.clone()) }
    }

    /// A channel for the service's own calls.
    pub fn for_self(&self) -> PeerChannel {
        PeerChannel { peers: self.clone(), cx: None }
    }
}

/// A channel for generated clients: `KeyServiceClient::new(peers.on_behalf(&cx))`.
#[derive(Clone)]
pub struct PeerChannel {
    peers: Peers,
    cx: Option<Cx>,
}

impl PeerChannel {
    fn headers(&self, request: &mut Request<Body>) -> Result<Instant> {
        let deadline = self.cx.as_ref().map_or_else(|| Instant::now() + OWN_TIME, Cx::deadline);
        let (_, timeout) = budget::remaining(deadline)?;
        let headers = request.headers_mut();
        headers.insert("grpc-timeout", HeaderValue::try_from(timeout).map_err(Fault::internal)?);
        let request_id = match &self.cx {
            Some(cx) => cx.request_id().to_owned(),
            None => Uuid::now_v7().to_string(),
        };
        headers.insert("x-request-id", HeaderValue::try_from(request_id).map_err(Fault::internal)?);
        if let Some(token) = self.cx.as_ref().and_then(|cx| cx.parts().token.as_ref()) {
            let mut value = HeaderValue::try_from(token.expose()).map_err(Fault::internal)?;
            value.set_sensitive(true);
            headers.insert(token::HEADER, value);
        }
        Ok(deadline)
    }
}

impl Service<Request<Body>> for PeerChannel {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.peers.channel, cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let deadline = match self.headers(&mut request) {
            Ok(deadline) => deadline,
            Err(fault) => {
                let refused = status::status_of(&fault, "").into_http();
                return Box::pin(async move { Ok(refused) });
            }
        };
        let span = trace::outgoing(self.peers.service, request.uri().path());
        span.in_scope(|| telemetry::inject_current(request.headers_mut()));
        let call = Service::call(&mut self.peers.channel, request);
        let late = || tonic::Status::deadline_exceeded("the peer took too long").into_http();
        let bounded = async move {
            tokio::time::timeout_at(deadline, call).await.unwrap_or_else(|_| Ok(late()))
        };
        Box::pin(bounded.instrument(span))
    }
}
