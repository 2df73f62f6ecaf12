//! What the use cases need from outside.

use async_trait::async_trait;
use crypto::provider::AesKey;
use db::idempotency::{Digest, Key};
use events::Draft;
use kernel::{ApiKeyId, PrincipalId, Result, Secret, TenantId, Timestamp};

use crate::domain::{Account, ApiKey, Email, PublicKey, Roles, SecretHash, ShortName, User};

/// A write that a retry must not repeat.
pub struct Once {
    pub key: Key,
    pub digest: Digest,
}

/// What a log-in has to be checked against.
#[derive(Default)]
pub struct Found {
    pub tenant: Option<TenantId>,
    pub user: Option<Candidate>,
}

pub struct Candidate {
    pub id: PrincipalId,
    pub roles: Roles,
    pub password_hash: String,
}

/// Tenants, users and log-in attempts.
#[async_trait]
pub trait Accounts: Send + Sync {
    async fn look_up(&self, tenant: &ShortName, email: &Email) -> Result<Found>;

    /// Counts an attempt before its password is checked, so that attempts at the
    /// same time cannot exceed the limit; false if there were `most` since then.
    async fn claim_attempt(
        &self,
        account: Account,
        since: Timestamp,
        most: i64,
        now: Timestamp,
    ) -> Result<bool>;

    /// A log-in has succeeded: its attempts are forgotten, and the event stored.
    async fn clear_attempts(&self, account: Account, event: Draft, now: Timestamp) -> Result<()>;

    /// Attempts before this no longer count.
    async fn forget_attempts(&self, before: Timestamp) -> Result<u64>;

    /// Stores the user and the event; for a retry, finds the user made before.
    async fn create_user(
        &self,
        user: &User,
        password_hash: &str,
        once: Option<&Once>,
        event: Draft,
    ) -> Result<User>;

    /// Makes a tenant, if absent, and a user, if absent. False: both were there.
    async fn bootstrap(&self, tenant: &ShortName, user: &User, password_hash: &str)
    -> Result<bool>;
}

/// Stores events that belong to no change.
#[async_trait]
pub trait Trail: Send + Sync {
    async fn record(&self, event: Draft, now: Timestamp) -> Result<()>;
}

/// An API key as it authenticates: with its owner's roles of today.
#[derive(Clone)]
pub struct Presented {
    pub key: ApiKey,
    pub roles: Roles,
}

#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Stores the key and the event; for a retry, finds the key made before,
    /// and says so.
    async fn create(
        &self,
        key: &ApiKey,
        hash: &SecretHash,
        once: Option<&Once>,
        event: Draft,
    ) -> Result<(ApiKey, bool)>;

    /// Newest first; all of the tenant's without an owner.
    async fn list(
        &self,
        tenant: TenantId,
        owner: Option<PrincipalId>,
        before: Option<ApiKeyId>,
        limit: i64,
    ) -> Result<Vec<ApiKey>>;

    /// The key and what it is looked up by; None if there is no such key of the
    /// tenant (and owner). The event is stored with the first revocation only.
    async fn revoke(
        &self,
        tenant: TenantId,
        owner: Option<PrincipalId>,
        id: ApiKeyId,
        event: Draft,
        now: Timestamp,
    ) -> Result<Option<(ApiKey, SecretHash)>>;

    async fn by_hash(&self, hash: &SecretHash) -> Result<Option<Presented>>;
}

/// Slow hashes of passwords.
#[async_trait]
pub trait Passwords: Send + Sync {
    async fn hash(&self, password: Secret<String>) -> Result<String>;

    /// Without a hash, takes as long as with one, and is false.
    async fn verify(&self, password: Secret<String>, hash: Option<String>) -> Result<bool>;
}

/// A signing key as it is stored.
pub struct StoredKey {
    pub kid: String,
    pub public: PublicKey,
    /// The seed under the data key.
    pub sealed: Vec<u8>,
    /// The data key, wrapped.
    pub wrapped: Vec<u8>,
}

#[async_trait]
pub trait SigningKeys: Send + Sync {
    /// The key that signs.
    async fn active(&self) -> Result<Option<StoredKey>>;

    /// Makes this the key that signs; false if another instance was first.
    async fn insert(&self, key: &StoredKey, event: Draft, now: Timestamp) -> Result<bool>;

    /// The keys whose tokens may be alive.
    async fn published(&self) -> Result<Vec<PublicKey>>;
}

/// Data keys for secrets at rest, wrapped by somebody else.
#[async_trait]
pub trait DataKeys: Send + Sync {
    /// A new key and its wrapped form, bound to the row.
    async fn generate(&self, row: &str) -> Result<(AesKey, Vec<u8>)>;

    async fn unwrap(&self, row: &str, wrapped: &[u8]) -> Result<AesKey>;
}
