//! Sealed files across implementations: those that Python made open here, ours open there.

use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::DateTime;
use crypto::envelope::{Content, Manifest, seal_stream};
use crypto::stream::file::{CHUNK_LEN, Header, PREAMBLE_LEN, Reader, header_len};
use crypto::stream::pieces::PieceSealer;
use crypto::{KeyAlgorithm, Limits, PrivateKey, PublicKey, provider};
use kernel::Timestamp;
use serde_json::Value;

use crate::common::terms;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn open(file: &[u8], sender: &PublicKey, recipient: &PrivateKey, at: Timestamp) -> Vec<u8> {
    let (preamble, rest) = file.split_first_chunk::<PREAMBLE_LEN>().unwrap();
    let length = header_len(preamble).unwrap();
    let header = Header::parse(&rest[..length]).unwrap();
    let limits = Limits::default();
    let manifest = Manifest::parse(&header.manifest, &limits).unwrap().verify(sender).unwrap();
    let content = Content::parse(&header.content, &limits).unwrap();
    let key = manifest.release(recipient, content.wrapped_keys(), at).unwrap();
    let mut inner = Cursor::new(file);
    inner.set_position((PREAMBLE_LEN + length) as u64);
    let opener = key.open_stream(&manifest, &content).unwrap();
    let mut plaintext = Vec::new();
    Reader::new(inner, opener).unwrap().read_to_end(&mut plaintext).unwrap();
    plaintext
}

fn plaintext(length: u64) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

#[test]
fn the_published_files_open() {
    let folder = root().join("tests/vectors/stream");
    let vector = std::fs::read(folder.join("files.json")).unwrap();
    let vector: Value = serde_json::from_slice(&vector).unwrap();
    let sender = PrivateKey::from_jwk(&vector["sender"].to_string()).unwrap();
    let recipient = PrivateKey::from_jwk(&vector["recipient"].to_string()).unwrap();
    let at = DateTime::from_timestamp(vector["terms"]["iat"].as_i64().unwrap(), 0).unwrap();
    let files = vector["files"].as_object().unwrap();
    assert_eq!(files.len(), 3);
    for (name, about) in files {
        let file = std::fs::read(folder.join(name)).unwrap();
        let opened = open(&file, sender.public(), &recipient, at);
        assert_eq!(opened, plaintext(about["length"].as_u64().unwrap()), "{name}");
        let digest = hex::encode(provider::default().sha256(&[&opened]));
        assert_eq!(digest, about["sha256"].as_str().unwrap(), "{name}");
    }
}

#[test]
fn python_opens_ours() {
    let sender = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
    // The peer takes its own private key from a file: that of the vectors.
    let vector = std::fs::read(root().join("tests/vectors/stream/files.json")).unwrap();
    let vector: Value = serde_json::from_slice(&vector).unwrap();
    let recipient = PrivateKey::from_jwk(&vector["recipient"].to_string()).unwrap();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (keys, path) = (["recipient.jwk", "sender.jwk"], folder.join("ours.sealed"));
    std::fs::write(folder.join(keys[0]), vector["recipient"].to_string()).unwrap();
    std::fs::write(folder.join(keys[1]), sender.public().to_jwk()).unwrap();
    for length in [0, 1, CHUNK_LEN as u64, 2 * CHUNK_LEN as u64 + 9] {
        let to = [recipient.public().clone()];
        let (sealed, sealer) = seal_stream(&terms(&sender), &to, &Limits::default()).unwrap();
        let manifest = sealed.claims.sign(&sender).unwrap();
        let mut file = Header { manifest, content: sealed.content }.encode().unwrap();
        let (mut sealer, plaintext) = (PieceSealer::new(sealer), plaintext(length));
        let mut piece = plaintext.as_slice();
        while let Some(chunk) = sealer.next(&mut piece).unwrap() {
            file.extend_from_slice(chunk);
        }
        file.extend_from_slice(sealer.finish().unwrap());
        std::fs::write(&path, &file).unwrap();
        let python = root().join(".venv/bin/python");
        let peer = Command::new(&python)
            .arg(root().join("tests/interop/stream_file.py"))
            .arg("--open")
            .arg(&path)
            .args(keys.map(|name| folder.join(name)))
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}; run `make venv`", python.display()));
        let answer = String::from_utf8(peer.stdout).unwrap();
        let digest = hex::encode(provider::default().sha256(&[&plaintext]));
        assert_eq!(answer.trim(), digest, "{}", String::from_utf8_lossy(&peer.stderr));
    }
}
