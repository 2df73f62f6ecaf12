//! KEKs in AWS KMS; they never leave it.
//!
//! A tenant's KEK is one KMS key a version. With the alias template
//! `signet/{tenant}`, version 3 of tenant T is `alias/signet/T/3`, and
//! `alias/signet/T` names the newest one, so whoever wraps needs not know its
//! number. That a version is a key of its own makes it possible to destroy it:
//! AWS's own rotation keeps all old material of a key, and does not tell which
//! one wrapped what. A tenant may instead have a key that somebody else made
//! and keeps (`keys` in the settings): it has version 1 and no other.
//!
//! The context goes into the encryption context, beside the tenant. AWS has no
//! batches: every data key is a call, several at a time.
//!
//! Calls are signed (SigV4) with what `object_store` has for S3: see
//! `docs/adr/0011-aws-kms-without-its-sdk.md`.

mod calls;
mod client;
mod error;
mod provider;
mod settings;
mod versions;

pub use provider::AwsKms;
pub use settings::AwsSettings;
