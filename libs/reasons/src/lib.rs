//! The error catalogue: every reason that any service can give, in one place,
//! because a caller sees them all. `docs/errors.md` is generated from here, and
//! a service that relays a peer's refusal finds its meaning here.

use kernel::Reason;

pub use kernel::common;

/// Between services and at the edge of each.
pub mod rpc {
    kernel::reasons! {
        MESSAGE_MALFORMED: InvalidArgument, "The message cannot be decoded.", "Encode it as proto/ declares.";
        METHOD_UNKNOWN: PermissionDenied, "There is no such method, or the caller may not know it.", "Use the methods in proto/.";
        CALLER_NOT_ALLOWED: PermissionDenied, "The caller may not do this.", "Call through the edge.";
    }
}

/// What Envoy answers itself; the texts are in `deploy/envoy`, which a test of
/// `libs/mesh` compares with these.
pub mod edge {
    kernel::reasons! {
        MALFORMED_REQUEST: InvalidArgument, "The request is malformed.", "Send valid HTTP, and a body that is valid JSON or protobuf.";
        PATH_UNKNOWN: NotFound, "There is nothing at this path.", "Check path and method against the API reference.";
        REQUEST_TOO_SLOW: DeadlineExceeded, "The request took too long to arrive.", "Send the request within a minute.";
        RATE_LIMITED: ResourceExhausted, "Too many requests.", "Retry after a pause, with backoff; a user has 1,000 requests a minute.";
        HEADERS_TOO_LARGE: InvalidArgument, "The request has too many or too large headers.", "Send at most 100 headers and 32 KiB of them.";
    }
}

pub mod auth {
    kernel::reasons! {
        TOO_MANY_ATTEMPTS: ResourceExhausted, "Too many failed attempts.", "Wait 15 minutes.";
        PASSWORD_WEAK: InvalidArgument, "The password is too weak.", "Use 12 characters or more that are not in common use.";
        ROLE_ESCALATION: PermissionDenied, "A role cannot be given by somebody who lacks it.", "Ask an administrator.";
    }
}

pub mod envelope {
    kernel::reasons! {
        ENVELOPE_REJECTED: InvalidArgument, "The envelope cannot be opened.", "Seal it anew for the recipient's current key; the audit log has the cause.";
        ENVELOPE_PURPOSE_MISMATCH: FailedPrecondition, "The envelope is for another purpose.", "Seal it for the purpose that the RPC expects.";
        DATA_KEY_REJECTED: InvalidArgument, "The data key cannot be unwrapped.", "Use the context that it was made with.";
        KEY_IMPORT_REJECTED: InvalidArgument, "The wrapped key cannot be opened.", "Seal the private half to the import key as the field's description says.";
        KEY_SET_TOO_LARGE: FailedPrecondition, "The key set has more than 1,000 keys.", "Narrow it with a filter, or list keys in pages.";
        KEY_STATE_CONFLICT: FailedPrecondition, "The state of the key or version does not allow this.", "Read the key; docs/keys.md has a picture of the states and what leads from one to another.";
        KEY_DISABLED: FailedPrecondition, "The key is disabled.", "Use another key or version.";
        KEY_PURPOSE_MISMATCH: FailedPrecondition, "The key is for another purpose.", "Use a SEAL key for recipients and a SIGN key for the sender.";
        KEY_NOT_KEPT: FailedPrecondition, "The service does not keep the private half of this key.", "Seal or open on the client that has it.";
        KEK_ROTATION_RUNNING: FailedPrecondition, "A rotation of the tenant's KEK is under way.", "Wait for it to end, or resume it.";
        KEK_ROTATION_NOT_OPEN: FailedPrecondition, "The rotation of the KEK is not in a state for this.", "Read its state first.";
        KEK_VERSION_IN_USE: FailedPrecondition, "Keys may still be wrapped by this version of the KEK.", "Destroy it once its rotation has a certificate.";
        KEY_PROOF_INVALID: InvalidArgument, "The proof of possession is not valid.", "Sign the text that the field's description gives, with the key being registered.";
    }
}

