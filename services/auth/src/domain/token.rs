//! Access tokens (RFC 7519, RFC 9068) and the keys that sign them (RFC 8037).
//!
//! Signed here and not by jsonwebtoken, which would parse the key for every
//! token; verified by `rpc::token` like everybody's.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use chrono::Duration;
use kernel::{ApiKeyId, Fault, PrincipalId, Result, Secret, TenantId, Timestamp};
use rpc::token::{AUDIENCE, Claims, ISSUER};
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Roles;

/// How long a token from a log-in lives.
pub const ACCESS_TOKEN: Duration = Duration::minutes(15);

/// Whom a token speaks for.
#[derive(Clone)]
pub struct Subject {
    pub tenant: TenantId,
    pub user: PrincipalId,
    pub roles: Roles,
    pub api_key: Option<ApiKeyId>,
}

impl Subject {
    fn claims(&self, now: Timestamp, expires: Timestamp) -> Claims {
        Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: format!("users/{}", self.user),
            tid: self.tenant.to_string(),
            roles: self.roles.names(),
            iat: now.timestamp(),
            exp: expires.timestamp(),
            jti: Uuid::now_v7().to_string(),
            key: self.api_key.map(|key| format!("apiKeys/{key}")),
        }
    }
}

/// The half of a signing key that everybody may have.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// RFC 7638: the digest of the members that make the key, in this order.
    pub fn thumbprint(&self) -> String {
        let x = BASE64URL.encode(self.0);
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        BASE64URL.encode(digest(&SHA256, members.as_bytes()))
    }
}

/// The public keys as a JWK Set (RFC 7517).
pub fn jwk_set(keys: &[PublicKey]) -> String {
    let keys: Vec<_> = keys
        .iter()
        .map(|key| {
            json!({
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                "kid": key.thumbprint(), "x": BASE64URL.encode(key.0),
            })
        })
        .collect();
    json!({ "keys": keys }).to_string()
}

/// A key that signs, ready for use.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
    kid: String,
    /// The first part of every token of this key.
    header: String,
}

impl SigningKey {
    pub fn generate() -> Result<Self> {
        let pair = Ed25519KeyPair::generate().map_err(|_| Fault::internal("no key made"))?;
        Self::new(pair)
    }

    /// From its seed; the public half must be the one that belongs to it.
    pub fn from_seed(seed: &[u8], public: &PublicKey) -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, &public.0)
            .map_err(|_| Fault::internal("a signing key whose halves do not match"))?;
        Self::new(pair)
    }

    fn new(pair: Ed25519KeyPair) -> Result<Self> {
        let public = PublicKey::from_bytes(pair.public_key().as_ref())
            .ok_or_else(|| Fault::internal("a public key of another size"))?;
        let kid = public.thumbprint();
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid }).to_string();
        Ok(Self { header: BASE64URL.encode(header), pair, public, kid })
    }

    pub fn seed(&self) -> Result<Zeroizing<Vec<u8>>> {
        use aws_lc_rs::encoding::AsBigEndian as _;
        let seed = self.pair.seed().map_err(|_| Fault::internal("a key without a seed"))?;
        let bytes = seed.as_be_bytes().map_err(|_| Fault::internal("a key without a seed"))?;
        Ok(Zeroizing::new(bytes.as_ref().to_vec()))
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// A token in compact form (RFC 7515), and when it ends.
    pub fn issue(
        &self,
        subject: &Subject,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<(Secret<String>, Timestamp)> {
        let expires = now + lifetime;
        let claims = serde_json::to_vec(&subject.claims(now, expires)).map_err(Fault::internal)?;
        let mut token = format!("{}.{}", self.header, BASE64URL.encode(claims));
        let signature = self.pair.sign(token.as_bytes());
        token.push('.');
        BASE64URL.encode_string(signature, &mut token);
        Ok((Secret::new(token), expires))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendices A.1 to A.3.
    #[test]
    fn thumbprint_and_set_are_those_of_the_rfc() {
        let seed = BASE64URL.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let public = PublicKey::from_bytes(&BASE64URL.decode(x).unwrap()).unwrap();
        let key = SigningKey::from_seed(&seed, &public).unwrap();
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(*key.seed().unwrap(), seed);
        let set: serde_json::Value = serde_json::from_str(&jwk_set(&[public])).unwrap();
        assert_eq!(set["keys"][0]["x"], x);
        assert_eq!(set["keys"][0]["kid"], key.kid());
    }

    #[test]
    fn halves_that_do_not_match_are_refused() {
        let (one, two) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        assert!(SigningKey::from_seed(&one.seed().unwrap(), two.public()).is_err());
        assert!(SigningKey::from_seed(&one.seed().unwrap(), one.public()).is_ok());
    }
}
