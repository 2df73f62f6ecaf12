//! Wallets: addresses that check themselves.

use sha2::{Digest as _, Sha256};

use super::parts::place;
use super::{Table, Validator};

pub(super) const TABLE: Table =
    &[("base58_address", base58_address as Validator), ("bech32_address", bech32_address)];

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// Bitcoin (both kinds), Litecoin (both), Dogecoin, Tron.
const VERSIONS: &[u8] = &[0x00, 0x05, 0x30, 0x32, 0x1e, 0x41];

/// Base58Check: a version, twenty bytes, and four of the double SHA-256 (Bitcoin wiki,
/// Base58Check encoding).
fn base58_address(text: &str) -> bool {
    let mut bytes = [0_u8; 25];
    for letter in text.bytes() {
        let Some(mut carry) = place(BASE58, letter) else { return false };
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        if carry != 0 {
            return false;
        }
    }
    let ones = text.bytes().take_while(|byte| *byte == b'1').count();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let (payload, check) = bytes.split_at(21);
    let hash = Sha256::digest(Sha256::digest(payload));
    ones == zeros
        && payload.first().is_some_and(|version| VERSIONS.contains(version))
        && hash.get(..4) == Some(check)
}

const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];

fn polymod(sum: u32, value: u32) -> u32 {
    GENERATOR
        .iter()
        .enumerate()
        .filter(|(bit, _)| (sum >> (25 + bit)) & 1 == 1)
        .fold(((sum & 0x1ff_ffff) << 5) ^ value, |sum, (_, generator)| sum ^ generator)
}

/// Bech32 for witness version 0 (BIP 173), Bech32m for later ones (BIP 350).
fn bech32_address(text: &str) -> bool {
    let mixed = text.bytes().any(|byte| byte.is_ascii_uppercase())
        && text.bytes().any(|byte| byte.is_ascii_lowercase());
    let lower = text.to_ascii_lowercase();
    let Some((prefix, data)) = lower.rsplit_once('1') else { return false };
    let Some(data) = data.bytes().map(|byte| place(BECH32, byte)).collect::<Option<Vec<u32>>>()
    else {
        return false;
    };
    let high = prefix.bytes().map(|byte| u32::from(byte) >> 5);
    let low = prefix.bytes().map(|byte| u32::from(byte) & 31);
    let sum = high.chain([0]).chain(low).chain(data.iter().copied()).fold(1, polymod);
    let [version, program @ ..] = &data[..] else { return false };
    let Some(symbols) = program.len().checked_sub(6) else { return false };
    let bytes = symbols * 5 / 8;
    // What is left of the last symbol is padding: less than one symbol, and zero.
    let spare = symbols * 5 % 8;
    let padding =
        program.get(symbols.wrapping_sub(1)).is_none_or(|last| last & ((1 << spare) - 1) == 0);
    !mixed
        && matches!(prefix, "bc" | "tb" | "ltc" | "bcrt")
        && spare < 5
        && padding
        && match version {
            0 => sum == 1 && matches!(bytes, 20 | 32),
            1..=16 => sum == 0x2bc8_30a3 && (2..=40).contains(&bytes),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_the_bips() {
        for good in [
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        ] {
            assert!(bech32_address(good), "{good}");
        }
        for bad in [
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
            "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sL5k7",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
        ] {
            assert!(!bech32_address(bad), "{bad}");
        }
        assert!(base58_address("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"));
        assert!(base58_address("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"));
        assert!(!base58_address("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3"));
    }
}
