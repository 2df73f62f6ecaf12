//! A request without personal data, and the check before it is sent.

use std::collections::BTreeMap;

use super::error::ChatError;
use super::limits::Limits;
use super::model::ChatRequest;
use super::walk::{Place, Walker};
use crate::anonymize::{Anonymizer, Form, Slot};
use crate::engine::{Engine, Options};
use crate::entity::EntityType;
use crate::mapping::Mapping;
use crate::placeholder::{Assigner, PlaceholderKey};
use crate::residue::Residue;

/// What is looked for in a request, and how large it may be.
#[derive(Clone, Default)]
pub struct ChatOptions {
    pub detection: Options,
    pub limits: Limits,
}

/// How many findings of a type were replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeCount {
    pub entity: EntityType,
    pub count: usize,
}

/// A request as it may be sent, and the way back for its answer.
pub struct SanitizedChat {
    pub request: ChatRequest,
    pub mapping: Mapping,
    /// By type, in order of their names.
    pub counts: Vec<TypeCount>,
}

struct Owned {
    label: String,
    form: Form,
    text: String,
}

/// Replaces everything personal in a request, and checks that nothing of it is left.
pub fn anonymize_chat(
    engine: &Engine,
    key: &PlaceholderKey,
    mut request: ChatRequest,
    options: &ChatOptions,
) -> Result<SanitizedChat, ChatError> {
    let max_depth = options.limits.max_depth;
    let mut texts: Vec<Owned> = Vec::new();
    let mut collect = |place: &Place<'_>, text: &str| {
        texts.push(Owned { label: words(place.label), form: place.form, text: text.to_owned() });
        None
    };
    Walker { visit: &mut collect, max_depth }.request(&mut request)?;
    let slots: Vec<Slot<'_>> = texts
        .iter()
        .map(|owned| Slot { label: &owned.label, form: owned.form, text: &owned.text })
        .collect();
    let anonymizer = Anonymizer::new(engine, options.detection.clone());
    let batch =
        anonymizer.anonymize_all(Assigner::new(key), &slots).map_err(|_| ChatError::TooMuch)?;
    let mut counts: BTreeMap<EntityType, usize> = BTreeMap::new();
    for finding in batch.results.iter().flat_map(|(findings, _)| findings) {
        *counts.entry(finding.entity.clone()).or_default() += 1;
    }
    let mut replacements = batch.results.into_iter().map(|(_, replaced)| replaced);
    let mut replace = |_: &Place<'_>, _: &str| replacements.next().flatten();
    Walker { visit: &mut replace, max_depth }.request(&mut request)?;
    leaks(engine, &request, &batch.mapping, options)?;
    let counts = counts.into_iter().map(|(entity, count)| TypeCount { entity, count }).collect();
    Ok(SanitizedChat { request, mapping: batch.mapping, counts })
}

/// Searches a sanitized request once more for every original of the mapping: in any case and
/// spacing, and by digits alone. A hit that is not allow-listed is an error that names the
/// place; the request must not be sent.
pub fn leaks(
    engine: &Engine,
    sanitized: &ChatRequest,
    mapping: &Mapping,
    options: &ChatOptions,
) -> Result<(), ChatError> {
    if mapping.is_empty() {
        return Ok(());
    }
    let common: Vec<String> = engine
        .types()
        .iter()
        .filter(|known| known.common)
        .map(|known| format!("{}_", known.name))
        .collect();
    let telling =
        mapping.iter().filter(|(core, _)| !common.iter().any(|start| core.starts_with(start)));
    let residue = Residue::new(telling.map(|(_, original)| original), engine.names())
        .ok_or(ChatError::TooMuch)?;
    let mut found: Option<String> = None;
    let allowed = |text: &str| options.detection.allow_list.iter().any(|allowed| allowed == text);
    let mut search = |place: &Place<'_>, text: &str| {
        if found.is_none() && place.form != Form::Opaque {
            let blank = mapping.blank(text);
            if residue.find(&blank, |_| false).into_iter().any(|(range, _)| !allowed(&blank[range]))
            {
                found = Some(place.path.to_owned());
            }
        }
        None
    };
    Walker { visit: &mut search, max_depth: options.limits.max_depth }
        .request(&mut sanitized.clone())?;
    found.map_or(Ok(()), |path| Err(ChatError::Residue { path }))
}

/// `patientName`, `patient_name` → `Patient Name`: a form's label, whose words are context.
fn words(label: &str) -> String {
    let mut spaced = String::with_capacity(label.len() + 4);
    let mut lower = false;
    for c in label.chars().take(64) {
        if c.is_uppercase() && lower {
            spaced.push(' ');
        }
        match c {
            '_' | '-' => spaced.push(' '),
            _ if spaced.is_empty() || spaced.ends_with(' ') => spaced.extend(c.to_uppercase()),
            _ => spaced.push(c),
        }
        lower = c.is_lowercase();
    }
    spaced
}
