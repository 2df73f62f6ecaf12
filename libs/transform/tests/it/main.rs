//! Policies on texts, and the way back.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod common;
mod policies;
mod round_trip;
