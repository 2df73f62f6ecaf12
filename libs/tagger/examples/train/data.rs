//! Texts whose names are known.

use std::ops::Range;

use tagger::{Block, Tag};

pub(crate) struct Known {
    pub(crate) text: String,
    /// Number of the kind in `Kind::ALL`.
    pub(crate) names: Vec<(usize, Range<usize>)>,
}

pub(crate) fn parse(marked: &str) -> Result<Vec<Known>, String> {
    let texts = marked.split("\u{3}\n").filter(|text| !text.is_empty());
    texts.map(|text| one(text).ok_or_else(|| format!("wrongly marked: {text:?}"))).collect()
}

fn one(marked: &str) -> Option<Known> {
    let mut known = Known { text: String::with_capacity(marked.len()), names: Vec::new() };
    let mut rest = marked;
    while let Some((before, after)) = rest.split_once('\u{1}') {
        let (inside, behind) = after.split_once('\u{2}')?;
        let kind = "PLOS".find(inside.chars().next()?)?;
        known.text.push_str(before);
        let start = known.text.len();
        known.text.push_str(&inside[1..]);
        known.names.push((kind, start..known.text.len()));
        rest = behind;
    }
    known.text.push_str(rest);
    Some(known)
}

/// The tag of each token.
pub(crate) fn tags(block: &Block<'_>, known: &Known) -> Vec<Tag> {
    let mut tags = vec![Tag::OUTSIDE; block.len()];
    for (kind, range) in &known.names {
        let mut begun = false;
        for (index, token) in block.tokens.iter().enumerate() {
            if token.start < range.end && range.start < token.end {
                tags[index] = if begun { Tag::inside(*kind) } else { Tag::begin(*kind) };
                begun = true;
            }
        }
    }
    tags
}
