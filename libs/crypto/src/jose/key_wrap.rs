//! A content key wrapped for one recipient: RSA-OAEP-256, ECDH-ES+A256KW
//! ([RFC 7518, sections 4.3 and 4.6](https://www.rfc-editor.org/rfc/rfc7518#section-4.3),
//! [RFC 8037](https://www.rfc-editor.org/rfc/rfc8037) for X25519), or X-Wing with A256KW.

use zeroize::Zeroizing;

use super::concat_kdf;
use super::header::{EphemeralKey, KeyHeader};
use crate::algorithm::KeyAlgorithm;
use crate::encoding;
use crate::jwk;
use crate::key::{PrivateKey, PublicKey};
use crate::provider::{self, AES_KEY_LEN, AesKey, CIPHERTEXT_LEN, Failed, SharedSecret};

/// apu and apv: identities, not documents.
const MAX_PARTY_INFO: usize = 512;

pub(crate) fn wrap(key: &AesKey, recipient: &PublicKey) -> Result<(KeyHeader, Vec<u8>), Failed> {
    let algorithm = recipient.algorithm();
    let mut header = KeyHeader {
        alg: algorithm.jose().to_owned(),
        kid: Some(recipient.kid().to_owned()),
        epk: None,
        ek: None,
        apu: None,
        apv: None,
    };
    if let Some(encapsulator) = recipient.encapsulator() {
        let (ciphertext, secret) = encapsulator.encapsulate()?;
        header.ek = Some(encoding::encode(&ciphertext));
        let kek = hybrid_kek(&secret, recipient)?;
        return Ok((header, provider::default().wrap(&kek, &**key)?));
    }
    if let Some(encrypter) = recipient.encrypter() {
        return Ok((header, encrypter.encrypt(&**key)?));
    }
    let provider = provider::default();
    let (public, secret) = provider.ephemeral(algorithm, recipient.point().ok_or(Failed)?)?;
    let kek = concat_kdf::derive(&*secret, algorithm.jose(), &[], &[], 32);
    header.epk = Some(EphemeralKey::of(algorithm, &public)?);
    Ok((header, provider.wrap(&kek, &**key)?))
}

/// Fails as one, whatever the reason.
pub(crate) fn unwrap(
    header: &KeyHeader,
    wrapped: &[u8],
    recipient: &PrivateKey,
) -> Result<AesKey, Failed> {
    let algorithm = recipient.algorithm();
    if header.alg != algorithm.jose() {
        return Err(Failed);
    }
    if header.kid.as_deref().is_some_and(|kid| kid != recipient.kid()) {
        return Err(Failed);
    }
    let agreed = header.epk.is_some() || header.apu.is_some() || header.apv.is_some();
    let key = if let Some(decrypter) = recipient.decrypter() {
        if agreed || header.ek.is_some() {
            return Err(Failed);
        }
        decrypter.decrypt(wrapped)?
    } else if let Some(decapsulator) = recipient.decapsulator() {
        if agreed {
            return Err(Failed);
        }
        let ek = header.ek.as_deref().ok_or(Failed)?;
        let ciphertext = encoding::decode_array::<CIPHERTEXT_LEN>(ek).map_err(|_| Failed)?;
        let secret = decapsulator.decapsulate(&ciphertext)?;
        provider::default().unwrap(&*hybrid_kek(&secret, recipient.public())?, wrapped)?
    } else {
        if header.ek.is_some() {
            return Err(Failed);
        }
        let epk = header.epk.as_ref().ok_or(Failed)?.point(algorithm)?;
        let secret = recipient.agreement().ok_or(Failed)?.agree(&epk)?;
        let (apu, apv) = (party(header.apu.as_deref())?, party(header.apv.as_deref())?);
        let kek = concat_kdf::derive(&*secret, algorithm.jose(), &apu, &apv, 32);
        provider::default().unwrap(&kek, wrapped)?
    };
    let key: &[u8; AES_KEY_LEN] = key.as_slice().try_into().map_err(|_| Failed)?;
    Ok(Zeroizing::new(*key))
}

