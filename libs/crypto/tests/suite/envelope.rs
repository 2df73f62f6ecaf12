//! Envelopes that are as they should be, and those that are refused for what they say.

use crate::common::{
    P256, RSA, Refused, Wire, X25519, classical, now, open, release, resign, suites, terms, verify,
    wire,
};
use chrono::Duration;
use crypto::envelope::{Content, ContentKey, Manifest, ManifestClaims, WrappedKeys, seal};
use crypto::{Detail, KeyAlgorithm, Limits, OpenError, PrivateKey, SealError};
use kernel::EnvelopeId;
use proptest::prelude::*;

#[test]
fn every_suite_opens_what_it_sealed() {
    for keys in suites() {
        let wire = wire(keys, b"Discharge letter");
        let opened = open(&wire, keys.signer.public(), &keys.recipient).unwrap();
        assert_eq!(*opened, b"Discharge letter");
    }
}

#[test]
fn every_recipient_opens_the_same() {
    // All but the hybrid suite, which stands alone; tests/suite/hybrid.rs has it.
    let recipients = classical().map(|keys| keys.recipient.public().clone());
    let limits = Limits::default();
    let sealed = seal(&terms(&RSA.signer), &recipients, b"for all".to_vec(), &limits).unwrap();
    let wire = Wire { manifest: resign(&RSA, &sealed.claims), content: sealed.content };
    for keys in classical() {
        assert_eq!(*open(&wire, RSA.signer.public(), &keys.recipient).unwrap(), b"for all");
        let error = open(&wire, RSA.signer.public(), &keys.other).refused();
        assert_eq!(error, OpenError::NotARecipient);
    }
}

/// One process verifies and releases, another opens.
#[test]
fn the_key_is_released_without_the_content_and_opens_it_elsewhere() {
    let wire = wire(&X25519, b"two processes");
    let limits = Limits::default();
    let content = Content::parse(&wire.content, &limits).unwrap();
    let for_keeper = content.wrapped_keys().to_json();

    let keeper = verify(&wire, X25519.signer.public()).unwrap();
    let keys = WrappedKeys::from_json(&for_keeper, &limits).unwrap();
    let exported = keeper.release(&X25519.recipient, &keys, now()).unwrap().expose().to_vec();

    let key = ContentKey::from_bytes(&exported).unwrap();
    let manifest = Manifest::parse(&wire.manifest, &limits).unwrap().verified_by_peer();
    assert_eq!(*key.open(&manifest, &content).unwrap(), b"two processes");
    // And nothing else: not even another envelope of the same parties.
    let other = crate::common::wire(&X25519, b"two processes");
    let other_content = Content::parse(&other.content, &limits).unwrap();
    let error = key.open(&manifest, &other_content).refused();
    assert_eq!(error.detail(), Some(Detail::Digest));
    let other_manifest = verify(&other, X25519.signer.public()).unwrap();
    let error = key.open(&other_manifest, &other_content).refused();
    assert_eq!(error.detail(), Some(Detail::ContentKey));
    assert!(ContentKey::from_bytes(&exported[1..]).is_err());
}

/// One process seals, another signs, after looking at what it signs.
#[test]
fn signing_is_a_step_of_its_own() {
    let sealed = crate::common::sealed(&P256, b"answer");
    let payload = sealed.claims.to_json().unwrap();
    let seen = ManifestClaims::parse(&payload, &Limits::default()).unwrap();
    assert!(seen == sealed.claims);
    assert_eq!((seen.purpose.as_str(), seen.sender.as_str()), ("respond", P256.signer.kid()));
    let wire = Wire { manifest: seen.sign(&P256.signer).unwrap(), content: sealed.content };
    assert_eq!(*open(&wire, P256.signer.public(), &P256.recipient).unwrap(), b"answer");
    // Not with somebody else's key, and not with one that cannot sign.
    assert_eq!(seen.sign(&RSA.signer).refused(), SealError::WrongKey);
    assert_eq!(seen.sign(&P256.recipient).refused(), SealError::WrongKey);
}

