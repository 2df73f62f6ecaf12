//! The access matrix has the shape that the design demands.

use std::collections::BTreeMap;

use proto::{Caller, Principal, RULES, rule};

#[test]
fn rules_are_sorted_and_found() {
    assert!(RULES.windows(2).all(|pair| pair[0].path < pair[1].path));
    for expected in RULES {
        assert_eq!(rule(expected.path), Some(expected));
    }
    assert_eq!(rule("/signet.auth.v1.AuthService/DropEverything"), None);
}

/// Calls between services form no cycle, so that they can start and fail in
/// any order. Verification keys are not counted: they are cached, public, and
/// asked for by everyone (docs/adr/0003).
#[test]
fn the_call_graph_has_no_cycle() {
    let mut peers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for rule in
        RULES.iter().filter(|rule| !rule.path.starts_with("/signet.auth.v1.TokenKeyService/"))
    {
        for caller in rule.callers.iter().filter(|caller| **caller != Caller::Edge) {
            peers.entry(caller.name()).or_default().push(rule.service);
        }
    }
    fn reaches(from: &str, to: &str, peers: &BTreeMap<&str, Vec<&str>>) -> bool {
        peers
            .get(from)
            .is_some_and(|next| next.iter().any(|peer| *peer == to || reaches(peer, to, peers)))
    }
    for service in peers.keys() {
        assert!(!reaches(service, service, &peers), "{service} can reach itself");
    }
}

#[test]
fn nothing_internal_is_anonymous_and_nothing_public_is_for_services() {
    for rule in RULES {
        if rule.principal == Principal::Anonymous {
            assert!(rule.is_public(), "{} is anonymous", rule.path);
        }
        if matches!(rule.principal, Principal::Service | Principal::UserOrService) {
            assert!(!rule.is_public(), "{} is for services", rule.path);
        }
    }
}
