//! Addresses: mail, web, networks, devices on them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Table, Validator};

pub(super) const TABLE: Table = &[
    ("email", email as Validator),
    ("url", url),
    ("bare_domain", bare_domain),
    ("ipv4", ipv4),
    ("ipv6", ipv6),
    ("mac", mac),
    ("uuid", uuid),
];

/// Dots and hyphens stand where RFC 5321 and RFC 1035 allow them.
fn email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && well_formed(domain)
}

fn well_formed(domain: &str) -> bool {
    domain
        .split('.')
        .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
}

fn ipv4(text: &str) -> bool {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
    if prefix.is_some_and(|bits| bits.parse::<u32>().map_or(true, |bits| bits > 32)) {
        return false;
    }
    // Addresses that point at nobody are noise in configuration and logs.
    address
        .parse::<Ipv4Addr>()
        .is_ok_and(|ip| !ip.is_unspecified() && !ip.is_loopback() && !ip.is_broadcast())
}

fn ipv6(text: &str) -> bool {
    let enough = text.bytes().filter(u8::is_ascii_hexdigit).count() >= 4;
    enough && text.parse::<Ipv6Addr>().is_ok_and(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

fn url(text: &str) -> bool {
    let host = text.split_once("://").map_or(text, |(_, rest)| rest);
    host.len() >= 4 && host.contains(|c: char| c.is_alphanumeric())
}

/// A host name without scheme looks like a file name or a method call unless it has three
/// labels, a path, or a suffix that no language uses.
fn bare_domain(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or(text);
    let labels = host.split('.').count();
    let telling = host
        .rsplit('.')
        .next()
        .is_some_and(|suffix| matches!(suffix, "com" | "org" | "net" | "edu" | "gov"));
    let letters = host.bytes().filter(u8::is_ascii_lowercase).count();
    well_formed(host) && letters >= 4 && (labels >= 3 || text.contains('/') || telling)
}

/// Six octets with one kind of separator, neither empty nor broadcast (IEEE 802, EUI-48).
fn mac(text: &str) -> bool {
    let marks: Vec<char> = text.chars().filter(|c| !c.is_ascii_hexdigit()).collect();
    let hex: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    hex.len() == 12
        && matches!(marks.len(), 2 | 5)
        && marks.windows(2).all(|pair| pair.first() == pair.last())
        && !hex.chars().all(|c| c == '0')
        && !hex.chars().all(|c| c.eq_ignore_ascii_case(&'f'))
}

/// A version and variant that RFC 9562 knows; neither nil nor max.
fn uuid(text: &str) -> bool {
    let hex: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    hex.len() == 32
        && (b'1'..=b'8').contains(&hex[12])
        && matches!(hex[16], b'8' | b'9' | b'a' | b'b' | b'A' | b'B')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert!(
            ipv4("10.1.2.3") && ipv4("10.0.0.0/8") && !ipv4("10.0.0.0/40") && !ipv4("300.1.1.1")
        );
        assert!(bare_domain("anna-weber.com") && !bare_domain("main.de") && !bare_domain("a.b"));
        assert!(mac("00:1B:44:11:3A:B7") && mac("001b.4411.3ab7") && !mac("ff:ff:ff:ff:ff:ff"));
        assert!(uuid("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
        assert!(!uuid("00000000-0000-0000-0000-000000000000"));
    }
}
