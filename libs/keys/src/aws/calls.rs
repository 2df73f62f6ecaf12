//! The requests to KMS and its answers, as far as we use them
//! (<https://docs.aws.amazon.com/kms/latest/APIReference/>).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use kernel::{Fault, Result, Secret, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::AwsError;
use crate::context::Context;
use crate::key::PlaintextKey;

/// AWS's limit for a whole encryption context.
const MAX_CONTEXT: usize = 8_192;

/// Tenant and context. It is no secret: CloudTrail records it, and policies
/// can ask for it (`kms:EncryptionContext:signet:tenant`).
#[derive(Serialize, Clone)]
#[serde(transparent)]
pub(super) struct EncryptionContext(BTreeMap<String, String>);

impl EncryptionContext {
    pub(super) fn new(tenant: TenantId, context: &Context) -> Result<Self> {
        let pairs = context.pairs().map(|(name, value)| (name.to_owned(), value.to_owned()));
        // A colon is in no name of a context.
        let tenant = ("signet:tenant".to_owned(), tenant.to_string());
        let all = Self(pairs.chain([tenant]).collect());
        let size = serde_json::to_vec(&all).map_err(Fault::internal)?.len();
        if size > MAX_CONTEXT {
            return Err(Fault::invalid("context", "must be up to 8 KiB with AWS KMS"));
        }
        Ok(all)
    }
}

/// Of every operation, what is set is sent.
#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_spec: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    pub(super) plaintext: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ciphertext_blob: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) encryption_context: Option<EncryptionContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source_encryption_context: Option<EncryptionContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination_encryption_context: Option<EncryptionContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alias_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pending_window_in_days: Option<u8>,
}

fn exposed<S: serde::Serializer>(
    text: &Option<Zeroizing<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text.as_ref().map_or("", |text| text.as_str()))
}

impl Request {
    pub(super) fn key(id: impl Into<String>) -> Self {
        Self { key_id: Some(id.into()), ..Self::default() }
    }
}

/// Of `Encrypt`, `Decrypt`, `GenerateDataKey` and `ReEncrypt`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    /// The ARN of the key that wrapped.
    #[serde(default)]
    pub(super) key_id: String,
    ciphertext_blob: Option<String>,
    plaintext: Option<Secret<String>>,
}

impl Answer {
    pub(super) fn plaintext(&self) -> Result<PlaintextKey, AwsError> {
        let encoded = self.plaintext.as_ref().ok_or(AwsError::Nonsense)?;
        let mut key = PlaintextKey::empty();
        match BASE64.decode_slice(encoded.expose(), key.bytes_mut()) {
            Ok(length) if length == key.expose().len() => Ok(key),
            _ => Err(AwsError::Nonsense),
        }
    }

    pub(super) fn ciphertext(&self) -> Result<Vec<u8>, AwsError> {
        let encoded = self.ciphertext_blob.as_ref().ok_or(AwsError::Nonsense)?;
        BASE64.decode(encoded).map_err(|_| AwsError::Nonsense)
    }
}

/// Of `DescribeKey` and `CreateKey`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    pub(super) key_metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metadata {
    pub(super) arn: String,
    pub(super) key_id: String,
    pub(super) key_state: String,
    #[serde(default)]
    pub(super) description: String,
    creation_date: f64,
}

impl Metadata {
    pub(super) fn is_usable(&self) -> bool {
        self.key_state == "Enabled"
    }

    pub(super) fn is_ending(&self) -> bool {
        matches!(&*self.key_state, "PendingDeletion" | "PendingReplicaDeletion")
    }

    /// Seconds since 1970 with a fraction.
    pub(super) fn created(&self) -> Result<Timestamp, AwsError> {
        #[allow(clippy::cast_possible_truncation, reason = "no date of ours is near the end")]
        let micros = (self.creation_date * 1e6) as i64;
        Timestamp::from_timestamp_micros(micros).ok_or(AwsError::Nonsense)
    }
}

/// Of the operations whose answer says nothing.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Done {
    Nothing(()),
    Something(serde::de::IgnoredAny),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_that_aws_would_refuse_is_named() {
        let value = "x".repeat(512);
        let pairs =
            |n: usize| Context::new((0..n).map(|n| (format!("name-{n}"), value.clone()))).unwrap();
        assert!(EncryptionContext::new(TenantId::new(), &pairs(15)).is_ok());
        let fault = EncryptionContext::new(TenantId::new(), &pairs(16)).err().unwrap();
        assert_eq!(fault.violations()[0].field, "context");
    }

    #[test]
    fn a_request_holds_what_was_set() {
        let request = serde_json::to_string(&Request::key("alias/x")).unwrap();
        assert_eq!(request, r#"{"KeyId":"alias/x"}"#);
    }

    #[test]
    fn a_short_plaintext_is_no_key() {
        let answer: Answer = serde_json::from_str(r#"{"Plaintext":"c2hvcnQ="}"#).unwrap();
        assert!(answer.plaintext().is_err());
        assert!(answer.ciphertext().is_err());
    }
}
