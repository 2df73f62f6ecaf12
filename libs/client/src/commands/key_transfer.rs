//! `keys`: private halves in, public halves out.

use std::path::Path;

use crypto::{KeyUse, PrivateKey, PublicKey, jwe};
use proto::envelope::v1::{
    CreateImportKeyRequest, ExportPublicKeyRequest, GetKeySetRequest, ImportKeyRequest, Key,
    KeyAlgorithm, KeyPurpose, PublicKeyFormat,
};
use zeroize::Zeroizing;

use super::{Problem, Result, named};
use crate::session::{Session, request_id};

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    Jwk,
    Pem,
    Jwks,
}

/// Seals the key in the file here, so that it crosses the edge as ciphertext.
pub(super) async fn import(
    session: &Session,
    path: &Path,
    request: ImportKeyRequest,
) -> Result<Option<Key>> {
    let key_use = match request.purpose() {
        KeyPurpose::Sign => KeyUse::Sign,
        _ => KeyUse::Seal,
    };
    let key = parse(&super::read(path)?, key_use)
        .ok_or_else(|| Problem::file(path, "this is no private key that can be used so"))?;
    let mut keys = session.edge.keys();
    // As strong on the way as the key is itself.
    let hybrid = key.algorithm().is_hybrid();
    let algorithm =
        if hybrid { KeyAlgorithm::HybridXwingA256kw } else { KeyAlgorithm::Unspecified };
    let request_for = CreateImportKeyRequest { algorithm: algorithm.into() };
    let to = keys.create_import_key(request_for).await?.into_inner();
    let recipient = PublicKey::from_jwk(&to.public_jwk).map_err(Problem::new)?;
    let sealed = jwe::seal(&recipient, None, Some("pkcs8"), key.pkcs8().to_vec());
    let algorithm = wire_algorithm(&key)
        .ok_or_else(|| Problem::file(path, "the mesh has no name for its algorithm"))?;
    let request = ImportKeyRequest {
        algorithm: algorithm.into(),
        import_key: to.import_key,
        wrapped_key: sealed.map_err(Problem::new)?,
        request_id: request_id(),
        ..request
    };
    Ok(keys.import_key(request).await?.into_inner().key)
}

/// PEM, JWK or DER, by how it begins.
fn parse(bytes: &[u8], key_use: KeyUse) -> Option<PrivateKey> {
    match bytes.trim_ascii_start().first()? {
        b'-' => PrivateKey::import_pem(key_use, std::str::from_utf8(bytes).ok()?).ok(),
        b'{' => {
            let text = Zeroizing::new(std::str::from_utf8(bytes).ok()?.to_owned());
            PrivateKey::import_jwk(key_use, &text).ok()
        }
        _ => PrivateKey::import_pkcs8(key_use, bytes).ok(),
    }
}

/// The contract's names are the library's, in capitals and with underscores.
fn wire_algorithm(key: &PrivateKey) -> Option<KeyAlgorithm> {
    let bits = key.algorithm().rsa_bytes().map(|bytes| bytes * 8);
    let name = match (key.algorithm(), bits) {
        (crypto::KeyAlgorithm::X25519, _) => "ECDH_ES_A256KW_X25519".to_owned(),
        (crypto::KeyAlgorithm::P256, _) => "ECDH_ES_A256KW_P256".to_owned(),
        (crypto::KeyAlgorithm::Ed25519, _) => "EDDSA_ED25519".to_owned(),
        (crypto::KeyAlgorithm::Es256, _) => "ES256_P256".to_owned(),
        (crypto::KeyAlgorithm::XWing, _) => "HYBRID_XWING_A256KW".to_owned(),
        (crypto::KeyAlgorithm::Ed25519MlDsa65, _) => "HYBRID_ED25519_ML_DSA_65".to_owned(),
        (one, Some(bits)) if one.key_use() == KeyUse::Seal => format!("RSA_OAEP_256_{bits}"),
        (_, Some(bits)) => format!("RSA_PS256_{bits}"),
        (one, None) => one.as_str().to_uppercase().replace('-', "_"),
    };
    KeyAlgorithm::from_str_name(&format!("KEY_ALGORITHM_{name}"))
}

pub(super) async fn export(
    session: &Session,
    (name, version): (&str, i32),
    format: Format,
    filter: String,
) -> Result<()> {
    let mut keys = session.edge.keys();
    let document = if format == Format::Jwks {
        keys.get_key_set(GetKeySetRequest { filter }).await?
    } else {
        let format = match format {
            Format::Pem => PublicKeyFormat::Pem,
            _ => PublicKeyFormat::Jwk,
        };
        let name = named("keys", name);
        let request = ExportPublicKeyRequest { name, version, format: format.into() };
        keys.export_public_key(request).await?
    };
    console::output::raw(&document.into_inner().data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_has_its_name_in_the_contract() {
        for algorithm in [
            crypto::KeyAlgorithm::X25519,
            crypto::KeyAlgorithm::P256,
            crypto::KeyAlgorithm::Ed25519,
            crypto::KeyAlgorithm::Es256,
            crypto::KeyAlgorithm::RsaPss2048,
            crypto::KeyAlgorithm::RsaOaep2048,
        ] {
            let key = PrivateKey::generate(algorithm).unwrap();
            assert!(wire_algorithm(&key).is_some(), "{}", algorithm.as_str());
            let read = parse(key.pkcs8(), algorithm.key_use());
            assert!(read.is_some_and(|read| read.kid() == key.kid()));
        }
        assert!(parse(b"nothing", KeyUse::Seal).is_none());
        assert!(parse(b"", KeyUse::Seal).is_none());
    }
}
