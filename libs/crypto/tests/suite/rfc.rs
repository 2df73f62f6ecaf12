//! The examples of the RFCs.

use crypto::encoding::{decode, encode};
use crypto::provider::{self, PrivateParts};
use crypto::{KeyAlgorithm, PrivateKey};
use zeroize::Zeroizing;

/// RFC 7516, appendix A.1: content under A256GCM.
#[test]
fn rfc_7516_a_1_content() {
    let key = [
        177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110,
        91, 112, 46, 34, 105, 47, 130, 203, 46, 122, 234, 64, 252,
    ];
    let protected = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";
    let iv: [u8; 12] = decode("48V1_ALb6US04U3b").unwrap().try_into().unwrap();
    let ciphertext =
        "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A";
    let plaintext = b"The true sign of intelligence is not knowledge but imagination.";
    let mut data = plaintext.to_vec();
    let tag = provider::default().aead_seal(&key, iv, protected.as_bytes(), &mut data).unwrap();
    assert_eq!(encode(&data), ciphertext);
    assert_eq!(encode(&tag), "XFBoMYUZodetZdvTiFvSkQ");
}

/// RFC 7518, appendix C: the agreement before the key derivation, from both sides.
#[test]
fn rfc_7518_c_agreement() {
    let alice = [
        &[4][..],
        &point(
            "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
            "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
        ),
    ]
    .concat();
    let bob = [
        &[4][..],
        &point(
            "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
            "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
        ),
    ]
    .concat();
    let shared = [
        158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110,
        163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196,
    ];
    let agreed = |d: &str, peer: &[u8]| agree(KeyAlgorithm::P256, &decode(d).unwrap(), peer);
    assert_eq!(agreed("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw", &alice), shared);
    assert_eq!(agreed("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo", &bob), shared);
}

fn point(x: &str, y: &str) -> Vec<u8> {
    [decode(x).unwrap(), decode(y).unwrap()].concat()
}

fn agree(algorithm: KeyAlgorithm, scalar: &[u8], peer: &[u8]) -> [u8; 32] {
    let private = PrivateParts::Curve(Zeroizing::new(scalar.to_vec()));
    let pkcs8 = provider::default().encode(algorithm, &private).unwrap();
    *provider::default().agreement(algorithm, &pkcs8).unwrap().agree(peer).unwrap()
}

/// RFC 8037, appendix A.6, which is RFC 7748, section 6.1.
#[test]
fn rfc_8037_a_6_agreement() {
    let ephemeral = decode("hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo").unwrap();
    let bob = decode("XasIfmJKikt54X-Lg4AO5m87sSkmGLb9HC-LJ_-I4Os").unwrap();
    assert_eq!(
        hex::encode(agree(KeyAlgorithm::X25519, &bob, &ephemeral)),
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    );
}

/// RFC 8037, appendices A.1 to A.5: Ed25519 is deterministic, so the token is exact.
#[test]
fn rfc_8037_a_4_signature() {
    let key = PrivateKey::from_jwk(
        r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    )
    .unwrap();
    let input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signer = provider::default().signer(key.algorithm(), key.pkcs8()).unwrap();
    assert_eq!(
        encode(&signer.sign(input.as_bytes()).unwrap()),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}

/// RFC 3394, section 4.6.
#[test]
fn rfc_3394_4_6_key_wrap() {
    let kek: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
    let key =
        hex::decode("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f").unwrap();
    let wrapped = provider::default().wrap(&kek, &key).unwrap();
    assert_eq!(
        hex::encode(wrapped),
        "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"
    );
}
