//! The way back.

use std::ops::Range;

use documents::{Document, Edit, Format};
use zeroize::Zeroizing;

use crate::error::RestoreError;

/// What the document had in a place, to the byte.
pub struct Patch {
    /// In the transformed document.
    pub place: Range<usize>,
    pub original: Zeroizing<String>,
}

/// Puts originals back: patches where they belong, in the unaltered document, and in all other
/// values what `open` makes of them, written by the rules of their container.
///
/// # Errors
/// When the document is not of its format, a patch does not lie in it, or `open` fails.
pub fn restore<E>(
    format: Format,
    text: &str,
    patches: &[Patch],
    open: &mut dyn FnMut(&str) -> Result<String, E>,
) -> Result<String, RestoreError<E>> {
    let document = Document::read(format, text).map_err(RestoreError::Malformed)?;
    let mut end = 0;
    for (index, patch) in patches.iter().enumerate() {
        if patch.place.start < end || text.get(patch.place.clone()).is_none() {
            return Err(RestoreError::Patch { index });
        }
        end = patch.place.end;
    }
    let patched = |unit: &Range<usize>| {
        let at = patches.partition_point(|patch| patch.place.end <= unit.start);
        patches.get(at).is_some_and(|patch| patch.place.start < unit.end)
    };
    let mut edits = Vec::new();
    for (position, value) in document.values().iter().enumerate() {
        if patched(&document.unit(value)) {
            continue;
        }
        let text = document.text(value);
        let opened = open(text).map_err(RestoreError::Opening)?;
        edits.extend(difference(text, &opened).map(|(range, with)| Edit {
            value: position,
            range,
            with: with.to_owned(),
        }));
    }
    let places = patches.iter().map(|patch| (patch.place.clone(), patch.original.to_string()));
    Ok(document.write(edits, places.collect()))
}

/// The one part in which a text differs from another.
fn difference<'n>(old: &str, new: &'n str) -> Option<(Range<usize>, &'n str)> {
    if old == new {
        return None;
    }
    let same = |(a, b): &(char, char)| a == b;
    let front: usize =
        old.chars().zip(new.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (left, right) = (old.get(front..)?, new.get(front..)?);
    let back: usize = left
        .chars()
        .rev()
        .zip(right.chars().rev())
        .take_while(same)
        .map(|(c, _)| c.len_utf8())
        .sum();
    Some((front..old.len() - back, right.get(..right.len() - back)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_differs() {
        for (old, new, expected) in [
            ("to <P> and", "to Anna and", Some((3..6, "Anna"))),
            ("é<P>é", "ééé", Some((2..5, "é"))),
            ("aa", "aaa", Some((2..2, "a"))),
            ("", "x", Some((0..0, "x"))),
            ("x", "", Some((0..1, ""))),
            ("same", "same", None),
        ] {
            assert_eq!(difference(old, new), expected, "{old} {new}");
        }
    }

    #[test]
    fn a_patch_must_lie_in_the_document() {
        let patch = |place| Patch { place, original: Zeroizing::new(String::new()) };
        let mut open = |text: &str| Ok::<_, ()>(text.to_owned());
        for places in [vec![patch(0..9)], vec![patch(1..2), patch(0..1)], vec![patch(1..2)]] {
            assert!(restore(Format::Text, "é", &places, &mut open).is_err());
        }
        assert_eq!(restore(Format::Text, "é", &[patch(0..2)], &mut open).unwrap(), "");
    }
}
