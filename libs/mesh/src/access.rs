//! Who may call whom, gathered from the rule of every RPC.

use std::collections::BTreeSet;

use proto::{Caller, RULES, Rule};

use crate::SERVICES;

/// Verification keys are for everybody, also where nothing else is.
const TOKEN_KEYS: &str = "/signet.auth.v1.TokenKeyService/";

/// The parts of the mesh that may call a service, the token keys apart.
pub fn callers_of(service: &str) -> BTreeSet<&'static str> {
    callers(|rule| rule.service == service && !rule.path.starts_with(TOKEN_KEYS))
}

/// The parts that may fetch the token keys from a service; only auth has any.
pub fn key_readers_of(service: &str) -> BTreeSet<&'static str> {
    callers(|rule| rule.service == service && rule.path.starts_with(TOKEN_KEYS))
}

/// The services that one may call, itself excepted.
pub fn peers_of(service: &str) -> BTreeSet<&'static str> {
    SERVICES
        .into_iter()
        .filter(|peer| *peer != service)
        .filter(|peer| callers(|rule| rule.service == *peer).contains(service))
        .collect()
}

/// The gRPC services that the edge exposes, by their full names.
pub fn public_services() -> BTreeSet<&'static str> {
    RULES
        .iter()
        .filter(|rule| rule.is_public())
        .filter_map(|rule| rule.path.trim_start_matches('/').split('/').next())
        .collect()
}

fn callers(of: impl Fn(&Rule) -> bool) -> BTreeSet<&'static str> {
    RULES
        .iter()
        .filter(|rule| of(rule))
        .flat_map(|rule| rule.callers.iter().copied().map(Caller::name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_reads_token_keys_and_only_auth_has_them() {
        for service in SERVICES.into_iter().filter(|service| *service != "auth") {
            assert!(key_readers_of("auth").contains(service), "{service}");
            assert!(peers_of(service).contains("auth"), "{service}");
            assert!(key_readers_of(service).is_empty(), "{service}");
        }
    }

    #[test]
    fn beyond_the_token_keys_auth_serves_only_the_edge() {
        assert_eq!(callers_of("auth"), BTreeSet::from(["edge"]));
    }

    #[test]
    fn the_calls_between_services_form_no_circle() {
        // Token keys are read by all, and need nobody.
        let mut left: BTreeSet<&str> = SERVICES.into_iter().collect();
        while !left.is_empty() {
            let leaf = left
                .iter()
                .copied()
                .find(|service| {
                    left.iter().all(|peer| peer == service || !callers_of(peer).contains(service))
                })
                .expect("a circle of calls");
            left.remove(leaf);
        }
    }
}
