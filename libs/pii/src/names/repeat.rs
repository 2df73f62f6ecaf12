//! Who was named in full once is the same when only a part of the name comes back.

use std::collections::HashMap;

use super::{Hit, Shape, Source, Words, role};
use tagger::fold;

/// From how sure a name is on its parts count.
const SURE: f32 = 0.6;

/// Parts of names found for sure, standing alone elsewhere in the text.
pub(crate) fn find(words: &Words<'_>, hits: &mut Vec<Hit>) {
    let mut parts: HashMap<String, bool> = HashMap::new();
    let mut covered = vec![false; words.tokens.len()];
    for hit in hits.iter() {
        let first = words.tokens.partition_point(|token| token.end <= hit.range.start);
        let last = words.tokens.partition_point(|token| token.start < hit.range.end);
        for (token, covered) in words.tokens[first..last].iter().zip(&mut covered[first..last]) {
            *covered = true;
            let named = hit.source == Source::Person
                && hit.score >= SURE
                && token.shape == Shape::Capital
                && token.end - token.start >= 3
                && !token.is(role::PARTICLE | role::STOP);
            if named {
                let part = token.text(words.text);
                parts.insert(fold(part).into_owned(), words.names.is_ordinary(part));
            }
        }
    }
    if parts.is_empty() {
        return;
    }
    for (index, token) in words.tokens.iter().enumerate() {
        if covered[index] || !token.is_capital() {
            continue;
        }
        let Some(ordinary) = parts.get(&words.folded(index)) else { continue };
        // "Rose" in the middle of a sentence is the person; at its start it may be the flower.
        if !ordinary || (token.shape == Shape::Capital && !token.opens_sentence()) {
            let score = if *ordinary { 0.55 } else { 0.7 };
            hits.extend(words.hit(Source::Person, index, index, score));
        }
    }
}
