//! Spans as the reader counts. The engine counts bytes of UTF-8; Python and most tools count code
//! points; JavaScript, Java and .NET count UTF-16 units.

use std::ops::Range;
use std::str::FromStr;

/// What an offset counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of UTF-8.
    Bytes,
    /// Unicode code points.
    CodePoints,
    /// Units of UTF-16: two for what stands beyond the first plane.
    Utf16,
}

/// No unit has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be bytes, code-points or utf-16")]
pub struct UnknownUnit;

impl Unit {
    pub const ALL: [Self; 3] = [Self::Bytes, Self::CodePoints, Self::Utf16];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::CodePoints => "code-points",
            Self::Utf16 => "utf-16",
        }
    }
}

impl FromStr for Unit {
    type Err = UnknownUnit;

    fn from_str(name: &str) -> Result<Self, UnknownUnit> {
        Self::ALL.into_iter().find(|unit| unit.name() == name).ok_or(UnknownUnit)
    }
}

/// Byte spans in another unit, in one pass over the text. The spans are sorted and do not
/// overlap, as the engine gives them; others come out right too, but cost a pass each.
pub fn convert(text: &str, spans: &[Range<usize>], unit: Unit) -> Vec<Range<usize>> {
    if unit == Unit::Bytes || text.is_ascii() {
        return spans.to_vec();
    }
    let mut walk = Walk { bytes: text.as_bytes(), unit, at: 0, count: 0 };
    spans.iter().map(|span| walk.to(span.start)..walk.to(span.end)).collect()
}

/// How long a text is.
pub fn length(text: &str, unit: Unit) -> usize {
    units(text.as_bytes(), unit)
}

/// A place in the text, known in bytes and in the unit.
struct Walk<'t> {
    bytes: &'t [u8],
    unit: Unit,
    at: usize,
    count: usize,
}

impl Walk<'_> {
    fn to(&mut self, byte: usize) -> usize {
        let byte = byte.min(self.bytes.len());
        if byte < self.at {
            (self.at, self.count) = (0, 0);
        }
        self.count += units(&self.bytes[self.at..byte], self.unit);
        self.at = byte;
        self.count
    }
}

/// How many units begin in these bytes (RFC 3629: a byte `10xxxxxx` begins none, a byte from
/// `11110xxx` on begins a character beyond the first plane, which UTF-16 writes as two).
fn units(bytes: &[u8], unit: Unit) -> usize {
    let leading = || bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    match unit {
        Unit::Bytes => bytes.len(),
        Unit::CodePoints => leading(),
        Unit::Utf16 => leading() + bytes.iter().filter(|byte| **byte >= 0xf0).count(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(text: &str, byte: usize, unit: Unit) -> usize {
        match unit {
            Unit::Bytes => byte,
            Unit::CodePoints => text[..byte].chars().count(),
            Unit::Utf16 => text[..byte].encode_utf16().count(),
        }
    }

    #[test]
    fn units_have_names() {
        for unit in Unit::ALL {
            assert_eq!(unit.name().parse(), Ok(unit));
        }
        assert_eq!("characters".parse::<Unit>(), Err(UnknownUnit));
    }

    #[test]
    fn one_span_in_each_unit() {
        let text = "é😀 Zoë!";
        let start = text.find("Zoë").unwrap();
        let span = start..start + "Zoë".len();
        for (unit, expected) in Unit::ALL.into_iter().zip([7..11, 3..6, 4..7]) {
            assert_eq!(convert(text, std::slice::from_ref(&span), unit), [expected], "{unit:?}");
        }
        let beyond = convert(text, &[start..start, 0..99], Unit::CodePoints);
        assert_eq!(beyond[1], 0..7, "a span ends with its text");
    }

    fn texts() -> impl Strategy<Value = String> {
        // Each length of UTF-8 often, not only as often as chance draws it.
        let one = prop_oneof![
            Just('a'),
            Just('é'),
            Just('€'),
            Just('😀'),
            Just('\u{301}'),
            any::<char>()
        ];
        prop::collection::vec(one, 0..60).prop_map(|chars| chars.into_iter().collect())
    }

    fn spans_of(text: &str, cuts: Vec<prop::sample::Index>) -> Vec<Range<usize>> {
        let places: Vec<usize> =
            text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| *cut.get(&places)).collect();
        cuts.sort_unstable();
        cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect()
    }

    proptest! {
        #[test]
        fn one_pass_gives_what_counting_from_the_start_gives(
            text in texts(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            backwards in any::<bool>(),
        ) {
            let mut spans = spans_of(&text, cuts);
            if backwards {
                spans.reverse();
            }
            for unit in Unit::ALL {
                let expected: Vec<Range<usize>> = spans
                    .iter()
                    .map(|span| naive(&text, span.start, unit)..naive(&text, span.end, unit))
                    .collect();
                prop_assert_eq!(convert(&text, &spans, unit), expected);
            }
        }

        #[test]
        fn a_converted_span_cuts_the_same_text(
            text in texts(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let spans = spans_of(&text, cuts);
            let points: Vec<char> = text.chars().collect();
            let units: Vec<u16> = text.encode_utf16().collect();
            for (span, point) in spans.iter().zip(convert(&text, &spans, Unit::CodePoints)) {
                prop_assert_eq!(&text[span.clone()], points[point].iter().collect::<String>());
            }
            for (span, unit) in spans.iter().zip(convert(&text, &spans, Unit::Utf16)) {
                let cut = String::from_utf16(&units[unit]).unwrap();
                prop_assert_eq!(&text[span.clone()], cut);
            }
        }
    }
}
