//! The files of `deploy/envoy`, rendered, as the real Envoy judges them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod common;

use std::collections::BTreeMap;

use common::plan;
use mesh::{Address, Error, SERVICES, Templates, access};
use serde_json::Value;
use tempfile::TempDir;
use testkit::Envoy;

fn temporary() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn envoy_accepts_the_whole_mesh_in_one() {
    for otlp in [None, Some(Address::loopback(4317))] {
        let directory = temporary();
        let plan = plan(directory.path(), otlp);
        let file = plan.write_whole(&Templates::default(), directory.path()).unwrap();
        Envoy::validate(&file).unwrap();
    }
}

#[test]
fn envoy_accepts_each_proxy_of_the_mesh_form() {
    let directory = temporary();
    let plan = plan(directory.path(), Some(Address::new("collector.internal", 4317)));
    let templates = Templates::default();
    Envoy::validate(&plan.write_edge(&templates, directory.path()).unwrap()).unwrap();
    for service in SERVICES {
        let file = plan.write_sidecar(&templates, service, directory.path()).unwrap();
        Envoy::validate(&file).unwrap();
    }
}

/// Every string under a key of this name, anywhere below.
fn strings(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str() {
                    Some(text) if name == key => found.push(text.to_owned()),
                    _ => strings(field, key, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, key, found)),
        _ => {}
    }
}

fn strings_of(value: &Value, key: &str) -> Vec<String> {
    let mut found = Vec::new();
    strings(value, key, &mut found);
    found.sort();
    found.dedup();
    found
}

#[test]
fn the_edge_exposes_exactly_the_public_services() {
    let directory = temporary();
    let edge = plan(directory.path(), None).edge(&Templates::default()).unwrap();
    let mut public: Vec<String> =
        access::public_services().into_iter().map(|name| format!("/{name}/")).collect();
    let mut routed = strings_of(&edge["static_resources"]["listeners"][0], "prefix");
    routed.retain(|prefix| prefix.starts_with("/signet."));
    assert_eq!(routed, public);

    let transcoded = edge
        .pointer(
            "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters",
        )
        .and_then(Value::as_array)
        .and_then(|filters| {
            filters.iter().find_map(|filter| filter["typed_config"]["services"].as_array())
        })
        .unwrap();
    let mut transcoded: Vec<String> =
        transcoded.iter().map(|name| format!("/{}/", name.as_str().unwrap())).collect();
    transcoded.sort();
    public.sort();
    assert_eq!(transcoded, public);
}

#[test]
fn a_sidecar_lets_in_and_reaches_only_whom_the_protos_name() {
    let directory = temporary();
    let plan = plan(directory.path(), None);
    for service in SERVICES {
        let sidecar = plan.sidecar(&Templates::default(), service).unwrap();
        let callers: Vec<_> = access::callers_of(service).into_iter().collect();
        let rules = strings_of(&sidecar["static_resources"]["listeners"][0], "regex");
        let expected = format!(r"spiffe://signet\.dev/({})", callers.join("|"));
        assert!(rules.contains(&expected), "{service}: {rules:?}");
        let clusters = strings_of(&sidecar["static_resources"]["clusters"], "exact");
        let peers: Vec<String> = access::peers_of(service)
            .into_iter()
            .map(|peer| format!("spiffe://signet.dev/{peer}"))
            .collect();
        assert_eq!(clusters, peers, "{service}");
    }
}

#[test]
fn nothing_is_traced_without_a_collector() {
    let directory = temporary();
    let whole = plan(directory.path(), None).whole(&Templates::default()).unwrap();
    assert!(!whole.to_string().contains("otlp"));
}

#[test]
fn a_missing_address_and_a_strange_host_are_named() {
    let directory = temporary();
    let mut plan = plan(directory.path(), None);
    plan.services = BTreeMap::from([("auth", Address::new("auth internal", 1))]);
    let error = plan.edge(&Templates::default()).unwrap_err();
    assert!(matches!(&error, Error::BadValue { name } if name == "AUTH_HOST"), "{error}");
    plan.services.clear();
    assert_eq!(
        plan.edge(&Templates::default()).unwrap_err().to_string(),
        "the address of `auth` is not set"
    );
    let error = plan.sidecar(&Templates::default(), "root").unwrap_err();
    assert_eq!(error.to_string(), "there is no service `root`");
}

/// Every object below that Envoy would send as the body's `error`.
fn errors<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("json_format").and_then(|format| format.get("error")));
            fields.values().for_each(|field| errors(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| errors(item, found)),
        _ => {}
    }
}

#[test]
fn the_edges_own_errors_are_those_of_the_catalogue() {
    let directory = temporary();
    let edge = plan(directory.path(), None).edge(&Templates::default()).unwrap();
    let mut found = Vec::new();
    errors(&edge["static_resources"]["listeners"][0], &mut found);
    let with_reason: Vec<_> =
        found.into_iter().filter(|error| error["details"][0]["reason"].is_string()).collect();
    assert_eq!(with_reason.len(), 9);
    for error in with_reason {
        let code = &error["details"][0]["reason"];
        let reason = reasons::find(code.as_str().unwrap());
        let reason = reason.unwrap_or_else(|| panic!("{code} is not in the catalogue"));
        assert_eq!(error["message"], reason.message);
    }
}

/// An empty value in a map field ends Envoy's process (protobuf#26885).
#[test]
fn no_message_has_a_map() {
    use prost::Message;
    let set = prost_types::FileDescriptorSet::decode(proto::DESCRIPTOR_SET).unwrap();
    for file in set.file.iter().filter(|file| file.package().starts_with("signet.")) {
        for message in &file.message_type {
            let entries = message.nested_type.iter().filter(|nested| {
                nested.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry)
            });
            assert_eq!(entries.count(), 0, "{} {}", file.package(), message.name());
        }
    }
}
