//! The Concat KDF of ECDH-ES, with SHA-256
//! ([RFC 7518, section 4.6.2](https://www.rfc-editor.org/rfc/rfc7518#section-4.6.2),
//! NIST SP 800-56A, section 5.8.1).

use zeroize::Zeroizing;

use crate::provider;

/// Derives a key of at most one hash: `key_len` bytes, 32 or fewer.
pub(crate) fn derive(
    secret: &[u8],
    algorithm: &str,
    party_u: &[u8],
    party_v: &[u8],
    key_len: u8,
) -> Zeroizing<[u8; 32]> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    let first_round = 1_u32.to_be_bytes();
    let key_bits = (u32::from(key_len) * 8).to_be_bytes();
    Zeroizing::new(provider::default().sha256(&[
        &first_round,
        secret,
        &length(algorithm.as_bytes()),
        algorithm.as_bytes(),
        &length(party_u),
        party_u,
        &length(party_v),
        party_v,
        &key_bits,
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::decode;

    /// RFC 7518, appendix C: direct agreement for A128GCM.
    #[test]
    fn rfc_7518_appendix_c() {
        let secret = [
            158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49,
            110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196,
        ];
        let derived = derive(&secret, "A128GCM", b"Alice", b"Bob", 16);
        assert_eq!(derived[..16], decode("VqqN6vgjbSBcIijNcacQGg").unwrap());
    }
}
