//! What is always personal, and what never is.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use pii::{EntityType, Finding};
use regex_automata::meta::Regex;

use crate::asked::{Asked, Checked, InvalidWish, few, is_type, length};
use crate::recognizer::{Room, compile};

const MOST_ALLOWED: usize = 1_000;
const MOST_DENIED: usize = 1_000;
const MOST_PATTERNS: usize = 50;
const LONGEST: usize = 1_024;
/// Recognizer name of such a finding.
const DENY_LIST: &str = "deny-list";

/// What is never a finding.
#[derive(Clone)]
pub(crate) struct Allowed {
    texts: HashSet<String>,
    patterns: Vec<Regex>,
}

impl Allowed {
    pub(crate) fn new(asked: &Asked) -> Checked<Self> {
        few("allow_list", &asked.allow_list, MOST_ALLOWED)?;
        few("allow_patterns", &asked.allow_patterns, MOST_PATTERNS)?;
        for (index, text) in asked.allow_list.iter().enumerate() {
            length(&format!("allow_list[{index}]"), text, LONGEST)?;
        }
        let (mut patterns, mut room) = (Vec::new(), Room::default());
        for (index, pattern) in asked.allow_patterns.iter().enumerate() {
            let field = format!("allow_patterns[{index}]");
            // By itself first: it must not close our group.
            compile(&field, pattern)?;
            let compiled = compile(&field, &format!("^(?:{pattern})$"))?;
            room.take(&field, &compiled)?;
            patterns.push(compiled.regex);
        }
        Ok(Self { texts: asked.allow_list.iter().cloned().collect(), patterns })
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.texts.contains(text) || self.patterns.iter().any(|pattern| pattern.is_match(text))
    }
}

/// What always is one.
#[derive(Clone)]
pub(crate) struct Denials {
    finder: AhoCorasick,
    types: Vec<EntityType>,
}

impl Denials {
    pub(crate) fn new(asked: &Asked) -> Checked<Option<Self>> {
        few("deny_list", &asked.deny_list, MOST_DENIED)?;
        for (index, denied) in asked.deny_list.iter().enumerate() {
            length(&format!("deny_list[{index}].text"), &denied.text, LONGEST)?;
            if !is_type(&denied.entity) {
                let field = format!("deny_list[{index}].type");
                return Err(InvalidWish::new(field, "must be 1 to 64 of A-Z, 0-9 and _"));
            }
        }
        if asked.deny_list.is_empty() {
            return Ok(None);
        }
        let texts = asked.deny_list.iter().map(|denied| &denied.text);
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(texts);
        let finder = finder.map_err(|_| InvalidWish::new("deny_list", "is too large"))?;
        let types = asked.deny_list.iter().map(|denied| EntityType::new(&denied.entity)).collect();
        Ok(Some(Self { finder, types }))
    }

    /// Every place where one of them stands as words of its own.
    pub(crate) fn find(&self, text: &str) -> Vec<Finding> {
        let found = self.finder.find_iter(text).filter(|found| is_free(text, &found.range()));
        let finding = |found: aho_corasick::Match| Finding {
            entity: self.types[found.pattern().as_usize()].clone(),
            range: found.range(),
            score: 1.0,
            recognizer: Arc::from(DENY_LIST),
        };
        found.map(finding).collect()
    }
}

/// Whether no word goes on before or behind.
pub(crate) fn is_free(text: &str, range: &Range<usize>) -> bool {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let inside = &text[range.clone()];
    let opens = word(inside.chars().next()) && word(text[..range.start].chars().next_back());
    let closes = word(inside.chars().next_back()) && word(text[range.end..].chars().next());
    !opens && !closes
}
