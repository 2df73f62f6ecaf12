//! What a call looks for, checked; and the search.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pii::{DEFAULT_MIN_SCORE, Engine, EntityInfo, EntityType, Finding, TooMuch};

use crate::ad_hoc::{AdHoc, affords};
use crate::asked::{Asked, Checked, InvalidWish, few, is_type, length, score};
use crate::custom::Customs;
use crate::lists::{Allowed, Denials};

const MOST_TYPES: usize = 100;
const MOST_LANGUAGES: usize = 20;
const MOST_WORDS: usize = 50;
const LONGEST_WORD: usize = 64;
/// The category of types that a call makes up.
const OWN: &str = "ad-hoc";
/// What a recognizer says that looks at every language.
const ANY: &str = "any";

/// What a call looks for.
#[derive(Clone)]
pub struct Wishes {
    types: Vec<EntityType>,
    min_score: Option<f32>,
    thresholds: BTreeMap<EntityType, f32>,
    allowed: Allowed,
    denials: Option<Denials>,
    ad_hoc: AdHoc,
    custom: Customs,
    only_custom: bool,
    /// Recognizers of other languages than those asked for.
    foreign: Vec<String>,
    /// Types that only the call's own lists and recognizers find.
    own: Vec<EntityInfo>,
    /// What counts as if it stood before the text.
    before: String,
}

impl Wishes {
    /// # Errors
    /// They name the field.
    pub fn new(engine: &Engine, asked: &Asked) -> Checked<Self> {
        let ad_hoc = AdHoc::new(&asked.recognizers)?;
        let denials = Denials::new(asked)?;
        let mut own: Vec<EntityType> = ad_hoc.types().cloned().collect();
        own.extend(asked.custom.iter().map(|custom| custom.entity().clone()));
        own.extend(asked.deny_list.iter().map(|denied| EntityType::new(&denied.entity)));
        for (field, name) in &asked.given_types {
            if !is_type(name) {
                return Err(InvalidWish::new(field.clone(), "must be 1 to 64 of A-Z, 0-9 and _"));
            }
            own.push(EntityType::new(name));
        }
        own.retain(|entity| !engine.types().iter().any(|info| info.name == *entity));
        own.sort_unstable();
        own.dedup();
        let known = |name: &str| {
            engine.types().iter().any(|info| info.name.as_str() == name)
                || own.iter().any(|entity| entity.as_str() == name)
        };
        few("types", &asked.types, MOST_TYPES)?;
        for (index, name) in asked.types.iter().enumerate() {
            if !known(name) {
                let why = "is no type; see ListRecognizers";
                return Err(InvalidWish::new(format!("types[{index}]"), why));
            }
        }
        few("thresholds", &asked.thresholds, MOST_TYPES)?;
        let mut thresholds = BTreeMap::new();
        for (index, (name, least)) in asked.thresholds.iter().enumerate() {
            let field = format!("thresholds[{index}]");
            if !known(name) {
                let why = "is no type; see ListRecognizers";
                return Err(InvalidWish::new(format!("{field}.type"), why));
            }
            let least = score(&format!("{field}.min_score"), *least)?;
            if thresholds.insert(EntityType::new(name), least).is_some() {
                return Err(InvalidWish::new(format!("{field}.type"), "has a threshold already"));
            }
        }
        Ok(Self {
            types: asked.types.iter().map(|name| EntityType::new(name)).collect(),
            min_score: asked.min_score.map(|least| score("min_score", least)).transpose()?,
            thresholds,
            allowed: Allowed::new(asked)?,
            denials,
            ad_hoc,
            custom: asked.custom.clone(),
            only_custom: asked.only_custom,
            foreign: foreign(engine, &asked.languages)?,
            own: own.into_iter().map(of_the_call).collect(),
            before: before(&asked.context)?,
        })
    }