#[test]
fn a_wrapped_key_is_renewed_without_a_new_signature() {
    let wire = wire(&X25519, b"rotated");
    let (manifest, key) = release(&wire, X25519.signer.public(), &X25519.recipient).unwrap();
    let limits = Limits::default();
    let content = Content::parse(&wire.content, &limits).unwrap();
    let (old, new) = (X25519.recipient.kid(), &RSA.recipient);
    let mut keys = content.wrapped_keys().clone();
    assert_eq!(keys.renew("absent", new.public(), &key), Err(SealError::Invalid("recipients")));
    keys.renew(old, new.public(), &key).unwrap();
    assert_eq!(keys.renew(old, new.public(), &key), Err(SealError::DuplicateRecipient));

    let renewed = content.with_wrapped_keys(&keys);
    let content = Content::parse(&renewed, &limits).unwrap();
    let key = manifest.release_renewed(old, new, content.wrapped_keys(), now()).unwrap();
    assert_eq!(*key.open(&manifest, &content).unwrap(), b"rotated");
    // Only who knows that the new key stands for the old one is given it.
    let error = manifest.release(new, content.wrapped_keys(), now()).refused();
    assert_eq!(error, OpenError::NotARecipient);
}

/// What other libraries write: flattened for one recipient, with escapes, with spaces.
#[test]
fn other_spellings_of_json_are_read() {
    for keys in suites() {
        let wire = wire(keys, b"foreign");
        let mut content: serde_json::Value = serde_json::from_str(&wire.content).unwrap();
        let mut recipient = content["recipients"][0].take();
        content.as_object_mut().unwrap().remove("recipients");
        content["header"] = recipient["header"].take();
        content["encrypted_key"] = recipient["encrypted_key"].take();
        let flattened = serde_json::to_string_pretty(&content).unwrap();
        for content in [wire.content.replace('+', "\\u002b"), flattened] {
            let wire = Wire { content, ..wire.clone() };
            let opened = open(&wire, keys.signer.public(), &keys.recipient).unwrap();
            assert_eq!(*opened, b"foreign");
        }
    }
}

#[test]
fn times_are_kept() {
    let wire = wire(&X25519, b"soon stale");
    let manifest = verify(&wire, X25519.signer.public()).unwrap();
    let content = Content::parse(&wire.content, &Limits::default()).unwrap();
    let at = |seconds| {
        let time = now() + Duration::seconds(seconds);
        manifest.release(&X25519.recipient, content.wrapped_keys(), time).map(|_| ())
    };
    assert_eq!(at(-61), Err(OpenError::NotYetValid));
    assert_eq!(at(-60), Ok(()));
    assert_eq!(at(299), Ok(()));
    assert_eq!(at(300), Err(OpenError::Expired));
}

#[test]
fn only_the_sender_is_believed() {
    let wire = wire(&X25519, b"from me");
    for stranger in [P256.signer.public(), RSA.signer.public(), X25519.recipient.public()] {
        let error = verify(&wire, stranger).refused();
        assert_eq!(error.detail(), Some(Detail::Signature));
        assert_eq!(error.to_string(), "rejected");
    }
}

#[test]
fn sealing_refuses_what_nobody_could_open() {
    let limits = Limits { content: 10, recipients: 2, ..Limits::default() };
    let one = X25519.recipient.public().clone();
    let seal = |recipients: &[_], length: usize| {
        seal(&terms(&X25519.signer), recipients, vec![0; length], &limits).refused()
    };
    assert_eq!(seal(&[], 1), SealError::NoRecipients);
    assert_eq!(seal(&[one.clone(), one.clone()], 1), SealError::DuplicateRecipient);
    assert_eq!(seal(&[one.clone(), one.clone(), one.clone()], 1), SealError::TooManyRecipients(2));
    assert_eq!(seal(&[X25519.signer.public().clone()], 1), SealError::WrongKey);
    assert_eq!(seal(&[one], 11), SealError::TooLarge(10));
}

