//! Who is at the other end: the SPIFFE id that the sidecar verified.
//!
//! The sidecar ends mutual TLS and says whom it saw in `x-forwarded-client-cert`
//! (set anew by it, whatever a caller sent). Services listen on a Unix socket
//! in a private directory only, so nobody but the sidecar can say it.

use http::HeaderMap;
use proto::Caller;

use crate::xfcc::uri_of;

const PREFIX: &str = "spiffe://signet.dev/";

/// The caller named by the sidecar. Exactly one element with exactly one URI
/// counts; anything else is nobody.
pub fn peer_of(headers: &HeaderMap) -> Option<Caller> {
    let mut values = headers.get_all("x-forwarded-client-cert").iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let uri = uri_of(value)?;
    Caller::from_name(uri.strip_prefix(PREFIX)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(values: &[&'static str]) -> Option<Caller> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-client-cert", http::HeaderValue::from_static(value));
        }
        peer_of(&headers)
    }

    #[test]
    fn the_verified_uri_names_the_caller() {
        assert_eq!(
            peer(&["By=spiffe://signet.dev/audit;Hash=ab;URI=spiffe://signet.dev/edge"]),
            Some(Caller::Edge)
        );
        assert_eq!(peer(&["URI=spiffe://signet.dev/storage"]), Some(Caller::Storage));
    }

    #[test]
    fn anything_else_is_nobody() {
        for values in [
            &[][..],
            &["Hash=ab"],
            &["URI=spiffe://signet.dev/"],
            &["URI=spiffe://signet.dev/root"],
            &["URI=spiffe://evil.dev/edge"],
            &["URI=spiffe://signet.dev/edge/x"],
            &["URI=spiffe://signet.dev/edge;URI=spiffe://signet.dev/audit"],
            &["URI=spiffe://signet.dev/edge,URI=spiffe://signet.dev/audit"],
            &["URI=spiffe://signet.dev/edge", "URI=spiffe://signet.dev/edge"],
            &["By=\";URI=spiffe://signet.dev/edge\""],
        ] {
            assert_eq!(peer(values), None, "{values:?}");
        }
    }
}
