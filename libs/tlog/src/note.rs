//! Signed notes: text with signature lines under it.
//! <https://c2sp.org/signed-note>

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::key::{Signer, VerifierKey, is_key_name};

/// Room for a checkpoint and 16 post-quantum signatures of 5 kB, twice over.
pub const MAX_NOTE_LEN: usize = 256 * 1024;

/// The specification demands that 16 be accepted.
pub const MAX_SIGNATURES: usize = 64;

const SIGNATURE_PREFIX: &str = "— ";

#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum NoteError {
    #[error("the note is longer than {MAX_NOTE_LEN} bytes")]
    TooLong,
    #[error("the note is not UTF-8 without control characters")]
    Characters,
    #[error("the text of a note must end with a newline")]
    Text,
    #[error("the note has no signatures under a blank line")]
    Unsigned,
    #[error("signature line {0} is malformed")]
    SignatureLine(usize),
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    #[error("a signature of the key {0} is wrong")]
    BadSignature(String),
    #[error("none of the trusted keys has signed the note")]
    UnknownSigners,
}

/// One signature line. Of which algorithm it is, only the key can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: String,
    key_id: u32,
    bytes: Vec<u8>,
}

impl Signature {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub const fn key_id(&self) -> u32 {
        self.key_id
    }

    fn is_by(&self, key: &VerifierKey) -> bool {
        self.key_id == key.id() && self.name == key.name()
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
        let decoded = STANDARD.decode(base64).ok()?;
        let (key_id, bytes) = decoded.split_first_chunk::<4>()?;
        if !is_key_name(name) || bytes.is_empty() {
            return None;
        }
        let key_id = u32::from_be_bytes(*key_id);
        Some(Self { name: name.to_owned(), key_id, bytes: bytes.to_vec() })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.key_id.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.bytes);
        writeln!(f, "{SIGNATURE_PREFIX}{} {}", self.name, STANDARD.encode(bytes))
    }
}

