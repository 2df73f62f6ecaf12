//! What KMS's refusals mean for us. No text of AWS's is kept.

use std::time::Duration;

use kernel::Fault;
use serde::Deserialize;

use crate::reasons;

#[derive(Debug, thiserror::Error)]
pub(super) enum AwsError {
    #[error("AWS KMS cannot be reached: {0}")]
    Unreachable(String),
    #[error("AWS KMS did not answer in time")]
    TimedOut,
    #[error("AWS KMS answered status {0}")]
    Status(u16),
    #[error("AWS KMS limits our rate")]
    Throttled,
    #[error("there are no credentials for AWS: {0}")]
    NoCredentials(String),
    #[error("AWS KMS denies permission: wrong or expired credentials, or a policy that lacks {0}")]
    Denied(&'static str),
    #[error("AWS KMS has no such key or alias")]
    NotFound,
    #[error("AWS KMS has such an alias already")]
    Exists,
    #[error("the key is disabled or waits for its deletion in AWS KMS")]
    KeyUnusable,
    #[error("not this object's key, or altered")]
    Unreadable,
    #[error("AWS KMS refuses {0}: {1}")]
    Refused(&'static str, String),
    #[error("what answers is not AWS KMS")]
    Nonsense,
    #[error("key {0} does not match its alias")]
    Mismatch(String),
    /// Ours, on the way: the breaker's, or one about a file.
    #[error("{0}")]
    Fault(Fault),
}

impl From<Fault> for AwsError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// `{"__type": "com.amazonaws.kms#NotFoundException", "message": …}`
#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    #[serde(rename = "__type")]
    kind: String,
    #[serde(alias = "Message")]
    message: String,
}

impl AwsError {
    /// From an answer that is no success
    /// (<https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html>).
    pub(super) fn from_answer(operation: &'static str, status: u16, body: &[u8]) -> Self {
        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        let kind = body.kind.rsplit('#').next().unwrap_or_default();
        match kind {
            "NotFoundException" => Self::NotFound,
            "AlreadyExistsException" => Self::Exists,
            "InvalidCiphertextException" | "IncorrectKeyException" => Self::Unreadable,
            "DisabledException" | "KMSInvalidStateException" => Self::KeyUnusable,
            "ThrottlingException" | "RequestLimitExceeded" => Self::Throttled,
            "DependencyTimeoutException" | "KMSInternalException" | "KeyUnavailableException" => {
                Self::Status(status)
            }
            "AccessDeniedException" if is_about_the_ciphertext(operation, &body.message) => {
                Self::Unreadable
            }
            "AccessDeniedException"
            | "ExpiredTokenException"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "NotAuthorized"
            | "OptInRequired"
            | "UnrecognizedClientException" => Self::Denied(operation),
            _ if status == 429 => Self::Throttled,
            _ if status >= 500 => Self::Status(status),
            "" => Self::Nonsense,
            // A name of AWS's errors and nothing else.
            kind => {
                let name = kind.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
                Self::Refused(operation, name)
            }
        }
    }

    /// About one item of a batch, not about KMS.
    pub(super) fn is_of_item(&self) -> bool {
        matches!(self, Self::NotFound | Self::KeyUnusable | Self::Unreadable)
    }

    /// Worth another try at once.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Throttled | Self::Status(_))
    }

    /// KMS could not be asked, or not in time.
    pub(super) fn is_away(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::TimedOut | Self::Status(_))
    }
}

/// A ciphertext that names a key which does not exist (it is made up, or
/// altered) is answered as a denial; a denial by policy says who may not do what.
fn is_about_the_ciphertext(operation: &str, message: &str) -> bool {
    matches!(operation, "Decrypt" | "ReEncrypt")
        && (message.is_empty() || message.starts_with("The ciphertext refers to"))
}

impl From<AwsError> for Fault {
    fn from(error: AwsError) -> Self {
        let (reason, retry_after) = match &error {
            AwsError::Unreachable(_)
            | AwsError::TimedOut
            | AwsError::Status(_)
            | AwsError::Throttled => (&reasons::KMS_UNAVAILABLE, Some(1)),
            AwsError::NoCredentials(_) | AwsError::Denied(_) => (&reasons::KMS_DENIED, Some(5)),
            AwsError::NotFound | AwsError::KeyUnusable => (&reasons::KEK_VERSION_UNAVAILABLE, None),
            AwsError::Unreadable => (&reasons::DATA_KEY_UNREADABLE, None),
            AwsError::Exists
            | AwsError::Refused(..)
            | AwsError::Nonsense
            | AwsError::Mismatch(_) => (&reasons::KMS_MISCONFIGURED, None),
            AwsError::Fault(_) => {
                return match error {
                    AwsError::Fault(fault) => fault,
                    other => Self::internal(other),
                };
            }
        };
        let fault = Self::new(reason).with_source(error);
        match retry_after {
            Some(seconds) => fault.with_retry_after(Duration::from_secs(seconds)),
            None => fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(operation: &'static str, status: u16, body: &str) -> &'static kernel::Reason {
        Fault::from(AwsError::from_answer(operation, status, body.as_bytes())).reason()
    }

    #[test]
    fn answers_and_what_they_mean() {
        let named = |name: &str| format!(r#"{{"__type":"{name}","message":"canary"}}"#);
        for (name, expected) in [
            ("NotFoundException", &reasons::KEK_VERSION_UNAVAILABLE),
            ("com.amazonaws.kms#NotFoundException", &reasons::KEK_VERSION_UNAVAILABLE),
            ("KMSInvalidStateException", &reasons::KEK_VERSION_UNAVAILABLE),
            ("InvalidCiphertextException", &reasons::DATA_KEY_UNREADABLE),
            ("IncorrectKeyException", &reasons::DATA_KEY_UNREADABLE),
            ("AccessDeniedException", &reasons::KMS_DENIED),
            ("ExpiredTokenException", &reasons::KMS_DENIED),
            ("ThrottlingException", &reasons::KMS_UNAVAILABLE),
            ("ValidationException", &reasons::KMS_MISCONFIGURED),
        ] {
            assert_eq!(reason("Decrypt", 400, &named(name)), expected, "{name}");
        }
        assert_eq!(reason("Decrypt", 500, "<html>"), &reasons::KMS_UNAVAILABLE);
        assert_eq!(reason("Decrypt", 404, "<html>"), &reasons::KMS_MISCONFIGURED);
    }

    #[test]
    fn a_denial_about_a_made_up_ciphertext_is_about_that_item() {
        let body = r#"{"__type":"AccessDeniedException","Message":"The ciphertext refers to a customer master key that does not exist"}"#;
        assert_eq!(reason("Decrypt", 400, body), &reasons::DATA_KEY_UNREADABLE);
        assert_eq!(reason("Encrypt", 400, body), &reasons::KMS_DENIED);
    }

    #[test]
    fn nothing_that_aws_says_is_repeated() {
        let body = br#"{"__type":"Odd<canary> Exception","message":"canary"}"#;
        let shown = AwsError::from_answer("Decrypt", 400, body).to_string();
        assert_eq!(shown, "AWS KMS refuses Decrypt: OddcanaryException");
    }
}
