//! Argon2id (RFC 9106): 19 MiB, two passes, one lane, as OWASP's password
//! storage guidance has it.
//!
//! Few at once, and one block of memory kept: each hashing takes a core for some
//! ten milliseconds, and fresh memory makes that half as long again.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use async_trait::async_trait;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use kernel::{Fault, Result, Secret};
use tokio::sync::Semaphore;

use crate::application::ports::Passwords;

const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT: usize = 16;
const OUTPUT: usize = 32;
/// What a stored hash may ask for at most: a row must not take the machine.
const MOST_MEMORY_KIB: u32 = 256 * 1_024;
const MOST_PASSES: u32 = 16;

pub struct Argon2Passwords {
    room: Arc<Semaphore>,
    /// Overwritten by the next hashing; what is left in it is worth no more to a
    /// reader of this memory than the stored hash.
    kept: Arc<Mutex<Option<Vec<Block>>>>,
}

impl Argon2Passwords {
    /// At most `at_once` hashings run; others wait for their turn.
    pub fn new(at_once: usize) -> Arc<Self> {
        Arc::new(Self { room: Arc::new(Semaphore::new(at_once)), kept: Arc::default() })
    }

    async fn derive(&self, password: Secret<String>, how: Stored) -> Result<[u8; OUTPUT]> {
        let permit = Arc::clone(&self.room).acquire_owned().await.map_err(Fault::internal)?;
        let kept = Arc::clone(&self.kept);
        let derived = tokio::task::spawn_blocking(move || {
            // Held to the end even if the caller has gone: the bound is on the work.
            let _permit = permit;
            let slot = || kept.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = slot().take().unwrap_or_default();
            let derived = how.derive(password.expose().as_bytes(), &mut memory);
            *slot() = Some(memory);
            derived
        });
        derived.await.map_err(Fault::internal)?
    }
}

/// A hash with everything needed to make it again.
struct Stored {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; SALT],
    hash: [u8; OUTPUT],
}

impl Stored {
    /// Today's parameters and a new salt; no hash yet.
    fn fresh() -> Result<Self> {
        let mut salt = [0; SALT];
        SystemRandom::new().fill(&mut salt).map_err(|_| Fault::internal("no randomness"))?;
        let hash = [0; OUTPUT];
        Ok(Self { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES, salt, hash })
    }

    fn derive(&self, password: &[u8], memory: &mut Vec<Block>) -> Result<[u8; OUTPUT]> {
        let broken = |_| Fault::internal("argon2 refuses its parameters");
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(OUTPUT));
        let params = params.map_err(broken)?;
        memory.resize_with(params.block_count(), Block::new);
        let mut output = [0; OUTPUT];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password, &self.salt, &mut output, &mut memory[..])
            .map_err(broken)?;
        Ok(output)
    }

    /// The PHC string format, which other implementations read.
    fn encode(&self) -> String {
        let Self { memory_kib, passes, lanes, salt, hash } = self;
        let (salt, hash) = (BASE64.encode(salt), BASE64.encode(hash));
        format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${hash}")
    }

    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("$argon2id$v=19$m=")?;
        let (memory_kib, rest) = rest.split_once(",t=")?;
        let (passes, rest) = rest.split_once(",p=")?;
        let (lanes, rest) = rest.split_once('$')?;
        let (salt, hash) = rest.split_once('$')?;
        let stored = Self {
            memory_kib: memory_kib.parse().ok()?,
            passes: passes.parse().ok()?,
            lanes: lanes.parse().ok()?,
            salt: BASE64.decode(salt).ok()?.try_into().ok()?,
            hash: BASE64.decode(hash).ok()?.try_into().ok()?,
        };
        (stored.memory_kib <= MOST_MEMORY_KIB && stored.passes <= MOST_PASSES).then_some(stored)
    }
}

#[async_trait]
impl Passwords for Argon2Passwords {
    async fn hash(&self, password: Secret<String>) -> Result<String> {
        let fresh = Stored::fresh()?;
        let Stored { memory_kib, passes, lanes, salt, .. } = fresh;
        let hash = self.derive(password, fresh).await?;
        Ok(Stored { memory_kib, passes, lanes, salt, hash }.encode())
    }

    async fn verify(&self, password: Secret<String>, hash: Option<String>) -> Result<bool> {
        let known = hash.is_some();
        let stored = match hash {
            Some(hash) => Stored::parse(&hash)
                .ok_or_else(|| Fault::internal("a password hash of unknown form"))?,
            None => Stored::fresh()?,
        };
        let expected = stored.hash;
        let derived = self.derive(password, stored).await?;
        Ok(verify_slices_are_equal(&derived, &expected).is_ok() & known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other() {
        let passwords = Argon2Passwords::new(2);
        let hash = passwords.hash(secret("correct donkey")).await.unwrap();
        assert_ne!(hash, passwords.hash(secret("correct donkey")).await.unwrap());
        assert!(passwords.verify(secret("correct donkey"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(secret("Correct donkey"), Some(hash)).await.unwrap());
        assert!(!passwords.verify(secret("correct donkey"), None).await.unwrap());
        assert!(passwords.verify(secret("x"), Some("$2b$10$abc".into())).await.is_err());
    }

    /// From the reference implementation, which Python's argon2-cffi binds.
    #[tokio::test]
    async fn foreign_hashes_are_understood() {
        let passwords = Argon2Passwords::new(1);
        let hash = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$SSxBGm3/vJxPklALcLT7JnOC3uBaOsnDHzcuL6MZXJQ";
        assert!(passwords.verify(secret("correct donkey"), Some(hash.into())).await.unwrap());
        let other = hash.replace("m=19456", "m=8192");
        assert!(!passwords.verify(secret("correct donkey"), Some(other)).await.unwrap());
        let huge = hash.replace("m=19456", "m=4000000");
        assert!(passwords.verify(secret("correct donkey"), Some(huge)).await.is_err());
    }

    #[test]
    fn the_stored_form_is_read_back() {
        let text = Stored::fresh().unwrap().encode();
        assert_eq!(Stored::parse(&text).unwrap().encode(), text);
        for broken in ["", "$argon2id$v=19$m=1,t=1,p=1$a$b", &text[1..], &text[..text.len() - 1]] {
            assert!(Stored::parse(broken).is_none(), "{broken}");
        }
    }
}
