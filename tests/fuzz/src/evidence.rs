//! Amended manifests and evidence bundles: what a verifier is handed by whoever likes.

use std::sync::LazyLock;

use crypto::PublicKey;
use crypto::envelope::{Content, Manifest};
use crypto::{KeyAlgorithm, Limits, PrivateKey};
use evidence::{Anchors, Bundle, LoggedEvent, entry_of};
use kernel::Secret;
use tlog::{Checkpoint, LogProof, Signer, TreeHead, leaf_hash};

use crate::envelope::{SAMPLE, now};
use crate::input::{edited, text};

/// The sample envelope, passed on by its recipient.
struct Amended {
    amender: PrivateKey,
    manifest: String,
    bundle: Vec<u8>,
}

static AMENDED: LazyLock<Amended> = LazyLock::new(|| {
    let (sample, limits) = (&*SAMPLE, Limits::default());
    let amender = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
    let content = Content::parse(&sample.content, &limits).ok().unwrap();
    let manifest = Manifest::parse(&sample.manifest, &limits).ok().unwrap();
    let manifest = manifest.verify(sample.signer.public()).ok().unwrap();
    let key = manifest.release(&sample.recipient, content.wrapped_keys(), now()).ok().unwrap();
    let to = [sample.recipient.kid().to_owned()];
    let manifest = manifest.amend(&to, &key, &amender, now()).ok().unwrap();
    let bundle = bundle_of(&manifest, &[&sample.signer, &amender]);
    Amended { amender, manifest, bundle }
});

/// With one event that says nothing but what it is about.
fn bundle_of(manifest: &str, signers: &[&PrivateKey]) -> Vec<u8> {
    let claims = Manifest::parse(manifest, &Limits::default()).ok().unwrap().verified_by_peer();
    // Fields 5 and 7 of an event: tenant and subject.
    let mut event = Vec::new();
    let (tenant, id) = (claims.claims().tenant, claims.claims().id);
    for (tag, value) in [(0x2a, format!("tenants/{tenant}")), (0x3a, format!("envelopes/{id}"))] {
        event.extend([tag, u8::try_from(value.len()).unwrap()]);
        event.extend(value.into_bytes());
    }
    let log = Signer::from_seed("example.com/log", &Secret::new([7; 32])).unwrap();
    let head = TreeHead { size: 1, root: leaf_hash(&entry_of(&[1; 32], &event)) };
    let checkpoint = Checkpoint::new("example.com/log", head).unwrap().sign(&[&log]).unwrap();
    let proof = LogProof { extra: None, index: 0, hashes: Vec::new(), checkpoint }.to_string();
    let keys = signers.iter().map(|key| serde_json::from_str(&key.public().to_jwk()).unwrap());
    let events = vec![LoggedEvent::new(&event, &[1; 32], proof)];
    let log_key = log.verifier().to_string();
    let bundle = Bundle::new(manifest.to_owned(), keys.collect(), log_key, events);
    assert!(bundle.verify(&Anchors::default()).is_ok());
    bundle.to_json()
}

pub(crate) fn amended_manifest(data: &[u8]) {
    let (sample, amended) = (&*SAMPLE, &*AMENDED);
    let forged = edited(amended.manifest.as_bytes(), data);
    let key_of = |kid: &str| -> Option<PublicKey> {
        let keys = [sample.signer.public(), amended.amender.public()];
        keys.into_iter().find(|key| key.kid() == kid).cloned()
    };
    for bytes in [data, &forged] {
        let Some(token) = text(bytes) else { continue };
        let Ok(manifest) = Manifest::parse(token, &Limits::default()) else { continue };
        assert!(manifest.claimed_signers().count() <= 5, "a chain without end");
        let genuine = token == amended.manifest || token == sample.manifest;
        assert!(manifest.verify_by(key_of).is_err() || genuine, "a forged amendment is believed");
    }
}

pub(crate) fn evidence_bundle(data: &[u8]) {
    let good = &AMENDED.bundle;
    let anchors = || {
        let log = Signer::from_seed("example.com/log", &Secret::new([7; 32])).unwrap();
        Anchors { log_key: Some(log.verifier().clone()), senders: Vec::new() }
    };
    let genuine: serde_json::Value = serde_json::from_slice(good).unwrap();
    let forged = edited(good, data);
    for bytes in [data, &forged] {
        let Ok(bundle) = Bundle::parse(bytes) else { continue };
        assert!(Bundle::is_meant(bytes));
        if bundle.verify(&anchors()).is_ok() {
            // White space between members means nothing.
            let same: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            assert_eq!(same, genuine, "a forged bundle is believed");
        }
    }
}
