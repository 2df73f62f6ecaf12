//! Names, places, streets and organizations: by the sequence model (`libs/tagger`), by how streets
//! are written, and by repetition.

mod abroad;
mod attribute;
mod group;
mod labelled;
mod model;
mod repeat;
mod street;
mod token;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::recognizer::RecognizerError;
use tagger::{Class, Fnv, FnvMap, Tagger, fold};
use token::{Gap, Shape, Token, role, tokenize};

/// Which of the word recognizers found something; the names are those of `names.toml`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    Person,
    Place,
    Street,
    PostalCode,
    Organization,
    Title,
    Age,
    Group,
}

impl Source {
    pub(crate) const ALL: [Self; 8] = [
        Self::Person,
        Self::Place,
        Self::Street,
        Self::PostalCode,
        Self::Organization,
        Self::Title,
        Self::Age,
        Self::Group,
    ];

    pub(crate) const fn recognizer(self) -> &'static str {
        match self {
            Self::Person => "person_names",
            Self::Place => "place_names",
            Self::Street => "street_addresses",
            Self::PostalCode => "postal_code_before_town",
            Self::Organization => "organization_names",
            Self::Title => "titles",
            Self::Age => "age_behind_name",
            Self::Group => "groups",
        }
    }
}

/// A span of the normalized text.
pub(crate) struct Hit {
    pub(crate) source: Source,
    pub(crate) range: Range<usize>,
    pub(crate) score: f32,
}

/// The word recognizers with their lists.
pub(crate) struct Names {
    tagger: Tagger,
    roles: FnvMap<String, u32>,
    street_endings: Vec<String>,
    no_street: Vec<String>,
    street_joins: Vec<String>,
    sure_suffixes: Vec<String>,
    compound_titles: Vec<String>,
    title_labels: Vec<String>,
    /// Groups of several words.
    groups: Vec<String>,
}

/// A text in words, with all that the recognizers need to look around.
pub(crate) struct Words<'a> {
    pub(crate) text: &'a str,
    pub(crate) tokens: Vec<Token>,
    pub(crate) names: &'a Names,
}

const ROLES: &[(&str, u32)] = &[
    ("greetings", role::GREETING),
    ("labels", role::LABEL),
    ("particles", role::PARTICLE),
    ("stop", role::STOP),
    ("street_suffixes", role::STREET_SUFFIX),
    ("street_prefixes", role::STREET_PREFIX),
    ("street_leads", role::STREET_LEAD),
    ("units", role::UNIT),
    ("street_behind", role::STREET_BEHIND),
    ("honorifics", role::HONORIFIC),
    ("compound_heads", role::COMPOUND_HEAD),
    ("being", role::BEING),
    ("people", role::PEOPLE),
    ("thing", role::THING),
    ("speaking", role::SPEAKING),
    ("group_labels", role::GROUP_LABEL),
];

impl Names {
    pub(crate) fn new(lists: &BTreeMap<String, Vec<String>>) -> Result<Self, RecognizerError> {
        let list =
            |name: &'static str| lists.get(name).ok_or(RecognizerError::MissingList { list: name });
        let mut roles: FnvMap<String, u32> = FnvMap::default();
        for (name, bit) in ROLES {
            for word in list(name)? {
                *roles.entry(fold(word).into_owned()).or_default() |= bit;
                // Things are told of in the plural as well; the other lists say what they mean.
                if *bit == role::THING {
                    *roles.entry(format!("{}s", fold(word))).or_default() |= bit;
                }
            }
        }
        let mut groups = Vec::new();
        for group in list("groups")? {
            let folded = fold(group).into_owned();
            match folded.split_once(' ') {
                Some((head, _)) => {
                    *roles.entry(head.to_owned()).or_default() |= role::GROUP_HEAD;
                    groups.push(folded);
                }
                None => {
                    *roles.entry(format!("{folded}s")).or_default() |= role::GROUP;
                    *roles.entry(folded).or_default() |= role::GROUP;
                }
            }
        }
        let folded = |words: &[String]| words.iter().map(|word| fold(word).into_owned()).collect();
        Ok(Self {
            tagger: Tagger::embedded()?,
            roles,
            street_endings: folded(list("street_endings")?),
            no_street: folded(list("no_street")?),
            street_joins: folded(list("street_joins")?),
            sure_suffixes: folded(list("sure_suffixes")?),
            compound_titles: list("compound_titles")?.clone(),
            title_labels: folded(list("title_labels")?),
            groups,
        })
    }

    /// Whether a word is an ordinary one, so that it may stand in a text without being a name.
    pub(crate) fn is_ordinary(&self, word: &str) -> bool {
        let class = self.tagger.gazetteer.get(Fnv::of(&fold(word)));
        class.has(Class::WORD) || class.has(Class::FUNCTION)
    }

    /// Everything found in a normalized text, in no particular order and with overlaps.
    pub(crate) fn find(&self, text: &str) -> Vec<Hit> {
        let words = Words {
            text,
            tokens: tokenize(text, &self.tagger.gazetteer, &self.roles),
            names: self,
        };
        let mut hits = Vec::new();
        model::find(&words, &mut hits);
        labelled::find(&words, &mut hits);
        repeat::find(&words, &mut hits);
        street::find(&words, &mut hits);
        attribute::titles(&words, &mut hits);
        attribute::ages(&words, &mut hits);
        group::find(&words, &mut hits);
        hits
    }
}

impl Words<'_> {
    fn at(&self, index: usize) -> Option<&Token> {
        self.tokens.get(index)
    }

    fn before(&self, index: usize) -> Option<&Token> {
        index.checked_sub(1).and_then(|before| self.tokens.get(before))
    }

    fn folded(&self, index: usize) -> String {
        self.at(index).map(|token| fold(token.text(self.text)).into_owned()).unwrap_or_default()
    }

    fn char_after(&self, token: &Token) -> Option<char> {
        self.text[token.end..].chars().next()
    }

    fn hit(&self, source: Source, first: usize, last: usize, score: f32) -> Option<Hit> {
        let (first, last) = (self.at(first)?, self.at(last)?);
        Some(Hit { source, range: first.start..last.end, score })
    }
}