    /// The engine's types, and those of the call.
    #[must_use]
    pub fn types<'a>(&self, engine: &'a Engine) -> Cow<'a, [EntityInfo]> {
        if self.own.is_empty() {
            return Cow::Borrowed(engine.types());
        }
        engine.types().iter().chain(&self.own).cloned().collect()
    }

    /// Whether a text may be searched: what the call's own patterns cost is bounded.
    ///
    /// # Errors
    /// When they are too expensive for its length.
    pub fn affords(&self, text: &str) -> Checked<()> {
        self.affords_bytes(text.len())
    }

    /// The same for texts of so many bytes together.
    ///
    /// # Errors
    /// As [`Self::affords`].
    pub fn affords_bytes(&self, count: usize) -> Checked<()> {
        affords("ad_hoc_recognizers", self.ad_hoc.states(), count)?;
        let states = self.custom.iter().map(|custom| custom.states());
        affords("recognizers", states.fold(0, usize::saturating_add), count)
    }

    /// Everything personal in a text: sorted, without overlaps, on character boundaries.
    /// `least` is another threshold for a type, where the call itself has none.
    #[must_use]
    pub fn detect(
        &self,
        engine: &Engine,
        text: &str,
        least: &dyn Fn(&EntityType) -> Option<f32>,
    ) -> Vec<Finding> {
        let mut findings = self.candidates(engine, text);
        if !self.foreign.is_empty() {
            let is_foreign = |name: &str| self.foreign.iter().any(|foreign| foreign == name);
            findings.retain(|finding| !is_foreign(&finding.recognizer));
        }
        findings.retain(|finding| {
            finding.score >= self.least(engine, &finding.entity, least)
                && text.get(finding.range.clone()).is_some_and(|found| !self.allowed.has(found))
        });
        // Who denies a text means it, whatever else was said.
        findings.extend(self.denials.iter().flat_map(|denials| denials.find(text)));
        findings.retain(|finding| !finding.range.is_empty() && self.wants(engine, &finding.entity));
        engine.resolve(findings)
    }

    /// The same, with whatever repeats one of them.
    ///
    /// # Errors
    /// When there are too many to be compared with the text.
    pub fn detect_all(
        &self,
        engine: &Engine,
        text: &str,
        least: &dyn Fn(&EntityType) -> Option<f32>,
    ) -> Result<Vec<Finding>, TooMuch> {
        self.repeated(engine, text, self.detect(engine, text, least))
    }

    /// The findings of a text, and whatever repeats one of them.
    ///
    /// # Errors
    /// When there are too many to be compared with the text.
    pub fn repeated(
        &self,
        engine: &Engine,
        text: &str,
        found: Vec<Finding>,
    ) -> Result<Vec<Finding>, TooMuch> {
        engine.repeated(text, found, &|text| self.allowed.has(text))
    }

    /// Whether what somebody else has found counts, and its text.
    #[must_use]
    pub fn accepts(
        &self,
        engine: &Engine,
        finding: &Finding,
        text: &str,
        least: &dyn Fn(&EntityType) -> Option<f32>,
    ) -> bool {
        finding.score >= self.least(engine, &finding.entity, least)
            && self.wants(engine, &finding.entity)
            && !self.allowed.has(text)
    }

    /// What the engine and the call's recognizers say, with what stands before the text.
    fn candidates(&self, engine: &Engine, text: &str) -> Vec<Finding> {
        let whole = match self.before.as_str() {
            "" => Cow::Borrowed(text),
            before => Cow::Owned(format!("{before}{text}")),
        };
        let mut findings = match self.only_custom {
            true => Vec::new(),
            false => engine.candidates(&whole, &|entity| self.wants(engine, entity)),
        };
        findings.extend(self.ad_hoc.find(&whole));
        findings.extend(self.custom.iter().flat_map(|custom| custom.find(&whole)));
        let skipped = self.before.len();
        findings.retain(|finding| finding.range.end > skipped);
        for finding in &mut findings {
            let range = &finding.range;
            finding.range = range.start.saturating_sub(skipped)..range.end - skipped;
        }
        findings
    }

    fn wants(&self, engine: &Engine, entity: &EntityType) -> bool {
        self.types.is_empty() || lineage(engine, entity).any(|kind| self.types.contains(kind))
    }

    fn least(
        &self,
        engine: &Engine,
        entity: &EntityType,
        other: &dyn Fn(&EntityType) -> Option<f32>,
    ) -> f32 {
        lineage(engine, entity)
            .find_map(|kind| self.thresholds.get(kind).copied())
            .or(self.min_score)
            .or_else(|| other(entity))
            .unwrap_or(DEFAULT_MIN_SCORE)
    }
}

/// A type and its parents, nearest first.
fn lineage<'a>(engine: &'a Engine, entity: &'a EntityType) -> impl Iterator<Item = &'a EntityType> {
    std::iter::successors(Some(entity), |kind| engine.parent(kind)).take(8)
}

fn of_the_call(name: EntityType) -> EntityInfo {
    let category = OWN.to_owned();
    EntityInfo { name, parent: None, category, description: String::new(), common: false }
}

fn before(context: &[String]) -> Checked<String> {
    few("context", context, MOST_WORDS)?;
    for (index, word) in context.iter().enumerate() {
        length(&format!("context[{index}]"), word, LONGEST_WORD)?;
    }
    Ok(if context.is_empty() { String::new() } else { format!("{}: ", context.join(" ")) })
}

/// The recognizers that are made for other languages only.
fn foreign(engine: &Engine, languages: &[String]) -> Checked<Vec<String>> {
    few("languages", languages, MOST_LANGUAGES)?;
    for (index, language) in languages.iter().enumerate() {
        if language.len() != 2 || !language.bytes().all(|byte| byte.is_ascii_lowercase()) {
            let why = "must be an ISO 639-1 code: two lower-case letters";
            return Err(InvalidWish::new(format!("languages[{index}]"), why));
        }
    }
    if languages.is_empty() {
        return Ok(Vec::new());
    }
    let serves = |of: &[String]| {
        of.is_empty() || of.iter().any(|language| language == ANY || languages.contains(language))
    };
    let recognizers = engine.recognizers();
    let foreign = recognizers.iter().filter(|info| !serves(&info.languages));
    Ok(foreign.map(|info| info.name.to_string()).collect())
}
