//! Keys of others, in PKCS#8 ([RFC 5958](https://www.rfc-editor.org/rfc/rfc5958)), and public keys
//! for others, as SubjectPublicKeyInfo ([RFC 5280, section 4.1](https://www.rfc-editor.org/rfc/rfc5280#section-4.1)).
//!
//! The frame is read here, strictly, and says which algorithm it is; what is in it goes to the
//! provider, which checks it, and comes back in the one form that is stored. So no attribute, no
//! second public half and no trailing byte survives an import.

use zeroize::Zeroizing;

use crate::algorithm::{KeyAlgorithm, KeyUse};
use crate::der::{BIT_STRING, INTEGER, NULL, NotDer, OCTET_STRING, OID, Reader, SEQUENCE, element};
use crate::key::KeyError;
use crate::provider::{self, Failed, PrivateParts, PublicParts};

/// The bytes of the largest key taken: RSA-4096 has 2,400.
const MAX_DER: usize = 6 * 1024;

/// 1.2.840.113549.1.1.1, rsaEncryption. Keys that are tied to a padding
/// ([RFC 4055](https://www.rfc-editor.org/rfc/rfc4055)) are not taken.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1, id-ecPublicKey
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10045.3.1.7, secp256r1
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 1.3.101.110 and 1.3.101.112, [RFC 8410](https://www.rfc-editor.org/rfc/rfc8410)
const X25519: &[u8] = &[0x2b, 0x65, 0x6e];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// 2.25.256062053443686007192842185557098065735, keys of X-Wing kept expanded; and
/// 2.25.166974756266108722899980712362396598419, Ed25519 beside ML-DSA-65. Ours: 2.25 is what everybody
/// may put a UUID under ([X.667](https://www.itu.int/rec/T-REC-X.667)). A new version of the suite
/// gets others.
const X_WING: &[u8] = &[
    0x69, 0x83, 0x81, 0xa3, 0xe0, 0xfd, 0x8b, 0xb7, 0xf2, 0xb4, 0x9d, 0x9f, 0xae, 0x8f, 0xd1, 0xa1,
    0xe9, 0xad, 0xde, 0x47,
];
const ED25519_ML_DSA_65: &[u8] = &[
    0x69, 0x81, 0xfb, 0x9e, 0x95, 0xc5, 0xc1, 0x8c, 0xa2, 0xbc, 0xf5, 0x8a, 0xb6, 0xec, 0xab, 0xf4,
    0x97, 0x9f, 0x81, 0x13,
];

/// `attributes [0]` and `publicKey [1]` at the end of a OneAsymmetricKey.
const ATTRIBUTES: u8 = 0xa0;
const PUBLIC_KEY: u8 = 0x81;

struct Info<'a> {
    oid: &'a [u8],
    parameters: Parameters<'a>,
    key: &'a [u8],
    public: Option<&'a [u8]>,
}

#[derive(PartialEq, Eq)]
enum Parameters<'a> {
    None,
    Null,
    Oid(&'a [u8]),
}

fn parse(der: &[u8]) -> Result<Info<'_>, NotDer> {
    let mut outer = Reader::new(der);
    let mut info = Reader::new(outer.read(SEQUENCE)?);
    outer.end()?;
    let version = info.read(INTEGER)?;
    let mut algorithm = Reader::new(info.read(SEQUENCE)?);
    let oid = algorithm.read(OID)?;
    let parameters = if algorithm.optional(NULL)?.is_some_and(<[u8]>::is_empty) {
        Parameters::Null
    } else {
        algorithm.optional(OID)?.map_or(Parameters::None, Parameters::Oid)
    };
    algorithm.end()?;
    let key = info.read(OCTET_STRING)?;
    info.optional(ATTRIBUTES)?;
    // A BIT STRING, with the number of unused bits before it.
    let public = info.optional(PUBLIC_KEY)?.map(|bits| bits.strip_prefix(&[0]).ok_or(NotDer));
    let public = public.transpose()?;
    info.end()?;
    // Version 2 is what has a public half.
    let expected: &[u8] = if public.is_some() { &[1] } else { &[0] };
    if version == expected { Ok(Info { oid, parameters, key, public }) } else { Err(NotDer) }
}

/// Reads a key that is wanted for `key_use`: its algorithm, and the encoding to keep.
pub(crate) fn import(
    key_use: KeyUse,
    der: &[u8],
) -> Result<(KeyAlgorithm, Zeroizing<Vec<u8>>), KeyError> {
    if der.len() > MAX_DER {
        return Err(KeyError::TooLarge(MAX_DER));
    }
    let info = parse(der).map_err(|NotDer| KeyError::Der)?;
    let algorithm = algorithm(&info, key_use)?;
    if algorithm.key_use() != key_use {
        return Err(KeyError::WrongUse);
    }
    let provider = provider::default();
    let kept = match algorithm {
        KeyAlgorithm::X25519 | KeyAlgorithm::Ed25519 => {
            let mut inner = Reader::new(info.key);
            let seed = inner.read(OCTET_STRING).map_err(|NotDer| KeyError::Der)?;
            inner.end().map_err(|NotDer| KeyError::Der)?;
            let parts = PrivateParts::Curve(Zeroizing::new(seed.to_vec()));
            provider.encode(algorithm, &parts)?
        }
        KeyAlgorithm::XWing | KeyAlgorithm::Ed25519MlDsa65 => write_hybrid(algorithm, info.key)?,
        _ => provider.canonical(algorithm, der)?,
    };
    check_public(&info, algorithm, &kept)?;
    Ok((algorithm, kept))
}

