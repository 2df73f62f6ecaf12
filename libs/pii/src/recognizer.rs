//! Recognizers are data: one TOML file a theme, embedded, read once.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use validators::Validator;

use crate::entity::{Category, EntityInfo, EntityType};

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../recognizers/", $name)))),+]
    };
}

/// The embedded files, in the order in which their patterns are tried: themes, then countries.
const FILES: &[(&str, &str)] = files![
    "names.toml",
    "groups.toml",
    "contact.toml",
    "payment.toml",
    "finance.toml",
    "network.toml",
    "devices.toml",
    "dates.toml",
    "personal.toml",
    "secrets.toml",
    "identifiers.toml",
    "postal.toml",
    "us.toml",
    "uk.toml",
    "ie.toml",
    "ca.toml",
    "mx.toml",
    "au.toml",
    "de.toml",
    "at.toml",
    "ch.toml",
    "fr.toml",
    "be.toml",
    "nl.toml",
    "es.toml",
    "it.toml",
    "pt.toml",
    "tr.toml",
    "pl.toml",
    "se.toml",
    "fi.toml",
    "dk.toml",
    "no.toml",
    "in.toml",
    "sg.toml",
    "kr.toml",
    "jp.toml",
    "cn.toml",
    "tw.toml",
    "th.toml",
    "ph.toml",
    "ng.toml",
    "za.toml",
    "br.toml",
    "ar.toml",
    "cl.toml",
];
const TYPES: &str = include_str!("../recognizers/types.toml");

