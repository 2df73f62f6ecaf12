//! Recipients changed without touching the content.

use chrono::Duration;
use crypto::envelope::{
    Content, ContentKey, Fate, Manifest, Rewrap, Rewrapped, Standing, VerifiedManifest, WrappedKeys,
};
use crypto::{Detail, KeyAlgorithm, Limits, OpenError, PrivateKey, PublicKey, SealError, encoding};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{HYBRID, P256, Refused, Wire, X25519, now, suites, wire};

fn new_key(algorithm: KeyAlgorithm) -> PrivateKey {
    PrivateKey::generate(algorithm).unwrap()
}

/// Verifies with these signers, whoever they are said to be.
fn verified(wire: &Wire, signers: &[&PrivateKey]) -> Result<VerifiedManifest, OpenError> {
    let key_of = |kid: &str| -> Option<PublicKey> {
        signers.iter().map(|key| key.public()).find(|key| key.kid() == kid).cloned()
    };
    Manifest::parse(&wire.manifest, &Limits::default())?.verify_by(key_of)
}

fn open(wire: &Wire, signers: &[&PrivateKey], own: &PrivateKey) -> Result<Vec<u8>, OpenError> {
    let manifest = verified(wire, signers)?;
    let content = Content::parse(&wire.content, &Limits::default())?;
    let key = manifest.release(own, content.wrapped_keys(), now())?;
    key.open(&manifest, &content).map(|plaintext| plaintext.to_vec())
}

fn released(
    wire: &Wire,
    signers: &[&PrivateKey],
    own: &PrivateKey,
) -> (VerifiedManifest, ContentKey) {
    let manifest = verified(wire, signers).unwrap();
    let content = Content::parse(&wire.content, &Limits::default()).unwrap();
    let key = manifest.release(own, content.wrapped_keys(), now()).unwrap();
    (manifest, key)
}

fn standing(manifest: &VerifiedManifest, removed: &[&str]) -> Vec<Standing> {
    let fate = |kid: &str| if removed.contains(&kid) { Fate::Removed } else { Fate::Stays };
    let named = manifest.claims().recipients.iter();
    named
        .map(|kid| Standing { named: kid.clone(), wrapped: kid.clone(), fate: fate(kid) })
        .collect()
}

fn applied(wire: &Wire, done: Rewrapped) -> Wire {
    let content = Content::parse(&wire.content, &Limits::default()).unwrap();
    let manifest = done.manifest.unwrap_or_else(|| wire.manifest.clone());
    Wire { manifest, content: content.with_wrapped_keys(&done.wrapped_keys) }
}

fn keys_of(wire: &Wire) -> WrappedKeys {
    Content::parse(&wire.content, &Limits::default()).unwrap().wrapped_keys().clone()
}

/// `own` opens, `amender` signs: others are added and removed.
fn amended(
    wire: &Wire,
    signers: &[&PrivateKey],
    (own, amender): (&PrivateKey, &PrivateKey),
    (add, remove): (&[&PrivateKey], &[&str]),
) -> Result<Wire, SealError> {
    let (manifest, key) = released(wire, signers, own);
    let add = add.iter().map(|key| key.public().clone()).collect();
    let change = Rewrap { recipients: standing(&manifest, remove), add };
    let done = change.apply(&manifest, &keys_of(wire), &key, Some((amender, now())))?;
    Ok(applied(wire, done))
}

