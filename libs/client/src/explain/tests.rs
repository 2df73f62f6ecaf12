use std::path::Path;

use chrono::DateTime;

use super::*;

fn vector(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn envelope() -> (Value, String) {
    let vector = vector("envelope/x25519.json");
    let file = serde_json::json!({"manifest": vector["manifest"], "content": vector["content"]});
    (vector, file.to_string())
}

fn shown(file: &str, at: i64) -> Result<String> {
    let now = DateTime::from_timestamp(at, 0).unwrap();
    Explained::read(file.as_bytes(), now).map(|told| told.tree().lines().join("\n"))
}

#[test]
fn an_envelope_is_explained_without_a_key() {
    let (vector, file) = envelope();
    let iat = vector["terms"]["iat"].as_i64().unwrap();
    let told = shown(&file, iat + 600 + 3 * 86_400).unwrap();
    for expected in [
        "envelope  ",
        "(EdDSA)",
        "respond",
        "(expired 3 days ago)",
        "ECDH-ES+A256KW on X25519, 40 bytes",
        "text/plain",
        "the content is the one that the manifest describes",
        "not checked",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert!(!told.contains("Grüße"));
    assert!(shown(&file, iat + 60).unwrap().contains("(in 9 minutes)"));
    let json = Explained::read(file.as_bytes(), DateTime::UNIX_EPOCH).unwrap();
    let json = serde_json::to_value(json).unwrap();
    assert_eq!(json["recipients"].as_array().unwrap().len(), 2);
    assert_eq!(json["content"]["ciphertext_bytes"], 15);
}

#[test]
fn another_content_is_seen() {
    let (_, file) = envelope();
    let mut spoilt: Value = serde_json::from_str(&file).unwrap();
    let content = spoilt["content"].as_str().unwrap().replacen("\"tag\": \"", "\"tag\": \"A", 1);
    assert!(shown(&file.replacen("eyJ", "eyK", 1), 0).is_err());
    spoilt["content"] = vector("envelope/p256.json")["content"].clone();
    let told = shown(&spoilt.to_string(), 0).unwrap();
    assert!(told.contains("BUT the content is not") && told.contains("no wrapped key"), "{told}");
    spoilt["content"] = content.into();
    assert!(shown(&spoilt.to_string(), 0).is_err());
}

#[test]
fn a_bundle_is_explained_with_its_amendment_and_events() {
    let told = shown(&vector("evidence.json").to_string(), 1_790_000_000).unwrap();
    for expected in ["evidence bundle  ", "recipients changed", "added", "0 of 2", "signet verify"]
    {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let mut spoilt = vector("evidence.json");
    spoilt["manifest"] = "x".into();
    let told = shown(&spoilt.to_string(), 0).err().unwrap().to_string();
    assert!(told.contains("proves nothing"), "{told}");
}

#[test]
fn garbage_is_named() {
    for text in ["", "\u{0}\u{1}", "{}", "[1]", r#"{"manifest":"a.b.c","content":"{}"}"#] {
        let told = shown(text, 0).err().unwrap().to_string();
        assert!(told.contains("This is no envelope"), "{told}");
    }
}

#[test]
fn a_sealed_file_is_explained_by_its_header() {
    let (_, file) = envelope();
    let header: Header = serde_json::from_str(&file).unwrap();
    let now = DateTime::UNIX_EPOCH;
    let told = Explained::sealed_file(&header, 65_552 + 17, now).unwrap().tree().lines().join("\n");
    assert!(told.contains("65537 bytes of plaintext in 2 chunks"), "{told}");
    assert!(Explained::sealed_file(&header, 65_552 + 16, now).is_err());
}
