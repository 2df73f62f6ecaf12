//! The detection engine: patterns and words over a normalized view, one list of findings out.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::anonymize::TooMuch;
use crate::decode;
use crate::entity::{Category, EntityInfo, EntityType, Finding, RecognizerInfo};
use crate::names::{Names, Source};
use crate::normalize;
use crate::recognizer::{Catalogue, Recognizer, RecognizerError};
use crate::residue::Residue;
use crate::resolve::resolve;
use crate::scan::Scanner;

/// Findings below this are guesses.
pub const DEFAULT_MIN_SCORE: f32 = 0.5;
/// How many disguises one over another are taken off: base64 of a URL's escapes.
const DISGUISES: usize = 2;

/// What one call looks for.
#[derive(Clone)]
pub struct Options {
    /// Only these types and their children; all when absent.
    pub types: Option<Vec<EntityType>>,
    pub min_score: f32,
    /// Texts that are never findings, compared exactly.
    pub allow_list: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { types: None, min_score: DEFAULT_MIN_SCORE, allow_list: Vec::new() }
    }
}

/// Finds personal data. Built once, shared by all threads.
pub struct Engine {
    catalogue: Catalogue,
    scanner: Scanner,
    names: Names,
    parents: HashMap<EntityType, EntityType>,
}

