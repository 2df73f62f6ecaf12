//! The few types that every part of Signet shares: ids, time, secrets, faults.
//!
//! Depends on nothing of ours, does no I/O, knows neither tonic nor SQL.

mod clock;
mod fault;
mod id;
mod secret;

pub use clock::{Clock, ManualClock, SharedClock, SystemClock, Timestamp};
pub use fault::{Fault, Kind, Reason, Result, Violation, common};
pub use id::{ApiKeyId, EnvelopeId, EventId, KeyId, PrincipalId, PromptId, TenantId};
pub use secret::Secret;
