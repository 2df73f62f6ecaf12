//! The edge's question: who sends this request, and may it pass?
//!
//! Roles are not decided here: the service that serves the RPC does that, with a
//! typed error (and it trusts nobody, the edge included).

use std::sync::Arc;

use chrono::Duration;
use events::Draft;
use kernel::{Fault, Kind, PrincipalId, Reason, Result, Secret, SharedClock, common};
use proto::Principal;
use rpc::Cx;
use rpc::token::{self, TokenKeys};

use super::key_cache::{KeyCache, KnownKey};
use super::ports::{ApiKeys, Trail};
use super::signing::Signer;
use crate::domain::{ApiSecret, KeyState, Subject};

/// How long a token made from an API key lives; see [`super::key_cache::FRESH`].
pub const INTERNAL_TOKEN: Duration = Duration::seconds(45);

pub enum Decision {
    /// The RPC needs nobody: no credential goes on.
    Anonymous,
    /// The token that the services are to see.
    Passed {
        token: Secret<String>,
        user: PrincipalId,
    },
    /// No such RPC, for anybody outside.
    Unknown,
    Unauthenticated(&'static Reason),
}

#[derive(Clone)]
pub struct Check {
    pub keys: Arc<dyn ApiKeys>,
    pub cache: KeyCache,
    pub trail: Arc<dyn Trail>,
    pub signer: Arc<Signer>,
    pub token_keys: Arc<dyn TokenKeys>,
    pub clock: SharedClock,
}

impl Check {
    /// A fault means that the question cannot be answered now.
    pub async fn run(&self, cx: &Cx, path: &str, authorization: Option<&str>) -> Result<Decision> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let Some(rule) = proto::rule(path).filter(|rule| rule.is_public()) else {
            return Ok(Decision::Unknown);
        };
        match rule.principal {
            Principal::Anonymous => return Ok(Decision::Anonymous),
            Principal::User => {}
            // Nothing that services do for themselves is for the outside.
            _ => return Ok(Decision::Unknown),
        }
        let Some(authorization) = authorization else {
            return Ok(Decision::Unauthenticated(&common::CREDENTIAL_MISSING));
        };
        let passed = match bearer(authorization) {
            None => Err(Fault::new(&common::CREDENTIAL_INVALID)),
            Some(secret) if ApiSecret::looks_like(secret) => self.api_key(cx, secret).await,
            Some(token) => self.access_token(token).await,
        };
        match passed {
            Err(fault) if fault.kind() == Kind::Unauthenticated => {
                Ok(Decision::Unauthenticated(fault.reason()))
            }
            other => other,
        }
    }

    async fn access_token(&self, token: &str) -> Result<Decision> {
        let principal = token::verify(token, self.token_keys.as_ref(), &self.clock).await?;
        Ok(Decision::Passed { token: Secret::new(token.to_owned()), user: principal.user })
    }

    async fn api_key(&self, cx: &Cx, secret: &str) -> Result<Decision> {
        let invalid = || Fault::new(&common::CREDENTIAL_INVALID);
        let secret = ApiSecret::parse(secret).ok_or_else(invalid)?;
        let key = self.known(cx, &secret).await?.ok_or_else(invalid)?;
        if key.state(self.clock.now()) != KeyState::Usable {
            return Err(invalid());
        }
        let subject = Subject {
            tenant: key.tenant,
            user: key.owner,
            roles: key.roles()?,
            api_key: Some(key.id),
        };
        let (token, _) = self.signer.issue(&subject, INTERNAL_TOKEN).await?;
        Ok(Decision::Passed { token, user: key.owner })
    }

    /// From the cache or the database. A key that has ended is recorded when it
    /// is read, so at most once in the life of a cache entry.
    async fn known(&self, cx: &Cx, secret: &ApiSecret) -> Result<Option<KnownKey>> {
        let hash = secret.hash();
        let read = || async {
            let now = self.clock.now();
            let Some(found) = self.keys.by_hash(&hash).await? else { return Ok(None) };
            let state = found.key.state(now);
            if state != KeyState::Usable {
                let event = Draft::new(cx, "dev.signet.auth.api_key.refused", found.key.name())
                    .in_tenant(found.key.tenant)
                    .denied(&common::CREDENTIAL_INVALID)
                    .with("state", if state == KeyState::Revoked { "revoked" } else { "expired" });
                self.trail.record(event, now).await?;
            }
            Ok(Some(KnownKey::of(&found)))
        };
        self.cache.get_or_load(&hash, read).await
    }
}

/// RFC 6750, section 2.1; RFC 9110: the scheme in any case.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim_matches(' ');
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.bytes().all(legal))
        .then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_bearer_credential_counts() {
        for good in ["Bearer abc", "bearer abc", "BEARER  abc "] {
            assert_eq!(bearer(good), Some("abc"), "{good}");
        }
        for bad in [
            "",
            "Bearer",
            "Bearer ",
            "Basic abc",
            "Bearer a,Bearer b",
            "Bearer a b",
            "abc",
            "Bearer é",
        ] {
            assert_eq!(bearer(bad), None, "{bad}");
        }
    }
}
