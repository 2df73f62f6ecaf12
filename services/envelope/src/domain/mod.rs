//! Keys, and the rules for envelopes. Pure.

mod cause;
mod filter;
mod kek;
mod key;
mod lifecycle;
mod name;
mod rotation;
mod rules;
mod state;

pub use cause::Cause;
pub use filter::Term;
pub use kek::{
    Certificate, Count, HOLDERS, LEASE, MOST_PER_SECOND, OWN, PER_SECOND, Progress, RETRY, Range,
    Retired, Rotation, RotationState,
};
pub use key::{Head, Key, Keyed, Owner, SealedHalf, Version};
pub use lifecycle::{Due, NotTaken};
pub use name::{KeyHolder, KeyName};
pub use rotation::{
    DEFAULT_ROTATION, DEFAULT_WAIT, LONGEST_PENDING, LONGEST_ROTATION, LONGEST_WAIT,
    SERVICE_ROTATION, SHORTEST_ROTATION, SHORTEST_WAIT,
};
pub use rules::{
    ANSWER, ANSWER_STREAM, LONGEST_LIFE, RESPOND, SEAL_PURPOSES, SKEW, STREAM_PURPOSES,
    lives_too_long,
};
pub use state::{State, Step};
