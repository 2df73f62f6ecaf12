//! What holds for the whole tree, whoever changes it: who may depend on whom,
//! how large things get, what must be said and what must not be left behind.
//! A failure names the rule, the place and what to do; a rule that has an
//! exception names its reason beside it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests: what fails here is meant to stop the run"
)]

mod crates;
mod layers;
mod left_behind;
mod migrations;
mod outside;
mod protos;
mod releases;
mod services;
mod sizes;
mod source;
mod top_level;
mod tree;

/// Fails with every place that breaks the rule, one a line.
fn hold(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}\n  {}\n", broken.join("\n  "));
}
