//! What comes with every call, before anybody is known: the files alone, since
//! their crates bring gRPC along, or a whole service.

use std::str::from_utf8;
use std::time::Duration;

#[path = "../../../libs/rpc/src/grpc_timeout.rs"]
mod grpc_timeout;
#[allow(dead_code, reason = "only what a sealed mapping holds is used")]
#[path = "../../../services/anonymizer/src/domain/patches.rs"]
mod patches;
#[allow(dead_code, reason = "only what takes a mapping is called")]
#[path = "../../../services/anonymizer/src/domain/sealed_mapping.rs"]
mod sealed_mapping;
#[allow(dead_code, reason = "only what a sealed mapping holds is used")]
#[path = "../../../services/anonymizer/src/domain/way_back.rs"]
mod way_back;
#[path = "../../../libs/rpc/src/xfcc.rs"]
mod xfcc;

// Where the sealed mapping looks for it: beside itself.
use way_back::WayBack;

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
    let Ok(mapping) = sealed_mapping::SealedMapping::parse(data) else { return };
    assert_eq!(mapping.to_bytes(), data);
    assert!(mapping.open(&[7; 32]).is_err(), "a forged mapping opens");
}
