//! The log's entries: salted commitments, so that anyone may read the log and
//! nobody learns from it what the events say.

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use kernel::{Fault, Result};

/// The form of an entry; another form gets another number.
const VERSION: u8 = 1;

/// 32 random bytes that hide an event among all that it could have been.
pub type Salt = [u8; 32];

pub fn salt_for() -> Result<Salt> {
    let mut salt = [0; 32];
    SystemRandom::new().fill(&mut salt).map_err(|_| Fault::internal("no randomness"))?;
    Ok(salt)
}

/// `0x01 ‖ SHA-256(salt ‖ encoded)`. The salt's length is fixed, so the two
/// cannot be cut differently.
pub fn entry_of(salt: &[u8], encoded: &[u8]) -> Vec<u8> {
    let mut hash = Context::new(&SHA256);
    hash.update(salt);
    hash.update(encoded);
    let mut entry = vec![VERSION];
    entry.extend_from_slice(hash.finish().as_ref());
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_depends_on_salt_and_event() {
        let entry = entry_of(&[7; 32], b"event");
        assert_eq!((entry.len(), entry[0]), (33, 1));
        assert_ne!(entry, entry_of(&[8; 32], b"event"));
        assert_ne!(entry, entry_of(&[7; 32], b"Event"));
        assert_ne!(salt_for().unwrap(), salt_for().unwrap());
    }
}
