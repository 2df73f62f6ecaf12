use aws_lc_rs::digest::{Context, SHA256};

/// What a commitment's entry begins with.
const COMMITMENT: u8 = 1;

/// The entry that the log has for an event: `0x01 ‖ SHA-256(salt ‖ encoded)`.
#[must_use]
pub fn entry_of(salt: &[u8], encoded: &[u8]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    context.update(salt);
    context.update(encoded);
    let mut entry = vec![COMMITMENT];
    entry.extend_from_slice(context.finish().as_ref());
    entry
}
