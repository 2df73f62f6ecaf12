//! Chat requests on their way to a model.

use std::sync::Arc;

use kernel::{Fault, Result};
use pii::chat::{
    ChatError, ChatOptions, ChatRequest, Limits, SanitizedChat, TypeCount, anonymize_chat,
};
use pii::{Engine, PlaceholderKey};
use reasons::anonymizer::{CHAT_REQUEST_LEAKS, CHAT_REQUEST_UNSUPPORTED};
use zeroize::Zeroizing;

/// Request and mapping of an answer, at most: what response takes from us.
const LARGEST: usize = 12 * 1024 * 1024 - 64 * 1024;

/// A request that may be sent.
pub struct Sanitized {
    pub request: Vec<u8>,
    /// What restores its answer.
    pub mapping: Zeroizing<Vec<u8>>,
    pub counts: Vec<TypeCount>,
}

pub async fn sanitize(
    engine: Arc<Engine>,
    key: PlaceholderKey,
    request: Vec<u8>,
) -> Result<Sanitized> {
    let work = move || -> Result<Sanitized> {
        let request = ChatRequest::parse(&request, &Limits::default()).map_err(refused)?;
        let chat =
            anonymize_chat(&engine, &key, request, &ChatOptions::default()).map_err(refused)?;
        let request = serde_json::to_vec(&chat.request).map_err(Fault::internal)?;
        let SanitizedChat { mapping, counts, .. } = chat;
        let mapping = mapping.to_bytes();
        // Placeholders are longer than the shortest originals, and the mapping has both.
        if request.len() + mapping.len() > LARGEST {
            return Err(refused(ChatError::TooMuch));
        }
        Ok(Sanitized { request, mapping, counts })
    };
    let sanitized = tokio::task::spawn_blocking(work).await.map_err(Fault::internal)??;
    for count in &sanitized.counts {
        let kind = count.entity.as_str().to_owned();
        metrics::counter!("signet_findings_total", "type" => kind).increment(count.count as u64);
    }
    Ok(sanitized)
}

/// Names the place in the request; the texts of `ChatError` quote no content.
fn refused(error: ChatError) -> Fault {
    let reason = match error {
        ChatError::Residue { .. } => &CHAT_REQUEST_LEAKS,
        _ => &CHAT_REQUEST_UNSUPPORTED,
    };
    let path = error.path().unwrap_or("body").to_owned();
    Fault::new(reason).with_violation(path, error.to_string())
}
