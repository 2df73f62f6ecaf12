//! Bundles that are as they should be, and every way in which they are not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::Path;
use std::sync::LazyLock;

use chrono::{DateTime, Duration};
use crypto::envelope::{Content, Manifest, Terms, seal};
use crypto::{KeyAlgorithm, Limits, PrivateKey, encoding, provider};
use evidence::{Anchors, Bundle, EvidenceError, LoggedEvent, Proved, Vouched, entry_of};
use kernel::{Secret, TenantId, Timestamp};
use proptest::prelude::*;
use prost::Message as _;
use proto::audit::v1::{Event, Outcome};
use proto::common::v1::KeyValue;
use serde_json::{Value, json};
use tlog::{Checkpoint, LogProof, Signer, TreeHead, VerifierKey, leaf_hash, node_hash};

const ORIGIN: &str = "signet.example/log";

fn now() -> Timestamp {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn signer(seed: u8) -> Signer {
    Signer::from_seed(ORIGIN, &Secret::new([seed; 32])).unwrap()
}

/// A sealed and an amended manifest, and who has signed them.
struct Sample {
    sender: PrivateKey,
    amender: PrivateKey,
    sealed: String,
    amended: String,
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let [sender, amender] = [0, 1].map(|_| PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap());
    let [one, two] = [0, 1].map(|_| PrivateKey::generate(KeyAlgorithm::X25519).unwrap());
    let terms = Terms {
        tenant: TenantId::SYSTEM,
        sender: sender.kid().to_owned(),
        purpose: "message".to_owned(),
        content_type: "text/plain".to_owned(),
        in_reply_to: None,
        issued_at: now(),
        expires_at: now() + Duration::minutes(5),
    };
    let limits = Limits::default();
    let made = seal(&terms, &[one.public().clone()], b"secret".to_vec(), &limits).unwrap();
    let sealed = made.claims.sign(&sender).unwrap();
    let verified = Manifest::parse(&sealed, &limits).unwrap().verify(sender.public()).unwrap();
    let content = Content::parse(&made.content, &limits).unwrap();
    let key = verified.release(&one, content.wrapped_keys(), now()).unwrap();
    let to = [one.kid().to_owned(), two.kid().to_owned()];
    let amended = verified.amend(&to, &key, &amender, now()).unwrap();
    Sample { sender, amender, sealed, amended }
});

/// An event about the envelope of a manifest, as the envelope service writes it.
fn event(manifest: &str) -> Event {
    let claims = Manifest::parse(manifest, &Limits::default()).unwrap().verified_by_peer();
    let claims = claims.claims();
    let digest = encoding::encode(&provider::default().sha256(&[manifest.as_bytes()]));
    let pair = |key: &str, value: &str| KeyValue { key: key.into(), value: value.into() };
    Event {
        id: "01a1fe47-3ccd-707b-a64b-3002675f0c19".into(),
        r#type: "dev.signet.envelope.content_key.released".into(),
        source: "envelope".into(),
        time: Some(prost_types::Timestamp { seconds: now().timestamp(), nanos: 0 }),
        tenant: format!("tenants/{}", claims.tenant),
        actor: "users/x".into(),
        subject: format!("envelopes/{}", claims.id),
        outcome: Outcome::Success.into(),
        attributes: vec![
            pair("sender", &claims.sender),
            pair("purpose", &claims.purpose),
            pair("content_digest", &claims.digest),
            pair("manifest_digest", &digest),
        ],
        ..Event::default()
    }
}

/// A log of two entries, of which the event is the first.
fn logged(event: &Event, log: &Signer) -> LoggedEvent {
    let (encoded, salt) = (event.encode_to_vec(), [7; 32]);
    let (leaf, other) = (leaf_hash(&entry_of(&salt, &encoded)), leaf_hash(b"other"));
    let head = TreeHead { size: 2, root: node_hash(&leaf, &other) };
    let checkpoint = Checkpoint::new(ORIGIN, head).unwrap().sign(&[log]).unwrap();
    let proof = LogProof { extra: None, index: 0, hashes: vec![other], checkpoint };
    LoggedEvent::new(&encoded, &salt, proof.to_string())
}

fn jwk(key: &PrivateKey) -> Value {
    serde_json::from_str(&key.public().to_jwk()).unwrap()
}

fn bundle_of(manifest: &str, keys: &[&PrivateKey], event: &Event) -> Bundle {
    let keys = keys.iter().map(|key| jwk(key)).collect();
    let log = signer(1);
    let events = vec![logged(event, &log)];
    Bundle::new(manifest.to_owned(), keys, log.verifier().to_string(), events)
}

fn sealed() -> Bundle {
    bundle_of(&SAMPLE.sealed, &[&SAMPLE.sender], &event(&SAMPLE.sealed))
}

fn amended() -> Bundle {
    bundle_of(&SAMPLE.amended, &[&SAMPLE.sender, &SAMPLE.amender], &event(&SAMPLE.amended))
}

