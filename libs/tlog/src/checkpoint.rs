//! Checkpoints: the head of a tree, signed. <https://c2sp.org/tlog-checkpoint>

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::hash::Hash;
use crate::key::{Signer, VerifierKey};
use crate::note::{Note, NoteError};
use crate::tile::MAX_TREE_SIZE;

#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum CheckpointError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("a checkpoint has an origin, a size, a root and further lines that are not empty")]
    Lines,
    #[error("the origin must be one line that is not empty")]
    Origin,
    #[error(
        "the tree size must be a decimal number without leading zeros, at most {MAX_TREE_SIZE}"
    )]
    Size,
    #[error("the root must be 32 bytes in base64")]
    Root,
    #[error("the checkpoint is of another log")]
    OtherLog,
}

/// A tree as its size and root identify it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    pub size: u64,
    pub root: Hash,
}

/// What a checkpoint says. Written out it is the text of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    head: TreeHead,
    extensions: Vec<String>,
}

impl Checkpoint {
    pub fn new(origin: impl Into<String>, head: TreeHead) -> Result<Self, CheckpointError> {
        let origin = origin.into();
        if origin.is_empty() || origin.chars().any(char::is_control) {
            return Err(CheckpointError::Origin);
        }
        if head.size > MAX_TREE_SIZE {
            return Err(CheckpointError::Size);
        }
        Ok(Self { origin, head, extensions: Vec::new() })
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub const fn head(&self) -> TreeHead {
        self.head
    }

    pub const fn size(&self) -> u64 {
        self.head.size
    }

    pub const fn root(&self) -> Hash {
        self.head.root
    }

    /// Lines after the root; opaque, and ours write none.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    pub fn sign(&self, signers: &[&Signer]) -> Result<Note, NoteError> {
        Note::sign(self.to_string(), signers)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.head.size, self.head.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let lines = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = lines.split('\n');
        let (origin, size, root) = (lines.next(), lines.next(), lines.next());
        let size =
            parse_decimal(size.ok_or(CheckpointError::Lines)?).ok_or(CheckpointError::Size)?;
        let root = Hash::from_base64(root.ok_or(CheckpointError::Lines)?);
        let head = TreeHead { size, root: root.ok_or(CheckpointError::Root)? };
        let mut checkpoint = Self::new(origin.unwrap_or_default(), head)?;
        checkpoint.extensions = lines.map(str::to_owned).collect();
        if checkpoint.extensions.iter().any(String::is_empty) {
            return Err(CheckpointError::Lines);
        }
        Ok(checkpoint)
    }
}

/// A decimal number with one spelling.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit());
    if canonical && digits { text.parse().ok() } else { None }
}

/// By what a log is known: its origin, and the keys whose signature makes a
/// checkpoint its own (more than one while it changes its key). Witnesses' keys
/// do not belong here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogIdentity {
    pub origin: String,
    pub keys: Vec<VerifierKey>,
}

impl LogIdentity {
    /// Parses and verifies a signed checkpoint of this log.
    pub fn open(&self, note: &[u8]) -> Result<VerifiedCheckpoint, CheckpointError> {
        let note = Note::parse(note)?;
        note.verify(&self.keys)?;
        let checkpoint: Checkpoint = note.text().parse()?;
        if checkpoint.origin != self.origin {
            return Err(CheckpointError::OtherLog);
        }
        Ok(VerifiedCheckpoint { checkpoint, note })
    }
}

