//! Placeholders: what a model sees instead of personal data.
//!
//! The form is `<PERSON_7K2M9>`: ASCII, so that tokenizers and JSON keep it whole; the type, so
//! that the model can reason about it; angle brackets, so that it cannot run into the words
//! beside it. The suffix is a keyed hash of the subject, so the same subject has the same
//! placeholder in the whole conversation without shared state, and none that could be linked
//! or guessed without the conversation's key. Another spelling of the same subject must restore
//! to itself, so it gets its own number: `<PERSON_7K2M9_2>`.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use zeroize::Zeroize;

use crate::entity::EntityType;
use crate::mapping::Mapping;
use crate::normalize;

/// Crockford's base 32: no letters that are easily confused.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of the hash in a placeholder, unless they collide.
const SUFFIX: usize = 5;
/// Characters that one hash gives.
const LONGEST_SUFFIX: usize = 32;
/// A name shared by more persons than this is not linked to any of them.
const NAMESAKES: usize = 8;

/// The key of one conversation. Wiped when dropped, never shown.
#[derive(Clone)]
pub struct PlaceholderKey([u8; 32]);

impl PlaceholderKey {
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Drop for PlaceholderKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Gives out the placeholders of one request.
pub struct Assigner {
    key: PlaceholderKey,
    /// Word runs of the input that look like placeholders, in upper case: never given out.
    reserved: HashSet<String>,
    /// Type and exact spelling → placeholder.
    given: HashMap<(EntityType, String), String>,
    /// Type and normalized subject → subject number.
    subjects: HashMap<(EntityType, String), usize>,
    /// Subject number → placeholder without variant, and how many variants there are.
    cores: Vec<(String, usize)>,
    /// The placeholders in `cores`.
    used: HashSet<String>,
    persons: Persons,
    mapping: Mapping,
}

impl Assigner {
    #[must_use]
    pub fn new(key: &PlaceholderKey) -> Self {
        Self {
            key: key.clone(),
            reserved: HashSet::new(),
            given: HashMap::new(),
            subjects: HashMap::new(),
            cores: Vec::new(),
            used: HashSet::new(),
            persons: Persons::default(),
            mapping: Mapping::new(),
        }
    }

    /// Notes everything in a text that a placeholder must not be equal to. Where something is
    /// `replaced`, which is in order and does not overlap, what stands beside it is looked at
    /// alone, too.
    pub fn reserve_all(&mut self, text: &str, replaced: impl Iterator<Item = Range<usize>>) {
        self.reserve(text);
        let mut at = 0;
        for range in replaced {
            self.reserve(text.get(at..range.start).unwrap_or_default());
            at = range.end;
        }
        self.reserve(text.get(at..).unwrap_or_default());
    }

    fn reserve(&mut self, text: &str) {
        for run in text
            .split(|c: char| !is_placeholder_char(c))
            .filter(|run| run.len() > SUFFIX && run.contains('_'))
        {
            self.reserved.insert(run.to_ascii_uppercase());
        }
    }

    /// The placeholder of one spelling of a subject, as it stands in a text.
    pub fn placeholder(&mut self, entity: &EntityType, original: &str) -> String {
        format!("<{}>", self.assign(entity, original))
    }

    /// The same without brackets.
    pub(crate) fn assign(&mut self, entity: &EntityType, original: &str) -> String {
        if let Some(known) = self.given.get(&(entity.clone(), original.to_owned())) {
            return known.clone();
        }
        let subject = normalize_subject(original);
        let number = self.subject(entity, &subject);
        let core = self.variant(number);
        self.mapping.insert(&core, original);
        self.given.insert((entity.clone(), original.to_owned()), core.clone());
        core
    }

    /// A stable stand-in for an identifier that never comes back.
    pub(crate) fn opaque(&self, original: &str) -> String {
        let hash = blake3::Hasher::new_keyed(&self.key.0)
            .update(b"opaque\0")
            .update(original.as_bytes())
            .finalize();
        hash.to_hex()[..32].to_owned()
    }

    /// Whether something in a text could be taken for a placeholder that was given out.
    #[must_use]
    pub fn stands_in(&self, text: &str) -> bool {
        self.mapping.stands_in(text)
    }

    /// What restores those that were given out by now.
    #[must_use]
    pub const fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// What restores them all.
    #[must_use]
    pub fn finish(self) -> Mapping {
        self.mapping
    }

    fn subject(&mut self, entity: &EntityType, subject: &str) -> usize {
        let key = (entity.clone(), subject.to_owned());
        if let Some(number) = self.subjects.get(&key) {
            return *number;
        }
        let person = entity.as_str() == "PERSON";
        let linked = if person { self.persons.link(subject) } else { None };
        let number = linked.unwrap_or_else(|| {
            let core = self.derive(entity, subject);
            self.used.insert(core.clone());
            self.cores.push((core, 0));
            self.cores.len() - 1
        });
        if person {
            self.persons.learn(number, subject);
        }
        self.subjects.insert(key, number);
        number
    }

