//! Evidence bundles: what is known of an envelope, in one file that is verified offline.
//!
//! A bundle carries the envelope's manifest (never the content), the public halves of the keys
//! that have signed it, and events of the log about it, each opened from its commitment and with
//! its inclusion proof and signed checkpoint. [`Bundle::verify`] believes none of it, needs no
//! network, and says by which key each sentence is proved. `docs/evidence.md` has the format.

mod bundle;
mod entry;
mod event;
mod verify;

pub use bundle::{Bundle, LoggedEvent, MAX_BUNDLE, MAX_EVENTS};
pub use entry::entry_of;
pub use event::{Attribute, Event, Time};
pub use verify::{Anchors, EvidenceError, Proved, ProvedEvent, Vouched};
