//! The first thing that a newcomer sees: the top of the tree.

use crate::{hold, tree};

/// What lies there, each with what it is for.
const ENTRIES: &[(&str, &str)] = &[
    ("CONTRIBUTING.md", "how to add an RPC, a service, a migration, a setting"),
    ("Cargo.lock", "the exact crates"),
    ("Cargo.toml", "the workspace"),
    ("LICENSE", "Apache-2.0"),
    ("Makefile", "every command"),
    ("README.md", "what, why and the ten-minute start"),
    ("clippy.toml", "read by clippy only from here"),
    ("deny.toml", "read by cargo-deny only from here"),
    ("deploy", "Envoy, compose, later Kubernetes"),
    ("docker-compose.yml", "the mesh in containers"),
    ("docs", "architecture, threat model, errors, decisions"),
    ("examples", "made-up texts with personal data"),
    ("libs", "what the services share"),
    ("proto", "the contract"),
    ("rustfmt.toml", "read by rustfmt only from here"),
    ("services", "six services, and the one that composes them"),
    ("tests", "the whole mesh from outside, rules, fuzzing, tools"),
];

#[test]
fn the_top_of_the_tree_holds_only_what_belongs_there() {
    let ignored = tree::read(&tree::root().join(".gitignore"));
    let ignored: Vec<_> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    let extra: Vec<_> = tree::entries(".")
        .iter()
        .map(|path| tree::name(path))
        .filter(|name| !name.starts_with('.') && !ignored.contains(&name.as_str()))
        .filter(|name| !ENTRIES.iter().any(|(entry, _)| entry == name))
        .collect();
    hold("A new entry at the top goes into a folder, or gets its reason here.", &extra);
}
