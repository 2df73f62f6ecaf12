//! Recognizers that live as long as their call.

use pii::{EntityType, Finding};

use crate::asked::{Checked, InvalidWish, NewRecognizer, few, is_type, length, score};
use crate::recognizer::{Context, MOST_PATTERNS, Recognizer, Room, Rule};

const MOST: usize = 50;
const LONGEST_NAME: usize = 64;
/// States of all patterns times bytes of the text: some seconds if the worst comes.
const DEAREST: u64 = 4_000_000_000;

/// All of them.
#[derive(Clone, Default)]
pub(crate) struct AdHoc(Vec<Recognizer>);

impl AdHoc {
    pub(crate) fn new(asked: &[NewRecognizer]) -> Checked<Self> {
        few("ad_hoc_recognizers", asked, MOST)?;
        let mut room = Room::default();
        let recognizer =
            |(index, new)| recognizer(&format!("ad_hoc_recognizers[{index}]"), new, &mut room);
        Ok(Self(asked.iter().enumerate().map(recognizer).collect::<Checked<_>>()?))
    }

    /// The types that they find.
    pub(crate) fn types(&self) -> impl Iterator<Item = &EntityType> {
        self.0.iter().map(Recognizer::entity)
    }

    pub(crate) fn states(&self) -> usize {
        self.0.iter().map(Recognizer::states).fold(0, usize::saturating_add)
    }

    pub(crate) fn find(&self, text: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        for recognizer in &self.0 {
            recognizer.find(text, &mut found);
        }
        found
    }
}

/// Whether texts of so many bytes may be searched by patterns with so many states.
pub(crate) fn affords(field: &str, states: usize, bytes: usize) -> Checked<()> {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    if number(states).saturating_mul(number(bytes)) > DEAREST {
        return Err(InvalidWish::new(field, "together cost too much on a text of this length"));
    }
    Ok(())
}

fn recognizer(field: &str, new: &NewRecognizer, room: &mut Room) -> Checked<Recognizer> {
    length(&format!("{field}.name"), &new.name, LONGEST_NAME)?;
    if !is_type(&new.entity) {
        let why = "must be 1 to 64 of A-Z, 0-9 and _";
        return Err(InvalidWish::new(format!("{field}.type"), why));
    }
    if new.patterns.is_empty() {
        return Err(InvalidWish::new(format!("{field}.patterns"), "must have one at least"));
    }
    few(&format!("{field}.patterns"), &new.patterns, MOST_PATTERNS)?;
    let context = Context::new(&format!("{field}.context"), &new.context)?;
    let score = score(&format!("{field}.score"), new.score)?;
    let mut recognizer = Recognizer::new(&new.name, EntityType::new(&new.entity), context);
    for (index, pattern) in new.patterns.iter().enumerate() {
        let rule = Rule { score, validator: None, free: false };
        recognizer.add(&format!("{field}.patterns[{index}]"), pattern, rule, room)?;
    }
    Ok(recognizer)
}