    fn derive(&self, entity: &EntityType, subject: &str) -> String {
        let mut attempt = 0_u64;
        loop {
            let mut hasher = blake3::Hasher::new_keyed(&self.key.0);
            hasher
                .update(entity.as_str().as_bytes())
                .update(&[0])
                .update(&attempt.to_le_bytes())
                .update(subject.as_bytes());
            let hash = hasher.finalize();
            let letters: String = hash
                .as_bytes()
                .iter()
                .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
                .collect();
            for length in SUFFIX..=LONGEST_SUFFIX {
                let core = format!("{entity}_{}", &letters[..length]);
                if !self.reserved.contains(&core) && !self.used.contains(&core) {
                    return core;
                }
            }
            attempt += 1;
        }
    }

    fn variant(&mut self, number: usize) -> String {
        let (core, variants) = &mut self.cores[number];
        loop {
            *variants += 1;
            let name = if *variants == 1 { core.clone() } else { format!("{core}_{variants}") };
            if !self.reserved.contains(&name) {
                return name;
            }
        }
    }
}

/// The characters of a placeholder between its brackets.
pub(crate) const fn is_placeholder_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// One form for all spellings of a subject: case, spacing and tricks of spelling undone;
/// numbers without their grouping.
pub fn normalize_subject(original: &str) -> String {
    let view = normalize::view(original);
    let letters = view.text.chars().filter(|c| c.is_alphabetic()).count();
    let digits = view.text.chars().filter(char::is_ascii_digit).count();
    if digits > letters {
        return view
            .text
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
    }
    view.text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Which names may be one person: "Anna Weber", "Weber" and "Anna".
#[derive(Default)]
struct Persons {
    /// Part of a name → persons that have it.
    parts: HashMap<String, Vec<usize>>,
    /// Person → all parts known.
    names: HashMap<usize, HashSet<String>>,
}

impl Persons {
    /// The one person that a name fits: all its parts are known of them, or all theirs are in it.
    /// Looks only at names that came before, so that the placeholders of earlier turns stay.
    fn link(&self, subject: &str) -> Option<usize> {
        let parts: HashSet<String> = parts(subject).collect();
        let mut candidates: Vec<usize> = Vec::new();
        for part in &parts {
            let namesakes = self.parts.get(part).map(Vec::as_slice).unwrap_or_default();
            if namesakes.len() > NAMESAKES {
                return None;
            }
            candidates.extend(namesakes);
        }
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|person| {
            self.names
                .get(person)
                .is_some_and(|known| parts.is_subset(known) || known.is_subset(&parts))
        });
        match candidates[..] {
            [one] => Some(one),
            _ => None,
        }
    }

    fn learn(&mut self, person: usize, subject: &str) {
        for part in parts(subject) {
            if self.names.entry(person).or_default().insert(part.clone()) {
                self.parts.entry(part).or_default().push(person);
            }
        }
    }
}

fn parts(subject: &str) -> impl Iterator<Item = String> + '_ {
    subject
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '\'')))
        .filter(|part| part.chars().count() > 1)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assign(key: u8, names: &[&str]) -> Vec<String> {
        let key = PlaceholderKey::new([key; 32]);
        let mut assigner = Assigner::new(&key);
        names.iter().map(|name| assigner.assign(&EntityType::new("PERSON"), name)).collect()
    }

    #[test]
    fn one_person_under_several_names() {
        let given = assign(1, &["Anna Weber", "Weber", "ANNA  WEBER", "Anna", "Anna Weber"]);
        assert!(
            given[1..4]
                .iter()
                .enumerate()
                .all(|(at, name)| *name == format!("{}_{}", given[0], at + 2))
        );
        assert_eq!(given[4], given[0]);
    }

    #[test]
    fn namesakes_stay_apart() {
        let given = assign(1, &["Anna Weber", "Jonas Weber", "Weber"]);
        let stems: HashSet<&str> = given.iter().map(|name| &name[..12]).collect();
        assert_eq!(stems.len(), 3);
    }

    #[test]
    fn stable_under_one_key_and_unlinkable_across_keys() {
        assert_eq!(assign(1, &["Anna Weber"]), assign(1, &["Anna Weber"]));
        assert_ne!(assign(1, &["Anna Weber"]), assign(2, &["Anna Weber"]));
    }

    #[test]
    fn never_equal_to_what_the_input_holds() {
        let plain = assign(1, &["Anna"]).remove(0);
        let key = PlaceholderKey::new([1; 32]);
        let mut assigner = Assigner::new(&key);
        assigner.reserve(&format!("see <{}>", plain.to_lowercase()));
        let longer = assigner.assign(&EntityType::new("PERSON"), "Anna");
        assert!(longer.starts_with(&plain) && longer.len() == plain.len() + 1);
    }
}
