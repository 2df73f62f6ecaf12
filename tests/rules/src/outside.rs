//! The crates of others: how many, and which never. Licences, sources and
//! duplicate stacks are cargo-deny's (`deny.toml`, `tests/lint.sh`).

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::{hold, tree};

const TARGET: &str = "x86_64-unknown-linux-gnu";
const MOST: usize = 450;
/// A second TLS or crypto stack beside rustls on aws-lc-rs.
const NEVER: &[&str] =
    &["boring", "mbedtls", "native-tls", "openssl", "openssl-sys", "ring", "rsa"];
/// What there is once, or the stack is there twice.
const ONCE: &[&str] = &["aws-lc-rs", "h2", "hyper", "prost", "rustls", "sqlx", "tokio", "tonic"];

fn cargo(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO")).args(arguments).current_dir(tree::root()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {}: {errors}", arguments.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn metadata(arguments: &[&str]) -> Value {
    let all = [&["metadata", "--format-version=1", "--locked"], arguments].concat();
    serde_json::from_str(&cargo(&all)).unwrap()
}

/// What is built into what ships: name to versions. `cargo tree`, not `cargo
/// metadata`: only it leaves out features that dev-dependencies turn on.
fn shipped() -> BTreeMap<String, BTreeSet<String>> {
    let listed = cargo(&[
        "tree",
        "--workspace",
        "--edges=normal,build",
        "--target",
        TARGET,
        "--prefix=none",
        "--format={p}",
        "--locked",
    ]);
    let mut crates = BTreeMap::<_, BTreeSet<_>>::new();
    for line in listed.lines().filter(|line| !line.contains("(/")) {
        let mut words = line.split_whitespace();
        let (name, version) = (words.next(), words.next());
        if let (Some(name), Some(version)) = (name, version) {
            crates.entry(name.to_owned()).or_default().insert(version.to_owned());
        }
    }
    crates
}

#[test]
fn the_tree_stays_lean() {
    let count: usize = shipped().values().map(BTreeSet::len).sum();
    assert!(count > 100, "cargo tree lists only {count} crates");
    assert!(count <= MOST, "{count} crates of others, at most {MOST}: cargo tree -e normal,build");
}

#[test]
fn there_is_one_tls_and_crypto_stack() {
    let crates = shipped();
    let mut broken = Vec::new();
    for name in NEVER.iter().filter(|name| crates.contains_key(**name)) {
        broken.push(format!("{name} is in the tree: cargo tree -e normal,build -i {name}"));
    }
    for name in ONCE {
        let versions = crates.get(*name).map_or(0, BTreeSet::len);
        if versions > 1 {
            broken.push(format!("{name} is there {versions} times: cargo tree -d"));
        }
    }
    hold("One TLS and crypto stack: rustls on aws-lc-rs, each part of it once.", &broken);
}

#[test]
fn versions_are_named_once() {
    let mut broken = Vec::new();
    for manifest in tree::files(&["libs", "services", "tests/rules"], &["Cargo.toml"]) {
        let text = tree::read(&manifest);
        let sections = text.split("\n[").filter(|section| {
            section.split(']').next().is_some_and(|name| name.ends_with("dependencies"))
        });
        for line in sections.flat_map(str::lines).filter(|line| line.contains('=')) {
            let ours = line.contains("path = ");
            if !ours && !line.contains("workspace = true") && !line.starts_with('#') {
                broken.push(format!("{}: {line}", tree::shown(&manifest)));
            }
        }
    }
    hold("Dependencies take their version from the workspace's Cargo.toml.", &broken);
}