impl Engine {
    /// The engine with the embedded recognizers, built on first use.
    pub fn standard() -> Result<Arc<Self>, &'static RecognizerError> {
        static ENGINE: OnceLock<Result<Arc<Engine>, RecognizerError>> = OnceLock::new();
        ENGINE.get_or_init(|| Self::build().map(Arc::new)).as_ref().map(Arc::clone)
    }

    fn build() -> Result<Self, RecognizerError> {
        let catalogue = Catalogue::embedded()?;
        let scanner = Scanner::new(&catalogue)?;
        let names = Names::new(&catalogue.lists)?;
        let parents = catalogue
            .types
            .iter()
            .filter_map(|entity| Some((entity.name.clone(), entity.parent.clone()?)))
            .collect();
        Ok(Self { catalogue, scanner, names, parents })
    }

    /// Everything personal in a text: sorted, without overlaps, on character boundaries.
    pub fn detect(&self, text: &str, options: &Options) -> Vec<Finding> {
        let mut findings = self.candidates(text, &|entity| self.wanted(entity, options));
        let allowed: HashSet<&str> = options.allow_list.iter().map(String::as_str).collect();
        findings.retain(|finding| {
            finding.score >= options.min_score
                && self.wanted(&finding.entity, options)
                && text
                    .get(finding.range.clone())
                    .is_some_and(|found| !found.is_empty() && !allowed.contains(found))
        });
        self.resolve(findings)
    }

    /// Whatever any recognizer says of a text, however unsure: unsorted, with overlaps. For
    /// callers that choose by more than [`Options`]; they [`Engine::resolve`] the rest. Types that
    /// are not `wanted` may be among them or not: who wants no names does not wait for them.
    pub fn candidates(&self, text: &str, wanted: &dyn Fn(&EntityType) -> bool) -> Vec<Finding> {
        let names = Source::ALL
            .iter()
            .filter_map(|source| self.by_words(*source))
            .any(|recognizer| wanted(&recognizer.entity));
        self.search(text, names, DISGUISES)
    }

    /// The recognizer of what is found by words.
    fn by_words(&self, source: Source) -> Option<&Recognizer> {
        self.catalogue.recognizers.iter().find(|known| &*known.name == source.recognizer())
    }

    /// Everything that patterns and words find, also under a disguise, with overlaps.
    fn search(&self, text: &str, names: bool, disguises: usize) -> Vec<Finding> {
        let view = normalize::view(text);
        let mut findings: Vec<Finding> = Vec::new();
        for candidate in self.scanner.find(&view.text, &self.catalogue) {
            let recognizer = &self.catalogue.recognizers[candidate.recognizer];
            findings.push(Finding {
                entity: recognizer.entity.clone(),
                range: candidate.range,
                score: candidate.score,
                recognizer: Arc::clone(&recognizer.name),
            });
        }
        let hits = if names { self.names.find(&view.text) } else { Vec::new() };
        for hit in hits {
            let Some(recognizer) = self.by_words(hit.source) else { continue };
            findings.push(Finding {
                entity: recognizer.entity.clone(),
                range: hit.range,
                score: hit.score,
                recognizer: Arc::clone(&recognizer.name),
            });
        }
        if disguises > 0 {
            let escapes = decode::escapes(&view.text);
            for decoded in escapes.into_iter().chain(decode::base64(&view.text)) {
                for mut finding in self.search(&decoded.text, names, disguises - 1) {
                    let Some(range) = decoded.original(&finding.range) else { continue };
                    finding.range = range;
                    findings.push(finding);
                }
            }
        }
        for finding in &mut findings {
            finding.range = view.original(&finding.range);
        }
        findings
    }

    /// Where known originals stand in a text in any form that a reader would recognize: other
    /// case, spacing or grouping. Each with its position in the list.
    pub fn find_again(
        &self,
        text: &str,
        originals: &[&str],
    ) -> Result<Vec<(Range<usize>, usize)>, TooMuch> {
        let residue = Residue::new(originals.iter().copied(), &self.names).ok_or(TooMuch)?;
        Ok(residue.find(text, |_| false))
    }

    /// Sorted, without overlaps; nothing that any of them covered is left bare.
    pub fn resolve(&self, findings: Vec<Finding>) -> Vec<Finding> {
        resolve(findings, |child, parent| self.is_a(child, parent))
    }

    /// Whether a type or one of its parents was asked for.
    pub(crate) fn wanted(&self, entity: &EntityType, options: &Options) -> bool {
        let Some(types) = &options.types else { return true };
        types.contains(entity) || types.iter().any(|asked| self.is_a(entity, asked))
    }

    /// Whether a type is a finer one of another.
    fn is_a(&self, entity: &EntityType, other: &EntityType) -> bool {
        let parents = std::iter::successors(self.parent(entity), |parent| self.parent(parent));
        parents.take(self.catalogue.types.len()).any(|parent| parent == other)
    }

    /// Whether what is found of a type says something only where it stands.
    pub fn is_common(&self, entity: &EntityType) -> bool {
        self.catalogue.types.iter().any(|known| known.common && known.name == *entity)
    }

    /// The parent of a type, if it has one.
    pub fn parent(&self, entity: &EntityType) -> Option<&EntityType> {
        self.parents.get(entity)
    }

    /// The types that the recognizers can find.
    pub fn types(&self) -> &[EntityInfo] {
        &self.catalogue.types
    }

    /// The patterns of the recognizers: byte classes, no Unicode.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.catalogue.patterns.iter().map(|pattern| pattern.regex.as_str())
    }

    /// What regulations call the types.
    pub fn categories(&self) -> &[Category] {
        &self.catalogue.categories
    }

    /// The recognizers, for catalogues.
    pub fn recognizers(&self) -> Vec<RecognizerInfo> {
        self.catalogue
            .recognizers
            .iter()
            .map(|recognizer| RecognizerInfo {
                name: Arc::clone(&recognizer.name),
                entity: recognizer.entity.clone(),
                languages: recognizer.languages.clone(),
                description: recognizer.description.clone(),
                context: recognizer.context.clone(),
                context_required: recognizer.context_required,
                validators: recognizer.validators.clone(),
                examples: recognizer.examples.clone(),
                counter_examples: recognizer.counter_examples.clone(),
            })
            .collect()
    }

    pub(crate) const fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    pub(crate) const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    pub(crate) const fn names(&self) -> &Names {
        &self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(example: &str) -> (String, Vec<Range<usize>>) {
        let mut text = String::new();
        let mut spans = Vec::new();
        let mut rest = example;
        while let Some((before, after)) = rest.split_once("[[") {
            let (inside, behind) = after.split_once("]]").unwrap();
            text.push_str(before);
            spans.push(text.len()..text.len() + inside.len());
            text.push_str(inside);
            rest = behind;
        }
        text.push_str(rest);
        (text, spans)
    }

    #[test]
    fn every_recognizer_finds_its_examples_and_not_its_counter_examples() {
        let engine = Engine::standard().unwrap();
        let mut failures = Vec::new();
        for recognizer in &engine.catalogue.recognizers {
            let options =
                Options { types: Some(vec![recognizer.entity.clone()]), ..Options::default() };
            assert!(!recognizer.examples.is_empty(), "{} has no example", recognizer.name);
            for example in &recognizer.examples {
                let (text, spans) = marked(example);
                let found = engine.detect(&text, &options);
                for span in spans {
                    // A finer type says more than was asked for.
                    let meant = |entity: &EntityType| {
                        *entity == recognizer.entity || engine.is_a(entity, &recognizer.entity)
                    };
                    if !found.iter().any(|finding| finding.range == span && meant(&finding.entity))
                    {
                        failures.push(format!("{}: {example:?} gives {found:?}", recognizer.name));
                    }
                }
            }
            for text in &recognizer.counter_examples {
                let found = engine.detect(text, &options);
                if found.iter().any(|finding| finding.recognizer == recognizer.name) {
                    failures.push(format!("{}: {text:?} gives {found:?}", recognizer.name));
                }
            }
        }
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }

    #[test]
    fn what_nobody_wants_changes_nothing_else() {
        let engine = Engine::standard().unwrap();
        let text = include_str!("../../../examples/discharge-letter.txt");
        let all = engine.candidates(text, &|_| true);
        let person = EntityType::new("PERSON");
        let one_of_names = engine.candidates(text, &|entity| *entity == person);
        assert_eq!(one_of_names, all, "names lean on one another");
        let mail = EntityType::new("EMAIL_ADDRESS");
        let words: Vec<_> =
            Source::ALL.iter().filter_map(|source| engine.by_words(*source)).collect();
        assert_eq!(words.len(), Source::ALL.len());
        let by_words = |found: &Finding| words.iter().any(|known| known.name == found.recognizer);
        let rest: Vec<_> = all.into_iter().filter(|found| !by_words(found)).collect();
        assert!(!rest.is_empty());
        assert_eq!(engine.candidates(text, &|entity| *entity == mail), rest);
    }

    #[test]
    fn types_form_a_tree() {
        let engine = Engine::standard().unwrap();
        for entity in engine.types() {
            assert!(!engine.is_a(&entity.name, &entity.name), "{} is below itself", entity.name);
        }
        let (plate, id) =
            (EntityType::new("UK_VEHICLE_REGISTRATION"), EntityType::new("ID_NUMBER"));
        assert!(engine.is_a(&plate, &id) && !engine.is_a(&id, &plate));
    }

    #[test]
    fn options_choose_types_scores_and_exceptions() {
        let engine = Engine::standard().unwrap();
        let text = "Anna Weber, born 04.05.1961, anna@example.org, 17.03.2024";
        let types = |names: &[&str]| Some(names.iter().map(|name| EntityType::new(name)).collect());
        let found =
            engine.detect(text, &Options { types: types(&["DATE_TIME"]), ..Options::default() });
        assert_eq!(
            found.iter().map(|f| f.entity.as_str()).collect::<Vec<_>>(),
            ["DATE_OF_BIRTH", "DATE_TIME"]
        );
        let found = engine.detect(text, &Options { min_score: 0.99, ..Options::default() });
        assert!(found.iter().all(|finding| finding.score >= 0.99));
        let allow_list = vec!["anna@example.org".to_owned()];
        let found = engine.detect(
            text,
            &Options { types: types(&["EMAIL_ADDRESS"]), allow_list, ..Options::default() },
        );
        assert!(found.is_empty());
    }

    #[test]
    fn spans_are_exact_under_evasion() {
        let engine = Engine::standard().unwrap();
        for hidden in [
            "an\u{200b}na@exam\u{ad}ple.org",
            "ａｎｎａ＠example.org",
            "аnna@example.org",
            "anna%40example.org",
            "anna&#64;example.org",
            "anna=40exam=\r\nple.org",
            "a n n a @ e x a m p l e . o r g",
            "YW5uYUBleGFtcGxlLm9yZw==",
            "YW5uYSU0MGV4YW1wbGUub3Jn",
            "anna%2540example.org",
        ] {
            let text = format!("ü write to {hidden} now");
            let found = engine.detect(&text, &Options::default());
            assert!(
                found.iter().any(|finding| &text[finding.range.clone()] == hidden),
                "{hidden}: {found:?}"
            );
        }
    }
}