#[test]
fn an_added_recipient_opens_and_a_removed_one_does_not() {
    for keys in suites() {
        let before = wire(keys, b"passed on");
        let amender = new_key(keys.signer.algorithm());
        let added = new_key(keys.recipient.algorithm());
        let signers = [&keys.signer, &amender];
        let both =
            amended(&before, &signers, (&keys.recipient, &amender), (&[&added], &[])).unwrap();
        for own in [&keys.recipient, &added] {
            assert_eq!(open(&both, &signers, own).unwrap(), b"passed on");
        }
        assert_eq!(open(&both, &signers, &keys.other).refused(), OpenError::NotARecipient);
        let gone = keys.recipient.kid();
        let one = amended(&both, &signers, (&added, &amender), (&[], &[gone])).unwrap();
        assert_eq!(open(&one, &signers, &added).unwrap(), b"passed on");
        assert_eq!(open(&one, &signers, &keys.recipient).refused(), OpenError::NotARecipient);
        assert!(!one.content.contains(gone));
        let manifest = verified(&one, &signers).unwrap();
        let original = verified(&before, &signers).unwrap();
        assert_eq!(manifest.sealed_for(), [gone]);
        assert_eq!(manifest.claims().recipients, [added.kid()]);
        let by: Vec<_> = manifest.amendments().iter().map(|one| one.amender.as_str()).collect();
        assert_eq!(by, [amender.kid(), amender.kid()]);
        let claims = (manifest.claims(), original.claims());
        assert_eq!(claims.0.id, claims.1.id);
        assert_eq!(claims.0.digest, claims.1.digest);
        assert_eq!(
            (claims.0.expires_at, &claims.0.purpose),
            (claims.1.expires_at, &claims.1.purpose)
        );
    }
}

/// Neither a signature nor a recipient of another suite gets in by an amendment.
#[test]
fn suites_do_not_mix_later_either() {
    let other = new_key(KeyAlgorithm::Ed25519);
    for (keys, amender, added) in [
        (&*HYBRID, &other, &HYBRID.other),
        (&*HYBRID, &HYBRID.signer, &X25519.other),
        (&*X25519, &HYBRID.signer, &X25519.other),
        (&*X25519, &other, &HYBRID.other),
    ] {
        let before = wire(keys, b"x");
        let by = (&keys.recipient, amender);
        let mixed = amended(&before, &[&keys.signer, amender], by, (&[added], &[]));
        assert_eq!(mixed.refused(), SealError::MixedSuites);
    }
}

#[test]
fn the_content_is_the_same_bytes() {
    let before = wire(&X25519, b"untouched");
    let added = new_key(KeyAlgorithm::P256);
    let keys = (&X25519.recipient, &X25519.signer);
    let after = amended(&before, &[&X25519.signer], keys, (&[&added], &[])).unwrap();
    let parts = |wire: &Wire| {
        let content: Value = serde_json::from_str(&wire.content).unwrap();
        ["protected", "iv", "ciphertext", "tag"].map(|name| content[name].clone())
    };
    assert_eq!(parts(&before), parts(&after));
    // The sender himself has amended, so one key verifies it all.
    let manifest = Manifest::parse(&after.manifest, &Limits::default()).unwrap();
    assert_eq!(manifest.claimed_signers().count(), 2);
    assert!(manifest.verify(X25519.signer.public()).is_ok());
}

#[test]
fn renewing_needs_no_signature() {
    let before = wire(&X25519, b"rotated");
    let (manifest, key) = released(&before, &[&X25519.signer], &X25519.recipient);
    let (old, new) = (X25519.recipient.kid().to_owned(), new_key(KeyAlgorithm::X25519));
    let fate = Fate::Renewed(new.public().clone());
    let recipients = vec![Standing { named: old.clone(), wrapped: old.clone(), fate }];
    let change = Rewrap { recipients, add: Vec::new() };
    assert!(!change.amends());
    let done = change.apply(&manifest, &keys_of(&before), &key, None).unwrap();
    assert!(done.manifest.is_none());
    let after = applied(&before, done);
    let keys = keys_of(&after);
    assert_eq!(keys.recipients().collect::<Vec<_>>(), [new.kid()]);
    let key = manifest.release_renewed(&old, &new, &keys, now()).unwrap();
    let content = Content::parse(&after.content, &Limits::default()).unwrap();
    assert_eq!(*key.open(&manifest, &content).unwrap(), b"rotated");
    // Amended afterwards, the list names the key that the content key is wrapped for.
    let recipients =
        vec![Standing { named: old, wrapped: new.kid().to_owned(), fate: Fate::Stays }];
    let change = Rewrap { recipients, add: vec![P256.recipient.public().clone()] };
    let done = change.apply(&manifest, &keys, &key, Some((&X25519.signer, now()))).unwrap();
    let after = applied(&after, done);
    for own in [&new, &P256.recipient] {
        assert_eq!(open(&after, &[&X25519.signer], own).unwrap(), b"rotated");
    }
}

