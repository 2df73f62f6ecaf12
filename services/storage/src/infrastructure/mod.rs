//! The database, the blob store, the envelope service.

mod blobs;
mod data_keys;
mod destructions;
mod held_keys;
mod loose_blobs;
mod prompts;
mod rows;
mod sealer;

pub use blobs::CasBlobs;
pub use data_keys::PeerDataKeys;
pub use destructions::{PeerCertifier, SqlDestructions};
pub use held_keys::HeldKeys;
pub use loose_blobs::SqlLooseBlobs;
pub use prompts::SqlPrompts;
pub use sealer::PeerSealer;