/// A well-formed note. Its text means nothing until [`Note::verify`] has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// Signs `text`, which must end with a newline.
    pub fn sign(text: impl Into<String>, signers: &[&Signer]) -> Result<Self, NoteError> {
        let text = text.into();
        check_characters(&text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::Text);
        }
        let signatures = signers
            .iter()
            .map(|signer| Signature {
                name: signer.verifier().name().to_owned(),
                key_id: signer.verifier().id(),
                bytes: signer.sign(&text),
            })
            .collect::<Vec<_>>();
        match signatures.len() {
            0 => Err(NoteError::Unsigned),
            1..=MAX_SIGNATURES => Ok(Self { text, signatures }),
            _ => Err(NoteError::TooManySignatures),
        }
    }

    /// Parses foreign bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_LEN {
            return Err(NoteError::TooLong);
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::Characters)?;
        check_characters(note)?;
        // The last blank line: the text may have blank lines of its own.
        let blank = note.rfind("\n\n").ok_or(NoteError::Unsigned)?;
        let text = &note[..=blank];
        let lines = note[blank + 2..].strip_suffix('\n').ok_or(NoteError::Unsigned)?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        let signatures = lines
            .split('\n')
            .zip(1..)
            .map(|(line, number)| Signature::parse(line).ok_or(NoteError::SignatureLine(number)))
            .collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Checks every signature that names one of `keys`, and returns the keys that
    /// have signed: at least one. Signatures of others are passed over, so that a
    /// note may carry those of witnesses and of keys to come.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let mut signed_by: Vec<&VerifierKey> = Vec::new();
        for signature in &self.signatures {
            let mut known = keys.iter().filter(|key| signature.is_by(key)).peekable();
            if known.peek().is_none() {
                continue;
            }
            let key = known
                .find(|key| key.verifies(&self.text, &signature.bytes))
                .ok_or_else(|| NoteError::BadSignature(signature.name.clone()))?;
            if !signed_by.contains(&key) {
                signed_by.push(key);
            }
        }
        if signed_by.is_empty() { Err(NoteError::UnknownSigners) } else { Ok(signed_by) }
    }

    /// The signed text, with its final newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| signature.fmt(f))
    }
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    let forbidden = |byte: u8| byte < b' ' && byte != b'\n';
    if text.bytes().any(forbidden) { Err(NoteError::Characters) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Secret;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SEED: &str = "810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                        then you don't know what your problem is.\n";
    const LINE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn published() -> String {
        format!("{TEXT}\n{LINE}")
    }

    fn signer(name: &str, seed: [u8; 32]) -> Signer {
        Signer::from_seed(name, &Secret::new(seed)).unwrap()
    }

    #[test]
    fn the_published_note_verifies_and_is_made_again() {
        let keys = [VKEY.parse().unwrap()];
        let note = Note::parse(published().as_bytes()).unwrap();
        assert_eq!(note.text(), TEXT);
        assert_eq!(note.verify(&keys).unwrap(), [&keys[0]]);
        let neumann = signer("PeterNeumann", hex::decode(SEED).unwrap().try_into().unwrap());
        assert_eq!(Note::sign(TEXT, &[&neumann]).unwrap().to_string(), published());
    }

    #[test]
    fn several_signers() {
        let (log, witness) = (signer("log.example", [1; 32]), signer("witness.example", [2; 32]));
        let note = Note::sign("a\n\nb\n", &[&log, &witness]).unwrap();
        let parsed = Note::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(parsed, note);
        assert_eq!(parsed.text(), "a\n\nb\n");
        let known = [witness.verifier().clone()];
        assert_eq!(parsed.verify(&known).unwrap(), [witness.verifier()]);
        // The same name with another key, and the same key under another name.
        for stranger in [signer("log.example", [3; 32]), signer("log2.example", [1; 32])] {
            let keys = [stranger.verifier().clone()];
            assert_eq!(parsed.verify(&keys), Err(NoteError::UnknownSigners));
        }
        assert_eq!(parsed.verify(&[]), Err(NoteError::UnknownSigners));
    }

    #[test]
    fn one_bad_signature_of_a_known_key_spoils_the_note() {
        let keys = [VKEY.parse().unwrap()];
        let bad = LINE.replace("/ZJk", "/ZJl");
        for lines in [format!("{LINE}{bad}"), format!("{bad}{LINE}"), bad] {
            let note = Note::parse(format!("{TEXT}\n{lines}").as_bytes()).unwrap();
            assert_eq!(note.verify(&keys), Err(NoteError::BadSignature("PeterNeumann".into())));
        }
        let changed = Note::parse(published().replace("answer", "Answer").as_bytes()).unwrap();
        assert!(matches!(changed.verify(&keys), Err(NoteError::BadSignature(_))));
    }

    #[test]
    fn malformed_notes_are_refused() {
        let with = |lines: &str| Note::parse(format!("{TEXT}\n{lines}").as_bytes());
        assert_eq!(Note::parse(b""), Err(NoteError::Unsigned));
        assert_eq!(Note::parse(TEXT.as_bytes()), Err(NoteError::Unsigned));
        assert_eq!(with(""), Err(NoteError::Unsigned));
        assert_eq!(with(LINE.trim_end()), Err(NoteError::Unsigned), "no newline at the end");
        for line in [
            "\n",
            "x\n",
            "— \n",
            "— name\n",
            "— name \n",
            "— name x08g\n",
            "— name x08gowE\n",
            "—  x08gow==\n",
            "— a+b x08goww=\n",
            "— a b x08goww=\n",
            "- name x08goww=\n",
            "— name x08goww= \n",
            "— na\u{2003}me x08goww=\n",
        ] {
            let parsed = with(&format!("{LINE}{line}"));
            assert!(
                matches!(parsed, Err(NoteError::SignatureLine(2) | NoteError::Unsigned)),
                "{line}"
            );
        }
        assert_eq!(with(&LINE.replace("— P", "—\tP")), Err(NoteError::Characters));
        assert_eq!(with(&LINE.replace('\n', "\r\n")), Err(NoteError::Characters));
        assert_eq!(Note::parse(b"\xff\n\n"), Err(NoteError::Characters));
        assert_eq!(with(&LINE.repeat(MAX_SIGNATURES)).unwrap().signatures().len(), MAX_SIGNATURES);
        assert_eq!(with(&LINE.repeat(MAX_SIGNATURES + 1)), Err(NoteError::TooManySignatures));
        assert_eq!(Note::parse(&vec![b'a'; MAX_NOTE_LEN + 1]), Err(NoteError::TooLong));
        let me = signer("me", [1; 32]);
        assert_eq!(Note::sign("no newline", &[&me]), Err(NoteError::Text));
        assert_eq!(Note::sign("bell\u{7}\n", &[&me]), Err(NoteError::Characters));
        assert_eq!(Note::sign("text\n", &[]), Err(NoteError::Unsigned));
    }

    proptest! {
        #[test]
        fn foreign_bytes_parse_to_themselves_or_not_at_all(bytes in vec(any::<u8>(), 0..300)) {
            if let Ok(note) = Note::parse(&bytes) {
                prop_assert_eq!(note.to_string().into_bytes(), bytes);
            }
        }

        #[test]
        fn a_changed_note_never_verifies_as_another_text(at in 0..200_usize, flip in 1..=255_u8) {
            let mut bytes = published().into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            if let Ok(note) = Note::parse(&bytes) {
                let keys = [VKEY.parse().unwrap()];
                let verified = note.verify(&keys);
                prop_assert!(verified.is_err() || note.text() == TEXT);
            }
        }
    }
}
