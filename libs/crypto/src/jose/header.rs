//! Headers. Every type refuses members that it does not name, so `zip`, `jku`, `jwk`,
//! `x5u`, `x5c` and `crit` are refused with all that is not invented yet.

use serde::{Deserialize, Serialize};

/// The one content encryption: [RFC 7518, section 5.3](https://www.rfc-editor.org/rfc/rfc7518#section-5.3).
pub(crate) const A256GCM: &str = "A256GCM";

/// The header of a compact signature.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JwsHeader {
    pub(crate) alg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) typ: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cty: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kid: Option<String>,
}

/// The protected header of content for several recipients: nothing of the keys is in it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContentHeader {
    pub(crate) enc: String,
    pub(crate) typ: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cty: Option<String>,
}

/// How a content key is wrapped for one recipient.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyHeader {
    pub(crate) alg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) epk: Option<EphemeralKey>,
    /// What the hybrid suite has encapsulated, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ek: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) apu: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) apv: Option<String>,
}

/// The header of a compact JWE: both of the above in one.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompactHeader {
    pub(crate) alg: String,
    pub(crate) enc: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) typ: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cty: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) epk: Option<EphemeralKey>,
    /// What the hybrid suite has encapsulated, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ek: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) apu: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) apv: Option<String>,
}

/// The public half of a key that was made for one wrapping.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EphemeralKey {
    pub(crate) kty: String,
    pub(crate) crv: String,
    pub(crate) x: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) y: Option<String>,
}

impl CompactHeader {
    pub(crate) fn new(key: KeyHeader, cty: Option<String>) -> Self {
        let KeyHeader { alg, kid, epk, ek, apu, apv } = key;
        Self { alg, enc: A256GCM.to_owned(), typ: None, cty, kid, epk, ek, apu, apv }
    }

    pub(crate) fn key_header(&self) -> KeyHeader {
        let Self { alg, kid, epk, ek, apu, apv, .. } = self.clone();
        KeyHeader { alg, kid, epk, ek, apu, apv }
    }
}
