//! FF1, format-preserving encryption (NIST SP 800-38G, algorithms 7 and 8): a string of numerals
//! becomes another of the same length and radix.
//!
//! Our own because the crates that have it bring the `aes` crate, a second AES beside that of
//! aws-lc-rs, and big integers. Numerals need none: what the standard calls a number is added
//! digit by digit, and turned into bytes and back by one small digit at a time. Loops depend on
//! lengths and the radix alone, never on a value; the block cipher is constant in time.

use aws_lc_rs::cipher::{AES_128, AES_192, AES_256, EncryptingKey, UnboundCipherKey};

use crate::error::CryptoFailed;

const BLOCK: usize = 16;
const ROUNDS: u8 = 10;

/// A key of AES for FF1.
pub(crate) struct Ff1(EncryptingKey);

/// One string on its way through the rounds.
struct Rounds<'f> {
    ff1: &'f Ff1,
    radix: u32,
    /// P and the tweak: what is the same in all rounds.
    start: Vec<u8>,
    /// Bytes of half a string, as a number.
    half_bytes: usize,
    /// Bytes of a round's output.
    round_bytes: usize,
}

impl Ff1 {
    /// AES-128, -192 or -256 by the length of the key.
    pub(crate) fn new(key: &[u8]) -> Result<Self, CryptoFailed> {
        let algorithm = match key.len() {
            16 => &AES_128,
            24 => &AES_192,
            _ => &AES_256,
        };
        let key = UnboundCipherKey::new(algorithm, key).map_err(|_| CryptoFailed)?;
        EncryptingKey::ecb(key).map(Self).map_err(|_| CryptoFailed)
    }

    /// Encrypts numerals below `radix`, of which there are at least two.
    pub(crate) fn encrypt(
        &self,
        radix: u32,
        tweak: &[u8],
        numerals: &[u8],
    ) -> Result<Vec<u8>, CryptoFailed> {
        let (mut a, mut b) = halves(numerals);
        let rounds = Rounds::new(self, radix, tweak, numerals.len())?;
        for round in 0..ROUNDS {
            let y = rounds.output(round, &b, a.len())?;
            let c = add(radix, &a, &y);
            a = std::mem::replace(&mut b, c);
        }
        Ok([a, b].concat())
    }

    /// Undoes [`Ff1::encrypt`].
    pub(crate) fn decrypt(
        &self,
        radix: u32,
        tweak: &[u8],
        numerals: &[u8],
    ) -> Result<Vec<u8>, CryptoFailed> {
        let (mut a, mut b) = halves(numerals);
        let rounds = Rounds::new(self, radix, tweak, numerals.len())?;
        for round in (0..ROUNDS).rev() {
            let y = rounds.output(round, &a, b.len())?;
            let c = subtract(radix, &b, &y);
            b = std::mem::replace(&mut a, c);
        }
        Ok([a, b].concat())
    }

    fn block(&self, block: &mut [u8; BLOCK]) -> Result<(), CryptoFailed> {
        self.0.encrypt(block).map(|_| ()).map_err(|_| CryptoFailed)
    }

    /// PRF (algorithm 6): CBC-MAC over whole blocks.
    fn prf(&self, data: &[u8]) -> Result<[u8; BLOCK], CryptoFailed> {
        let mut state = [0; BLOCK];
        for block in data.chunks(BLOCK) {
            state.iter_mut().zip(block).for_each(|(state, byte)| *state ^= byte);
            self.block(&mut state)?;
        }
        Ok(state)
    }
}

impl<'f> Rounds<'f> {
    fn new(ff1: &'f Ff1, radix: u32, tweak: &[u8], length: usize) -> Result<Self, CryptoFailed> {
        let (u, v) = (length / 2, length - length / 2);
        let half_bytes = width(radix, v);
        let round_bytes = 4 * half_bytes.div_ceil(4) + 4;
        let number = |value: usize| u32::try_from(value).map_err(|_| CryptoFailed);
        let mut start = vec![1, 2, 1];
        start.extend_from_slice(&radix.to_be_bytes()[1..]);
        start.push(ROUNDS);
        start.push(u.to_le_bytes()[0]);
        start.extend_from_slice(&number(length)?.to_be_bytes());
        start.extend_from_slice(&number(tweak.len())?.to_be_bytes());
        start.extend_from_slice(tweak);
        // Q is filled up with zeros so that it ends with a whole block.
        while !(start.len() + 1 + half_bytes).is_multiple_of(BLOCK) {
            start.push(0);
        }
        Ok(Self { ff1, radix, start, half_bytes, round_bytes })
    }

    /// The round function: its output modulo radix^`digits`, as numerals.
    fn output(&self, round: u8, half: &[u8], digits: usize) -> Result<Vec<u8>, CryptoFailed> {
        let mut data = self.start.clone();
        data.push(round);
        data.extend(to_bytes(self.radix, half, self.half_bytes));
        let first = self.ff1.prf(&data)?;
        let mut bytes = first.to_vec();
        let mut count = 1_u128;
        while bytes.len() < self.round_bytes {
            let mut block = (u128::from_be_bytes(first) ^ count).to_be_bytes();
            self.ff1.block(&mut block)?;
            bytes.extend_from_slice(&block);
            count += 1;
        }
        bytes.truncate(self.round_bytes);
        Ok(to_numerals(self.radix, bytes, digits))
    }
}

