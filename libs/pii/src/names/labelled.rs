//! Names in small letters behind a label: `"firstName": "greta"`, `name: greta weber`.

use tagger::Class;

use super::{Gap, Hit, Shape, Source, Words, role};

const LONGEST: usize = 3;

pub(crate) fn find(words: &Words<'_>, hits: &mut Vec<Hit>) {
    for (index, token) in words.tokens.iter().enumerate() {
        let labelled = token.gap == Gap::Colon
            && words.before(index).is_some_and(|label| label.is(role::LABEL));
        if !labelled || !listed(words, index) {
            continue;
        }
        let more = (index + 1..index + LONGEST)
            .take_while(|at| {
                words.at(*at).is_some_and(|next| next.gap == Gap::Space) && listed(words, *at)
            })
            .count();
        hits.extend(words.hit(Source::Person, index, index + more, 0.7));
    }
}

/// A word in small letters that the lists know as a name and as nothing else.
fn listed(words: &Words<'_>, index: usize) -> bool {
    words.at(index).is_some_and(|token| {
        let class = token.known;
        token.shape == Shape::Lower
            && !token.glued
            && (class.has(Class::FIRST) || class.has(Class::LAST))
            && !class.has(Class::WORD)
            && !class.has(Class::FUNCTION)
    })
}