fn anchors() -> Anchors {
    Anchors { log_key: Some(signer(1).verifier().clone()), senders: Vec::new() }
}

fn verified(json: &[u8], anchors: &Anchors) -> Result<Proved, EvidenceError> {
    Bundle::parse(json)?.verify(anchors)
}

fn refused<T>(result: Result<T, EvidenceError>) -> EvidenceError {
    match result {
        Ok(_) => panic!("was believed"),
        Err(error) => error,
    }
}

#[test]
fn a_genuine_bundle_is_proved_by_what_was_given() {
    for bundle in [sealed(), amended()] {
        let json = bundle.to_json();
        assert!(Bundle::is_meant(&json));
        let proved = verified(&json, &anchors()).unwrap();
        assert_eq!((proved.sender, proved.log_given), (Vouched::ByLog, true));
        assert_eq!((proved.log.as_str(), proved.events.len()), (ORIGIN, 1));
        let event = &proved.events[0];
        assert_eq!((event.index, event.head.size, event.is_of_this_manifest), (0, 2, true));
        assert_eq!(event.event.attribute("purpose"), Some("message"));
        let given = Anchors { senders: vec![SAMPLE.sender.kid().to_owned()], ..anchors() };
        assert_eq!(verified(&json, &given).unwrap().sender, Vouched::Given);
        let proved = verified(&json, &Anchors::default()).unwrap();
        assert!(!proved.log_given, "it says that nobody has vouched for the log");
    }
}

