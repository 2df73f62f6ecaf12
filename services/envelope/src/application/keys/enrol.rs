//! Keys from outside: a challenge for whoever registers a key that cannot sign,
//! and private halves that are brought in, sealed to a key for that.

use std::sync::Arc;

use chrono::Duration;
use crypto::jwe::Jwe;
use crypto::{KeyAlgorithm, KeyError, KeyUse, PrivateKey, PublicKey, proof, provider};
use events::Draft;
use kernel::{Fault, KeyId, Result, SharedClock, Timestamp};
use reasons::envelope::{KEY_IMPORT_REJECTED, KEY_PURPOSE_MISMATCH};
use rpc::Cx;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::create_key::{CreateKey, NewKey};
use super::custody::blocking;
use crate::application::ports::{Answer, Enrolment, ImportHalf, Once};
use crate::domain::{Key, KeyName};

/// How long a challenge may be answered.
const CHALLENGE_LIFE: Duration = Duration::minutes(10);
/// How long a private half may be brought in under an import key.
const IMPORT_LIFE: Duration = Duration::hours(1);
/// A number that no version has: import keys are bound to it.
const NO_VERSION: i32 = 0;

#[derive(Clone)]
pub struct Enrol {
    pub create: CreateKey,
    pub store: Arc<dyn Enrolment>,
    pub clock: SharedClock,
}

pub struct ImportKey {
    pub id: Uuid,
    pub public: PublicKey,
    pub expires_at: Timestamp,
}

/// A private half on its way in.
pub struct Wrapped {
    pub import_key: Uuid,
    pub key_use: KeyUse,
    /// A compact JWE for the import key.
    pub token: String,
}

impl Enrol {
    /// A token that only the owner of the key can read, and until when to answer.
    pub async fn challenge(&self, cx: &Cx, key: &PublicKey) -> Result<(String, Timestamp)> {
        let principal = cx.principal()?;
        if key.algorithm().key_use() != KeyUse::Seal {
            return Err(Fault::new(&KEY_PURPOSE_MISMATCH));
        }
        let (token, text) =
            proof::challenge(key, &principal.user_name()).map_err(Fault::internal)?;
        let until = self.clock.now() + CHALLENGE_LIFE;
        let due = Answer {
            user: principal.user,
            kid: key.kid().to_owned(),
            digest: provider::default().sha256(&[text.as_bytes()]),
        };
        self.store.challenge(cx.tenant(), &due, until).await?;
        Ok((token, until))
    }

    pub async fn import_key(&self, cx: &Cx, algorithm: KeyAlgorithm) -> Result<ImportKey> {
        let user = cx.principal()?.user;
        let pair = self.create.custody.generate(algorithm).await?;
        let id = KeyId::new().uuid();
        let name = name_of(id)?;
        let private = self.create.custody.lock(cx.tenant(), (&name, NO_VERSION), &pair).await?;
        let expires_at = self.clock.now() + IMPORT_LIFE;
        let half = ImportHalf { id, algorithm, private, expires_at };
        self.store.add_import_key(cx.tenant(), user, &half).await?;
        Ok(ImportKey { id, public: pair.public().clone(), expires_at })
    }

    /// `new` says what the private half has to be.
    pub async fn import(
        &self,
        cx: &Cx,
        new: NewKey,
        wrapped: Wrapped,
        once: Option<Once>,
    ) -> Result<Key> {
        let (tenant, user) = (cx.tenant(), cx.principal()?.user);
        let half = self.store.import_key(tenant, user, wrapped.import_key).await?;
        let half = half.filter(|half| half.expires_at > self.clock.now()).ok_or_else(|| {
            Fault::not_found().with_violation("import_key", "there is no such key, or no longer")
        })?;
        if new.algorithm.is_hybrid() && !half.algorithm.is_hybrid() {
            // What crosses the edge today must not be opened by a computer of tomorrow.
            let what = "must be of the hybrid suite, as the private half is";
            return Err(Fault::invalid("import_key", what));
        }
        let name = name_of(half.id)?;
        let custody = &self.create.custody;
        let sealed = (half.algorithm, half.private);
        let opener = custody.open_half(tenant, (&name, NO_VERSION), sealed).await?;
        let pair = blocking(move || unwrapped(&wrapped, &opener)).await?;
        if pair.algorithm() != new.algorithm {
            return Err(Fault::invalid("algorithm", "is not that of the private half"));
        }
        let key = self.create.kept(cx, new, &pair).await?;
        let kid = pair.kid().to_owned();
        let event = Draft::new(cx, "dev.signet.envelope.key.imported", key.head.id.resource())
            .with("algorithm", key.head.algorithm)
            .with("kid", kid);
        self.create.store_with(cx, key, once, event).await
    }
}

fn name_of(id: Uuid) -> Result<KeyName> {
    format!("import-{id}").parse().map_err(|_| Fault::internal("an import key's name is no name"))
}

/// Letters of a token: an RSA-4096 key as a JWK, encrypted.
const LONGEST: usize = 16 * 1024;

fn unwrapped(wrapped: &Wrapped, opener: &PrivateKey) -> Result<PrivateKey> {
    let rejected = |_| {
        let fault = Fault::new(&KEY_IMPORT_REJECTED);
        fault.with_violation("wrapped_key", "must be a compact JWE for the import key, A256GCM")
    };
    let token = Jwe::parse(&wrapped.token, LONGEST).map_err(rejected)?;
    let media_type = token.media_type().unwrap_or_default().to_ascii_lowercase();
    let plain = token.open(opener).map_err(rejected)?;
    let parsed = match media_type.trim_start_matches("application/") {
        "pkcs8" => PrivateKey::import_pkcs8(wrapped.key_use, &plain),
        "jwk+json" => {
            let text = Zeroizing::new(String::from_utf8_lossy(&plain).into_owned());
            PrivateKey::import_jwk(wrapped.key_use, &text)
        }
        _ => {
            let what = "must say `cty`: `pkcs8` or `jwk+json`";
            return Err(Fault::invalid("wrapped_key.cty", what));
        }
    };
    // Whoever sealed it has the key: he may know what is wrong with it.
    parsed.map_err(|error| match error {
        KeyError::Missing(member) | KeyError::Invalid(member) => {
            Fault::invalid(format!("wrapped_key.{member}"), "is missing or not valid here")
        }
        KeyError::WrongUse => Fault::new(&KEY_PURPOSE_MISMATCH),
        _ => Fault::invalid("wrapped_key", "holds no usable private key"),
    })
}
