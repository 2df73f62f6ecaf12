//! What the use cases need from outside.

use std::sync::Arc;

use async_trait::async_trait;
use crypto::PublicKey;
use crypto::envelope::{Content, ContentKey};
use futures::stream::BoxStream;
use kernel::Result;
use pii::Mapping;
use rpc::Cx;
use serde_json::Value;

/// The envelope service: it keeps the keys, and never sees the content.
#[async_trait]
pub trait Envelopes: Send + Sync {
    /// Has the manifest verified and the release recorded; gives the content key.
    async fn release(
        &self,
        cx: &Cx,
        manifest: &str,
        content: &Content<'_>,
        request_id: &str,
    ) -> Result<ContentKey>;

    /// The current public half of a key, `keys/{id}`.
    async fn public_key(&self, cx: &Cx, name: &str) -> Result<PublicKey>;

    /// Signs the claims of an answer with this service's key.
    async fn sign(&self, cx: &Cx, claims: Vec<u8>) -> Result<String>;
}

/// A request that is fit to leave.
pub struct Sanitized {
    /// The JSON to send.
    pub request: Vec<u8>,
    /// What restores the answer. Lives as long as the request.
    pub mapping: Arc<Mapping>,
    pub counts: Vec<(String, i32)>,
}

/// The anonymizer. If it is down, nothing is sent.
#[async_trait]
pub trait Privacy: Send + Sync {
    async fn sanitize(&self, cx: &Cx, request: Vec<u8>, conversation: Vec<u8>)
    -> Result<Sanitized>;
}

/// A model provider that speaks OpenAI's chat completions. It is given sanitized
/// requests only: [`Sanitized`] is made by nobody but [`Privacy`].
#[async_trait]
pub trait Provider: Send + Sync {
    /// Shown in receipts and metrics.
    fn name(&self) -> &str;

    /// Whether it has this model.
    fn has(&self, model: &str) -> bool;

    /// The ids of its models.
    async fn models(&self) -> Result<Vec<String>>;

    /// The completion.
    async fn complete(&self, request: &Sanitized) -> Result<Value>;

    /// The chunks of the completion. Ends with an error if the provider breaks off.
    async fn stream(&self, request: &Sanitized) -> Result<BoxStream<'static, Result<Value>>>;
}
