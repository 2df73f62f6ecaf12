//! Metadata looked up a moment ago: in the process, over Redis that all instances
//! share. Redis is optional, and never needed: when it is down, slow or frozen, a
//! look-up goes to the source after a small time-out, and then without asking it.
//!
//! What holds for a value that [`Cache::invalidate`] names after its source changed:
//!
//! * **Here** nobody who asks afterwards gets the old one, not even from a load that
//!   began before.
//! * **On every other instance that hears Redis** it goes as soon as the message
//!   arrives (a millisecond). A load there that read the old value cannot put it
//!   back: its lease in Redis is gone.
//! * **An instance that does not hear Redis** knows that within a second, since the
//!   connection must prove itself by answering pings, and until it does uses nothing
//!   older than `offline_ttl` (at most a second) and nothing from Redis. An
//!   invalidation that could not be sent waits here and is the first thing sent when
//!   Redis is back; the others trust Redis again only after that had time to happen.
//! * **What is left**: an instance ends before it could send, or it alone is cut off
//!   from Redis while the others are not. Then the others keep the old value for what
//!   remains of its time to live, so this is to be chosen as what is bearable.
//!   [`Cache::invalidate`] tells whether the message has gone out.
//!
//! A restarted server (or another one after a fail-over) may come up with what it
//! held long ago: names in Redis contain the identity that the server gives itself
//! at each start, so none of that is read.
//!
//! Values in Redis are authenticated, and keys are keyed hashes; still, values are
//! readable there, hence [`MetadataOnly`].

mod cache;
mod connect;
mod flight;
mod link;
mod listen;
mod local;
mod seal;
mod settings;
mod shared;

pub use cache::{Cache, MetadataOnly, Reach};
pub use settings::{RedisSettings, Settings};
