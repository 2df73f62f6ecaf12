//! A document becomes a policy.

use std::collections::BTreeMap;

use pii::{EntityInfo, EntityType};

use super::node::Node;
use super::operators::{operator, otherwise};
use super::section::Section;
use super::{Policy, PolicyError, Rule};

/// Bytes of a document.
const LARGEST: usize = 256 * 1024;
const LONGEST_NAME: usize = 64;
const LONGEST_DESCRIPTION: usize = 1000;

/// What is done with rules for types that detection does not know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    Refused,
    /// For ready policies, which name types that not every set of recognizers has.
    Skipped,
}

pub(super) fn policy(
    document: &str,
    types: &[EntityInfo],
    unknown: Unknown,
) -> Result<Policy, PolicyError> {
    let mut root = Section::root(tree(document)?);
    let name = root.text("name")?.ok_or_else(|| root.missing("name"))?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(1..=LONGEST_NAME).contains(&name.len()) || !name.chars().all(is_name) {
        let expected = format!("1 to {LONGEST_NAME} of a-z, 0-9 and -");
        return Err(root.range("name", expected));
    }
    let version = root.whole("version", 1..=u32::MAX)?.ok_or_else(|| root.missing("version"))?;
    let description = root.text("description")?.unwrap_or_default();
    if description.chars().count() > LONGEST_DESCRIPTION {
        let expected = format!("of at most {LONGEST_DESCRIPTION} characters");
        return Err(root.range("description", expected));
    }
    let min_score = root.score("min_score")?;
    let default = root.table("default")?.ok_or_else(|| root.missing("default"))?;
    let default = rule(default)?;
    let rules = match root.table("types")? {
        Some(table) => rules(table, types, unknown)?,
        None => BTreeMap::new(),
    };
    root.finish()?;
    let parents =
        types.iter().filter_map(|info| Some((info.name.clone(), info.parent.clone()?))).collect();
    Ok(Policy { name, version, description, min_score, default, rules, parents })
}

fn tree(document: &str) -> Result<BTreeMap<String, Node>, PolicyError> {
    if document.len() > LARGEST {
        return Err(PolicyError::TooLarge { most: LARGEST });
    }
    let node: Node = if document.trim_start().starts_with('{') {
        serde_json::from_str(document)
            .map_err(|error| PolicyError::Syntax { message: error.to_string() })?
    } else {
        // The message alone: `Display` shows the line of the document too.
        toml::from_str(document)
            .map_err(|error| PolicyError::Syntax { message: error.message().to_owned() })?
    };
    match node {
        Node::Table(table) => Ok(table),
        _ => Err(PolicyError::Syntax { message: "it is not a table".to_owned() }),
    }
}

fn rules(
    mut table: Section,
    types: &[EntityInfo],
    unknown: Unknown,
) -> Result<BTreeMap<EntityType, Rule>, PolicyError> {
    let mut rules = BTreeMap::new();
    for name in table.names() {
        let Some(section) = table.table(&name)? else { continue };
        let rule = rule(section)?;
        let entity = EntityType::new(&name);
        if types.iter().any(|known| known.name == entity) {
            rules.insert(entity, rule);
        } else if unknown == Unknown::Refused {
            return Err(PolicyError::UnknownType { path: table.path(&name) });
        }
    }
    Ok(rules)
}

fn rule(mut section: Section) -> Result<Rule, PolicyError> {
    let operator = operator(&mut section)?;
    let otherwise = otherwise(&mut section, &operator)?;
    let min_score = section.score("min_score")?;
    section.finish()?;
    Ok(Rule { operator, otherwise, min_score })
}
