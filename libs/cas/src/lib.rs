//! Content-addressed blobs: ciphertext stored once under the keyed hash of its plaintext.
//!
//! The caller encrypts; this library never sees a plaintext except to compute
//! an [`Address`] from it. A blob is created once and never changed: a second
//! writer of the same name learns that it [existed](Put::Existed) and must use
//! what is stored. Every stored object ends in a digest, so damage on the disk
//! is a fault ([`reasons::BLOB_DAMAGED`]) and never wrong bytes.

mod address;
mod blobs;
mod files;
mod frame;
mod objects;
mod read;
pub mod reasons;
#[cfg(feature = "s3")]
mod s3;
mod settings;

pub use address::{Address, AddressKey, Addresser, BlobName, NameError};
pub use blobs::{BlobInfo, Blobs, Put};
pub use read::Content;
pub use settings::{S3Settings, Settings};
