//! What the tests share.

use std::sync::Arc;

use pii::{Anonymizer, Engine, EntityInfo, EntityType, Finding, Options, PlaceholderKey};
use transform::{Context, Keys, Policy, Transformer};

/// Types that other recognizers will find, and the ready policies name.
const LATER: &[&str] = &["AGE", "COORDINATES", "CVV", "NRP", "PASSWORD", "PIN", "USERNAME"];

pub(crate) fn types() -> Vec<EntityInfo> {
    let engine = Engine::standard().unwrap();
    let mut types = engine.types().to_vec();
    for name in LATER {
        if !types.iter().any(|info| info.name.as_str() == *name) {
            let name = EntityType::new(name);
            types.push(EntityInfo {
                name,
                parent: None,
                category: String::new(),
                description: String::new(),
                common: false,
            });
        }
    }
    types
}

pub(crate) fn finding(entity: &str, range: std::ops::Range<usize>) -> Finding {
    Finding { entity: EntityType::new(entity), range, score: 1.0, recognizer: Arc::from("test") }
}

/// The findings of a text, with every repetition of them.
pub(crate) fn found(text: &str) -> Vec<Finding> {
    let engine = Engine::standard().unwrap();
    let anonymizer = Anonymizer::new(&engine, Options::default());
    anonymizer.anonymize(&PlaceholderKey::new([0; 32]), text).unwrap().findings
}

pub(crate) fn transformer(document: &str) -> Transformer {
    with_keys(Policy::parse(document, &types()).unwrap(), 1)
}

pub(crate) fn with_keys(policy: Policy, secret: u8) -> Transformer {
    Transformer::new(policy, Keys::derive(&[secret; 32], "acme")).unwrap()
}

/// One value of one type under one rule, written as the fields of a TOML table.
pub(crate) fn one(rule: &str, entity: &str, value: &str) -> String {
    let document = format!("name = \"t\"\nversion = 1\n[default]\n{rule}\n");
    let context = Context { subject: Some("patient 7"), year: Some(2026), ..Context::default() };
    let findings = [finding(entity, 0..value.len())];
    let done = transformer(&document).transform(value, &findings, &context);
    done.map_or_else(|error| error.to_string(), |done| done.text)
}
