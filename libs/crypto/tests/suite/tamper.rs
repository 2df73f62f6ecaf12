//! Envelopes that somebody has had in their hands.

use crate::common::{Keys, RSA, Refused, Wire, X25519, open, resign, suites, wire};
use crypto::encoding;
use crypto::envelope::{Content, Manifest, ManifestClaims, WrappedKeys};
use crypto::{Detail, Limits, OpenError};
use proptest::prelude::*;
use serde_json::{Value, json};

fn refused(keys: &Keys, wire: &Wire) -> OpenError {
    open(wire, keys.signer.public(), &keys.recipient).refused()
}

fn flipped(text: &str, bit: usize) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    // What is not UTF-8 cannot even be handed over.
    String::from_utf8(bytes).ok()
}

/// Every single bit of a small sample, in every suite.
#[test]
fn no_bit_can_be_flipped() {
    for keys in suites() {
        let wire = wire(keys, b"x");
        for bit in 0..wire.manifest.len() * 8 {
            let Some(manifest) = flipped(&wire.manifest, bit) else { continue };
            refused(keys, &Wire { manifest, ..wire.clone() });
        }
        for bit in 0..wire.content.len() * 8 {
            let Some(content) = flipped(&wire.content, bit) else { continue };
            refused(keys, &Wire { content, ..wire.clone() });
        }
    }
}

#[test]
fn no_byte_can_be_left_out_or_added() {
    let keys = &*X25519;
    let wire = wire(keys, b"x");
    for (index, letter) in wire.manifest.char_indices() {
        let cut = Wire { manifest: wire.manifest[..index].to_owned(), ..wire.clone() };
        refused(keys, &cut);
        let mut doubled = wire.clone();
        doubled.manifest.insert(index, letter);
        refused(keys, &doubled);
    }
    for (index, _) in wire.content.char_indices() {
        refused(keys, &Wire { content: wire.content[..index].to_owned(), ..wire.clone() });
    }
    let mut trailing = wire.clone();
    trailing.content.push('x');
    refused(keys, &trailing);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Wherever either part ends, in every suite.
    #[test]
    fn nothing_that_was_cut_is_opened(
        suite in 0_usize..5,
        cut in any::<proptest::sample::Index>(),
        content in any::<bool>(),
    ) {
        let keys = suites()[suite];
        let mut wire = wire(keys, b"some text of some length");
        let part = if content { &mut wire.content } else { &mut wire.manifest };
        part.truncate(cut.index(part.len()));
        refused(keys, &wire);
    }
}

/// Parts of two genuine envelopes between the same parties.
#[test]
fn parts_of_two_envelopes_do_not_mix() {
    for keys in suites() {
        let (one, two) = (wire(keys, b"one"), wire(keys, b"two"));
        let mixed = Wire { manifest: one.manifest.clone(), content: two.content.clone() };
        assert_eq!(refused(keys, &mixed).detail(), Some(Detail::ContentKey));
        let (a, b) = (parsed(&one.content), parsed(&two.content));
        for member in ["recipients", "iv", "ciphertext", "tag"] {
            let mut mixed = a.clone();
            mixed[member] = b[member].clone();
            let error = refused(keys, &Wire { content: mixed.to_string(), ..one.clone() });
            assert!(matches!(error, OpenError::Rejected(_)), "{member}");
        }
    }
}

