//! Evidence for one entry in one file: index, inclusion proof and signed
//! checkpoint. <https://c2sp.org/tlog-proof>

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::checkpoint::{CheckpointError, LogIdentity, VerifiedCheckpoint, parse_decimal};
use crate::hash::{Hash, leaf_hash};
use crate::note::{MAX_NOTE_LEN, Note, NoteError};
use crate::verify::{VerifyError, verify_inclusion};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
const MAX_EXTRA_LEN: usize = 64 * 1024;

/// No tree that we handle is higher.
const MAX_HASHES: usize = 63;

#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum LogProofError {
    #[error("not a proof of the form {HEADER}")]
    Form,
    #[error("the proof is too long")]
    TooLong,
    #[error("the extra data is not base64")]
    Extra,
    #[error("the index must be a decimal number without leading zeros")]
    Index,
    #[error("hash {0} of the proof is malformed")]
    Hash(usize),
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Inclusion(#[from] VerifyError),
}

/// A proof as it was parsed; means nothing until [`LogProof::verify`] has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    /// Not covered by any signature.
    pub extra: Option<Vec<u8>>,
    pub index: u64,
    pub hashes: Vec<Hash>,
    pub checkpoint: Note,
}

impl LogProof {
    /// Checks that this very entry is in the log, by nothing but the log's keys.
    /// The entry's place is `self.index` then.
    pub fn verify(
        &self,
        identity: &LogIdentity,
        entry: &[u8],
    ) -> Result<VerifiedCheckpoint, LogProofError> {
        let checkpoint = identity.open(self.checkpoint.to_string().as_bytes())?;
        let head = checkpoint.head();
        verify_inclusion(&leaf_hash(entry), self.index, head.size, &self.hashes, &head.root)?;
        Ok(checkpoint)
    }
}

impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for LogProof {
    type Err = LogProofError;

    fn from_str(text: &str) -> Result<Self, LogProofError> {
        if text.len() > 2 * MAX_NOTE_LEN {
            return Err(LogProofError::TooLong);
        }
        let (head, note) = text.split_once("\n\n").ok_or(LogProofError::Form)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(LogProofError::Form);
        }
        let extra = match lines.next_if(|line| line.starts_with("extra ")) {
            Some(line) => Some(parse_extra(&line["extra ".len()..])?),
            None => None,
        };
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index.and_then(parse_decimal).ok_or(LogProofError::Index)?;
        let mut hashes = Vec::new();
        for line in lines {
            if hashes.len() == MAX_HASHES {
                return Err(LogProofError::TooLong);
            }
            hashes.push(Hash::from_base64(line).ok_or(LogProofError::Hash(hashes.len()))?);
        }
        Ok(Self { extra, index, hashes, checkpoint: Note::parse(note.as_bytes())? })
    }
}

fn parse_extra(base64: &str) -> Result<Vec<u8>, LogProofError> {
    if base64.len() > MAX_EXTRA_LEN.div_ceil(3) * 4 {
        return Err(LogProofError::TooLong);
    }
    STANDARD.decode(base64).map_err(|_| LogProofError::Extra)
}