fn halves(numerals: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (a, b) = numerals.split_at(numerals.len() / 2);
    (a.to_vec(), b.to_vec())
}

/// Bytes of the largest number of so many numerals.
fn width(radix: u32, count: usize) -> usize {
    let largest = vec![u8::try_from(radix.saturating_sub(1)).unwrap_or(u8::MAX); count];
    little_endian(radix, &largest).len()
}

/// Horner's rule on bytes, the least first.
fn little_endian(radix: u32, numerals: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    for numeral in numerals {
        let mut carry = u32::from(*numeral);
        for byte in &mut bytes {
            let value = u32::from(*byte) * radix + carry;
            *byte = value.to_le_bytes()[0];
            carry = value >> 8;
        }
        while carry > 0 {
            bytes.push(carry.to_le_bytes()[0]);
            carry >>= 8;
        }
    }
    bytes
}

/// NUM and its bytes, the most significant first.
fn to_bytes(radix: u32, numerals: &[u8], width: usize) -> Vec<u8> {
    let mut bytes = little_endian(radix, numerals);
    bytes.resize(width, 0);
    bytes.reverse();
    bytes
}

/// STR of a number modulo radix^`count`: long division, a digit at a time.
fn to_numerals(radix: u32, mut bytes: Vec<u8>, count: usize) -> Vec<u8> {
    let mut numerals = vec![0; count];
    for numeral in numerals.iter_mut().rev() {
        let mut rest = 0;
        for byte in &mut bytes {
            let value = rest * 256 + u32::from(*byte);
            *byte = (value / radix).to_le_bytes()[0];
            rest = value % radix;
        }
        *numeral = rest.to_le_bytes()[0];
    }
    numerals
}

/// a + b modulo radix^length; both have the same length.
fn add(radix: u32, a: &[u8], b: &[u8]) -> Vec<u8> {
    combine(a, b, 0, |a, b, carry| {
        let sum = a + b + carry;
        (sum % radix, sum / radix)
    })
}

/// a - b modulo radix^length.
fn subtract(radix: u32, a: &[u8], b: &[u8]) -> Vec<u8> {
    // The complement keeps it above zero; the carry is 1 where nothing was borrowed.
    combine(a, b, 1, |a, b, carry| {
        let sum = a + (radix - 1 - b) + carry;
        (sum % radix, sum / radix)
    })
}

fn combine(a: &[u8], b: &[u8], carry: u32, digit: impl Fn(u32, u32, u32) -> (u32, u32)) -> Vec<u8> {
    let mut carry = carry;
    let mut out: Vec<u8> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(a, b)| {
            let (value, next) = digit(u32::from(*a), u32::from(*b), carry);
            carry = next;
            value.to_le_bytes()[0]
        })
        .collect();
    out.reverse();
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94";

    fn numerals(text: &str) -> Vec<u8> {
        text.chars().map(|c| u8::try_from(c.to_digit(36).unwrap()).unwrap()).collect()
    }

    /// NIST's nine samples: csrc.nist.gov, "FF1samples.pdf", beside SP 800-38G.
    #[test]
    fn the_published_samples() {
        let (none, ten, eleven) = ("", "39383736353433323130", "3737373770717273373737");
        let (digits, letters) = ("0123456789", "0123456789abcdefghi");
        for (key_len, radix, tweak, plain, cipher) in [
            (16, 10, none, digits, "2433477484"),
            (16, 10, ten, digits, "6124200773"),
            (16, 36, eleven, letters, "a9tv40mll9kdu509eum"),
            (24, 10, none, digits, "2830668132"),
            (24, 10, ten, digits, "2496655549"),
            (24, 36, eleven, letters, "xbj3kv35jrawxv32ysr"),
            (32, 10, none, digits, "6657667009"),
            (32, 10, ten, digits, "1001623463"),
            (32, 36, eleven, letters, "xs8a0azh2avyalyzuwd"),
        ] {
            let ff1 = Ff1::new(&hex::decode(KEY).unwrap()[..key_len]).unwrap();
            let tweak = hex::decode(tweak).unwrap();
            let sealed = ff1.encrypt(radix, &tweak, &numerals(plain)).unwrap();
            assert_eq!(sealed, numerals(cipher));
            assert_eq!(ff1.decrypt(radix, &tweak, &sealed).unwrap(), numerals(plain));
        }
    }

    #[test]
    fn the_width_of_a_number_is_exact() {
        assert_eq!([width(10, 5), width(10, 3), width(2, 8), width(2, 9)], [3, 2, 1, 2]);
        assert_eq!(width(36, 10), 7);
    }

    proptest! {
        #[test]
        fn decrypting_undoes_encrypting(
            radix in 2_u32..=62, seed in prop::collection::vec(any::<u8>(), 2..200),
            tweak in prop::collection::vec(any::<u8>(), 0..40), key: [u8; 32],
        ) {
            let ff1 = Ff1::new(&key).unwrap();
            let plain: Vec<u8> =
                seed.iter().map(|byte| byte % u8::try_from(radix).unwrap()).collect();
            let sealed = ff1.encrypt(radix, &tweak, &plain).unwrap();
            prop_assert!(sealed.len() == plain.len());
            prop_assert!(sealed.iter().all(|numeral| u32::from(*numeral) < radix));
            prop_assert_eq!(ff1.decrypt(radix, &tweak, &sealed).unwrap(), plain);
        }
    }
}
