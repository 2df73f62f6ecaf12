//! API keys and the form of their secrets.
//!
//! `sgnt_`, 43 random characters of `0-9A-Za-z` (256 bits), and six that check
//! them, so that a typing error costs no look-up and a scanner for leaked
//! secrets has no false finds.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use kernel::{ApiKeyId, Fault, PrincipalId, Result, Secret, TenantId, Timestamp};

const PREFIX: &str = "sgnt_";
const RANDOM: usize = 43;
const CHECK: usize = 6;
const LENGTH: usize = PREFIX.len() + RANDOM + CHECK;
/// The prefix and four characters: tells keys apart, and leaves 232 bits.
const HINT: usize = PREFIX.len() + 4;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// SHA-256 of a secret: what is stored and looked up.
pub type SecretHash = [u8; 32];

/// The secret of an API key.
pub struct ApiSecret(Secret<String>);

impl ApiSecret {
    pub fn generate() -> Result<Self> {
        let mut text = String::with_capacity(LENGTH);
        text.push_str(PREFIX);
        let random = SystemRandom::new();
        while text.len() < PREFIX.len() + RANDOM {
            let mut byte = [0; 1];
            random.fill(&mut byte).map_err(|_| Fault::internal("no randomness"))?;
            // 248 is the largest multiple of 62: the rest would favour some characters.
            if byte[0] < 248 {
                text.push(char::from(ALPHABET[usize::from(byte[0]) % ALPHABET.len()]));
            }
        }
        let check = check_of(&text);
        text.push_str(&check);
        Ok(Self(Secret::new(text)))
    }

    /// Whether a credential claims to be an API key.
    pub fn looks_like(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Takes any text; None if it cannot be a secret of ours.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != LENGTH || !text.starts_with(PREFIX) {
            return None;
        }
        let (body, check) = text.split_at_checked(PREFIX.len() + RANDOM)?;
        (check == check_of(body)).then(|| Self(Secret::new(text.to_owned())))
    }

    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    pub fn hint(&self) -> &str {
        &self.0.expose()[..HINT]
    }

    pub fn hash(&self) -> SecretHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, self.0.expose().as_bytes()).as_ref());
        hash
    }
}

/// The first 32 bits of SHA-256 in base 62. Guards against accidents only.
fn check_of(body: &str) -> String {
    let hash = digest(&SHA256, body.as_bytes());
    let mut rest =
        hash.as_ref().iter().take(4).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
    let mut check = [0; CHECK];
    for place in check.iter_mut().rev() {
        *place = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    check.iter().map(|byte| char::from(*byte)).collect()
}

#[derive(Clone)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub tenant: TenantId,
    pub owner: PrincipalId,
    pub display_name: String,
    pub hint: String,
    pub created: Timestamp,
    pub expires: Option<Timestamp>,
    pub revoked: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    Usable,
    Expired,
    Revoked,
}

impl ApiKey {
    pub fn name(&self) -> String {
        format!("apiKeys/{}", self.id)
    }

    pub fn state(&self, now: Timestamp) -> KeyState {
        KeyState::of(self.expires, self.revoked, now)
    }
}

impl KeyState {
    pub fn of(expires: Option<Timestamp>, revoked: Option<Timestamp>, now: Timestamp) -> Self {
        if revoked.is_some() {
            Self::Revoked
        } else if expires.is_some_and(|at| at <= now) {
            Self::Expired
        } else {
            Self::Usable
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_read_back_and_differ() {
        let (one, two) = (ApiSecret::generate().unwrap(), ApiSecret::generate().unwrap());
        assert_eq!(one.expose().len(), LENGTH);
        let again = ApiSecret::parse(one.expose()).unwrap();
        assert_eq!(again.hash(), one.hash());
        assert_ne!(one.hash(), two.hash());
        assert!(one.expose().starts_with(one.hint()) && one.hint().len() == 9);
    }

    #[test]
    fn the_check_is_fixed() {
        // Computed with Python's hashlib.
        let body = format!("sgnt_{}", "A".repeat(43));
        assert_eq!(check_of(&body), "35EyUq");
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_a_panic(text in "(sgnt_)?\\PC{0,60}") {
            prop_assert!(ApiSecret::parse(&text).is_none());
        }

        #[test]
        fn one_wrong_character_is_noticed(at in 5..54_usize, with in "[0-9A-Za-zä]") {
            let secret = ApiSecret::generate().unwrap();
            let mut text = secret.expose().to_owned();
            text.replace_range(at..=at, &with);
            prop_assume!(text != secret.expose());
            prop_assert!(ApiSecret::parse(&text).is_none());
        }
    }
}
