//! JSON Web Keys, strictly: what a key says about itself has to be true.

use kernel::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::algorithm::{KeyAlgorithm, KeyUse};
use crate::encoding;
use crate::key::{KeyError, PublicKey};
use crate::provider::{self, PrivateParts, PublicParts, RsaParts};

/// 65537: what every generator of the last twenty years writes. Small exponents have a
/// history of padding attacks, large ones of slow verification.
pub(crate) const EXPONENT: [u8; 3] = [1, 0, 1];

/// The letters of the largest JWK taken (RSA 4096, private, with room to spare).
const MAX_JWK: usize = 8 * 1024;

/// Unknown members are ignored, as RFC 7517, section 4, asks. Repeated ones are refused by serde.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    key_use: Option<String>,
    alg: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<Secret<String>>,
    p: Option<Secret<String>>,
    q: Option<Secret<String>>,
    dp: Option<Secret<String>>,
    dq: Option<Secret<String>>,
    qi: Option<Secret<String>>,
    #[serde(rename = "pub")]
    public: Option<String>,
    #[serde(rename = "priv")]
    private: Option<Secret<String>>,
    oth: Option<serde::de::IgnoredAny>,
    k: Option<Secret<String>>,
    /// What the importer wants the key for, which the key itself may leave open.
    #[serde(skip)]
    intended: Option<KeyUse>,
}

pub(crate) fn parse_public(json: &str) -> Result<(KeyAlgorithm, PublicParts), KeyError> {
    let jwk = parse(json)?;
    let private = [
        ("d", jwk.d.is_some()),
        ("p", jwk.p.is_some()),
        ("q", jwk.q.is_some()),
        ("dp", jwk.dp.is_some()),
        ("dq", jwk.dq.is_some()),
        ("qi", jwk.qi.is_some()),
        ("oth", jwk.oth.is_some()),
        ("k", jwk.k.is_some()),
        ("priv", jwk.private.is_some()),
    ];
    if let Some((name, _)) = private.into_iter().find(|(_, present)| *present) {
        return Err(KeyError::PrivateMember(name));
    }
    jwk.public()
}

pub(crate) fn parse_private(
    json: &str,
    intended: Option<KeyUse>,
) -> Result<(KeyAlgorithm, PublicParts, PrivateParts), KeyError> {
    let jwk = Jwk { intended, ..parse(json)? };
    if jwk.oth.is_some() {
        // Keys of more than two primes: no library in use takes them.
        return Err(KeyError::Invalid("oth"));
    }
    let (algorithm, public) = jwk.public()?;
    let private = match &public {
        PublicParts::Curve(_) => PrivateParts::Curve(secret("d", jwk.d.as_ref())?),
        PublicParts::Hybrid(_) => PrivateParts::Hybrid(secret("priv", jwk.private.as_ref())?),
        PublicParts::Rsa { n, e } => PrivateParts::Rsa(Box::new(RsaParts {
            n: n.clone(),
            e: e.clone(),
            d: secret("d", jwk.d.as_ref())?,
            p: secret("p", jwk.p.as_ref())?,
            q: secret("q", jwk.q.as_ref())?,
            dp: secret("dp", jwk.dp.as_ref())?,
            dq: secret("dq", jwk.dq.as_ref())?,
            qi: secret("qi", jwk.qi.as_ref())?,
        })),
    };
    Ok((algorithm, public, private))
}

fn parse(json: &str) -> Result<Jwk, KeyError> {
    if json.len() > MAX_JWK {
        return Err(KeyError::Syntax);
    }
    serde_json::from_str(json).map_err(|_| KeyError::Syntax)
}

fn public(name: &'static str, value: Option<&String>) -> Result<Vec<u8>, KeyError> {
    let text = value.ok_or(KeyError::Missing(name))?;
    encoding::decode(text).map_err(|_| KeyError::Invalid(name))
}

fn secret(
    name: &'static str,
    value: Option<&Secret<String>>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let text = value.ok_or(KeyError::Missing(name))?.expose();
    encoding::decode_secret(text).map_err(|_| KeyError::Invalid(name))
}