#[test]
fn recipients_cannot_be_swapped() {
    let limits = Limits::default();
    for keys in suites() {
        let recipients = [keys.recipient.public().clone(), keys.other.public().clone()];
        let sealed = crypto::envelope::seal(
            &crate::common::terms(&keys.signer),
            &recipients,
            b"for two".to_vec(),
            &limits,
        )
        .unwrap();
        let wire = Wire { manifest: resign(keys, &sealed.claims), content: sealed.content };
        // Each one's wrapped key under the other's name.
        let mut content = parsed(&wire.content);
        for other in 0..2 {
            content["recipients"][other]["header"]["kid"] = json!(recipients[1 - other].kid());
        }
        let swapped = Wire { content: content.to_string(), ..wire.clone() };
        for recipient in [&keys.recipient, &keys.other] {
            let error = open(&swapped, keys.signer.public(), recipient).refused();
            assert_eq!(error.detail(), Some(Detail::ContentKey));
        }
        // The order alone means nothing.
        let mut content = parsed(&wire.content);
        content["recipients"].as_array_mut().unwrap().swap(0, 1);
        let reordered = Wire { content: content.to_string(), ..wire };
        assert!(open(&reordered, keys.signer.public(), &keys.other).is_ok());
    }
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn with_protected(wire: &Wire, change: impl FnOnce(&mut Value)) -> Wire {
    let mut content = parsed(&wire.content);
    let protected = content["protected"].as_str().unwrap();
    let mut header: Value = serde_json::from_slice(&encoding::decode(protected).unwrap()).unwrap();
    change(&mut header);
    content["protected"] = json!(encoding::encode(header.to_string().as_bytes()));
    Wire { content: content.to_string(), ..wire.clone() }
}

fn with_key_header(wire: &Wire, change: impl FnOnce(&mut Value)) -> Wire {
    let mut content = parsed(&wire.content);
    change(&mut content["recipients"][0]["header"]);
    Wire { content: content.to_string(), ..wire.clone() }
}

#[test]
fn headers_hold_nothing_but_what_is_allowed() {
    let forbidden = [
        ("zip", json!("DEF")),
        ("jku", json!("https://example.com/keys")),
        ("jwk", json!({"kty": "oct", "k": "AA"})),
        ("x5u", json!("https://example.com/cert")),
        ("x5c", json!(["AA=="])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("p2c", json!(1)),
        ("anything", json!(null)),
    ];
    for keys in suites() {
        let wire = wire(keys, b"x");
        for (name, value) in forbidden.clone() {
            let changed = with_protected(&wire, |header| header[name] = value.clone());
            assert_eq!(
                refused(keys, &changed),
                OpenError::Malformed("content.protected"),
                "{name}"
            );
            let changed = with_key_header(&wire, |header| header[name] = value.clone());
            assert_eq!(refused(keys, &changed), OpenError::Malformed("content"), "{name}");
            let changed = resigned_header(keys, &wire, |header| header[name] = value);
            assert_eq!(refused(keys, &changed), OpenError::Malformed("manifest"), "{name}");
        }
    }
}

/// Replaces the header of the manifest, and signs the result, as a hostile sender could.
fn resigned_header(keys: &Keys, wire: &Wire, change: impl FnOnce(&mut Value)) -> Wire {
    let mut parts = wire.manifest.split('.');
    let (header, payload) = (parts.next().unwrap(), parts.next().unwrap());
    let mut header: Value = serde_json::from_slice(&encoding::decode(header).unwrap()).unwrap();
    change(&mut header);
    let input = format!("{}.{payload}", encoding::encode(header.to_string().as_bytes()));
    let signature = sign_raw(keys, input.as_bytes());
    Wire { manifest: format!("{input}.{}", encoding::encode(&signature)), ..wire.clone() }
}

fn sign_raw(keys: &Keys, message: &[u8]) -> Vec<u8> {
    let signer = crypto::provider::default().signer(keys.signer.algorithm(), keys.signer.pkcs8());
    signer.unwrap().sign(message).unwrap()
}

#[test]
fn the_algorithm_is_the_keys() {
    for keys in suites() {
        let wire = wire(keys, b"x");
        for alg in ["none", "None", "HS256", "RS256", "PS384", "ES384", "Ed448", ""] {
            let changed = resigned_header(keys, &wire, |header| header["alg"] = json!(alg));
            assert_eq!(refused(keys, &changed).detail(), Some(Detail::Signature), "{alg}");
        }
        for alg in ["dir", "RSA-OAEP", "RSA1_5", "A256KW", "ECDH-ES", "ECDH-ES+A128KW", ""] {
            let changed = with_key_header(&wire, |header| header["alg"] = json!(alg));
            let hybrid = keys.signer.algorithm().is_hybrid();
            let detail = if hybrid { Detail::Suite } else { Detail::ContentKey };
            assert_eq!(refused(keys, &changed).detail(), Some(detail), "{alg}");
        }
        for enc in ["A128GCM", "A256CBC-HS512", "none", ""] {
            let changed = with_protected(&wire, |header| header["enc"] = json!(enc));
            assert_eq!(refused(keys, &changed), OpenError::Malformed("content.protected"), "{enc}");
        }
        let unsigned = wire.manifest.rsplit_once('.').unwrap().0;
        let unsigned = Wire { manifest: format!("{unsigned}."), ..wire.clone() };
        assert_eq!(refused(keys, &unsigned).detail(), Some(Detail::Signature));
        let typed = resigned_header(keys, &wire, |header| header["typ"] = json!("JWT"));
        assert_eq!(refused(keys, &typed), OpenError::Malformed("manifest.header"));
        let foreign = resigned_header(keys, &wire, |header| header["kid"] = json!("someone"));
        assert_eq!(refused(keys, &foreign).detail(), Some(Detail::Signature));
    }
}

#[test]
fn an_ephemeral_key_of_the_wrong_kind_is_refused() {
    let wire = wire(&X25519, b"x");
    let epk = |change: fn(&mut Value)| {
        refused(&X25519, &with_key_header(&wire, |header| change(&mut header["epk"])))
    };
    let content_key = Some(Detail::ContentKey);
    assert_eq!(epk(|e| e["crv"] = json!("P-256")).detail(), content_key);
    assert_eq!(epk(|e| e["kty"] = json!("EC")).detail(), content_key);
    assert_eq!(epk(|e| e["y"] = e["x"].clone()).detail(), content_key);
    // The point of order one: its shared secret would be zero.
    assert_eq!(epk(|e| e["x"] = json!(encoding::encode(&[0; 32]))).detail(), content_key);
    assert_eq!(epk(|e| e["d"] = e["x"].clone()), OpenError::Malformed("content"));
    let none = with_key_header(&wire, |header| {
        header.as_object_mut().unwrap().remove("epk");
    });
    assert_eq!(refused(&X25519, &none).detail(), content_key);
    // And RSA has none.
    let rsa = crate::common::wire(&RSA, b"x");
    let epk = json!({"kty": "OKP", "crv": "X25519", "x": encoding::encode(&[9; 32])});
    let with = with_key_header(&rsa, |header| header["epk"] = epk);
    assert_eq!(refused(&RSA, &with).detail(), content_key);
}

#[test]
fn json_is_read_strictly() {
    let wire = wire(&X25519, b"x");
    let content = |from: &str, to: &str| {
        assert!(wire.content.contains(from));
        let content = wire.content.replacen(from, to, 1);
        refused(&X25519, &Wire { content, ..wire.clone() })
    };
    let malformed = OpenError::Malformed("content");
    assert_eq!(content(r#""iv":"#, r#""iv":"AAAAAAAAAAAAAAAA","iv":"#), malformed);
    assert_eq!(content(r#""iv":"#, r#""aad":"AA","iv":"#), malformed);
    assert_eq!(content(r#""iv":"#, r#""unprotected":{},"iv":"#), malformed);
    assert_eq!(content(r#""alg":"#, r#""alg":"dir","alg":"#), malformed);
    assert_eq!(
        content(r#""iv":"#, r#""header":{"alg":"dir"},"iv":"#),
        OpenError::Malformed("content.recipients")
    );
    let deep = "[".repeat(100_000);
    assert_eq!(content(r#""iv":"#, &format!(r#""recipients":{deep},"iv":"#)), malformed);

    let limits = Limits::default();
    for list in ["", "null", "{}", "[]", "[{}]", "[null]", &deep] {
        assert!(WrappedKeys::from_json(list, &limits).is_err(), "{list:.20}");
    }
    let one = Content::parse(&wire.content, &limits).unwrap().wrapped_keys().to_json();
    let twice = format!("[{0},{0}]", &one[1..one.len() - 1]);
    let error = WrappedKeys::from_json(&twice, &limits).refused();
    assert_eq!(error, OpenError::Malformed("recipients"));
}

#[test]
fn the_manifest_has_exactly_its_members() {
    let sealed = crate::common::sealed(&X25519, b"x");
    let text = String::from_utf8(sealed.claims.to_json().unwrap()).unwrap();
    let limits = Limits::default();
    assert!(ManifestClaims::parse(text.as_bytes(), &limits).is_ok());
    let payload: Value = parsed(&text);
    let refuse =
        |payload: &Value| ManifestClaims::parse(payload.to_string().as_bytes(), &limits).refused();
    for name in payload.as_object().unwrap().keys() {
        let mut less = payload.clone();
        less.as_object_mut().unwrap().remove(name);
        assert_eq!(refuse(&less), OpenError::Malformed("manifest.payload"), "{name}");
        let twice = text.replacen('{', &format!("{{\"{name}\":{},", payload[name]), 1);
        assert!(ManifestClaims::parse(twice.as_bytes(), &limits).is_err(), "{name}");
    }
    let with = |name: &str, value: Value| {
        let mut changed = payload.clone();
        changed[name] = value;
        refuse(&changed)
    };
    assert_eq!(with("more", json!(1)), OpenError::Malformed("manifest.payload"));
    assert_eq!(with("ver", json!(2)), OpenError::Malformed("manifest.ver"));
    assert_eq!(with("recipients", json!([])), OpenError::Malformed("manifest.recipients"));
    assert_eq!(with("recipients", json!(["me"])), OpenError::Malformed("manifest.recipients"));
    let same = json!([payload["sender"], payload["sender"]]);
    assert_eq!(with("recipients", same), OpenError::Malformed("manifest.recipients"));
    assert_eq!(with("digest", json!("AA")), OpenError::Malformed("manifest.digest"));
    assert_eq!(with("commitment", json!("AA")), OpenError::Malformed("manifest.commitment"));
    assert_eq!(with("exp", payload["iat"].clone()), OpenError::Malformed("manifest.exp"));
    assert_eq!(with("exp", json!(i64::MAX)), OpenError::Malformed("manifest.exp"));
    assert_eq!(with("iat", json!(-1)), OpenError::Malformed("manifest.iat"));
    assert_eq!(with("iat", json!(1.5)), OpenError::Malformed("manifest.payload"));
    let many: Vec<String> = (0..65_u8).map(|i| encoding::encode(&[i; 32])).collect();
    assert!(matches!(
        with("recipients", json!(many)),
        OpenError::TooLarge { part: "recipients", .. }
    ));
}

#[test]
fn a_hostile_sender_gains_nothing_by_lying_in_the_manifest() {
    let keys = &*X25519;
    let sealed = crate::common::sealed(keys, b"x");
    let other = crate::common::sealed(keys, b"y");
    let lie = |change: &dyn Fn(&mut ManifestClaims)| {
        let mut claims = sealed.claims.clone();
        change(&mut claims);
        let wire = Wire { manifest: resign(keys, &claims), content: sealed.content.clone() };
        refused(keys, &wire).detail()
    };
    assert_eq!(lie(&|c| c.digest.clone_from(&other.claims.digest)), Some(Detail::Digest));
    assert_eq!(lie(&|c| c.protected.push('A')), Some(Detail::ProtectedHeader));
    // Signing as somebody else is refused by us, so it is forged by hand.
    let wire = Wire { manifest: resign(keys, &sealed.claims), content: sealed.content.clone() };
    let claims = String::from_utf8(sealed.claims.to_json().unwrap()).unwrap();
    let forged = claims.replace(keys.signer.kid(), keys.recipient.kid());
    let header = wire.manifest.split('.').next().unwrap();
    let input = format!("{header}.{}", encoding::encode(forged.as_bytes()));
    let manifest = format!("{input}.{}", encoding::encode(&sign_raw(keys, input.as_bytes())));
    let error = refused(keys, &Wire { manifest, ..wire });
    assert_eq!(error.detail(), Some(Detail::Sender));
}

#[test]
fn nothing_foreign_makes_it_panic() {
    let limits = Limits::default();
    for text in
        ["", ".", "..", "...", "a.b.c", "{}", "[]", "null", "\u{0}", "é.é.é", "{\"protected\":1}"]
    {
        assert!(Manifest::parse(text, &limits).is_err(), "{text:?}");
        assert!(Content::parse(text, &limits).is_err(), "{text:?}");
        assert!(WrappedKeys::from_json(text, &limits).is_err(), "{text:?}");
        assert!(ManifestClaims::parse(text.as_bytes(), &limits).is_err(), "{text:?}");
    }
}
