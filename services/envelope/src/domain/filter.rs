//! What a list of keys can be narrowed by.

use crypto::{KeyAlgorithm, KeyUse};

use super::State;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    Use(KeyUse),
    Algorithm(KeyAlgorithm),
    /// Of the whole key, or of one of its versions.
    State(State),
    /// As in resources; empty for the tenant's own.
    Owner(String),
    Registered(bool),
    Label(String, String),
}
