//! New keys: made here and kept, or registered by a client that keeps them.

use std::sync::Arc;

use chrono::Duration;
use crypto::{KeyAlgorithm, KeyUse, PrivateKey, PublicKey, provider};
use events::Draft;
use kernel::{Fault, KeyId, Result, SharedClock};
use reasons::envelope::{KEY_PROOF_INVALID, KEY_PURPOSE_MISMATCH};
use rpc::Cx;

use super::custody::Custody;
use crate::application::ports::{Added, Answer, Change, Keys, Once};
use crate::domain::{Head, Key, KeyName, Owner, SealedHalf, State, Version};

pub struct NewKey {
    pub id: KeyName,
    pub algorithm: KeyAlgorithm,
    pub labels: Vec<(String, String)>,
    pub rotation: Option<Duration>,
}

pub struct NewPublicKey {
    pub id: KeyName,
    pub key_use: KeyUse,
    pub public: PublicKey,
    /// A signature by a SIGN key; the answer to the challenge of a SEAL key.
    pub proof: String,
    pub labels: Vec<(String, String)>,
}

#[derive(Clone)]
pub struct CreateKey {
    pub keys: Arc<dyn Keys>,
    pub custody: Arc<Custody>,
    pub clock: SharedClock,
}

impl CreateKey {
    pub async fn create(&self, cx: &Cx, new: NewKey, once: Option<Once>) -> Result<Key> {
        let key = self.make(cx, new, Owner::Tenant).await?;
        self.store(cx, key, once).await
    }

    pub async fn register(&self, cx: &Cx, new: NewPublicKey, once: Option<Once>) -> Result<Key> {
        let user = cx.principal()?.user;
        let NewPublicKey { id, key_use, public, proof, labels } = new;
        if public.algorithm().key_use() != key_use {
            return Err(Fault::new(&KEY_PURPOSE_MISMATCH));
        }
        let owner = Owner::User(user);
        // Who could register another's key would be taken for its owner.
        let mut answer = None;
        if key_use == KeyUse::Seal {
            let digest = provider::default().sha256(&[proof.as_bytes()]);
            answer = Some(Answer { user, kid: public.kid().to_owned(), digest });
        } else {
            let text = format!("signet-register-v1\n{}\n{}", owner.name(), public.kid());
            crypto::proof::verify(&public, &proof, text.as_bytes())
                .map_err(|_| Fault::new(&KEY_PROOF_INVALID))?;
        }
        let key = self.assemble((id, public.algorithm()), owner, labels, (&public, None));
        let event = told(cx, "dev.signet.envelope.key.registered", &key);
        self.add(cx, key, (once, answer), event).await
    }

    /// A key with a private half of ours, not stored yet.
    pub(crate) async fn make(&self, cx: &Cx, new: NewKey, owner: Owner) -> Result<Key> {
        let pair = self.custody.generate(new.algorithm).await?;
        self.owned(cx, new, owner, &pair).await
    }

    /// A key of the tenant with a private half from elsewhere, not stored yet.
    pub(crate) async fn kept(&self, cx: &Cx, new: NewKey, pair: &PrivateKey) -> Result<Key> {
        self.owned(cx, new, Owner::Tenant, pair).await
    }

    async fn owned(&self, cx: &Cx, new: NewKey, owner: Owner, pair: &PrivateKey) -> Result<Key> {
        let NewKey { id, algorithm, labels, rotation } = new;
        let private = self.custody.lock(cx.tenant(), (&id, 1), pair).await?;
        let mut key = self.assemble((id, algorithm), owner, labels, (pair.public(), Some(private)));
        key.set_rotation(rotation);
        Ok(key)
    }

    pub(super) fn assemble(
        &self,
        (id, algorithm): (KeyName, KeyAlgorithm),
        owner: Owner,
        labels: Vec<(String, String)>,
        (public, private): (&PublicKey, Option<SealedHalf>),
    ) -> Key {
        let registered = private.is_none();
        let version = self.version(1, public, private);
        let head = Head {
            id,
            serial: KeyId::new().uuid(),
            algorithm,
            disabled: false,
            owner,
            registered,
            labels,
            created_at: version.created_at,
            rotation: None,
            rotate_at: None,
            revision: 1,
        };
        Key { head, versions: vec![version] }
    }

    pub(crate) fn version(
        &self,
        number: i32,
        public: &PublicKey,
        private: Option<SealedHalf>,
    ) -> Version {
        Version {
            number,
            state: State::Enabled,
            public_jwk: public.to_jwk(),
            kid: public.kid().to_owned(),
            created_at: self.clock.now(),
            activate_at: None,
            destroy_at: None,
            private,
        }
    }

    /// Stores the key, or returns the one that an earlier request has made.
    pub(crate) async fn store(&self, cx: &Cx, key: Key, once: Option<Once>) -> Result<Key> {
        let event = told(cx, "dev.signet.envelope.key.created", &key);
        self.add(cx, key, (once, None), event).await
    }

    /// The same, with another event.
    pub(crate) async fn store_with(
        &self,
        cx: &Cx,
        key: Key,
        once: Option<Once>,
        event: Draft,
    ) -> Result<Key> {
        self.add(cx, key, (once, None), event).await
    }

    async fn add(
        &self,
        cx: &Cx,
        key: Key,
        (once, answer): (Option<Once>, Option<Answer>),
        event: Draft,
    ) -> Result<Key> {
        let at = self.clock.now();
        let change = Change { once, events: vec![event.finish(at)?], at, answer };
        match self.keys.add(cx.tenant(), &key, &change).await? {
            Added::New => Ok(key),
            Added::Before(id) => {
                self.keys.find(cx.tenant(), &id).await?.ok_or_else(Fault::not_found)
            }
        }
    }
}

fn told(cx: &Cx, kind: &'static str, key: &Key) -> Draft {
    let kid = key.versions.first().map_or("", |version| &version.kid);
    Draft::new(cx, kind, key.head.id.resource())
        .with("algorithm", key.head.algorithm)
        .with("kid", kid)
}
