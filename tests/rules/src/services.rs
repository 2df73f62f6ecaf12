//! What every service brings with it.

use crate::{hold, tree};

/// The whole mesh in one process: its parts have the samples.
const COMPOSES: &str = "signet";

#[test]
fn every_service_ships_a_sample_that_a_test_reads() {
    let mut broken = Vec::new();
    for (name, folder) in tree::services() {
        if name == COMPOSES {
            continue;
        }
        if !folder.join("config.sample.toml").is_file() {
            broken.push(format!("services/{name} has no config.sample.toml"));
        }
        let tests = tree::files(&[&format!("services/{name}")], &[".rs"]);
        if !tests.iter().any(|file| tree::read(file).contains("check_sample")) {
            broken
                .push(format!("services/{name}: no test reads its sample (config::check_sample)"));
        }
    }
    hold("A service's settings are shown in a sample, which a test reads.", &broken);
}

#[test]
fn every_service_has_its_layers() {
    let mut broken = Vec::new();
    for (name, folder) in tree::services() {
        if name == COMPOSES {
            continue;
        }
        for layer in ["presentation", "application", "domain"] {
            if !folder.join("src").join(layer).join("mod.rs").is_file() {
                broken.push(format!("services/{name}/src/{layer}/mod.rs is missing"));
            }
        }
    }
    hold("A service is laid out in layers: the next reader knows where to look.", &broken);
}
