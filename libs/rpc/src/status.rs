//! Faults as `google.rpc.Status` and back.

use std::collections::HashMap;

use kernel::{Fault, Kind, Violation, common};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// `ErrorInfo.domain` of all our errors.
pub(crate) const DOMAIN: &str = "signet.dev";

/// The public half of a fault, for the wire.
pub fn status_of(fault: &Fault, request_id: &str) -> Status {
    let reason = fault.reason();
    let mut details = ErrorDetails::new();
    // No metadata: an empty value would crash Envoy's transcoder.
    details.set_error_info(reason.code, DOMAIN, HashMap::new());
    for Violation { field, description } in fault.violations() {
        details.add_bad_request_violation(field, description);
    }
    if !request_id.is_empty() {
        details.set_request_info(request_id, "");
    }
    if let Some(after) = fault.retry_after() {
        details.set_retry_info(Some(after));
    }
    details.set_localized_message("en", reason.help);
    Status::with_error_details(code_of(reason.kind), reason.message, details)
}

/// What a peer's refusal means for our caller. A peer's public half is fit for
/// the caller when the caller can do something about it; the peer's own
/// troubles are only "unavailable" or "internal", and stay in our log.
pub fn fault_of(status: &Status) -> Fault {
    let details = status.get_error_details();
    let known = details
        .error_info()
        .filter(|info| info.domain == DOMAIN)
        .and_then(|info| reasons::find(&info.reason));
    let note =
        format!("peer answered {:?} {}", status.code(), known.map_or("", |reason| reason.code));
    match known {
        Some(reason) if relayed(reason.kind) => {
            let mut fault = Fault::new(reason).with_note(note);
            for violation in
                details.bad_request().map(|bad| &bad.field_violations[..]).unwrap_or_default()
            {
                fault = fault.with_violation(&violation.field, &violation.description);
            }
            fault
        }
        _ => match status.code() {
            Code::Unavailable | Code::ResourceExhausted | Code::Cancelled => {
                Fault::unavailable(note)
            }
            Code::DeadlineExceeded => Fault::new(&common::DEADLINE_EXCEEDED).with_note(note),
            // Our own call was refused or wrong: nothing the caller can mend.
            _ => Fault::internal(note),
        },
    }
}

/// Kinds that describe the caller's request, not the peer's or our own state.
fn relayed(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::InvalidArgument
            | Kind::NotFound
            | Kind::AlreadyExists
            | Kind::Aborted
            | Kind::FailedPrecondition
            | Kind::PermissionDenied
    )
}

fn code_of(kind: Kind) -> Code {
    match kind {
        Kind::InvalidArgument => Code::InvalidArgument,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::PermissionDenied => Code::PermissionDenied,
        Kind::NotFound => Code::NotFound,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::Aborted => Code::Aborted,
        Kind::FailedPrecondition => Code::FailedPrecondition,
        Kind::ResourceExhausted => Code::ResourceExhausted,
        Kind::DeadlineExceeded => Code::DeadlineExceeded,
        Kind::Unavailable => Code::Unavailable,
        Kind::Internal => Code::Internal,
        Kind::DataLoss => Code::DataLoss,
    }
}

/// What tonic itself refused (bad protobuf, too large, no such method), as one
/// of our faults. None for a status that is ours already.
pub(crate) fn foreign(status: &Status) -> Option<Fault> {
    if !status.details().is_empty() || status.code() == Code::Ok {
        return None;
    }
    let reason = match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => &common::MESSAGE_TOO_LARGE,
        Code::Unimplemented => &reasons::rpc::METHOD_UNKNOWN,
        Code::Cancelled | Code::DeadlineExceeded => &common::DEADLINE_EXCEEDED,
        // tonic's decoder calls undecodable messages "internal".
        Code::Internal | Code::InvalidArgument | Code::Unknown => &reasons::rpc::MESSAGE_MALFORMED,
        _ => &common::INTERNAL,
    };
    Some(Fault::new(reason).with_note(format!("tonic: {:?}", status.code())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_has_reason_fields_and_request() {
        let status = status_of(&Fault::invalid("key.id", "must be a UUID"), "req-1");
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "INVALID_FIELD");
        assert!(details.error_info().unwrap().metadata.is_empty());
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "key.id");
        assert_eq!(details.request_info().unwrap().request_id, "req-1");
    }

    #[test]
    fn a_cause_never_reaches_the_wire() {
        let status = status_of(&Fault::internal("password=hunter2").with_note("row 7"), "");
        assert!(!format!("{status:?}").contains("hunter2"));
        assert!(!status.details().windows(5).any(|window| window == b"row 7"));
    }

    #[test]
    fn a_peers_refusal_is_relayed_and_its_trouble_is_not() {
        let refused = Fault::new(&reasons::envelope::ENVELOPE_REJECTED);
        assert_eq!(fault_of(&status_of(&refused, "")).reason().code, "ENVELOPE_REJECTED");
        let violated = fault_of(&status_of(&Fault::invalid("messages[0]", "is empty"), ""));
        assert_eq!(violated.violations()[0].field, "messages[0]");
        let trouble = Fault::internal("disk");
        assert_eq!(fault_of(&status_of(&trouble, "")).reason().code, "INTERNAL");
        assert_eq!(
            fault_of(&Status::unavailable("no healthy upstream")).reason().code,
            "DEPENDENCY_UNAVAILABLE"
        );
        let denied = Fault::new(&common::CREDENTIAL_INVALID);
        assert_eq!(fault_of(&status_of(&denied, "")).reason().code, "INTERNAL");
    }

    #[test]
    fn a_foreign_reason_is_not_trusted() {
        let mut details = ErrorDetails::new();
        details.set_error_info("ENVELOPE_REJECTED", "elsewhere.example", HashMap::new());
        let status = Status::with_error_details(Code::InvalidArgument, "x", details);
        assert_eq!(fault_of(&status).reason().code, "INTERNAL");
    }
}