#[test]
fn terms_out_of_bounds_are_named() {
    let refused = |change: fn(&mut crypto::envelope::Terms)| {
        let mut terms = terms(&X25519.signer);
        change(&mut terms);
        let recipients = [X25519.recipient.public().clone()];
        seal(&terms, &recipients, vec![], &Limits::default()).refused()
    };
    assert_eq!(refused(|t| t.purpose.clear()), SealError::Invalid("manifest.purpose"));
    assert_eq!(refused(|t| t.purpose.push('A')), SealError::Invalid("manifest.purpose"));
    assert_eq!(refused(|t| t.purpose = "a".repeat(65)), SealError::Invalid("manifest.purpose"));
    assert_eq!(refused(|t| t.sender.push('A')), SealError::Invalid("manifest.sender"));
    assert_eq!(refused(|t| t.content_type.push('\n')), SealError::Invalid("content_type"));
    assert_eq!(refused(|t| t.expires_at = t.issued_at), SealError::Invalid("manifest.exp"));
}

#[test]
fn limits_hold_when_opening() {
    let wire = wire(&X25519, &[0; 100]);
    let small = Limits { content: 99, ..Limits::default() };
    let error = Content::parse(&wire.content, &small).refused();
    assert_eq!(error, OpenError::TooLarge { part: "content.ciphertext", limit: 132 });
    let exact = Limits { content: 100, ..Limits::default() };
    assert!(Content::parse(&wire.content, &exact).is_ok());
    let small = Limits { manifest: wire.manifest.len() - 1, ..Limits::default() };
    let error = Manifest::parse(&wire.manifest, &small).refused();
    assert!(matches!(error, OpenError::TooLarge { part: "manifest", .. }));
    let none = Limits { recipients: 0, ..Limits::default() };
    assert!(Content::parse(&wire.content, &none).is_err());
}

#[test]
fn a_commitment_to_another_key_is_refused_although_all_else_holds() {
    let sealed = crate::common::sealed(&X25519, b"salamander");
    let other = crate::common::sealed(&X25519, b"salamander");
    let mut claims = sealed.claims.clone();
    claims.commitment = other.claims.commitment;
    let wire = Wire { manifest: resign(&X25519, &claims), content: sealed.content.clone() };
    let error = open(&wire, X25519.signer.public(), &X25519.recipient).refused();
    assert_eq!(error.detail(), Some(Detail::ContentKey));
    // The commitment binds the id as well.
    let mut claims = sealed.claims;
    claims.id = EnvelopeId::new();
    let wire = Wire { manifest: resign(&X25519, &claims), content: sealed.content };
    assert!(open(&wire, X25519.signer.public(), &X25519.recipient).is_err());
}

#[test]
fn sixty_four_recipients_fit() {
    let keys: Vec<PrivateKey> =
        (0..65).map(|_| PrivateKey::generate(KeyAlgorithm::X25519).unwrap()).collect();
    let public: Vec<_> = keys.iter().map(|key| key.public().clone()).collect();
    let limits = Limits { recipients: 1000, ..Limits::default() };
    let seal =
        |recipients: &[_]| seal(&terms(&X25519.signer), recipients, b"all".to_vec(), &limits);
    assert_eq!(seal(&public).refused(), SealError::TooManyRecipients(64));
    let sealed = seal(&public[..64]).unwrap();
    let manifest = resign(&X25519, &sealed.claims);
    let wire = Wire { manifest, content: sealed.content };
    assert_eq!(*open(&wire, X25519.signer.public(), &keys[63]).unwrap(), b"all");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_content_any_suite_any_number_of_recipients(
        content in proptest::collection::vec(any::<u8>(), 0..5000),
        sender in 0_usize..4,
        chosen in proptest::sample::subsequence((0_usize..8).collect::<Vec<_>>(), 1..=8),
    ) {
        let all: Vec<&PrivateKey> =
            classical().into_iter().flat_map(|keys| [&keys.recipient, &keys.other]).collect();
        let sender = &classical()[sender].signer;
        let recipients: Vec<_> = chosen.iter().map(|i| all[*i].public().clone()).collect();
        let sealed =
            seal(&terms(sender), &recipients, content.clone(), &Limits::default()).unwrap();
        let wire = Wire { manifest: sealed.claims.sign(sender).unwrap(), content: sealed.content };
        for (index, key) in all.iter().enumerate() {
            match open(&wire, sender.public(), key) {
                Ok(opened) => {
                    prop_assert!(chosen.contains(&index));
                    prop_assert_eq!(&*opened, &content);
                }
                Err(error) => {
                    prop_assert!(!chosen.contains(&index));
                    prop_assert_eq!(error, OpenError::NotARecipient);
                }
            }
        }
    }
}