#[test]
fn who_never_had_the_content_key_cannot_amend() {
    let before = wire(&X25519, b"not for you");
    let outsider = new_key(KeyAlgorithm::Ed25519);
    let other = wire(&X25519, b"another");
    let (_, wrong) = released(&other, &[&X25519.signer], &X25519.recipient);
    let manifest = verified(&before, &[&X25519.signer]).unwrap();
    let to = vec![X25519.recipient.kid().to_owned()];
    assert_eq!(manifest.amend(&to, &wrong, &outsider, now()).refused(), SealError::WrongKey);
    // Made by hand, with a proof of possession that is somebody else's or nobody's.
    let signers = [&X25519.signer, &outsider, &P256.signer];
    let keys = (&X25519.recipient, &P256.signer);
    let honest = amended(&before, &signers, keys, (&[&P256.recipient], &[])).unwrap();
    let stolen = payload(&honest.manifest)["possession"].clone();
    for possession in [stolen, json!(encoding::encode(&[0; 32]))] {
        let mut forged = payload(&honest.manifest);
        forged["amender"] = json!(outsider.kid());
        forged["possession"] = possession;
        let manifest = signed(&outsider, &forged);
        let wire = Wire { manifest, ..honest.clone() };
        assert!(verified(&wire, &signers).is_ok(), "nobody can tell without the content key");
        let error = open(&wire, &signers, &X25519.recipient).refused();
        assert_eq!(error.detail(), Some(Detail::ContentKey));
    }
}

/// Signs any payload as an amendment, as a hostile tenant could.
fn signed(key: &PrivateKey, payload: &Value) -> String {
    let header = json!({"alg": "EdDSA", "kid": key.kid(), "typ": "signet-amendment+jws"});
    let part = |value: &Value| encoding::encode(value.to_string().as_bytes());
    let input = format!("{}.{}", part(&header), part(payload));
    let signer = crypto::provider::default().signer(key.algorithm(), key.pkcs8()).unwrap();
    format!("{input}.{}", encoding::encode(&signer.sign(input.as_bytes()).unwrap()))
}

fn payload(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&encoding::decode(payload).unwrap()).unwrap()
}

fn one_amended() -> (Wire, Wire) {
    let before = wire(&X25519, b"x");
    let keys = (&X25519.recipient, &P256.signer);
    let signers = [&X25519.signer, &P256.signer];
    let after = amended(&before, &signers, keys, (&[&P256.recipient], &[])).unwrap();
    (before, after)
}

#[test]
fn what_an_amendment_may_not_say() {
    let (_, after) = one_amended();
    let (good, end) = (payload(&after.manifest), now().timestamp() + 300);
    let many: Vec<String> = (0..65_u8).map(|i| encoding::encode(&[i; 32])).collect();
    let kid = P256.signer.kid();
    for (name, value, part) in [
        ("ver", json!(2), "manifest.ver"),
        ("amender", json!("me"), "manifest.amender"),
        ("recipients", json!([]), "manifest.recipients"),
        ("recipients", json!([kid, kid]), "manifest.recipients"),
        ("recipients", json!(many), "recipients"),
        ("possession", json!("AA"), "manifest.possession"),
        ("iat", json!(now().timestamp() - 1), "manifest.iat"),
        ("iat", json!(end), "manifest.iat"),
        ("prior", json!("a.b.c"), "manifest"),
        ("prior", json!(1), "manifest.payload"),
        ("exp", json!(end + 1000), "manifest.payload"),
        ("jti", json!("x"), "manifest.payload"),
    ] {
        let mut changed = good.clone();
        changed[name] = value;
        let manifest = signed(&P256.signer, &changed);
        let told = match Manifest::parse(&manifest, &Limits::default()).refused() {
            OpenError::Malformed(part) | OpenError::TooLarge { part, .. } => part,
            error => panic!("{error}"),
        };
        assert_eq!(told, part, "{name}");
    }
}

