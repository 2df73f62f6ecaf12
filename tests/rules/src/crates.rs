//! Which of our crates may depend on which. The order is that of the layers
//! below: a library uses only what stands before its own layer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::{hold, tree};

/// From the ground up. A new library goes into the lowest layer it can.
const LAYERS: &[(&str, &[&str])] = &[
    ("ground", &["kernel", "proto", "config", "tagger", "testkit", "validators"]),
    ("engines", &["crypto", "pii", "tlog"]),
    ("upon engines", &["detection", "documents", "transform"]),
    (
        "adapters",
        &[
            "cache",
            "cas",
            "db",
            "evidence",
            "keys",
            "presidio",
            "reasons",
            "rewriting",
            "scan",
            "telemetry",
        ],
    ),
    ("calls", &["console", "rpc", "wayback"]),
    ("parts", &["datakeys", "events", "mesh"]),
    ("upon parts", &["registry"]),
    ("process", &["boot", "client"]),
];
/// Pure: values in, values out. No clock, no I/O, no runtime, no wire.
const PURE: &[&str] =
    &["crypto", "detection", "documents", "pii", "tagger", "tlog", "transform", "validators"];
/// Engines are of one layer, so none uses `pii`; what stands upon them may.
const PURE_ONLY: &[&str] = &["kernel", "pii", "tagger", "validators"];
const NOT_IN_PURE: &[&str] =
    &["async-trait", "axum", "hyper", "metrics", "reqwest", "sqlx", "tokio", "tonic", "tracing"];
/// Real servers for tests: nothing that ships may link it.
const TESTKIT: &str = "testkit";
/// Composes the services into one process, and is the client.
const COMPOSES: &str = "signet";

struct Member {
    /// Ours, as (library name, is it optional).
    ours: Vec<(String, bool)>,
    outside: BTreeSet<String>,
    manifest: Value,
}

/// Normal and build dependencies of every crate below `libs` and `services`.
fn members() -> BTreeMap<String, Member> {
    let metadata = crate::outside::metadata(&["--no-deps"]);
    let mut members = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap();
        let mut member =
            Member { ours: Vec::new(), outside: BTreeSet::new(), manifest: package.clone() };
        for dependency in package["dependencies"].as_array().unwrap() {
            if dependency["kind"] == "dev" {
                continue;
            }
            match dependency["path"].as_str() {
                Some(path) => member.ours.push((
                    tree::shown(Path::new(path)),
                    dependency["optional"].as_bool().unwrap(),
                )),
                None => {
                    member.outside.insert(dependency["name"].as_str().unwrap().to_owned());
                }
            }
        }
        members.insert(tree::shown(folder), member);
    }
    members
}

fn layer(lib: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, libs)| libs.contains(&lib))
}

#[test]
fn libraries_use_only_the_layers_below() {
    let mut broken = Vec::new();
    for (folder, member) in members() {
        let Some(lib) = folder.strip_prefix("libs/") else { continue };
        let Some(own) = layer(lib) else {
            broken.push(format!("{folder} has no layer: give it one in tests/rules/src/crates.rs"));
            continue;
        };
        for (used, optional) in &member.ours {
            let for_tests = *optional && used == "libs/testkit";
            let below = used.strip_prefix("libs/").and_then(layer).is_some_and(|at| at < own);
            if !for_tests && (!below || used.ends_with(TESTKIT)) {
                broken.push(format!("{folder} ({}) must not use {used}", LAYERS[own].0));
            }
        }
    }
    hold("A library depends only on libraries of the layers before its own.", &broken);
}

#[test]
fn no_layer_names_what_is_not_there() {
    let there: BTreeSet<_> = tree::libs().into_iter().map(|(name, _)| name).collect();
    let named = LAYERS.iter().flat_map(|(_, libs)| *libs).chain(PURE);
    let gone: Vec<_> =
        named.filter(|lib| !there.contains(**lib)).map(|lib| format!("libs/{lib}")).collect();
    hold("Layers name only libraries that exist.", &gone);
}

#[test]
fn engines_are_pure() {
    let members = members();
    let mut broken = Vec::new();
    for lib in PURE {
        let member = &members[&format!("libs/{lib}")];
        for (used, _) in &member.ours {
            if !PURE_ONLY.iter().any(|allowed| used == &format!("libs/{allowed}")) {
                broken.push(format!("libs/{lib} must not use {used}"));
            }
        }
        for outside in NOT_IN_PURE.iter().filter(|name| member.outside.contains(**name)) {
            broken.push(format!("libs/{lib} must not use the crate {outside}"));
        }
    }
    hold(
        "An engine knows only the kernel and engines below it: no runtime, no I/O, no wire, no telemetry.",
        &broken,
    );
}

#[test]
fn no_service_depends_on_a_service() {
    let mut broken = Vec::new();
    for (folder, member) in members() {
        let composes = folder == format!("services/{COMPOSES}");
        for (used, optional) in &member.ours {
            if used.starts_with("services/") && !composes {
                broken.push(format!("{folder} must reach {used} through libs/proto's client"));
            }
            if folder.starts_with("services/") && used.ends_with(TESTKIT) && !optional {
                broken.push(format!("{folder} must use {used} only as a dev-dependency"));
            }
        }
    }
    hold("Services meet only over the wire; `services/signet` alone composes them.", &broken);
}

#[test]
fn services_on_their_own_know_no_mesh() {
    let broken: Vec<_> = members()
        .iter()
        .filter(|(folder, _)| folder.starts_with("services/") && !folder.ends_with(COMPOSES))
        .filter(|(_, member)| member.ours.iter().any(|(used, _)| used == "libs/mesh"))
        .map(|(folder, _)| folder.clone())
        .collect();
    hold("Only `services/signet` starts Envoy (libs/mesh).", &broken);
}

#[test]
fn crates_are_named_by_their_folder() {
    let mut broken = Vec::new();
    for (folder, member) in members() {
        let name = folder.rsplit('/').next().unwrap();
        let package = member.manifest["name"].as_str().unwrap();
        if package != format!("signet-{name}") && package != name {
            broken.push(format!("{folder} is the package {package}: expected signet-{name}"));
        }
        let manifest = tree::read(&tree::root().join(&folder).join("Cargo.toml"));
        if !manifest.contains("[lints]\nworkspace = true") {
            broken.push(format!("{folder}/Cargo.toml lacks `[lints] workspace = true`"));
        }
    }
    hold("Packages are named after their folder and take the workspace's lints.", &broken);
}
