//! Inside a service: `presentation → application → domain`, and
//! `infrastructure → application::ports, domain`. `lib.rs` wires them.

use std::path::Path;

use crate::{hold, source, tree};

/// What a layer may name of its own crate, beside itself.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("application", &["domain"]),
    ("infrastructure", &["domain", "application::ports"]),
    ("presentation", &["domain", "application"]),
];
/// Crates that only the outer layers may name: the wire and the database.
const OUTER_ONLY: &[&str] = &["axum", "hyper", "reqwest", "sqlx", "tonic"];

/// The layer that a file of a service belongs to.
fn layer_of(service: &Path, file: &Path) -> Option<&'static str> {
    let inside = file.strip_prefix(service.join("src")).ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?.trim_end_matches(".rs");
    MAY_USE.iter().map(|(layer, _)| *layer).find(|layer| *layer == first)
}

/// Every (service folder, file, layer).
fn layered() -> Vec<(std::path::PathBuf, &'static str)> {
    let mut found = Vec::new();
    for (name, folder) in tree::services() {
        for file in tree::files(&[&format!("services/{name}/src")], &[".rs"]) {
            if let Some(layer) = layer_of(&folder, &file) {
                found.push((file, layer));
            }
        }
    }
    assert!(found.len() > 5, "the layers of the services were not found");
    found
}

/// Paths into the crate that the file names, `super::layer` included.
fn own_paths(text: &str) -> Vec<String> {
    let code = source::code_only(text);
    let mut paths = source::crate_paths(&code);
    for (layer, _) in MAY_USE {
        let above = format!("super::{layer}::");
        paths.extend(code.match_indices(&above).map(|_| format!("{layer}::")));
    }
    paths
}

fn allowed(layer: &str, path: &str) -> bool {
    let names = |prefix: &str| path == prefix || path.starts_with(&format!("{prefix}::"));
    let (_, may_use) = MAY_USE.iter().find(|(name, _)| *name == layer).unwrap();
    let is_layer = MAY_USE.iter().any(|(name, _)| names(name));
    !is_layer || names(layer) || may_use.iter().any(|used| names(used))
}

#[test]
fn layers_look_inward() {
    let mut broken = Vec::new();
    for (file, layer) in layered() {
        for path in own_paths(&tree::read(&file)) {
            if !allowed(layer, &path) {
                broken.push(format!("{}: {layer} must not use {path}", tree::shown(&file)));
            }
        }
    }
    hold(
        "presentation → application → domain; infrastructure → application::ports, domain.",
        &broken,
    );
}

#[test]
fn the_inner_layers_know_neither_wire_nor_database() {
    let mut broken = Vec::new();
    for (file, layer) in layered() {
        if !["domain", "application"].contains(&layer) {
            continue;
        }
        let code = source::code_only(&tree::read(&file));
        for outer in OUTER_ONLY {
            let path = format!("{outer}::");
            let named = code.match_indices(&path).any(|(at, _)| {
                !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
            });
            if named {
                broken.push(format!("{}: {layer} must not use {outer}", tree::shown(&file)));
            }
        }
    }
    hold("Application and domain use neither the wire nor the database.", &broken);
}

#[test]
fn the_rule_of_layers_bites() {
    for (layer, path) in [
        ("domain", "application::ports"),
        ("application", "infrastructure::events"),
        ("application", "presentation"),
        ("infrastructure", "application::append"),
        ("infrastructure", "presentation::X"),
        ("presentation", "infrastructure::events"),
    ] {
        assert!(!allowed(layer, path), "{layer} may use {path}");
    }
    for (layer, path) in [
        ("infrastructure", "application::ports::Events"),
        ("presentation", "application::append"),
        ("application", "domain"),
        ("domain", "domain::event"),
        ("presentation", "settings::Limits"),
    ] {
        assert!(allowed(layer, path), "{layer} may not use {path}");
    }
}