#[test]
fn signers_are_asked_for_and_each_must_have_signed() {
    let (_, after) = one_amended();
    let manifest = Manifest::parse(&after.manifest, &Limits::default()).unwrap();
    let signers: Vec<_> = manifest.claimed_signers().map(str::to_owned).collect();
    assert_eq!(signers, [X25519.signer.kid(), P256.signer.kid()]);
    for missing in [&X25519.signer, &P256.signer] {
        let error = verified(&after, &[missing]).err().unwrap();
        assert_eq!(error.detail(), Some(Detail::Signature));
    }
    // An opener that knows only senders refuses it.
    assert!(manifest.verify(X25519.signer.public()).is_err());
}

#[test]
fn chains_have_an_end() {
    let mut wire = wire(&X25519, b"x");
    let keys = (&X25519.recipient, &X25519.signer);
    let mut added = Vec::new();
    for _ in 0..4 {
        added.push(new_key(KeyAlgorithm::X25519));
        let last = added.last().unwrap();
        wire = amended(&wire, &[&X25519.signer], keys, (&[last], &[])).unwrap();
    }
    for own in added.iter().chain([&X25519.recipient]) {
        assert_eq!(open(&wire, &[&X25519.signer], own).unwrap(), b"x");
    }
    let more = amended(&wire, &[&X25519.signer], keys, (&[&P256.recipient], &[]));
    assert_eq!(more.refused(), SealError::AmendedTooOften(4));
    let mut fifth = payload(&wire.manifest);
    fifth["prior"] = json!(wire.manifest);
    let fifth = signed(&X25519.signer, &fifth);
    let error = Manifest::parse(&fifth, &Limits::default()).refused();
    assert_eq!(error, OpenError::TooLarge { part: "manifest.prior", limit: 4 });
    let small = Limits { manifest: wire.manifest.len() / 4 - 1, ..Limits::default() };
    let error = Manifest::parse(&wire.manifest, &small).refused();
    assert!(matches!(error, OpenError::TooLarge { part: "manifest", .. }));
}

#[test]
fn sixty_four_recipients_can_be_exchanged() {
    let keys: Vec<_> = (0..64).map(|_| new_key(KeyAlgorithm::X25519)).collect();
    let add: Vec<_> = keys.iter().collect();
    let before = wire(&X25519, b"all");
    let own = X25519.recipient.kid();
    let by = (&X25519.recipient, &X25519.signer);
    let more = amended(&before, &[&X25519.signer], by, (&add, &[]));
    assert_eq!(more.refused(), SealError::TooManyRecipients(64));
    let after = amended(&before, &[&X25519.signer], by, (&add, &[own])).unwrap();
    assert_eq!(open(&after, &[&X25519.signer], &keys[63]).unwrap(), b"all");
}