/// Why a recognizer file is unusable.
#[derive(Debug, thiserror::Error)]
pub enum RecognizerError {
    #[error("{file}: {source}")]
    Syntax { file: String, source: toml::de::Error },
    #[error("recognizer {recognizer}: unknown type {entity}")]
    UnknownType { recognizer: String, entity: String },
    #[error("type {entity}: unknown category or parent")]
    UnrelatedType { entity: String },
    #[error("recognizer {recognizer}: unknown validator {validator}")]
    UnknownValidator { recognizer: String, validator: String },
    #[error("recognizer {recognizer}: {message}")]
    Pattern { recognizer: String, message: String },
    #[error("recognizer {recognizer}: there is no recognizer {of} before it")]
    UnknownRecognizer { recognizer: String, of: String },
    #[error("the model of names: {0}")]
    Model(#[from] tagger::ModelError),
    #[error("the word list {list} is missing")]
    MissingList { list: &'static str },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypesFile {
    #[serde(rename = "category")]
    categories: Vec<Category>,
    #[serde(rename = "type")]
    types: Vec<EntityInfo>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecognizerFile {
    recognizer: Vec<RawRecognizer>,
    /// Trigger words of the recognizers that work on words instead of patterns.
    #[serde(default)]
    lists: BTreeMap<String, Vec<String>>,
    /// Pieces of patterns: `(?&month)` stands for the term `month` of the same file.
    #[serde(default)]
    terms: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecognizer {
    name: String,
    #[serde(rename = "type")]
    entity: EntityType,
    languages: Vec<String>,
    description: String,
    #[serde(default)]
    context: Vec<String>,
    #[serde(default)]
    context_required: bool,
    #[serde(default = "yes")]
    context_after: bool,
    #[serde(default = "default_distance")]
    context_distance: usize,
    #[serde(default)]
    examples: Vec<String>,
    #[serde(default)]
    counter_examples: Vec<String>,
    #[serde(default)]
    pattern: Vec<RawPattern>,
    /// What these recognizers find is of this type where the context says so.
    #[serde(default)]
    of: Vec<String>,
    /// Its score without context.
    #[serde(default)]
    of_score: f32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPattern {
    /// What is found is the first group, where there is one, else the whole match.
    regex: String,
    score: f32,
    #[serde(default)]
    validator: Option<String>,
}

const fn yes() -> bool {
    true
}

const fn default_distance() -> usize {
    40
}

/// A recognizer as the engine uses it.
pub(crate) struct Recognizer {
    pub(crate) name: Arc<str>,
    pub(crate) entity: EntityType,
    pub(crate) languages: Vec<String>,
    pub(crate) description: String,
    /// Lower-case words or phrases that raise the score when they stand near.
    pub(crate) context: Vec<String>,
    /// Without a context word there is no finding.
    pub(crate) context_required: bool,
    /// Whether context words behind the match count.
    pub(crate) context_after: bool,
    /// How many bytes before the match are searched for context words.
    pub(crate) context_distance: usize,
    /// Texts with the expected span in `[[…]]`.
    pub(crate) examples: Vec<String>,
    /// Texts in which this recognizer finds nothing.
    pub(crate) counter_examples: Vec<String>,
    /// The names of the validators behind its patterns.
    pub(crate) validators: Vec<String>,
    /// Recognizers of finer types that its findings may be of, with their scores.
    pub(crate) finer: Vec<(usize, f32)>,
}

/// One pattern of a recognizer.
pub(crate) struct Pattern {
    pub(crate) recognizer: usize,
    pub(crate) regex: String,
    pub(crate) score: f32,
    pub(crate) validator: Option<Validator>,
    /// The validator's name.
    pub(crate) check: Option<String>,
}

/// Everything the embedded files say.
pub(crate) struct Catalogue {
    pub(crate) categories: Vec<Category>,
    pub(crate) types: Vec<EntityInfo>,
    pub(crate) recognizers: Vec<Recognizer>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) lists: BTreeMap<String, Vec<String>>,
}

impl Catalogue {
    /// Reads the embedded files.
    pub(crate) fn embedded() -> Result<Self, RecognizerError> {
        let types: TypesFile = parse("types.toml", TYPES)?;
        for entity in &types.types {
            let parent = entity.parent.as_ref();
            let related = types.categories.iter().any(|known| known.name == entity.category)
                && parent.is_none_or(|name| types.types.iter().any(|known| known.name == *name));
            if !related {
                let entity = entity.name.as_str().to_owned();
                return Err(RecognizerError::UnrelatedType { entity });
            }
        }
        let mut catalogue = Self {
            categories: types.categories,
            types: types.types,
            recognizers: Vec::new(),
            patterns: Vec::new(),
            lists: BTreeMap::new(),
        };
        for (file, text) in FILES {
            let parsed: RecognizerFile = parse(file, text)?;
            catalogue.lists.extend(parsed.lists);
            for raw in parsed.recognizer {
                catalogue.add(raw, &parsed.terms)?;
            }
        }
        Ok(catalogue)
    }

    fn add(
        &mut self,
        raw: RawRecognizer,
        terms: &BTreeMap<String, String>,
    ) -> Result<(), RecognizerError> {
        if !self.types.iter().any(|known| known.name == raw.entity) {
            return Err(RecognizerError::UnknownType {
                recognizer: raw.name,
                entity: raw.entity.as_str().to_owned(),
            });
        }
        let index = self.recognizers.len();
        let mut validators: Vec<String> =
            raw.pattern.iter().filter_map(|pattern| pattern.validator.clone()).collect();
        for of in &raw.of {
            let Some(coarse) = self.recognizers.iter_mut().find(|known| &*known.name == of) else {
                return Err(RecognizerError::UnknownRecognizer {
                    recognizer: raw.name,
                    of: of.clone(),
                });
            };
            coarse.finer.push((index, raw.of_score));
            validators.extend(coarse.validators.iter().cloned());
        }
        validators.sort_unstable();
        validators.dedup();
        for pattern in raw.pattern {
            let check = pattern.validator.clone();
            let validator = match pattern.validator {
                None => None,
                Some(name) => Some(validators::by_name(&name).ok_or_else(|| {
                    RecognizerError::UnknownValidator {
                        recognizer: raw.name.clone(),
                        validator: name,
                    }
                })?),
            };
            self.patterns.push(Pattern {
                recognizer: index,
                regex: expand(&pattern.regex, terms),
                score: pattern.score,
                validator,
                check,
            });
        }
        self.recognizers.push(Recognizer {
            name: Arc::from(raw.name),
            entity: raw.entity,
            languages: raw.languages,
            description: raw.description,
            context: raw.context.iter().map(|word| word.to_lowercase()).collect(),
            context_required: raw.context_required,
            context_after: raw.context_after,
            context_distance: raw.context_distance,
            examples: raw.examples,
            counter_examples: raw.counter_examples,
            validators,
            finer: Vec::new(),
        });
        Ok(())
    }
}

/// The pattern with its terms written out. A term that is missing stays, and is no valid pattern.
fn expand(pattern: &str, terms: &BTreeMap<String, String>) -> String {
    /// Terms of terms of terms.
    const DEPTH: usize = 3;
    let mut expanded = pattern.to_owned();
    for _ in 0..DEPTH {
        for (name, term) in terms {
            expanded = expanded.replace(&format!("(?&{name})"), &format!("(?:{term})"));
        }
    }
    expanded
}

fn parse<T: for<'de> Deserialize<'de>>(file: &str, text: &str) -> Result<T, RecognizerError> {
    toml::from_str(text).map_err(|source| RecognizerError::Syntax { file: file.to_owned(), source })
}
