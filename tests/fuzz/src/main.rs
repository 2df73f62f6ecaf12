//! Every parser of foreign bytes, under libFuzzer. One binary for all targets:
//! `SIGNET_FUZZ_TARGET` names the one to run (`run.sh` does all of them).
//!
//! A target panics where a promise is broken: not only where the code under it
//! panics, but where what was parsed does not write back to what it was, or
//! where something forged is believed.
#![no_main]

mod configuration;
mod door;
mod envelope;
mod evidence;
mod input;
mod log;
mod privacy;
mod sealed_file;
mod storage;
mod stream;
mod transformed;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

type Target = fn(&[u8]);

/// `run.sh` reads the names from here.
const TARGETS: &[(&str, Target)] = &[
    ("manifest", envelope::manifest),
    ("manifest_claims", envelope::manifest_claims),
    ("content", envelope::content),
    ("wrapped_keys", envelope::wrapped_keys),
    ("envelope_altered", envelope::altered),
    ("amended_manifest", evidence::amended_manifest),
    ("evidence_bundle", evidence::evidence_bundle),
    ("nested_token", envelope::nested_token),
    ("public_jwk", envelope::public_jwk),
    ("private_jwk", envelope::private_jwk),
    ("stream_chunks", stream::chunks),
    ("sealed_file", sealed_file::sealed_file),
    ("server_sent_events", stream::server_sent_events),
    ("field_at_rest", storage::field),
    ("blob_at_rest", storage::blob),
    ("wrapped_data_key", storage::wrapped_data_key),
    ("keyring", storage::keyring),
    ("blob_name", storage::blob_name),
    ("page_token", storage::page_token),
    ("tile_path", log::tile_path),
    ("tile_content", log::tile_content),
    ("note", log::note),
    ("checkpoint", log::checkpoint),
    ("log_proof", log::log_proof),
    ("verifier_key", log::verifier_key),
    ("proofs", log::proofs),
    ("detect", privacy::detect),
    ("document", privacy::document),
    ("round_trip", privacy::round_trip),
    ("restore_cut", privacy::restore_cut),
    ("mapping", privacy::mapping),
    ("names_model", privacy::names_model),
    ("chat_request", privacy::chat_request),
    ("chat_stream", privacy::chat_stream),
    ("policy", transformed::policy),
    ("restore_tokens", transformed::restore_tokens),
    ("format_preserving", transformed::format_preserving),
    ("settings", configuration::settings),
    ("timeout", door::timeout),
    ("client_certificate", door::client_certificate),
    ("sealed_mapping", door::mapping),
];

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("SIGNET_FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("SIGNET_FUZZ_TARGET names no target: {name:?}")).1
});

// The recognizers are compiled before the clock starts: it takes a second.
fuzz_target!(init: privacy::prepare(), |data: &[u8]| TARGET(data));