#[test]
fn changes_that_make_no_sense_are_refused() {
    let before = wire(&X25519, b"x");
    let (manifest, key) = released(&before, &[&X25519.signer], &X25519.recipient);
    let own = X25519.recipient.kid();
    let refused = |add: Vec<PublicKey>, removed: &[&str]| {
        let change = Rewrap { recipients: standing(&manifest, removed), add };
        change.apply(&manifest, &keys_of(&before), &key, Some((&X25519.signer, now()))).refused()
    };
    assert_eq!(refused(vec![], &[own]), SealError::NoRecipients);
    let twice = vec![X25519.recipient.public().clone()];
    assert_eq!(refused(twice, &[]), SealError::DuplicateRecipient);
    assert_eq!(refused(vec![P256.signer.public().clone()], &[]), SealError::WrongKey);
    let add = || vec![P256.recipient.public().clone()];
    let change = Rewrap { recipients: standing(&manifest, &[]), add: add() };
    let unsigned = change.apply(&manifest, &keys_of(&before), &key, None);
    assert_eq!(unsigned.refused(), SealError::WrongKey);
    let by_sealer = Some((&X25519.recipient, now()));
    assert_eq!(
        change.apply(&manifest, &keys_of(&before), &key, by_sealer).refused(),
        SealError::WrongKey
    );
    for seconds in [-1, 300] {
        let at = Some((&X25519.signer, now() + Duration::seconds(seconds)));
        let error = change.apply(&manifest, &keys_of(&before), &key, at).refused();
        assert_eq!(error, SealError::Invalid("manifest.iat"));
    }
}

/// Any letter of the token, at any depth.
#[test]
fn any_change_is_noticed() {
    let (before, after) = one_amended();
    let signers = [&X25519.signer, &P256.signer];
    let same = |wire: &Wire| open(wire, &signers, &P256.recipient).is_ok();
    assert!(same(&after));
    for at in 0..after.manifest.len() {
        let mut bytes = after.manifest.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let manifest = String::from_utf8(bytes).unwrap();
        assert!(!same(&Wire { manifest, ..after.clone() }), "at {at}");
    }
    // Without the amendment it is what it was: not for the added one.
    let undone = Wire { manifest: before.manifest, ..after };
    assert_eq!(open(&undone, &signers, &P256.recipient).refused(), OpenError::NotARecipient);
}

/// Made by jwcrypto, after the document.
#[test]
fn the_published_amendment_opens() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/amended.json");
    let vector: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = |name: &str| vector[name].as_str().unwrap().to_owned();
    let key = |value: &Value| PrivateKey::from_jwk(&value.to_string()).unwrap();
    let (sender, amender) = (key(&vector["sender"]), key(&vector["amender"]));
    let wire = Wire { manifest: text("manifest"), content: text("content") };
    for recipient in vector["recipients"].as_array().unwrap() {
        let opened = open(&wire, &[&sender, &amender], &key(recipient)).unwrap();
        assert_eq!(opened, text("plaintext").into_bytes());
    }
    let removed = key(&vector["removed"]);
    assert_eq!(open(&wire, &[&sender, &amender], &removed).refused(), OpenError::NotARecipient);
    let sealed = Wire { manifest: text("sealed"), ..wire };
    assert_eq!(verified(&sealed, &[&sender]).unwrap().sealed_for(), [removed.kid()]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_history_of_changes_opens_for_exactly_who_is_left(
        steps in proptest::collection::vec((0_usize..6, any::<bool>()), 1..=4),
    ) {
        let all: Vec<&PrivateKey> =
            suites().into_iter().flat_map(|keys| [&keys.recipient, &keys.other]).collect();
        let mut wire = wire(&X25519, b"history");
        let mut inside = vec![2_usize];
        for (key, add) in steps {
            let present = inside.contains(&key);
            if add == present || (!add && inside.len() == 1) {
                continue;
            }
            let own = *inside.iter().find(|one| add || **one != key).unwrap();
            let (new, gone) = (all[key], all[key].kid());
            let change: (&[&PrivateKey], &[&str]) = if add { (&[new], &[]) } else { (&[], &[gone]) };
            wire = amended(&wire, &[&X25519.signer], (all[own], &X25519.signer), change).unwrap();
            if add { inside.push(key) } else { inside.retain(|one| *one != key) }
        }
        for (index, key) in all.iter().enumerate() {
            let opened = open(&wire, &[&X25519.signer], key);
            prop_assert_eq!(opened.is_ok(), inside.contains(&index));
        }
    }
}
