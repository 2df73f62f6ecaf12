//! Data keys for encryption at rest, as the envelope service gives them out.
//!
//! A service that stores something secret asks for a data key with a [`Binding`]
//! that says what it is for, encrypts, and keeps the wrapped form beside the
//! object ([`DataKeys`]). The KEK that wraps it never leaves its provider. When
//! the KEK is rotated, a [`Rewrapper`] has the service's wrapped keys, its
//! [`Holder`] (mostly a [`table`]), wrapped anew. [`fields`] encrypts single columns.

mod binding;
mod client;
mod epochs;
pub mod fields;
mod holder;
mod rewrapper;
pub mod table;

pub use binding::Binding;
pub use client::{DataKeys, For, NewKey};
pub use holder::{Counts, Held, Holder, Range, Swap};
pub use keys::CacheSettings;
pub use rewrapper::Rewrapper;
