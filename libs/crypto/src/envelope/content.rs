//! The content: a JWE in JSON serialization, general or flattened.

use serde::Deserialize;

use super::{CONTENT_TYPE, STREAM_TYPE, WrappedKeys};
use crate::encoding;
use crate::error::{OpenError, SealError};
use crate::jose::header::{A256GCM, ContentHeader, KeyHeader};
use crate::limits::Limits;
use crate::provider::{NONCE_LEN, TAG_LEN};

const MAX_MEDIA_TYPE: usize = 128;

/// What the text is read into. The values that are base64url are borrowed, which refuses
/// escapes in them as well: one value, one spelling.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members<'a> {
    protected: &'a str,
    iv: &'a str,
    ciphertext: &'a str,
    tag: &'a str,
    #[serde(default)]
    recipients: Option<WrappedKeys>,
    // Flattened (RFC 7516, section 7.2.2): what some libraries write for a single recipient.
    #[serde(default)]
    header: Option<KeyHeader>,
    #[serde(default)]
    encrypted_key: Option<String>,
}

/// A content taken apart; its ciphertext is not yet decoded.
pub struct Content<'a> {
    protected: &'a str,
    header: ContentHeader,
    iv: [u8; NONCE_LEN],
    ciphertext: &'a str,
    tag: [u8; TAG_LEN],
    wrapped_keys: WrappedKeys,
}

impl<'a> Content<'a> {
    /// # Errors
    /// When it is too large, has unknown, missing or repeated members, or another encryption.
    pub fn parse(json: &'a str, limits: &Limits) -> Result<Self, OpenError> {
        use OpenError::Malformed;
        limits.check_content_json(json)?;
        let members: Members<'a> = serde_json::from_str(json).map_err(|_| Malformed("content"))?;
        limits.check_ciphertext(members.ciphertext)?;
        let wrapped_keys = match (members.recipients, members.header, members.encrypted_key) {
            (Some(list), None, None) => list,
            (None, Some(header), Some(key)) => WrappedKeys::one(header, key),
            _ => return Err(Malformed("content.recipients")),
        };
        wrapped_keys.check(limits)?;
        let header = parse_header(members.protected).ok_or(Malformed("content.protected"))?;
        Ok(Self {
            protected: members.protected,
            header,
            iv: encoding::decode_array(members.iv).map_err(|_| Malformed("content.iv"))?,
            ciphertext: members.ciphertext,
            tag: encoding::decode_array(members.tag).map_err(|_| Malformed("content.tag"))?,
            wrapped_keys,
        })
    }

    /// What the plaintext is, as the sender says; believe it only after opening.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.header.cty.as_deref()
    }

    /// Whether it holds the key of a stream.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.header.typ == STREAM_TYPE
    }

    #[must_use]
    pub fn wrapped_keys(&self) -> &WrappedKeys {
        &self.wrapped_keys
    }

    /// The same content with other wrapped keys, after one was renewed.
    #[must_use]
    pub fn with_wrapped_keys(&self, keys: &WrappedKeys) -> String {
        let length = self.ciphertext.len();
        write(self.protected, keys, (&self.iv, &self.tag), length, |json| {
            json.push_str(self.ciphertext);
        })
    }

    pub(super) fn protected(&self) -> &'a str {
        self.protected
    }

    pub(super) fn iv(&self) -> &[u8; NONCE_LEN] {
        &self.iv
    }

    pub(super) fn tag(&self) -> &[u8; TAG_LEN] {
        &self.tag
    }

    /// The ciphertext, in a buffer that has room for the tag.
    pub(super) fn ciphertext(&self) -> Result<Vec<u8>, OpenError> {
        encoding::decode_with_room(self.ciphertext, TAG_LEN)
            .map_err(|_| OpenError::Malformed("content.ciphertext"))
    }
}

pub(super) fn parse_header(protected: &str) -> Option<ContentHeader> {
    let header: ContentHeader = encoding::decode_json(protected).ok()?;
    let known_type = header.typ == CONTENT_TYPE || header.typ == STREAM_TYPE;
    let known = header.enc == A256GCM && known_type;
    (known && header.cty.as_deref().is_none_or(is_media_type)).then_some(header)
}

pub(super) fn protected_header(typ: &str, media_type: &str) -> Result<String, SealError> {
    if !is_media_type(media_type) {
        return Err(SealError::Invalid("content_type"));
    }
    let header = ContentHeader {
        enc: A256GCM.to_owned(),
        typ: typ.to_owned(),
        cty: Some(media_type.to_owned()),
    };
    let json = serde_json::to_vec(&header).map_err(|_| SealError::Invalid("content_type"))?;
    Ok(encoding::encode(&json))
}

/// Printable ASCII, short.
fn is_media_type(text: &str) -> bool {
    (1..=MAX_MEDIA_TYPE).contains(&text.len())
        && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// Written by hand: the ciphertext is large, is appended once, and base64url needs no escaping.
pub(super) fn write(
    protected: &str,
    keys: &WrappedKeys,
    (iv, tag): (&[u8; NONCE_LEN], &[u8; TAG_LEN]),
    ciphertext_len: usize,
    append_ciphertext: impl FnOnce(&mut String),
) -> String {
    let recipients = keys.to_json();
    let size = protected.len() + recipients.len() + ciphertext_len + 128;
    let mut json = String::with_capacity(size);
    for piece in [r#"{"protected":""#, protected, r#"","recipients":"#, &recipients, r#","iv":""#] {
        json.push_str(piece);
    }
    encoding::append(iv, &mut json);
    json.push_str(r#"","ciphertext":""#);
    append_ciphertext(&mut json);
    json.push_str(r#"","tag":""#);
    encoding::append(tag, &mut json);
    json.push_str(r#""}"#);
    json
}
