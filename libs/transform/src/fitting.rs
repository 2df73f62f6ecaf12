//! Which operators suit a type: found out by trying them on examples of it.

use std::sync::Arc;

use pii::{EntityInfo, EntityType, Finding};

use crate::error::TransformError;
use crate::keys::{KEY_LEN, Keys};
use crate::policy::Policy;
use crate::transform::{Context, Transformer};

/// Operators that give something for every value.
const ALWAYS: [&str; 7] =
    ["placeholder", "redact", "replace", "mask", "hash", "encrypt", "tokenize"];
/// The others, with parameters that say most about what they can.
const TRIED: [(&str, &str); 8] = [
    ("format_preserving", ""),
    ("date_shift", ""),
    ("bucket", "width = 10"),
    ("generalize", "to = 'year'"),
    ("generalize", "to = 'prefix'"),
    ("generalize", "to = 'network'"),
    ("generalize", "to = 'coordinates'"),
    ("surrogate", ""),
];

/// Operators ready to be tried.
pub struct Fitting(Vec<(&'static str, Transformer)>);

impl Fitting {
    /// # Errors
    /// When the cryptographic library does.
    pub fn new(types: &[EntityInfo]) -> Result<Self, TransformError> {
        let mut tried = Vec::with_capacity(TRIED.len());
        for (operator, parameters) in TRIED {
            let document = format!(
                "name = 'try'\nversion = 1\n[default]\noperator = '{operator}'\n{parameters}\n\
                 otherwise = {{ operator = 'refuse' }}\n"
            );
            // It is one of ours: what it gives for any text is thrown away, and so are the keys.
            let Ok(policy) = Policy::parse(&document, types) else { continue };
            tried.push((operator, Transformer::new(policy, Keys::derive(&[0; KEY_LEN], ""))?));
        }
        Ok(Self(tried))
    }

    /// Those that fit every value, and those that fit more than half of the examples.
    #[must_use]
    pub fn of(&self, entity: &EntityType, examples: &[String]) -> Vec<&'static str> {
        let mut fitting = ALWAYS.to_vec();
        for (operator, transformer) in &self.0 {
            let fit = examples.iter().filter(|example| fits(transformer, entity, example)).count();
            if 2 * fit > examples.len() && !fitting.contains(operator) {
                fitting.push(operator);
            }
        }
        fitting
    }
}

fn fits(transformer: &Transformer, entity: &EntityType, example: &str) -> bool {
    let context = Context { subject: Some("try"), year: Some(2000), conversation: None };
    let (range, recognizer) = (0..example.len(), Arc::from("try"));
    let finding = Finding { entity: entity.clone(), range, score: 1.0, recognizer };
    transformer.transform(example, &[finding], &context).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_what_works() {
        let engine = pii::Engine::standard().unwrap();
        let fitting = Fitting::new(engine.types()).unwrap();
        assert_eq!(fitting.0.len(), TRIED.len(), "every document is read");
        let of = |entity: &str, examples: &[&str]| {
            let examples: Vec<_> = examples.iter().map(|text| (*text).to_owned()).collect();
            fitting.of(&EntityType::new(entity), &examples)[ALWAYS.len()..].to_vec()
        };
        let dates = of("DATE_TIME", &["17.03.2024", "March 17, 2024"]);
        for operator in ["date_shift", "generalize", "surrogate"] {
            assert!(dates.contains(&operator), "{operator}: {dates:?}");
        }
        let names = of("PERSON", &["Anna Weber", "Jonas Brandt"]);
        assert!(names.contains(&"surrogate") && !names.contains(&"date_shift"), "{names:?}");
        let addresses = of("IP_ADDRESS", &["10.1.2.3", "10.1.2.4"]);
        assert!(addresses.contains(&"generalize") && !addresses.contains(&"date_shift"));
        assert!(!of("AGE", &["many", "34"]).contains(&"bucket"), "half is not enough");
        assert!(of("AGE", &["34"]).contains(&"bucket"));
        assert_eq!(of("PERSON", &[]), Vec::<&str>::new());
    }
}
