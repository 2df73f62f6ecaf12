//! JOSE, as little of it as is needed and as strictly as it can be read:
//! headers, compact signatures, and content keys wrapped for one recipient.

pub(crate) mod concat_kdf;
pub(crate) mod header;
pub(crate) mod jws;
pub(crate) mod key_wrap;

#[cfg(test)]
mod vectors;
