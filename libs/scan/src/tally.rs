//! A text cut at its findings, and what there is of each type.

use pii::Finding;

/// What was found of one type.
pub(crate) struct Kind<'f> {
    pub(crate) entity: &'f str,
    pub(crate) count: usize,
}

/// The types that were found: those with the most findings first, else by name.
pub(crate) fn kinds(findings: &[Finding]) -> Vec<Kind<'_>> {
    let mut names: Vec<&str> = findings.iter().map(|finding| finding.entity.as_str()).collect();
    names.sort_unstable();
    let same = names.chunk_by(|a, b| a == b);
    let mut kinds: Vec<_> = same.map(|same| Kind { entity: same[0], count: same.len() }).collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    kinds
}

/// A part of a text, and the finding that it is, if it is one.
pub(crate) struct Piece<'t> {
    pub(crate) text: &'t str,
    pub(crate) finding: Option<&'t Finding>,
}

/// The whole text in its order. A finding that does not lie in the text, or overlaps the one
/// before it, is left out: the engine gives none.
pub(crate) fn pieces<'t>(text: &'t str, findings: &'t [Finding]) -> Vec<Piece<'t>> {
    let mut pieces = Vec::with_capacity(2 * findings.len() + 1);
    let mut at = 0;
    for finding in findings {
        let before = text.get(at..finding.range.start);
        let Some((before, found)) = before.zip(text.get(finding.range.clone())) else { continue };
        pieces.push(Piece { text: before, finding: None });
        pieces.push(Piece { text: found, finding: Some(finding) });
        at = finding.range.end;
    }
    pieces.push(Piece { text: &text[at..], finding: None });
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

/// What may be shown: a text must not steer the terminal, or turn the order of what is read
/// (the overrides of UAX #9). The line ends of Windows become plain ones.
pub(crate) fn visible(text: &str) -> impl Iterator<Item = char> + '_ {
    text.char_indices().filter_map(|(at, c)| match c {
        '\r' if text[at + 1..].starts_with('\n') => None,
        '\n' | '\t' => Some(c),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some(char::REPLACEMENT_CHARACTER),
        c if c.is_control() => Some(char::REPLACEMENT_CHARACTER),
        c => Some(c),
    })
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Arc;

    use pii::EntityType;

    use super::*;

    fn finding(entity: &str, range: Range<usize>) -> Finding {
        let recognizer = Arc::from("test");
        Finding { entity: EntityType::new(entity), range, score: 0.9, recognizer }
    }

    #[test]
    fn the_pieces_are_the_text() {
        let findings = [
            finding("A", 0..2),
            finding("B", 1..4),
            finding("B", 2..4),
            finding("C", 6..9),
            finding("A", 5..99),
        ];
        let text = "abcdefüh";
        let cut = pieces(text, &findings);
        let shown: Vec<_> = cut.iter().map(|piece| (piece.text, piece.finding.is_some())).collect();
        assert_eq!(shown, [("ab", true), ("cd", true), ("ef", false), ("üh", true)]);
        assert!(pieces("", &findings[..0]).is_empty());
    }

    #[test]
    fn the_most_frequent_type_is_first() {
        let findings =
            [finding("B", 0..1), finding("C", 1..2), finding("A", 2..3), finding("C", 3..4)];
        let kinds: Vec<_> = kinds(&findings).iter().map(|kind| (kind.entity, kind.count)).collect();
        assert_eq!(kinds, [("C", 2), ("A", 1), ("B", 1)]);
    }

    #[test]
    fn control_characters_are_not_shown() {
        let shown: String = visible("a\r\nb\tc\rd\u{1b}[2J\u{202e}e\u{9b}\u{200f}").collect();
        assert_eq!(shown, "a\nb\tc\u{fffd}d\u{fffd}[2J\u{fffd}e\u{fffd}\u{200f}");
    }
}
