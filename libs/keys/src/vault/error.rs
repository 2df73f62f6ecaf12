//! What Vault's refusals mean for us.
//!
//! An error of the client library can hold a whole response body, so none is
//! kept: each becomes one of these, without any text of Vault's.

use std::error::Error;
use std::time::Duration;

use kernel::Fault;
use rustify::errors::ClientError as Rest;
use vaultrs::error::ClientError;

use crate::reasons;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum VaultError {
    #[error("Vault cannot be reached: {0}")]
    Unreachable(String),
    #[error("Vault did not answer in time")]
    TimedOut,
    #[error("Vault is sealed, in maintenance, or not initialized")]
    Sealed,
    #[error("Vault limits our rate")]
    RateLimited,
    #[error("Vault answered status {0}")]
    Status(u16),
    #[error(
        "Vault redirects to another address; set that one (an active node's, or a load balancer's)"
    )]
    Redirect,
    #[error("Vault denies permission: invalid token, or a policy that lacks the path")]
    Denied,
    #[error("Vault has no such path: check mount, auth.mount and namespace")]
    NoPath,
    #[error("Vault has no such key")]
    NoKey,
    #[error("Vault refuses the request as malformed")]
    BadRequest,
    #[error("what answers is not Vault, or a version that we do not know")]
    Nonsense,
    #[error(
        "key {0} in Vault must be derived, aes256-gcm96, not exportable and without plaintext backup"
    )]
    UnsafeKey(String),
}

impl VaultError {
    pub(super) fn from_client(error: ClientError) -> Self {
        match error {
            ClientError::APIError { code, errors } => Self::from_status(code, &errors),
            ClientError::RestClientError { source } => match source {
                Rest::ServerResponseError { code, .. } => Self::from_status(code, &[]),
                Rest::RequestError { source, .. } | Rest::ResponseError { source } => {
                    match source.downcast_ref::<reqwest::Error>() {
                        Some(error) if error.is_timeout() => Self::TimedOut,
                        // Connection errors name addresses and certificates, never content.
                        Some(error) => Self::Unreachable(causes(error)),
                        None => Self::Unreachable("the connection broke".into()),
                    }
                }
                _ => Self::Nonsense,
            },
            _ => Self::Nonsense,
        }
    }

    fn from_status(code: u16, errors: &[String]) -> Self {
        let says = |text: &str| errors.iter().any(|error| error.contains(text));
        match code {
            400 if says("key not found") => Self::NoKey,
            400 => Self::BadRequest,
            403 => Self::Denied,
            // Absent keys get an empty list, unknown paths a sentence.
            404 if errors.is_empty() => Self::NoKey,
            404 => Self::NoPath,
            429 => Self::RateLimited,
            301..=308 => Self::Redirect,
            503 => Self::Sealed,
            _ => Self::Status(code),
        }
    }
}

fn causes(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

impl From<VaultError> for Fault {
    fn from(error: VaultError) -> Self {
        let (reason, retry_after) = match error {
            VaultError::Unreachable(_)
            | VaultError::TimedOut
            | VaultError::RateLimited
            | VaultError::Status(_) => (&reasons::KMS_UNAVAILABLE, Some(1)),
            VaultError::Sealed | VaultError::Redirect => (&reasons::KMS_UNAVAILABLE, Some(5)),
            VaultError::Denied => (&reasons::KMS_DENIED, Some(5)),
            VaultError::NoKey => (&reasons::KEK_VERSION_UNAVAILABLE, None),
            VaultError::NoPath
            | VaultError::BadRequest
            | VaultError::Nonsense
            | VaultError::UnsafeKey(_) => (&reasons::KMS_MISCONFIGURED, None),
        };
        let fault = Self::new(reason).with_source(error);
        match retry_after {
            Some(seconds) => fault.with_retry_after(Duration::from_secs(seconds)),
            None => fault,
        }
    }
}
