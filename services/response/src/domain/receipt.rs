//! The privacy receipt: what was replaced, and what left the house.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

/// Goes into the answer as its member `signet`.
#[derive(Clone)]
pub struct Receipt {
    pub provider: String,
    pub model: String,
    /// How many findings of each type were replaced.
    pub replaced: Vec<(String, i32)>,
    /// SHA-256 of the JSON that the provider was sent.
    pub sent_sha256: String,
    /// The JSON itself, where it was asked for.
    pub sent: Option<Value>,
    pub request_id: String,
}

impl Receipt {
    pub fn digest_of(sent: &[u8]) -> String {
        hex::encode(digest(&SHA256, sent))
    }

    pub fn to_json(&self) -> Value {
        let replaced: Value =
            self.replaced.iter().map(|(kind, count)| (kind.clone(), json!(count))).collect();
        let mut receipt = json!({
            "provider": self.provider,
            "model": self.model,
            "replaced": replaced,
            "sent_sha256": self.sent_sha256,
            "request_id": self.request_id,
        });
        if let Some(sent) = &self.sent {
            receipt["sent"] = sent.clone();
        }
        receipt
    }
}
