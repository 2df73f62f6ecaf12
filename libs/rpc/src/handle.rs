//! Runs a handler: gives it the context, holds it to the deadline, turns its
//! fault into a status, and counts.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use kernel::{Fault, Result, common};
use tonic::{Request, Response, Status, Streaming};
use tracing::{Instrument as _, Span};

use crate::context::Cx;
use crate::inbound::Inbound;
use crate::{metric, status};

/// What a streaming handler returns.
pub type ResponseStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Serves a unary call.
///
/// ```ignore
/// rpc::unary(request, |cx, message| self.keys.create(cx, message)).await
/// ```
pub async fn unary<M, T, F>(
    request: Request<M>,
    handler: impl FnOnce(Cx, M) -> F,
) -> Result<Response<T>, Status>
where
    F: Future<Output = Result<T>>,
{
    let (cx, message) = open(request)?;
    let outcome = within(&cx, handler(cx.clone(), message)).await;
    finish(&cx, outcome.as_ref().err());
    outcome.map(Response::new).map_err(|fault| status::status_of(&fault, cx.request_id()))
}

/// Serves a server-streaming call. A fault before the first message is the
/// call's status; one after it ends the stream.
pub async fn stream<M, T, F, S>(
    request: Request<M>,
    handler: impl FnOnce(Cx, M) -> F,
) -> Result<Response<ResponseStream<T>>, Status>
where
    F: Future<Output = Result<S>>,
    S: Stream<Item = Result<T>> + Send + 'static,
    T: 'static,
{
    let (cx, message) = open(request)?;
    let outcome = within(&cx, handler(cx.clone(), message)).await;
    counted(cx, outcome)
}

/// Serves a call that is a stream in both directions. Until the handler returns its stream, and
/// whenever that waits for the caller, the call's deadline holds; a caller who sends nothing for
/// a while is not waited for.
pub async fn duplex<M, T, F, S>(
    request: Request<Streaming<M>>,
    handler: impl FnOnce(Cx, Inbound<M>) -> F,
) -> Result<Response<ResponseStream<T>>, Status>
where
    F: Future<Output = Result<S>>,
    S: Stream<Item = Result<T>> + Send + 'static,
    M: Send + 'static,
    T: 'static,
{
    let (cx, messages) = open(request)?;
    let inbound = Inbound::new(messages, cx.deadline());
    let outcome = within(&cx, handler(cx.clone(), inbound)).await;
    counted(cx, outcome)
}

fn counted<T, S>(cx: Cx, outcome: Result<S>) -> Result<Response<ResponseStream<T>>, Status>
where
    S: Stream<Item = Result<T>> + Send + 'static,
    T: 'static,
{
    match outcome {
        Ok(inner) => Ok(Response::new(Box::pin(Counted {
            inner: Box::pin(inner),
            cx,
            span: Span::current(),
            ended: false,
        }))),
        Err(fault) => {
            finish(&cx, Some(&fault));
            Err(status::status_of(&fault, cx.request_id()))
        }
    }
}

fn open<M>(request: Request<M>) -> Result<(Cx, M), Status> {
    let (_, mut extensions, message) = request.into_parts();
    let cx = extensions.remove::<Cx>();
    // Without the guard there is no context, and nobody may call.
    let cx = cx.ok_or_else(|| {
        status::status_of(&Fault::internal("no context: the server lacks its guard"), "")
    })?;
    Ok((cx, message))
}

async fn within<T>(cx: &Cx, handler: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout_at(cx.deadline(), handler.in_current_span())
        .await
        .unwrap_or_else(|_| Err(Fault::new(&common::DEADLINE_EXCEEDED)))
}

fn finish(cx: &Cx, fault: Option<&Fault>) {
    let reason = fault.map_or("OK", |fault| fault.reason().code);
    if let Some(fault) = fault {
        log_fault(fault, cx.method());
    }
    metric::handled(cx.rule().service, cx.method(), reason, cx.parts().started.elapsed());
}

/// Logs a fault once, with its private half. Faults of the caller are no news.
pub(crate) fn log_fault(fault: &Fault, method: &str) {
    let span = Span::current();
    span.record("rpc.grpc.status_code", tracing::field::debug(fault.kind()));
    if fault.kind().is_server_side() {
        span.record("otel.status_code", "ERROR");
        tracing::error!(method, reason = fault.reason().code, cause = ?fault, "call failed");
    } else {
        tracing::info!(method, reason = fault.reason().code, note = fault.note(), "call refused");
    }
}

/// Counts a stream when it ends, however it ends, and keeps the call's place
/// until then.
struct Counted<T> {
    inner: Pin<Box<dyn Stream<Item = Result<T>> + Send>>,
    cx: Cx,
    span: Span,
    ended: bool,
}

impl<T> Stream for Counted<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let span = self.span.clone();
        let _entered = span.enter();
        if self.ended {
            return Poll::Ready(None);
        }
        match self.inner.as_mut().poll_next(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(item))) => Poll::Ready(Some(Ok(item))),
            Poll::Ready(Some(Err(fault))) => {
                self.ended = true;
                finish(&self.cx, Some(&fault));
                Poll::Ready(Some(Err(status::status_of(&fault, self.cx.request_id()))))
            }
            Poll::Ready(None) => {
                self.ended = true;
                finish(&self.cx, None);
                Poll::Ready(None)
            }
        }
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        if !self.ended {
            metric::handled(
                self.cx.rule().service,
                self.cx.method(),
                "CANCELLED",
                self.cx.parts().started.elapsed(),
            );
        }
    }
}
