//! The contract, generated from `proto/`: messages, clients, servers, the
//! descriptor set, and who may call what.

#[allow(
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::too_many_lines,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "generated"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/modules.rs"));
}
mod rules;

pub use generated::google;
pub use generated::signet::{
    anonymizer, audit, auth, common, envelope, options, response, storage,
};
pub use rules::{Caller, Principal, RULES, Role, Rule, rule};

/// All files of `proto/` with their imports and options, as a
/// `google.protobuf.FileDescriptorSet`: for Envoy's transcoder and reflection.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));
