//! The requests to Vault's transit engine, among them the batches that vaultrs lacks.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use kernel::{Fault, Secret, Timestamp};
use rustify::endpoint::Endpoint;
use rustify::enums::{RequestMethod, RequestType, ResponseType};
use rustify::errors::ClientError as Rest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::VaultError;
use crate::context::Context;
use crate::key::PlaintextKey;
use crate::kms::{KekState, KekVersion};
use crate::reasons;
use crate::wrapped::{Provider, WrappedKey};

/// More versions than that nobody makes; it bounds what an answer can make us list.
const MAX_VERSIONS: u32 = 100_000;

/// A request, and the type of what comes back in `data`. Without `Debug`: the
/// body may hold keys. (The client library copies it into its own buffers,
/// which are not wiped.)
pub(super) struct Call<R> {
    path: String,
    method: RequestMethod,
    body: Zeroizing<Vec<u8>>,
    response: PhantomData<fn() -> R>,
}

impl<R> Call<R> {
    pub(super) fn get(path: String) -> Self {
        Self { path, method: RequestMethod::GET, body: Zeroizing::default(), response: PhantomData }
    }

    pub(super) fn post(path: String, body: &impl Serialize) -> Result<Self, VaultError> {
        // At its full size at once: growing would leave copies of keys behind.
        let mut size = Counter(0);
        serde_json::to_writer(&mut size, body).map_err(|_| VaultError::Nonsense)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(size.0));
        serde_json::to_writer(&mut *bytes, body).map_err(|_| VaultError::Nonsense)?;
        Ok(Self { path, method: RequestMethod::POST, body: bytes, response: PhantomData })
    }
}

struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<R: DeserializeOwned + Send + Sync> Endpoint for &Call<R> {
    type Response = R;
    const REQUEST_BODY_TYPE: RequestType = RequestType::JSON;
    const RESPONSE_BODY_TYPE: ResponseType = ResponseType::JSON;

    fn path(&self) -> String {
        self.path.clone()
    }

    fn method(&self) -> RequestMethod {
        self.method.clone()
    }

    fn body(&self) -> Result<Option<Vec<u8>>, Rest> {
        Ok((!self.body.is_empty()).then(|| self.body.to_vec()))
    }
}

/// What we must know of a key before we trust it.
#[derive(Deserialize)]
pub(super) struct KeyInfo {
    #[serde(rename = "type")]
    kind: String,
    derived: bool,
    exportable: bool,
    allow_plaintext_backup: bool,
    pub(super) latest_version: u32,
    min_decryption_version: u32,
    #[serde(default)]
    min_encryption_version: u32,
    /// 0 until something was trimmed.
    #[serde(default)]
    pub(super) min_available_version: u32,
    /// From version to seconds since 1970; only what can be decrypted with.
    #[serde(default)]
    keys: BTreeMap<u32, i64>,
}

impl KeyInfo {
    /// Somebody else may have made it, with properties that cannot be undone.
    pub(super) fn is_safe(&self) -> bool {
        self.kind == "aes256-gcm96"
            && self.derived
            && !self.exportable
            && !self.allow_plaintext_backup
    }

    /// Vault tells no creation times of versions below the minimum for
    /// decryption; they get that of the eldest it tells.
    pub(super) fn versions(&self) -> Option<Vec<KekVersion>> {
        let first = self.min_available_version.max(1);
        if self.latest_version < first || self.latest_version - first > MAX_VERSIONS {
            return None;
        }
        let eldest = *self.keys.first_key_value()?.1;
        let version = |number| {
            let state = if number < self.min_decryption_version {
                KekState::Disabled
            } else if number < self.latest_version {
                KekState::UnwrapOnly
            } else {
                KekState::Primary
            };
            let created = self.keys.get(&number).copied().unwrap_or(eldest);
            Some(KekVersion { number, state, created: Timestamp::from_timestamp(created, 0)? })
        };
        (first..=self.latest_version).map(version).collect()
    }
}

/// What makes all versions below one unusable. Vault wants both minima before
/// it trims; neither is ever lowered.
#[derive(Serialize)]
pub(super) struct Minimum {
    min_decryption_version: u32,
    min_encryption_version: u32,
}

