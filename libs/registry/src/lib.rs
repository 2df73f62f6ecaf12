//! What a tenant says about its privacy: policies and recognizers of its own, as named resources
//! with revisions. A change is a new revision, and what a revision says never changes.
//!
//! The tables are in the database of the service that uses it (`policy_revisions`,
//! `recognizer_revisions`).

mod compiled;
pub mod policies;
pub mod ports;
pub mod recognizers;
mod sql_policies;
mod sql_recognizers;
mod stored_policy;
mod stored_recognizer;

pub use policies::Policies;
pub use recognizers::Recognizers;
pub use sql_policies::SqlPolicies;
pub use sql_recognizers::SqlRecognizers;
pub use stored_policy::{PolicyName, StoredPolicy};
pub use stored_recognizer::{SealedRecognizer, StoredRecognizer, recognizer_id, recognizer_name};
