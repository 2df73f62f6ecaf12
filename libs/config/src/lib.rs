//! Strict configuration: a TOML file, over it the environment.
//!
//! * `SIGNET_<SERVICE>__SECTION__KEY` sets `section.key`; lists are separated by
//!   commas.
//! * An unknown key is an error, in the file and in the environment alike.
//! * Everything that is wrong is reported at once: where it stands (file and line,
//!   or variable) and what is expected there, never the value, which may be a secret.
//! * A string `key` may be given as `key_file`: the path of a file that holds it.
//! * A section that is absent counts as empty, so that its defaults apply.
//!
//! Settings are plain structs with `Deserialize`; what serde cannot say is in
//! [`Validate`].

mod de;
mod load;
mod problem;
mod sample;
mod tree;
mod types;

pub use load::{Loaded, Sources, load};
pub use problem::{Problem, Problems, Validate};
pub use sample::check_sample;
pub use types::{Duration, ListenAddr, Size};

/// What a program exits with when its configuration or arguments are wrong:
/// `EX_USAGE` of sysexits(3).
pub const USAGE_EXIT_CODE: u8 = 64;
