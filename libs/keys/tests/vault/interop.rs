//! What Vault signs and encrypts by itself, and what we make of it; and the
//! other way round.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use crypto::nested::{self, Token};
use crypto::provider;
use crypto::{KeyAlgorithm, Limits, PrivateKey, PublicKey};
use kernel::TenantId;
use keys::{Provider, WrappedKey};
use serde_json::{Value, json};
use testkit::vault::{Vault, vault};

use crate::conformance::context;
use crate::place::{Place, open};

const CONTENT: &[u8] = b"for one recipient, in a plain token";

fn write(vault: &Vault, path: &str, fields: &[&str]) -> Value {
    let arguments = [&["write", "-format=json", path][..], fields].concat();
    serde_json::from_str::<Value>(&vault.run(&arguments).unwrap()).unwrap()["data"].take()
}

/// An RSA-2048 key of Vault's, as a JWK of ours.
fn rsa_key(vault: &Vault, name: &str, key_use: &str) -> PublicKey {
    let path = format!("transit/keys/{name}");
    vault.run(&["write", "-f", &path, "type=rsa-2048"]).unwrap();
    let key: Value =
        serde_json::from_str(&vault.run(&["read", "-format=json", &path]).unwrap()).unwrap();
    let pem = key["data"]["keys"]["1"]["public_key"].as_str().unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body).unwrap();
    // SubjectPublicKeyInfo of such a key has but one layout (RFC 8017, A.1.1):
    // the modulus after 33 bytes, then the exponent 65537.
    assert_eq!((der.len(), &der[289..]), (294, &[2, 3, 1, 0, 1][..]));
    let n = URL_SAFE_NO_PAD.encode(&der[33..289]);
    PublicKey::from_jwk(&json!({"kty": "RSA", "use": key_use, "n": n, "e": "AQAB"}).to_string())
        .unwrap()
}

#[test]
fn a_token_that_vault_signed_is_verified_by_us() {
    let vault = vault().unwrap();
    vault.run(&["secrets", "enable", "transit"]).unwrap();
    let sender = rsa_key(&vault, "sender", "sig");
    let recipient = PrivateKey::generate(KeyAlgorithm::RsaOaep2048).unwrap();
    // Our token, whose signature is taken off and replaced by Vault's.
    let ours = PrivateKey::generate(KeyAlgorithm::RsaPss2048).unwrap();
    let token = nested::seal(&ours, recipient.public(), None, CONTENT.to_vec(), &Limits::default())
        .unwrap();
    let payload = token.split('.').nth(1).unwrap();
    let header = json!({"alg": "PS256", "cty": "JWE", "kid": sender.kid()}).to_string();
    let signed = format!("{}.{payload}", URL_SAFE_NO_PAD.encode(header));
    let by_vault = |salt: &str| {
        let input = format!("input={}", STANDARD.encode(&signed));
        let fields = ["signature_algorithm=pss", salt, &input];
        let answer = write(&vault, "transit/sign/sender/sha2-256", &fields);
        let signature = answer["signature"].as_str().unwrap().to_owned();
        let signature = STANDARD.decode(signature.strip_prefix("vault:v1:").unwrap()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let good = by_vault("salt_length=hash");
    let token = Token::parse(&good, &Limits::default()).unwrap().verify(&sender).unwrap();
    assert_eq!(*token.open(&recipient).unwrap(), CONTENT);
    // Vault's default, the longest salt, is not PS256 (RFC 7518, section 3.5).
    let long = by_vault("salt_length=auto");
    assert!(Token::parse(&long, &Limits::default()).unwrap().verify(&sender).is_err());
}

#[test]
fn what_we_seal_for_a_key_in_vault_vault_unwraps() {
    let vault = vault().unwrap();
    vault.run(&["secrets", "enable", "transit"]).unwrap();
    let recipient = rsa_key(&vault, "recipient", "enc");
    let sender = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
    let token =
        nested::seal(&sender, &recipient, None, CONTENT.to_vec(), &Limits::default()).unwrap();
    let jwe = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let jwe = String::from_utf8(jwe).unwrap();
    let parts: Vec<&str> = jwe.split('.').collect();
    let part = |at: usize| URL_SAFE_NO_PAD.decode(parts[at]).unwrap();

    let ciphertext = format!("ciphertext=vault:v1:{}", STANDARD.encode(part(1)));
    let answer = write(&vault, "transit/decrypt/recipient", &[&ciphertext]);
    let key = STANDARD.decode(answer["plaintext"].as_str().unwrap()).unwrap();
    let mut sealed = [part(3), part(4)].concat();
    let nonce = part(2).try_into().unwrap();
    let key = key.as_slice().try_into().unwrap();
    let length =
        provider::default().aead_open(key, nonce, parts[0].as_bytes(), &mut sealed).unwrap();
    assert_eq!(&sealed[..length], CONTENT);
}

/// With Vault's own command line, as somebody would who has lost all of ours.
#[tokio::test(flavor = "multi_thread")]
async fn wrapped_keys_are_vaults_ciphertexts() {
    let place = Place::new(vault().unwrap());
    let kms = open(&place.with_token(&place.token()));
    let tenant = TenantId::new();
    let ours = kms.generate(tenant, &[context(1)]).await.unwrap().remove(0);
    let bound = format!("context={}", STANDARD.encode(context(1).encode()));
    let body = STANDARD.encode(&ours.wrapped.to_bytes()[WrappedKey::PREFIX..]);
    let ciphertext = format!("ciphertext=vault:v1:{body}");
    let path = format!("transit/decrypt/signet-{tenant}");
    let answer = write(&place.vault, &path, &[&ciphertext, &bound]);
    assert_eq!(answer["plaintext"], STANDARD.encode(ours.plaintext.expose()));

    let plaintext = format!("plaintext={}", STANDARD.encode([7; 32]));
    let path = format!("transit/encrypt/signet-{tenant}");
    let answer = write(&place.vault, &path, &[&plaintext, &bound]);
    let text = answer["ciphertext"].as_str().unwrap().strip_prefix("vault:v1:").unwrap();
    let prefix = WrappedKey::prefix(Provider::Vault, 1);
    let stored = [&prefix[..], &STANDARD.decode(text).unwrap()].concat();
    let item = (WrappedKey::parse(&stored).unwrap(), context(1));
    let theirs = kms.unwrap(tenant, &[item]).await.unwrap().remove(0).unwrap();
    assert!(*theirs.expose() == [7; 32]);
}
