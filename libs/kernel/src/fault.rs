//! One error for everything that crosses a boundary: a public half that the
//! caller may read and a private half that only the log sees.

use std::error::Error;
use std::fmt;
use std::time::Duration;

pub type Result<T, E = Fault> = std::result::Result<T, E>;

/// What went wrong, as a class. Each maps to one gRPC code and, by Envoy's
/// transcoder, to one HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    InvalidArgument,
    Unauthenticated,
    PermissionDenied,
    NotFound,
    AlreadyExists,
    /// Lost a race: read again and retry.
    Aborted,
    /// The state of the thing does not allow it; retrying does not help.
    FailedPrecondition,
    ResourceExhausted,
    DeadlineExceeded,
    Unavailable,
    Internal,
    DataLoss,
}

impl Kind {
    /// Whether the fault is ours: only these are logged with their cause.
    pub const fn is_server_side(self) -> bool {
        matches!(self, Self::Unavailable | Self::Internal | Self::DataLoss | Self::DeadlineExceeded)
    }
}

/// An entry of the error catalogue (`docs/errors.md` is generated from these).
#[derive(Debug, PartialEq, Eq)]
pub struct Reason {
    /// `ErrorInfo.reason`, `UPPER_SNAKE`; also a metric label. Never changes.
    pub code: &'static str,
    pub kind: Kind,
    /// The whole public message: a fixed sentence, never built from a cause.
    pub message: &'static str,
    /// What the caller can do about it.
    pub help: &'static str,
}

/// Declares reasons as constants, and `ALL` for the catalogue.
#[macro_export]
macro_rules! reasons {
    ($($name:ident: $kind:ident, $message:literal, $help:literal;)+) => {
        $(pub const $name: $crate::Reason = $crate::Reason {
            code: stringify!($name), kind: $crate::Kind::$kind, message: $message, help: $help,
        };)+
        pub const ALL: &[&$crate::Reason] = &[$(&$name),+];
    };
}

/// Reasons that any service can give.
pub mod common {
    crate::reasons! {
        INVALID_FIELD: InvalidArgument, "The request has an invalid field.", "Correct the fields listed in the field violations.";
        PAGE_TOKEN_INVALID: InvalidArgument, "The page token is invalid.", "Use the next_page_token of the previous page, with the same filter.";
        CREDENTIAL_MISSING: Unauthenticated, "A credential is required.", "Send `Authorization: Bearer <access token or API key>`.";
        CREDENTIAL_INVALID: Unauthenticated, "The credential is not valid.", "Log in again, or create a new API key.";
        NOT_ALLOWED: PermissionDenied, "The caller may not do this.", "Ask an administrator of the tenant for the role that the RPC names.";
        RESOURCE_NOT_FOUND: NotFound, "There is no such resource.", "Check the name; resources of other tenants look absent too.";
        RESOURCE_EXISTS: AlreadyExists, "The resource exists already.", "Choose another id, or read the existing one.";
        ETAG_MISMATCH: Aborted, "The resource has changed since it was read.", "Read it again, and repeat the change with the new etag.";
        REQUEST_ID_REUSED: FailedPrecondition, "This request_id was used for a different request.", "Use a new request_id for every new request.";
        DEADLINE_TOO_SHORT: DeadlineExceeded, "Too little time is left for this call.", "Send a longer deadline.";
        DEADLINE_EXCEEDED: DeadlineExceeded, "The call took longer than its deadline.", "Retry, or send a longer deadline.";
        OVERLOADED: ResourceExhausted, "The service has too much to do.", "Retry after a pause, with backoff.";
        MESSAGE_TOO_LARGE: ResourceExhausted, "The message is larger than allowed.", "Send less at once; the limits are in docs/configuration.md.";
        DEPENDENCY_UNAVAILABLE: Unavailable, "Something that this service needs is not available.", "Retry after a pause, with backoff.";
        INTERNAL: Internal, "Something went wrong inside.", "Report the request id to the operator.";
    }
}

/// A field of the request and what is wrong with it, in the caller's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field as the proto names it: `key.labels[2].value`.
    pub field: String,
    /// Says what is expected; never repeats the value.
    pub description: String,
}

/// An error with a public and a private half.
pub struct Fault(Box<Inner>);

struct Inner {
    reason: &'static Reason,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn Error + Send + Sync>>,
    note: Option<String>,
}

impl Fault {
    pub fn new(reason: &'static Reason) -> Self {
        Self(Box::new(Inner {
            reason,
            violations: Vec::new(),
            retry_after: None,
            source: None,
            note: None,
        }))
    }

    /// One field is wrong.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(&common::INVALID_FIELD).with_violation(field, description)
    }

    /// Absent, or another tenant's: the caller cannot tell which.
    pub fn not_found() -> Self {
        Self::new(&common::RESOURCE_NOT_FOUND)
    }

    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(&common::INTERNAL).with_source(source)
    }

    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(&common::DEPENDENCY_UNAVAILABLE).with_source(source)
    }

    #[must_use]
    pub fn with_violation(
        mut self,
        field: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        self.0.violations.push(Violation { field: field.into(), description: description.into() });
        self
    }

    /// The cause: logged once, never sent.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// A remark for the log only (which rule refused, which check failed).
    /// Never put a payload, key or personal value here.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.0.note = Some(note.into());
        self
    }

    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    pub fn reason(&self) -> &'static Reason {
        self.0.reason
    }

    pub fn kind(&self) -> Kind {
        self.0.reason.kind
    }

    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    pub fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.reason.message)?;
        for violation in &self.0.violations {
            write!(f, " {}: {}.", violation.field, violation.description.trim_end_matches('.'))?;
        }
        Ok(())
    }
}

/// For the log: everything, including the private half.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Fault");
        out.field("reason", &self.0.reason.code).field("violations", &self.0.violations);
        if let Some(note) = &self.0.note {
            out.field("note", note);
        }
        if let Some(source) = &self.0.source {
            out.field("source", &format_args!("{source}"));
        }
        out.finish()
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_half_never_shows_the_cause() {
        let fault = Fault::internal("password=hunter2 refused by db");
        assert_eq!(fault.to_string(), "Something went wrong inside.");
        assert!(fault.source().is_some_and(|cause| cause.to_string().contains("refused")));
    }

    #[test]
    fn violations_name_their_fields() {
        let fault = Fault::invalid("key.id", "must be a UUID")
            .with_violation("page_size", "must not be negative");
        assert_eq!(fault.kind(), Kind::InvalidArgument);
        assert_eq!(fault.violations().len(), 2);
        assert!(fault.to_string().contains("key.id: must be a UUID."));
    }

    #[test]
    fn reason_codes_are_unique() {
        let mut codes: Vec<_> = common::ALL.iter().map(|reason| reason.code).collect();
        codes.sort_unstable();
        let before = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), before);
    }
}