/// A public half that comes along has to be the right one: whoever made the file meant it.
fn check_public(info: &Info<'_>, algorithm: KeyAlgorithm, kept: &[u8]) -> Result<(), KeyError> {
    let Some(stated) = info.public else { return Ok(()) };
    match provider::default().public_parts(algorithm, kept)? {
        PublicParts::Curve(public) | PublicParts::Hybrid(public) if public == stated => Ok(()),
        _ => Err(KeyError::Invalid("publicKey")),
    }
}

fn algorithm(info: &Info<'_>, key_use: KeyUse) -> Result<KeyAlgorithm, KeyError> {
    match (info.oid, &info.parameters) {
        (RSA, Parameters::Null) => {
            let bytes = modulus_len(info.key).map_err(|NotDer| KeyError::Der)?;
            KeyAlgorithm::of_rsa(key_use, bytes).ok_or(KeyError::Invalid("modulus"))
        }
        (EC, Parameters::Oid(P256)) => Ok(match key_use {
            KeyUse::Seal => KeyAlgorithm::P256,
            KeyUse::Sign => KeyAlgorithm::Es256,
        }),
        (EC, Parameters::Oid(_)) => Err(KeyError::Invalid("curve")),
        (X25519, Parameters::None) => Ok(KeyAlgorithm::X25519),
        (ED25519, Parameters::None) => Ok(KeyAlgorithm::Ed25519),
        (X_WING, Parameters::None) => Ok(KeyAlgorithm::XWing),
        (ED25519_ML_DSA_65, Parameters::None) => Ok(KeyAlgorithm::Ed25519MlDsa65),
        _ => Err(KeyError::Invalid("algorithm")),
    }
}

fn hybrid_oid(algorithm: KeyAlgorithm) -> Result<&'static [u8], Failed> {
    match algorithm {
        KeyAlgorithm::XWing => Ok(X_WING),
        KeyAlgorithm::Ed25519MlDsa65 => Ok(ED25519_ML_DSA_65),
        _ => Err(Failed),
    }
}

/// A hybrid private key as it is kept.
pub(crate) fn write_hybrid(
    algorithm: KeyAlgorithm,
    both: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failed> {
    let identifier = element(SEQUENCE, &[&element(OID, &[hybrid_oid(algorithm)?])]);
    let version = element(INTEGER, &[&[0]]);
    Ok(element(SEQUENCE, &[&version, &identifier, &element(OCTET_STRING, &[both])]))
}

/// Its two halves.
pub(crate) fn hybrid(algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<&[u8], Failed> {
    let info = parse(pkcs8).map_err(|NotDer| Failed)?;
    let plain = info.parameters == Parameters::None && info.public.is_none();
    if plain && info.oid == hybrid_oid(algorithm)? { Ok(info.key) } else { Err(Failed) }
}

/// `RSAPrivateKey ::= SEQUENCE { version 0, modulus INTEGER, … }`
fn modulus_len(key: &[u8]) -> Result<usize, NotDer> {
    let mut outer = Reader::new(key);
    let mut numbers = Reader::new(outer.read(SEQUENCE)?);
    outer.end()?;
    numbers.read(INTEGER)?;
    // A positive number with its top bit set has a zero before it.
    numbers.read(INTEGER)?.strip_prefix(&[0]).map(<[u8]>::len).ok_or(NotDer)
}

/// SubjectPublicKeyInfo.
pub(crate) fn spki(algorithm: KeyAlgorithm, parts: &PublicParts) -> Vec<u8> {
    let oid = |oid: &[u8]| element(OID, &[oid]);
    let identifier = match algorithm {
        KeyAlgorithm::X25519 => element(SEQUENCE, &[&oid(X25519)]),
        KeyAlgorithm::Ed25519 => element(SEQUENCE, &[&oid(ED25519)]),
        KeyAlgorithm::P256 | KeyAlgorithm::Es256 => element(SEQUENCE, &[&oid(EC), &oid(P256)]),
        KeyAlgorithm::XWing => element(SEQUENCE, &[&oid(X_WING)]),
        KeyAlgorithm::Ed25519MlDsa65 => element(SEQUENCE, &[&oid(ED25519_ML_DSA_65)]),
        _ => element(SEQUENCE, &[&oid(RSA), &element(NULL, &[])]),
    };
    let key = match parts {
        PublicParts::Curve(key) | PublicParts::Hybrid(key) => Zeroizing::new(key.clone()),
        PublicParts::Rsa { n, e } => element(SEQUENCE, &[&unsigned(n), &unsigned(e)]),
    };
    element(SEQUENCE, &[&identifier, &element(BIT_STRING, &[&[0], &key])]).to_vec()
}

/// A zero before a top bit that is set, which else would mean a negative number.
fn unsigned(number: &[u8]) -> Zeroizing<Vec<u8>> {
    let zero: &[u8] =
        if number.first().is_some_and(|first| first & 0x80 != 0) { &[0] } else { &[] };
    element(INTEGER, &[zero, number])
}