impl Jwk {
    fn public(&self) -> Result<(KeyAlgorithm, PublicParts), KeyError> {
        let (algorithm, parts) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", None) => self.rsa()?,
            ("OKP", Some("Ed25519")) => (KeyAlgorithm::Ed25519, self.okp()?),
            ("OKP", Some("X25519")) => (KeyAlgorithm::X25519, self.okp()?),
            ("EC", Some("P-256")) => self.p256()?,
            ("AKP", None) => self.akp()?,
            ("OKP" | "EC", None) => return Err(KeyError::Missing("crv")),
            ("OKP" | "EC" | "RSA" | "AKP", Some(_)) => return Err(KeyError::Invalid("crv")),
            _ => return Err(KeyError::Invalid("kty")),
        };
        self.check_usage(algorithm)?;
        Ok((algorithm, parts))
    }

    fn rsa(&self) -> Result<(KeyAlgorithm, PublicParts), KeyError> {
        let n = public("n", self.n.as_ref())?;
        let e = public("e", self.e.as_ref())?;
        if e != EXPONENT {
            return Err(KeyError::Invalid("e"));
        }
        // The top bit set: exactly 2048, 3072 or 4096 bits, and no leading zeros.
        if n.first().is_none_or(|first| first & 0x80 == 0) {
            return Err(KeyError::Invalid("n"));
        }
        let key_use = self.stated_use("RSA-OAEP-256", "PS256")?;
        let algorithm = KeyAlgorithm::of_rsa(key_use, n.len()).ok_or(KeyError::Invalid("n"))?;
        Ok((algorithm, PublicParts::Rsa { n, e }))
    }

    /// An "algorithm key pair" ([RFC 9964](https://www.rfc-editor.org/rfc/rfc9964)): `alg` says it all.
    fn akp(&self) -> Result<(KeyAlgorithm, PublicParts), KeyError> {
        let alg = self.alg.as_deref().ok_or(KeyError::Missing("alg"))?;
        let hybrid = KeyAlgorithm::ALL.into_iter().filter(|one| one.is_hybrid());
        let algorithm = hybrid.into_iter().find(|one| one.is_named(alg));
        let algorithm = algorithm.ok_or(KeyError::Invalid("alg"))?;
        Ok((algorithm, PublicParts::Hybrid(public("pub", self.public.as_ref())?)))
    }

    fn okp(&self) -> Result<PublicParts, KeyError> {
        let x = public("x", self.x.as_ref())?;
        if x.len() == 32 { Ok(PublicParts::Curve(x)) } else { Err(KeyError::Invalid("x")) }
    }

    fn p256(&self) -> Result<(KeyAlgorithm, PublicParts), KeyError> {
        let point = p256_point(&public("x", self.x.as_ref())?, &public("y", self.y.as_ref())?)?;
        let algorithm = match self.stated_use("ECDH-ES+A256KW", "ES256")? {
            KeyUse::Seal => KeyAlgorithm::P256,
            KeyUse::Sign => KeyAlgorithm::Es256,
        };
        Ok((algorithm, PublicParts::Curve(point)))
    }

    /// What a key is for that is good for either: `alg` says, or `use`, or who imports it.
    fn stated_use(&self, seal: &str, sign: &str) -> Result<KeyUse, KeyError> {
        match (self.alg.as_deref(), self.key_use.as_deref()) {
            (Some(alg), _) if alg == seal => Ok(KeyUse::Seal),
            (Some(alg), _) if alg == sign => Ok(KeyUse::Sign),
            (Some(_), _) => Err(KeyError::Invalid("alg")),
            (None, Some("enc")) => Ok(KeyUse::Seal),
            (None, Some("sig")) => Ok(KeyUse::Sign),
            (None, Some(_)) => Err(KeyError::Invalid("use")),
            (None, None) => self.intended.ok_or(KeyError::Missing("alg")),
        }
    }

    fn check_usage(&self, algorithm: KeyAlgorithm) -> Result<(), KeyError> {
        if !self.alg.as_deref().is_none_or(|alg| algorithm.is_named(alg)) {
            return Err(KeyError::Invalid("alg"));
        }
        let (key_use, operations): (_, &[&str]) = match algorithm.key_use() {
            KeyUse::Seal => {
                ("enc", &["encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"])
            }
            KeyUse::Sign => ("sig", &["sign", "verify"]),
        };
        if self.key_use.as_deref().is_some_and(|value| value != key_use) {
            return Err(KeyError::Invalid("use"));
        }
        let known = |operation: &String| operations.contains(&operation.as_str());
        if !self.key_ops.as_ref().is_none_or(|list| list.iter().all(known)) {
            return Err(KeyError::Invalid("key_ops"));
        }
        Ok(())
    }
}

pub(crate) fn p256_point(x: &[u8], y: &[u8]) -> Result<Vec<u8>, KeyError> {
    if x.len() != 32 {
        return Err(KeyError::Invalid("x"));
    }
    if y.len() != 32 {
        return Err(KeyError::Invalid("y"));
    }
    Ok([&[4], x, y].concat())
}

