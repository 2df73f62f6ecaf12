//! Access tokens: JWTs (RFC 7519, RFC 9068) signed with Ed25519 by auth. Each
//! service verifies them itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use kernel::{Fault, Result, SharedClock, common};
use proto::Role;
use proto::auth::v1::GetTokenKeysRequest;
use proto::auth::v1::token_key_service_client::TokenKeyServiceClient;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::client::Peers;
use crate::context::Principal;

pub const ISSUER: &str = "signet";
pub const AUDIENCE: &str = "signet";
/// The header in which the edge hands the token on.
pub const HEADER: &str = "x-signet-token";

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// `users/{uuid}`
    pub sub: String,
    /// The tenant, a UUID.
    pub tid: String,
    pub roles: Vec<String>,
    /// Seconds since 1970.
    pub iat: i64,
    pub exp: i64,
    pub jti: String,
    /// `apiKeys/{uuid}` when an API key was presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Claims {
    fn principal(self) -> Option<Principal> {
        let api_key = match self.key.as_deref() {
            None => None,
            Some(name) => Some(name.strip_prefix("apiKeys/")?.parse().ok()?),
        };
        Some(Principal {
            tenant: self.tid.parse().ok()?,
            user: self.sub.strip_prefix("users/")?.parse().ok()?,
            roles: self.roles.iter().map(|role| Role::from_name(role)).collect::<Option<_>>()?,
            api_key,
            expires: DateTime::from_timestamp(self.exp, 0)?,
        })
    }
}

/// Where verification keys come from.
#[async_trait]
pub trait TokenKeys: Send + Sync {
    /// The key with this id; None if there is none.
    async fn find(&self, kid: &str) -> Result<Option<DecodingKey>>;
}

/// Verifies a token against keys and time.
pub async fn verify(token: &str, keys: &dyn TokenKeys, clock: &SharedClock) -> Result<Principal> {
    let rejected = |note: &str| Fault::new(&common::CREDENTIAL_INVALID).with_note(note);
    if token.len() > 4_096 {
        return Err(rejected("token too long"));
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| rejected("token malformed"))?;
    // The algorithm is fixed: the header may only agree.
    if header.alg != Algorithm::EdDSA {
        return Err(rejected("token algorithm"));
    }
    let kid = header.kid.ok_or_else(|| rejected("token without kid"))?;
    let key = keys.find(&kid).await?.ok_or_else(|| rejected("token key unknown"))?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // jsonwebtoken would ask the wall clock; ours is asked below.
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .map_err(|error| rejected("token not verified").with_source(error))?
        .claims;
    let now = clock.now().timestamp();
    if claims.exp <= now {
        return Err(rejected("token expired"));
    }
    // A minute of slack for clocks that disagree.
    if claims.iat > now + 60 {
        return Err(rejected("token from the future"));
    }
    claims.principal().ok_or_else(|| rejected("token claims"))
}

/// Parses a JWK Set; keys of other kinds are skipped.
pub fn parse_keys(jwks: &[u8]) -> Result<HashMap<String, DecodingKey>> {
    let set: JwkSet = serde_json::from_slice(jwks).map_err(Fault::internal)?;
    let keys = set
        .keys
        .iter()
        .filter_map(|jwk| Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?)));
    Ok(keys.collect())
}

/// Keys fetched from auth: kept for five minutes, fetched again for an unknown
/// id (at most every five seconds), and kept for an hour more while auth is
/// down, so that auth's restart stops nobody.
pub struct RemoteKeys {
    peers: Peers,
    known: Mutex<Known>,
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    keys: Arc<HashMap<String, DecodingKey>>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

const FRESH: Duration = Duration::from_secs(300);
const USABLE: Duration = Duration::from_secs(3_900);
const RETRY: Duration = Duration::from_secs(5);

impl RemoteKeys {
    pub fn new(peers: Peers) -> Arc<Self> {
        Arc::new(Self { peers, known: Mutex::default(), fetching: tokio::sync::Mutex::default() })
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self) -> Result<()> {
        let mut client = TokenKeyServiceClient::new(self.peers.for_self());
        self.known().tried = Some(Instant::now());
        let answer = client
            .get_token_keys(GetTokenKeysRequest {})
            .await
            .map_err(|status| Fault::unavailable(format!("token keys: {:?}", status.code())))?;
        let keys = parse_keys(&answer.into_inner().data)?;
        *self.known() = Known { keys: Arc::new(keys), fetched: Some(Instant::now()), tried: None };
        Ok(())
    }

    fn look(&self, kid: &str) -> (Option<DecodingKey>, Option<Duration>, bool) {
        let known = self.known();
        let age = known.fetched.map(|at| at.elapsed());
        let may_fetch = known.tried.is_none_or(|at| at.elapsed() >= RETRY)
            && age.is_none_or(|age| age >= RETRY);
        (known.keys.get(kid).cloned(), age, may_fetch)
    }
}

#[async_trait]
impl TokenKeys for RemoteKeys {
    async fn find(&self, kid: &str) -> Result<Option<DecodingKey>> {
        let (key, age, _) = self.look(kid);
        if key.is_some() && age.is_some_and(|age| age < FRESH) {
            return Ok(key);
        }
        let _one_at_a_time = self.fetching.lock().await;
        let (key, age, may_fetch) = self.look(kid);
        let fresh = age.is_some_and(|age| age < FRESH);
        if fresh && (key.is_some() || !may_fetch) {
            return Ok(key);
        }
        // Before the first success every call tries: a service that has just
        // started must not refuse people for five seconds.
        if may_fetch || age.is_none() {
            if let Err(fault) = self.fetch().await {
                return match (key, age) {
                    (Some(key), Some(age)) if age < USABLE => Ok(Some(key)),
                    _ => Err(fault),
                };
            }
            return Ok(self.look(kid).0);
        }
        Ok(key.filter(|_| age.is_some_and(|age| age < USABLE)))
    }
}
