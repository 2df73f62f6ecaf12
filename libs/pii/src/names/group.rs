//! Nationalities, religions and political groups, where they are said of people.
//!
//! "French" is somebody's nationality in "she is French" and in "a French citizen", but a
//! language in "she speaks French" and a dish in "French fries": what stands beside it decides.

use super::{Gap, Hit, Shape, Source, Token, Words, role};
use tagger::Class;

/// The most words a group's name has: `Saudi Arabian`, `Bosnia and Herzegovina` is a country.
const LONGEST: usize = 3;
/// Without anything that speaks for or against it.
const ALONE: f32 = 0.5;
const SAID_OF_PEOPLE: f32 = 0.8;

pub(crate) fn find(words: &Words<'_>, hits: &mut Vec<Hit>) {
    let mut index = 0;
    while index < words.tokens.len() {
        let Some(last) = group_at(words, index) else {
            index += 1;
            continue;
        };
        if let Some(score) = score(words, index, last) {
            hits.extend(words.hit(Source::Group, index, last, score));
        }
        index = last + 1;
    }
}

/// The last word of the longest group that starts here.
fn group_at(words: &Words<'_>, index: usize) -> Option<usize> {
    let token = words.at(index).filter(|token| token.is(role::GROUP | role::GROUP_HEAD))?;
    if token.glued {
        return None;
    }
    let alone = token.is(role::GROUP).then_some(index);
    if !token.is(role::GROUP_HEAD) {
        return alone;
    }
    let mut key = words.folded(index);
    let longer = |at: &usize| words.at(*at).is_some_and(|next| next.gap == Gap::Space);
    for last in (index + 1..index + LONGEST).take_while(longer) {
        key = format!("{key} {}", words.folded(last));
        let one = key.strip_suffix('s').unwrap_or(&key);
        if words.names.groups.iter().any(|group| *group == key || group == one) {
            return Some(last);
        }
    }
    alone
}

fn score(words: &Words<'_>, first: usize, last: usize) -> Option<f32> {
    let (token, next) = (words.at(first)?, words.at(last + 1));
    if labelled(words, first) {
        return Some(0.85);
    }
    let follows = |next: &&Token| next.gap == Gap::Space;
    let next = next.filter(follows);
    let people = next.is_some_and(|next| next.is(role::PEOPLE));
    let of =
        token.gap == Gap::Space && words.before(first).is_some_and(|before| before.is(role::BEING));
    if token.shape == Shape::Lower {
        // German, French and others write adjectives small; English does not.
        return (people || of && !token.known.has(Class::WORD)).then_some(0.6);
    }
    let thing = next.is_some_and(|next| next.is(role::THING));
    // "Polish the table": a word like others, with a capital because a sentence starts.
    let ordinary = token.known.has(Class::WORD) && token.opens_sentence();
    if !people && (ordinary || thing || language(words, first)) {
        return None;
    }
    // A part of a proper name: "American Express", "French Open", "Christian Weber".
    let proper = |word: &Token| word.is_capital() && !word.is(role::PEOPLE | role::STOP);
    if token.shape == Shape::Capital
        && (next.is_some_and(proper)
            || token.gap == Gap::Space
                && words
                    .before(first)
                    .is_some_and(|before| proper(before) && !before.opens_sentence()))
    {
        return None;
    }
    // "Christian", "Jordan", "Roman": names as well.
    let name = token.known.has(Class::FIRST_TOP) || token.known.has(Class::PLACE_TOP);
    match (people || of, name && first == last) {
        (true, _) => Some(SAID_OF_PEOPLE),
        (false, true) => None,
        (false, false) => Some(ALONE),
    }
}

/// "speaks French", "in German", "translated from Dutch".
fn language(words: &Words<'_>, first: usize) -> bool {
    let spoken = |index: usize| words.at(index).is_some_and(|word| word.is(role::SPEAKING));
    let Some(token) = words.at(first) else { return false };
    let joined = matches!(token.gap, Gap::Space | Gap::Comma);
    // Lists of languages: "speaks English, French and German".
    joined
        && (1..=6).take_while(|back| *back <= first).any(|back| {
            spoken(first - back)
                && (1..back).all(|between| {
                    let at = first - between;
                    words.at(at).is_some_and(|word| word.is(role::GROUP))
                        || matches!(
                            words.folded(at).as_str(),
                            "and"
                                | "or"
                                | "both"
                                | "only"
                                | "fluent"
                                | "good"
                                | "some"
                                | "little"
                                | "a"
                        )
                })
        })
}

/// `Nationality: Dutch`, `Staatsangehörigkeit: deutsch`.
fn labelled(words: &Words<'_>, first: usize) -> bool {
    let Some(token) = words.at(first) else { return false };
    matches!(token.gap, Gap::Colon | Gap::Space | Gap::Other)
        && words.before(first).is_some_and(|before| before.is(role::GROUP_LABEL))
}
