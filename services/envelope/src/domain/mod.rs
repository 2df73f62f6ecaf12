//! Keys, and the rules for envelopes. Pure.

mod cause;
mod key;
mod name;
mod rules;

pub use cause::Cause;
pub use key::{Head, Key, Keyed, Owner, SealedHalf, State, Version};
pub use name::{KeyHolder, KeyName};
pub use rules::{
    ANSWER, ANSWER_STREAM, LONGEST_LIFE, RESPOND, SEAL_PURPOSES, SKEW, lives_too_long,
};