/// HKDF-SHA-256 over the shared secret. The context is the algorithm, with the suite's version in
/// it, and whose key it is, so that the same secret would yield another key anywhere else.
fn hybrid_kek(secret: &SharedSecret, recipient: &PublicKey) -> Result<AesKey, Failed> {
    let info = [recipient.algorithm().jose(), recipient.kid()].join("\0");
    let mut kek = Zeroizing::new([0; AES_KEY_LEN]);
    provider::default().hkdf_sha256(&[], &**secret, info.as_bytes(), &mut *kek)?;
    Ok(kek)
}

fn party(info: Option<&str>) -> Result<Vec<u8>, Failed> {
    let info = info.unwrap_or_default();
    if info.len() > MAX_PARTY_INFO {
        return Err(Failed);
    }
    encoding::decode(info).map_err(|_| Failed)
}

impl EphemeralKey {
    fn of(algorithm: KeyAlgorithm, point: &[u8]) -> Result<Self, Failed> {
        let (kty, crv) = Self::names(algorithm)?;
        let (x, y) = match point.split_first() {
            Some((4, xy)) if xy.len() == 64 => (&xy[..32], Some(encoding::encode(&xy[32..]))),
            _ => (point, None),
        };
        Ok(Self { kty: kty.to_owned(), crv: crv.to_owned(), x: encoding::encode(x), y })
    }

    fn names(algorithm: KeyAlgorithm) -> Result<(&'static str, &'static str), Failed> {
        match algorithm {
            KeyAlgorithm::X25519 => Ok(("OKP", "X25519")),
            KeyAlgorithm::P256 => Ok(("EC", "P-256")),
            _ => Err(Failed),
        }
    }

    fn point(&self, algorithm: KeyAlgorithm) -> Result<Vec<u8>, Failed> {
        if Self::names(algorithm)? != (self.kty.as_str(), self.crv.as_str()) {
            return Err(Failed);
        }
        let x = encoding::decode_array::<32>(&self.x).map_err(|_| Failed)?;
        let point = match &self.y {
            None => x.to_vec(),
            Some(y) => {
                let y = encoding::decode_array::<32>(y).map_err(|_| Failed)?;
                jwk::p256_point(&x, &y).map_err(|_| Failed)?
            }
        };
        jwk::check_point(algorithm, &point).map_err(|_| Failed)?;
        Ok(point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// We never write apu and apv, but others do, and they change the key.
    #[test]
    fn party_information_enters_the_derivation() {
        let provider = provider::default();
        for algorithm in [KeyAlgorithm::X25519, KeyAlgorithm::P256] {
            let recipient = PrivateKey::generate(algorithm).unwrap();
            let point = recipient.public().point().unwrap();
            let (public, secret) = provider.ephemeral(algorithm, point).unwrap();
            let kek = concat_kdf::derive(&*secret, "ECDH-ES+A256KW", b"Alice", b"Bob", 32);
            let wrapped = provider.wrap(&kek, &[7; 32]).unwrap();
            let mut header = KeyHeader {
                alg: "ECDH-ES+A256KW".to_owned(),
                kid: None,
                epk: Some(EphemeralKey::of(algorithm, &public).unwrap()),
                ek: None,
                apu: Some(encoding::encode(b"Alice")),
                apv: Some(encoding::encode(b"Bob")),
            };
            assert_eq!(*unwrap(&header, &wrapped, &recipient).unwrap(), [7; 32]);
            header.apv = Some(encoding::encode(b"Eve"));
            assert!(unwrap(&header, &wrapped, &recipient).is_err());
            header.apv = Some("A".repeat(MAX_PARTY_INFO + 1));
            assert!(unwrap(&header, &wrapped, &recipient).is_err());
        }
    }
}
