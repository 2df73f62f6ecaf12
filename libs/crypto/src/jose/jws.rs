//! Compact signatures ([RFC 7515, section 3.1](https://www.rfc-editor.org/rfc/rfc7515#section-3.1)).

use super::header::JwsHeader;
use crate::encoding::{self, NotCanonical};
use crate::key::{PrivateKey, PublicKey};
use crate::provider::Failed;

/// A token taken apart, not verified.
pub(crate) struct Compact<'a> {
    pub(crate) header: JwsHeader,
    pub(crate) payload: &'a str,
    signing_input: &'a str,
    signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, NotCanonical> {
        let (signing_input, signature) = token.rsplit_once('.').ok_or(NotCanonical)?;
        let (header, payload) = signing_input.split_once('.').ok_or(NotCanonical)?;
        if payload.contains('.') {
            return Err(NotCanonical);
        }
        let header = encoding::decode_json(header)?;
        Ok(Self { header, payload, signing_input, signature: encoding::decode(signature)? })
    }

    /// The header may repeat the algorithm and the id of the key; the key decides.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<(), Failed> {
        if !key.algorithm().is_named(&self.header.alg) {
            return Err(Failed);
        }
        if self.header.kid.as_deref().is_some_and(|kid| kid != key.kid()) {
            return Err(Failed);
        }
        key.verify(self.signing_input.as_bytes(), &self.signature)
    }
}

pub(crate) fn sign(
    key: &PrivateKey,
    typ: Option<&str>,
    cty: Option<&str>,
    payload: &[u8],
) -> Result<String, Failed> {
    let header = JwsHeader {
        alg: key.algorithm().jose().to_owned(),
        typ: typ.map(str::to_owned),
        cty: cty.map(str::to_owned),
        kid: Some(key.kid().to_owned()),
    };
    let mut token = encoding::encode(&serde_json::to_vec(&header).map_err(|_| Failed)?);
    token.push('.');
    encoding::append(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    encoding::append(&signature, &mut token);
    Ok(token)
}