/// The y-coordinates of the eight points of small order on edwards25519, little-endian. Under such
/// a key a signature can be made that holds for many messages, so that it proves nothing.
const SMALL_ORDER: [[u8; 32]; 5] = [
    little_endian(0x00, 0x00, 0x00),
    little_endian(0x01, 0x00, 0x00),
    little_endian(0xec, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

const fn little_endian(lowest: u8, middle: u8, highest: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = lowest;
    bytes[31] = highest;
    bytes
}

/// Takes the canonical spelling of a point only. X25519 ignores the top bit and reduces the rest
/// ([RFC 7748, section 5](https://www.rfc-editor.org/rfc/rfc7748#section-5)), so without this a
/// header could be changed and the key would stay the same.
pub(crate) fn check_point(algorithm: KeyAlgorithm, point: &[u8]) -> Result<(), KeyError> {
    let mut point: [u8; 32] = match algorithm {
        KeyAlgorithm::X25519 | KeyAlgorithm::Ed25519 => {
            point.try_into().map_err(|_| KeyError::Invalid("x"))?
        }
        _ => return Ok(()),
    };
    if algorithm == KeyAlgorithm::Ed25519 {
        // The sign of the other coordinate.
        point[31] &= 0x7f;
        if SMALL_ORDER.contains(&point) {
            return Err(KeyError::Invalid("x"));
        }
    }
    let [lowest, middle @ .., highest] = point;
    // 2^255 - 19 is ed ff … ff 7f in little-endian.
    let reaches_p = highest == 0x7f && lowest >= 0xed && middle.iter().all(|byte| *byte == 0xff);
    if highest > 0x7f || reaches_p { Err(KeyError::Invalid("x")) } else { Ok(()) }
}

/// The classical half of a hybrid key, as of a key of its own, and the length of both.
pub(crate) fn check_hybrid(algorithm: KeyAlgorithm, both: &[u8]) -> Result<(), KeyError> {
    let (classical, length) = match algorithm {
        KeyAlgorithm::XWing => (both.get(1184..).map(|point| (KeyAlgorithm::X25519, point)), 1216),
        _ => (both.get(..32).map(|point| (KeyAlgorithm::Ed25519, point)), 1984),
    };
    match classical {
        Some((classical, point)) if both.len() == length => {
            check_point(classical, point).map_err(|_| KeyError::Invalid("pub"))
        }
        _ => Err(KeyError::Invalid("pub")),
    }
}

/// The members in the order that RFC 7638 hashes them.
#[derive(Serialize)]
struct Written<'a> {
    /// Only where the thumbprint has it: in an AKP.
    #[serde(rename = "alg", skip_serializing_if = "Option::is_none")]
    akp: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    kty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(rename = "pub", skip_serializing_if = "Option::is_none")]
    public: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    key_use: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

fn required(algorithm: KeyAlgorithm, parts: &PublicParts) -> Written<'static> {
    let (kty, crv) = match algorithm {
        KeyAlgorithm::Ed25519 => ("OKP", Some("Ed25519")),
        KeyAlgorithm::X25519 => ("OKP", Some("X25519")),
        KeyAlgorithm::P256 | KeyAlgorithm::Es256 => ("EC", Some("P-256")),
        KeyAlgorithm::XWing | KeyAlgorithm::Ed25519MlDsa65 => ("AKP", None),
        _ => ("RSA", None),
    };
    let akp = algorithm.is_hybrid().then(|| algorithm.jose());
    let mut public = None;
    let (mut e, mut n, mut x, mut y) = (None, None, None, None);
    match parts {
        PublicParts::Rsa { n: modulus, e: exponent } => {
            n = Some(encoding::encode(modulus));
            e = Some(encoding::encode(exponent));
        }
        PublicParts::Curve(point) if algorithm.is_p256() && point.len() == 65 => {
            x = Some(encoding::encode(&point[1..33]));
            y = Some(encoding::encode(&point[33..]));
        }
        PublicParts::Curve(point) => x = Some(encoding::encode(point)),
        PublicParts::Hybrid(both) => public = Some(encoding::encode(both)),
    }
    Written { akp, crv, e, kty, n, public, x, y, key_use: None, alg: None, kid: None }
}

/// Writing plain strings cannot fail; if it did, nothing would match the empty result.
fn write(jwk: &Written<'_>) -> String {
    serde_json::to_string(jwk).unwrap_or_default()
}

pub(crate) fn thumbprint(algorithm: KeyAlgorithm, parts: &PublicParts) -> String {
    let canonical = write(&required(algorithm, parts));
    encoding::encode(&provider::default().sha256(&[canonical.as_bytes()]))
}

pub(crate) fn write_public(algorithm: KeyAlgorithm, parts: &PublicParts, kid: &str) -> String {
    let key_use = match algorithm.key_use() {
        KeyUse::Seal => "enc",
        KeyUse::Sign => "sig",
    };
    let jwk = required(algorithm, parts);
    let alg = jwk.akp.is_none().then(|| algorithm.jose());
    write(&Written { key_use: Some(key_use), alg, kid: Some(kid), ..jwk })
}

/// A JWK Set ([RFC 7517, section 5](https://www.rfc-editor.org/rfc/rfc7517#section-5)) of public
/// keys.
#[must_use]
pub fn key_set<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> String {
    let keys: Vec<_> = keys.into_iter().map(PublicKey::to_jwk).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}
