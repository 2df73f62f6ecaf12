//! Tokens of a vault: the text holds a name, and somebody else keeps what it stands for. This
//! library writes and finds the names; keeping, expiry and who may open is the keeper's.
//!
//! `[tok1:PERSON:…]` has 16 random bytes as base64url: nothing about the value but its type shows,
//! not even its length, and a token that the vault has forgotten never means anything again.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pii::EntityType;
use zeroize::Zeroizing;

use crate::seal::{Form, Token, next_token};

/// Bytes of a token's name.
pub const TOKEN_LEN: usize = 16;
/// Opens one in a text; the rest has the form of encrypted tokens.
pub(crate) const OPEN: &str = "[tok1:";

/// What the vault knows a token by.
pub type TokenId = [u8; TOKEN_LEN];

/// A value of a text that the vault is to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub entity: EntityType,
    /// Where it stood in the text.
    pub range: Range<usize>,
    /// Where its token will stand.
    pub output: Range<usize>,
    /// How long it is to be kept, in seconds; for ever without.
    pub ttl_seconds: Option<u32>,
}

/// What tokens stand for, as their keeper opened them.
#[derive(Default)]
pub struct Opened(HashMap<TokenId, (EntityType, Zeroizing<String>)>);

impl Opened {
    pub fn insert(&mut self, id: TokenId, entity: EntityType, value: Zeroizing<String>) {
        self.0.insert(id, (entity, value));
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a token; a type that is not the one it was kept with is another token.
    #[must_use]
    pub fn value(&self, id: &TokenId, entity: &str) -> Option<&str> {
        let (kept, value) = self.0.get(id)?;
        (kept.as_str() == entity).then_some(value.as_str())
    }

    pub(crate) fn of(&self, token: &Token<'_>) -> Option<&str> {
        self.value(&id(token)?, token.entity)
    }
}

/// The token as it stands in a text. All of a type are of one length.
#[must_use]
pub fn written(entity: &str, id: &TokenId) -> String {
    format!("{OPEN}{entity}:{}]", URL_SAFE_NO_PAD.encode(id))
}

/// What a token of this form names, if it is one of a vault.
pub(crate) fn id(token: &Token<'_>) -> Option<TokenId> {
    if token.form != Form::Vault {
        return None;
    }
    URL_SAFE_NO_PAD.decode(token.data).ok()?.try_into().ok()
}

/// The type and name of the token that a text is, as a whole.
#[must_use]
pub fn read_token(text: &str) -> Option<(EntityType, TokenId)> {
    let token = next_token(text, 0).filter(|token| token.range == (0..text.len()))?;
    Some((EntityType::new(token.entity), id(&token)?))
}

/// The names of all of a vault's tokens in a text, each once. Whose they are, the vault knows.
#[must_use]
pub fn vault_tokens(text: &str) -> BTreeSet<TokenId> {
    let tokens =
        std::iter::successors(next_token(text, 0), |last| next_token(text, last.range.end));
    tokens.filter_map(|token| id(&token)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found_and_nothing_else() {
        let token = written("PERSON", &[7; TOKEN_LEN]);
        assert_eq!(token.len(), written("PERSON", &[255; TOKEN_LEN]).len());
        assert_eq!(read_token(&token), Some((EntityType::new("PERSON"), [7; TOKEN_LEN])));
        let other = written("URL", &[8; TOKEN_LEN]);
        let text = format!("[tok1:{token}{other} and {token}[tok1:PERSON:abc]");
        assert_eq!(vault_tokens(&text), BTreeSet::from([[7; TOKEN_LEN], [8; TOKEN_LEN]]));
        let sealed = token.replace("tok1", "enc1");
        for wrong in
            ["", "[tok1:PERSON:]", "[tok1::AAAA]", &token[1..], &format!("{token} "), &sealed]
        {
            assert_eq!(read_token(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_value_comes_with_its_type_only() {
        let mut opened = Opened::default();
        opened.insert([7; TOKEN_LEN], EntityType::new("PERSON"), Zeroizing::new("Anna".into()));
        assert_eq!(opened.value(&[7; TOKEN_LEN], "PERSON"), Some("Anna"));
        assert_eq!(opened.value(&[7; TOKEN_LEN], "URL"), None);
        assert_eq!(opened.value(&[8; TOKEN_LEN], "PERSON"), None);
    }
}
