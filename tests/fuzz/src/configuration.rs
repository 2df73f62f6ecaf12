//! Configuration, from variables: a file comes from an operator alone, but
//! takes the same way after it is parsed.

use std::collections::BTreeMap;

use config::{ListenAddr, Size, Sources, Validate, load};
use serde::Deserialize;

use crate::input::{pieces, text};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    _listen: Option<ListenAddr>,
    #[serde(default)]
    _most: Option<Size>,
    #[serde(default)]
    _wait: Option<config::Duration>,
    #[serde(default)]
    _names: Vec<String>,
}

impl Validate for Settings {}

/// Pieces are names and values in turn.
pub(crate) fn settings(data: &[u8]) {
    let pieces: Vec<_> = pieces(data).into_iter().filter_map(text).collect();
    let keys = ["_LISTEN", "_MOST", "_WAIT", "_NAMES"];
    let mut env = BTreeMap::new();
    for (number, piece) in pieces.iter().enumerate() {
        let key = keys.get(number).copied().unwrap_or(piece);
        env.insert(format!("SIGNET_FUZZ__{key}"), (*piece).to_owned());
    }
    let sources = Sources { service: "fuzz".to_owned(), file: None, env };
    if let Err(problems) = load::<Settings>(&sources) {
        assert!(!problems.to_string().is_empty());
    }
}
