//! What a document says of itself is tried before it is stored.

use std::ops::Range;

use pii::DEFAULT_MIN_SCORE;

use super::{Custom, Document};
use crate::asked::{Checked, InvalidWish};

/// An example without its brackets, and what stood in them.
fn marked(example: &str) -> Option<(String, Vec<Range<usize>>)> {
    let (mut text, mut spans, mut rest) = (String::new(), Vec::new(), example);
    while let Some((before, after)) = rest.split_once("[[") {
        let (inside, behind) = after.split_once("]]")?;
        text.push_str(before);
        spans.push(text.len()..text.len() + inside.len());
        text.push_str(inside);
        rest = behind;
    }
    text.push_str(rest);
    (!spans.is_empty()).then_some((text, spans))
}

pub(super) fn check(custom: &Custom, document: &Document) -> Checked<()> {
    let found = |text: &str| -> Vec<Range<usize>> {
        let sure = custom.find(text).into_iter().filter(|one| one.score >= DEFAULT_MIN_SCORE);
        sure.map(|finding| finding.range).collect()
    };
    for (index, example) in document.examples().iter().enumerate() {
        let wrong = |why: &str| InvalidWish::new(format!("examples[{index}]"), why);
        let (text, spans) =
            marked(example).ok_or_else(|| wrong("has nothing in double square brackets"))?;
        let found = found(&text);
        if !spans.iter().all(|span| found.contains(span)) {
            return Err(wrong("is not found as it is marked, with a score of 0.5 or more"));
        }
    }
    for (index, text) in document.counter_examples().iter().enumerate() {
        if !found(text).is_empty() {
            let field = format!("counter_examples[{index}]");
            return Err(InvalidWish::new(field, "holds something that is found"));
        }
    }
    Ok(())
}
