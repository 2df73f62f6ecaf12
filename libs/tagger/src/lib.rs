//! Persons, places, streets and organizations in text, by a linear-chain model.
//!
//! A conditional random field over words: features of a word, its neighbours, its line and what
//! word lists say of it; nine tags; the best path by Viterbi, how sure it is by forward-backward.
//! The model is one file (`model/names.bin`), made by `make model`; `examples/train` holds the
//! trainer, which makes its features with the code that is here, so that both always agree.
//! Pure: no I/O, no clock. See Lafferty, McCallum and Pereira (2001) for the method.

mod block;
mod chain;
mod context;
pub mod feature;
mod fold;
mod gazetteer;
mod model;
mod run;
mod table;
mod token;
mod varint;

pub use block::{Block, Word, pieces};
pub use chain::{Lattice, Path, Scores, Tag, Transitions, viterbi};
pub use fold::{Fnv, FnvMap, FnvSet, fold};
pub use gazetteer::{Class, Gazetteer};
pub use model::{Calibration, Entity, Kind, ModelError, Tagger};
pub use table::{TAG_WEIGHTS, Table};
pub use token::{Shape, Token};
