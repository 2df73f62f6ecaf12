//! `x-forwarded-client-cert`, as Envoy writes it.
//! <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert>

/// The URI of the one certificate that the value speaks of. A sidecar sets the
/// header anew, so it has exactly one element, without quotes, with exactly one
/// URI; anything else was not written by one.
pub(crate) fn uri_of(value: &str) -> Option<&str> {
    if value.contains([',', '"', '\\']) {
        return None;
    }
    let mut uris = value.split(';').filter_map(|part| part.strip_prefix("URI="));
    let uri = uris.next()?;
    if uris.next().is_none() { Some(uri) } else { None }
}