/// A checkpoint whose signature has been verified; made by [`LogIdentity::open`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl VerifiedCheckpoint {
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    pub const fn head(&self) -> TreeHead {
        self.checkpoint.head
    }

    /// The signed form, as it is published.
    pub const fn note(&self) -> &Note {
        &self.note
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Secret;
    use proptest::prelude::*;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    fn signer(seed: u8) -> Signer {
        Signer::from_seed("example.com/log", &Secret::new([seed; 32])).unwrap()
    }

    fn identity(signer: &Signer) -> LogIdentity {
        LogIdentity { origin: "example.com/log".into(), keys: vec![signer.verifier().clone()] }
    }

    #[test]
    fn the_example_of_the_specification() {
        let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
        let checkpoint: Checkpoint = text.parse().unwrap();
        assert_eq!(
            (checkpoint.origin(), checkpoint.size()),
            ("example.com/behind-the-sofa", 20_852_163)
        );
        assert_eq!(checkpoint.to_string(), text);
        let extended = format!("{text}one\ntwo\n");
        let checkpoint: Checkpoint = extended.parse().unwrap();
        assert_eq!(checkpoint.extensions(), ["one", "two"]);
        assert_eq!(checkpoint.to_string(), extended);
    }

    #[test]
    fn other_texts_are_refused() {
        let max = MAX_TREE_SIZE;
        for (text, error) in [
            (String::new(), CheckpointError::Lines),
            ("log\n1\n".into(), CheckpointError::Lines),
            (format!("log\n1\n{ROOT}"), CheckpointError::Lines),
            (format!("log\n1\n{ROOT}\n\n"), CheckpointError::Lines),
            (format!("log\n1\n{ROOT}\n\nx\n"), CheckpointError::Lines),
            (format!("\n1\n{ROOT}\n"), CheckpointError::Origin),
            (format!("log\n01\n{ROOT}\n"), CheckpointError::Size),
            (format!("log\n+1\n{ROOT}\n"), CheckpointError::Size),
            (format!("log\n\n{ROOT}\n"), CheckpointError::Size),
            (format!("log\n{}\n{ROOT}\n", max + 1), CheckpointError::Size),
            (format!("log\n99999999999999999999\n{ROOT}\n"), CheckpointError::Size),
            (format!("log\n1\n {ROOT}\n"), CheckpointError::Root),
            (format!("log\n1\n{}\n", &ROOT[..43]), CheckpointError::Root),
            (format!("log\n1\n{ROOT}{ROOT}\n"), CheckpointError::Root),
        ] {
            assert_eq!(text.parse::<Checkpoint>(), Err(error), "{text:?}");
        }
        let head = TreeHead { size: 1, root: Hash::from_base64(ROOT).unwrap() };
        assert_eq!(Checkpoint::new("two\nlines", head), Err(CheckpointError::Origin));
    }

    /// A tree head of the Go checksum database, signed with its key. (The example
    /// in the specification is this one under another name.)
    #[test]
    fn a_checkpoint_of_another_implementation_verifies() {
        let note = format!(
            "go.sum database tree\n20852163\n{ROOT}\n\n\
             — sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/\
             Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        );
        let key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
        let identity =
            LogIdentity { origin: "go.sum database tree".into(), keys: vec![key.parse().unwrap()] };
        let opened = identity.open(note.as_bytes()).unwrap();
        assert_eq!(opened.head().size, 20_852_163);
        let changed = note.replace("20852163", "20852164");
        let refused = identity.open(changed.as_bytes());
        assert!(matches!(refused, Err(CheckpointError::Note(NoteError::BadSignature(_)))));
    }

    #[test]
    fn opened_only_for_the_right_log_and_key() {
        let head = TreeHead { size: 7, root: Hash::from_base64(ROOT).unwrap() };
        let note = |origin: &str, signer: &Signer| {
            Checkpoint::new(origin, head).unwrap().sign(&[signer]).unwrap().to_string()
        };
        let (ours, foreign) = (signer(1), signer(2));
        let opened = identity(&ours).open(note("example.com/log", &ours).as_bytes()).unwrap();
        assert_eq!(opened.head(), head);
        let other = identity(&ours).open(note("example.com/log2", &ours).as_bytes());
        assert_eq!(other, Err(CheckpointError::OtherLog));
        let forged = identity(&ours).open(note("example.com/log", &foreign).as_bytes());
        assert_eq!(forged, Err(CheckpointError::Note(NoteError::UnknownSigners)));
    }

    proptest! {
        #[test]
        fn whatever_parses_is_canonical(text in "[a-z]{0,3}\n[0-9+]{0,3}\n[A-Za-z0-9]{42}[A-Q]=\n([a-z]{0,2}\n){0,2}") {
            if let Ok(checkpoint) = text.parse::<Checkpoint>() {
                prop_assert_eq!(checkpoint.to_string(), text);
            }
        }
    }
}
