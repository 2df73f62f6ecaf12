//! What comes with every call, before anybody is known: of libs/rpc the
//! files alone, since it brings gRPC along.

use std::str::from_utf8;
use std::time::Duration;

#[path = "../../../libs/rpc/src/grpc_timeout.rs"]
mod grpc_timeout;
#[path = "../../../libs/rpc/src/xfcc.rs"]
mod xfcc;

/// Whatever is understood is bounded, and has the protocol's form.
pub(crate) fn timeout(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    if let Some(given) = grpc_timeout::parse(text) {
        assert!(text.len() <= 9 && text.is_ascii(), "not the protocol's form");
        assert!(given <= Duration::from_secs(99_999_999 * 3_600));
    }
}

/// A URI that is believed is there, once, and nothing else of its kind.
pub(crate) fn client_certificate(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    if let Some(uri) = xfcc::uri_of(text) {
        assert!(!uri.contains([',', ';', '"']), "more than one element");
        let named = text.split(';').filter(|part| part.starts_with("URI=")).count();
        assert_eq!(named, 1, "more than one URI");
    }
}

/// What is parsed writes back to what it was; nothing made up opens.
pub(crate) fn mapping(data: &[u8]) {
    let Ok(mapping) = wayback::SealedMapping::parse(data) else { return };
    assert_eq!(mapping.to_bytes(), data);
    assert!(mapping.open(&[7; 32]).is_err(), "a forged mapping opens");
}