pub mod storage {
    kernel::reasons! {
        BLOB_CORRUPT: DataLoss, "The stored content does not match its address.", "Restore the blob from a backup; see docs/operations.md.";
        BLOB_STORE_UNAVAILABLE: Unavailable, "The blob store is not available.", "Retry after a pause, with backoff.";
    }
}

pub mod anonymizer {
    kernel::reasons! {
        CHAT_REQUEST_UNSUPPORTED: InvalidArgument, "The chat request has a field or shape that is not supported.", "Remove what the field violations name: what is not understood is not sent.";
        CHAT_REQUEST_LEAKS: FailedPrecondition, "Personal data would remain in the request.", "Rephrase the request; nothing was sent.";
        OPERATOR_UNFIT: InvalidArgument, "A value does not fit its operator.", "Give the rule another operator, or an `otherwise`; the field violation names the finding.";
        POLICY_READ_ONLY: FailedPrecondition, "A policy that comes with Signet cannot be changed.", "Create one of your own from its document, under another name.";
        MAPPING_TOO_LARGE: ResourceExhausted, "The stream holds more originals than one mapping restores.", "Anonymize smaller parts, or give the types that are frequent the operator ENCRYPT or TOKENIZE, which need no mapping.";
        MAPPING_INVALID: InvalidArgument, "The mapping cannot be used.", "Send the mapping that Anonymize returned, in the same tenant.";
    }
}

pub mod response {
    kernel::reasons! {
        PROVIDER_UNAVAILABLE: Unavailable, "The model provider cannot be reached.", "Retry after a pause, with backoff.";
        PROVIDER_REFUSED: FailedPrecondition, "The model provider refused the request.", "Check the model's name and parameters; the operator's log has the status.";
        PROVIDER_RATE_LIMITED: ResourceExhausted, "The model provider limits the rate.", "Retry after a pause, with backoff.";
        PROVIDER_NONSENSE: Unavailable, "The model provider's answer is not understood.", "Retry; tell the operator if it persists.";
        PROVIDER_CUT: Unavailable, "The model provider's answer broke off.", "Retry; what arrived is incomplete.";
        PROVIDER_DENIED: Unavailable, "The model provider does not let this service in.", "Tell the operator: the API key is missing, wrong or without credit.";
        CALLER_GONE: Aborted, "The caller went away before the answer was complete.", "Ask again. This is told to the audit log only.";
        MODEL_UNKNOWN: NotFound, "There is no such model.", "List the models.";
    }
}

pub mod audit {
    kernel::reasons! {
        EVENT_NOT_INTEGRATED: FailedPrecondition, "The event is not under a checkpoint yet.", "Retry after a second.";
        TREE_SIZE_UNKNOWN: InvalidArgument, "The log has not reached this size.", "Use a size at or below the checkpoint's.";
    }
}

/// The catalogue's chapters: who gives the reasons, and the reasons.
pub const CHAPTERS: &[(&str, &[&Reason])] = &[
    ("every service", common::ALL),
    ("every service's door", rpc::ALL),
    ("the edge", edge::ALL),
    ("auth", auth::ALL),
    ("envelope", envelope::ALL),
    ("storage", storage::ALL),
    ("anonymizer", anonymizer::ALL),
    ("response", response::ALL),
    ("audit", audit::ALL),
];

/// The reason with this code.
pub fn find(code: &str) -> Option<&'static Reason> {
    CHAPTERS
        .iter()
        .flat_map(|(_, reasons)| reasons.iter())
        .copied()
        .find(|reason| reason.code == code)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_found() {
        let mut seen = HashSet::new();
        for reason in CHAPTERS.iter().flat_map(|(_, reasons)| reasons.iter()) {
            assert!(seen.insert(reason.code), "{} is declared twice", reason.code);
            assert_eq!(find(reason.code), Some(*reason));
            assert!(
                reason.message.ends_with('.') && reason.help.ends_with('.'),
                "{} is no sentence",
                reason.code
            );
        }
        assert_eq!(find("NO_SUCH_REASON"), None);
    }
}