impl Minimum {
    pub(super) fn of(key: &KeyInfo, version: u32) -> Self {
        Self {
            min_decryption_version: key.min_decryption_version.max(version),
            min_encryption_version: key.min_encryption_version.max(key.latest_version),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Trim {
    pub(super) min_available_version: u32,
}

#[derive(Serialize)]
pub(super) struct NewKey {
    #[serde(rename = "type")]
    kind: &'static str,
    derived: bool,
}

impl NewKey {
    pub(super) const KEK: Self = Self { kind: "aes256-gcm96", derived: true };
}

#[derive(Serialize)]
pub(super) struct Batch {
    batch_input: Vec<Item>,
    /// Otherwise one bad item makes the status 400. (`rewrap` needs no such
    /// thing and, with a warning, ignores it; so it is left out there.)
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_failure_response_code: Option<u16>,
}

#[derive(Serialize)]
struct Item {
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    plaintext: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext: Option<String>,
    context: String,
}

fn exposed<S: serde::Serializer>(
    text: &Option<Zeroizing<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text.as_ref().map_or("", |text| text.as_str()))
}

impl Batch {
    pub(super) fn encrypt<'a>(
        keys: impl IntoIterator<Item = (&'a PlaintextKey, &'a Context)>,
    ) -> Self {
        let item = |(key, context): (&PlaintextKey, &Context)| Item {
            plaintext: Some(Zeroizing::new(BASE64.encode(key.expose()))),
            ciphertext: None,
            context: BASE64.encode(context.encode()),
        };
        Self {
            batch_input: keys.into_iter().map(item).collect(),
            partial_failure_response_code: None,
        }
    }

    pub(super) fn decrypt(keys: &[&(WrappedKey, Context)]) -> Self {
        Self { partial_failure_response_code: Some(200), ..Self::rewrap(keys) }
    }

    pub(super) fn rewrap(keys: &[&(WrappedKey, Context)]) -> Self {
        let item = |(key, context): &&(WrappedKey, Context)| Item {
            plaintext: None,
            ciphertext: Some(to_vault(key)),
            context: BASE64.encode(context.encode()),
        };
        Self { batch_input: keys.iter().map(item).collect(), partial_failure_response_code: None }
    }
}

#[derive(Deserialize)]
pub(super) struct BatchResults {
    pub(super) batch_results: Vec<ItemResult>,
}

#[derive(Deserialize)]
pub(super) struct ItemResult {
    plaintext: Option<Secret<String>>,
    ciphertext: Option<String>,
    error: Option<String>,
}

impl ItemResult {
    pub(super) fn plaintext(self) -> kernel::Result<PlaintextKey> {
        self.check()?;
        let encoded = self.plaintext.ok_or(VaultError::Nonsense)?;
        let mut key = PlaintextKey::empty();
        match BASE64.decode_slice(encoded.expose(), key.bytes_mut()) {
            Ok(length) if length == key.expose().len() => Ok(key),
            _ => Err(VaultError::Nonsense.into()),
        }
    }

    pub(super) fn wrapped(self) -> kernel::Result<WrappedKey> {
        self.check()?;
        let ciphertext = self.ciphertext.ok_or(VaultError::Nonsense)?;
        Ok(from_vault(&ciphertext).ok_or(VaultError::Nonsense)?)
    }

    fn check(&self) -> kernel::Result<()> {
        match self.error.as_deref() {
            None | Some("") => Ok(()),
            // "version is too new", "… version is disallowed by policy (too old)"
            Some(error) if error.contains("version is") => {
                Err(Fault::new(&reasons::KEK_VERSION_UNAVAILABLE)
                    .with_note("Vault's key lacks this version, or has it retired"))
            }
            Some(_) => Err(Fault::new(&reasons::DATA_KEY_UNREADABLE)
                .with_note("not this object's key, or altered")),
        }
    }
}

/// `vault:v<version>:<base64 of nonce, ciphertext and tag>`.
fn to_vault(key: &WrappedKey) -> String {
    format!("vault:v{}:{}", key.version(), BASE64.encode(key.body()))
}

fn from_vault(text: &str) -> Option<WrappedKey> {
    let (version, body) = text.strip_prefix("vault:v")?.split_once(':')?;
    let version: u32 = version.parse().ok().filter(|version| *version > 0)?;
    let body = BASE64.decode(body).ok()?;
    let key = WrappedKey::new(Provider::Vault, version, &body).ok()?;
    // One spelling only: no plus sign, no leading zero.
    (to_vault(&key) == text).then_some(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wrapped::BODY;

    #[test]
    fn only_vaults_own_spelling_is_read() {
        let key = WrappedKey::new(Provider::Vault, 12, &[5; BODY]).unwrap();
        let text = to_vault(&key);
        assert_eq!(from_vault(&text), Some(key));
        let body = BASE64.encode([5; BODY]);
        for bad in [
            format!("vault:v0:{body}"),
            format!("vault:v+1:{body}"),
            format!("vault:v01:{body}"),
            format!("vault:v4294967296:{body}"),
            format!("vault:1:{body}"),
            format!("vault:v1:{}", BASE64.encode([5; BODY - 1])),
            format!("vault:v1:{body}="),
            "vault:v1:".to_owned(),
        ] {
            assert_eq!(from_vault(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_short_plaintext_is_no_key() {
        let result: ItemResult =
            serde_json::from_str(r#"{"plaintext":"c2hvcnQ=","reference":""}"#).unwrap();
        assert!(result.plaintext().is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_canonical(text in "vault:v[0-9]{0,3}:[A-Za-z0-9+/=]{0,90}") {
            if let Some(key) = from_vault(&text) {
                prop_assert_eq!(to_vault(&key), text);
            }
        }
    }
}