/// What is read of an event is what the mesh's contract calls it.
#[test]
fn events_are_those_of_the_contract() {
    let told = event(&SAMPLE.sealed);
    let read = evidence::Event::decode(told.encode_to_vec().as_slice()).unwrap();
    assert_eq!((read.id, read.kind, read.source), (told.id, told.r#type, told.source));
    assert_eq!((read.tenant, read.actor, read.subject), (told.tenant, told.actor, told.subject));
    assert_eq!(read.time.unwrap().seconds, told.time.unwrap().seconds);
    assert_eq!(read.outcome, told.outcome);
    let pairs: Vec<_> = read.attributes.into_iter().map(|pair| (pair.key, pair.value)).collect();
    let ours: Vec<_> = told.attributes.into_iter().map(|pair| (pair.key, pair.value)).collect();
    assert_eq!(pairs, ours);
}

#[test]
fn other_anchors_refuse() {
    let json = sealed().to_json();
    let other = Anchors { log_key: Some(signer(2).verifier().clone()), senders: Vec::new() };
    assert!(matches!(refused(verified(&json, &other)), EvidenceError::OtherLog { .. }));
    let other = Anchors { senders: vec![SAMPLE.amender.kid().to_owned()], ..anchors() };
    let found = SAMPLE.sender.kid().to_owned();
    assert_eq!(refused(verified(&json, &other)), EvidenceError::OtherSender { found });
    // The same name with another key: a log that pretends.
    let mut forged: Value = serde_json::from_slice(&json).unwrap();
    forged["log_key"] = json!(signer(2).verifier().to_string());
    forged["events"] = json!([logged(&event(&SAMPLE.sealed), &signer(2))]);
    let forged = forged.to_string().into_bytes();
    assert!(verified(&forged, &Anchors::default()).is_ok());
    assert!(matches!(refused(verified(&forged, &anchors())), EvidenceError::OtherLog { .. }));
}

#[test]
fn an_event_of_another_version_of_the_manifest_vouches_for_no_sender() {
    let bundle =
        bundle_of(&SAMPLE.amended, &[&SAMPLE.sender, &SAMPLE.amender], &event(&SAMPLE.sealed));
    let proved = bundle.verify(&anchors()).unwrap();
    assert!(!proved.events[0].is_of_this_manifest);
    assert_eq!(proved.sender, Vouched::Nobody);
}

#[test]
fn events_about_something_else_are_refused() {
    let change = |change: &dyn Fn(&mut Event)| {
        let mut event = event(&SAMPLE.sealed);
        change(&mut event);
        refused(bundle_of(&SAMPLE.sealed, &[&SAMPLE.sender], &event).verify(&anchors())).to_string()
    };
    assert!(change(&|e| e.subject = "envelopes/x".into()).contains("something else"));
    assert!(change(&|e| e.tenant = "tenants/x".into()).contains("something else"));
    for at in 0..3 {
        assert!(change(&|e| e.attributes[at].value = "x".into()).contains("than the manifest's"));
    }
}

#[test]
fn keys_are_exactly_those_of_the_signers() {
    let (sender, amender) = (&SAMPLE.sender, &SAMPLE.amender);
    let event = event(&SAMPLE.amended);
    for keys in [&[sender][..], &[amender, sender], &[sender, amender, sender], &[amender]] {
        let bundle = bundle_of(&SAMPLE.amended, keys, &event);
        assert_eq!(refused(bundle.verify(&anchors())), EvidenceError::Keys);
    }
    assert_eq!(
        refused(Bundle::parse(&bundle_of(&SAMPLE.amended, &[], &event).to_json())),
        EvidenceError::Malformed("keys")
    );
}

/// Changes each letter of each value, one after the other.
#[test]
fn whatever_is_changed_is_noticed() {
    let good: Value = serde_json::from_slice(&amended().to_json()).unwrap();
    let mut changed = 0;
    for place in places(&good, String::new()) {
        let text = good.pointer(&place).unwrap().as_str().unwrap().to_owned();
        for (at, letter) in text.char_indices() {
            let other = if letter == 'A' { "B" } else { "A" };
            let mut spoilt = text.clone();
            spoilt.replace_range(at..at + letter.len_utf8(), other);
            let mut bundle = good.clone();
            *bundle.pointer_mut(&place).unwrap() = json!(spoilt);
            let told = verified(bundle.to_string().as_bytes(), &anchors());
            assert!(told.is_err(), "{place} at {at}");
            changed += 1;
        }
    }
    assert!(changed > 2_000, "{changed}");
    for (place, value) in [
        ("/evidence", json!(2)),
        ("/keys", json!([])),
        ("/events", json!([])),
        ("/events/0/salt", json!("AA")),
        ("/events/0/encoded", json!("")),
    ] {
        let mut bundle = good.clone();
        *bundle.pointer_mut(place).unwrap() = value;
        assert!(verified(bundle.to_string().as_bytes(), &anchors()).is_err(), "{place}");
    }
}

/// Where the strings of a value are.
fn places(value: &Value, place: String) -> Vec<String> {
    match value {
        Value::String(_) => vec![place],
        Value::Array(items) => (0_usize..)
            .zip(items)
            .flat_map(|(index, item)| places(item, format!("{place}/{index}")))
            .collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, member)| places(member, format!("{place}/{name}")))
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn what_no_signature_covers_is_refused() {
    let good: Value = serde_json::from_slice(&sealed().to_json()).unwrap();
    let proof = good["events"][0]["proof"].as_str().unwrap();
    for (place, value) in [
        ("/events/0/proof", json!(proof.replacen("\nindex", "\nextra AAAA\nindex", 1))),
        ("/events/0/proof", json!(format!("{proof}\n"))),
        ("/log_key", json!(format!("{} ", good["log_key"].as_str().unwrap()))),
    ] {
        let mut bundle = good.clone();
        *bundle.pointer_mut(place).unwrap() = value;
        assert!(verified(bundle.to_string().as_bytes(), &anchors()).is_err(), "{place}");
    }
    for (place, member) in [("", "more"), ("/events/0", "more"), ("/keys/0", "x5u")] {
        let mut bundle = good.clone();
        bundle.pointer_mut(place).unwrap()[member] = json!("x");
        assert!(verified(bundle.to_string().as_bytes(), &anchors()).is_err(), "{place}/{member}");
    }
    let mut twice = good.clone();
    twice["events"] = json!([good["events"][0], good["events"][0]]);
    let told = refused(verified(twice.to_string().as_bytes(), &anchors()));
    assert!(told.to_string().contains("twice"));
    let many = vec![good["events"][0].clone(); 65];
    twice["events"] = json!(many);
    assert_eq!(
        refused(verified(twice.to_string().as_bytes(), &anchors())),
        EvidenceError::Malformed("events")
    );
}

#[test]
fn other_files_are_told_apart() {
    for text in ["", "[]", "{}", "{\"manifest\":\"a\",\"content\":\"b\"}", "evidence"] {
        assert!(!Bundle::is_meant(text.as_bytes()), "{text}");
        assert!(Bundle::parse(text.as_bytes()).is_err());
    }
    assert!(Bundle::is_meant(b"{\"evidence\":9}"));
    assert!(matches!(refused(Bundle::parse(&vec![b' '; 5 << 20])), EvidenceError::TooLarge(_)));
}

/// The bundle in tests/vectors, for other implementations. `SIGNET_WRITE_VECTORS=1` makes it anew.
#[test]
fn the_published_bundle_is_proved() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/evidence.json");
    if std::env::var_os("SIGNET_WRITE_VECTORS").is_some() {
        std::fs::write(&path, amended().to_json()).unwrap();
    }
    let log_key: VerifierKey = signer(1).verifier().clone();
    let anchors = Anchors { log_key: Some(log_key), senders: Vec::new() };
    let proved = verified(&std::fs::read(path).unwrap(), &anchors).unwrap();
    assert_eq!((proved.sender, proved.manifest.amendments().len()), (Vouched::ByLog, 1));
}

proptest! {
    #[test]
    fn nothing_foreign_is_believed(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        prop_assert!(verified(&bytes, &Anchors::default()).is_err());
    }
}
