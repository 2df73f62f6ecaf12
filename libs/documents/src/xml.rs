//! XML 1.0: the text of elements, attributes, CDATA sections and comments. Nothing is expanded:
//! a document type that declares anything is refused, and so is an entity that nobody knows.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::Malformed;
use crate::leaf::{Leaf, Named, Unescaped, words};
use crate::path::{Paths, Segment};
use crate::site::Site;

const BOM: &str = "\u{feff}";
/// Open elements. Deeper than people or programs write.
const DEPTH: usize = 1_000;
/// `&#x10FFFF;` without its ends, and zeros in front.
pub(crate) const LONGEST_REFERENCE: usize = 16;
const NOT_XML: &str = "not well-formed XML";

/// Of an open element: what its text is called.
struct Open {
    name: Arc<str>,
    path: usize,
}

struct Walk<'t, 'p> {
    text: &'t str,
    paths: &'p mut Paths,
    open: Vec<Open>,
    /// Whether there was an element.
    begun: bool,
    found: Vec<Leaf<'t>>,
}

pub(crate) fn leaves<'t>(text: &'t str, paths: &mut Paths) -> Result<Vec<Leaf<'t>>, Malformed> {
    let base = if text.starts_with(BOM) { BOM.len() } else { 0 };
    let mut reader = Reader::from_str(text.get(base..).unwrap_or_default());
    let mut walk = Walk { text, paths, open: Vec::new(), begun: false, found: Vec::new() };
    let place = |at: u64| base + usize::try_from(at).unwrap_or(usize::MAX - base);
    let mut slot = base;
    loop {
        let start = place(reader.buffer_position());
        let event = reader.read_event();
        let event =
            event.map_err(|_| Malformed::at(text, place(reader.error_position()), NOT_XML))?;
        let range = start..place(reader.buffer_position());
        if matches!(event, Event::Text(_) | Event::GeneralRef(_)) {
            continue;
        }
        // Between two marks there is one text, be it empty: a value may be taken away.
        walk.slot(slot..range.start)?;
        slot = range.end;
        if matches!(event, Event::Eof) {
            break;
        }
        walk.event(&event, range)?;
    }
    if !walk.begun || !walk.open.is_empty() {
        return Err(Malformed::at(text, text.len(), "an element that is never closed"));
    }
    Ok(walk.found)
}

impl<'t> Walk<'t, '_> {
    fn event(&mut self, event: &Event<'_>, range: Range<usize>) -> Result<(), Malformed> {
        let inside = |before: usize, after: usize| range.start + before..range.end - after;
        match event {
            Event::Start(start) => self.element(start, &range, true)?,
            Event::Empty(start) => self.element(start, &range, false)?,
            Event::End(_) => {
                self.open.pop();
            }
            Event::CData(_) if !self.open.is_empty() => {
                self.leaf(Leaf::at(self.text, inside(9, 3), Site::Plain));
            }
            Event::Comment(_) => self.leaf(Leaf::at(self.text, inside(4, 3), Site::Plain)),
            Event::PI(_) => self.leaf(Leaf::at(self.text, inside(2, 2), Site::Plain)),
            Event::DocType(_) => {
                let raw = self.text.get(range.clone()).unwrap_or_default();
                if raw.get(1..).is_some_and(|rest| rest.contains(['[', '<'])) {
                    let what = "a document type that declares something";
                    return Err(Malformed::at(self.text, range.start, what));
                }
            }
            Event::Decl(_) => {}
            _ => return Err(Malformed::at(self.text, range.start, NOT_XML)),
        }
        Ok(())
    }

    fn element(
        &mut self,
        start: &BytesStart<'_>,
        range: &Range<usize>,
        opens: bool,
    ) -> Result<(), Malformed> {
        let wrong = |what| Malformed::at(self.text, range.start, what);
        if self.open.is_empty() && self.begun {
            return Err(wrong("a second root element"));
        }
        if self.open.len() == DEPTH {
            return Err(wrong("nested deeper than 1,000"));
        }
        self.begun = true;
        let parent = self.open.last().map_or(Paths::ROOT, |open| open.path);
        let name = String::from_utf8_lossy(start.local_name().into_inner()).into_owned();
        let path = self.paths.push(parent, Segment::Key(name.as_str().into()));
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| wrong("attributes that are not well-formed"))?;
            // It lies in the text: the reader copies nothing.
            let at = attribute.value.as_ptr().addr().checked_sub(self.text.as_ptr().addr());
            let place = at.map(|at| at..at + attribute.value.len());
            let place = place.filter(|place| range.start < place.start && place.end < range.end);
            let place = place.ok_or_else(|| wrong(NOT_XML))?;
            let quote = self.text.as_bytes().get(place.end).copied().unwrap_or(b'"');
            let key = String::from_utf8_lossy(attribute.key.local_name().into_inner()).into_owned();
            let segment = Segment::Key(format!("@{key}").into());
            let mut leaf = unescaped(self.text, place, Site::XmlAttribute { quote })?;
            leaf.named =
                Named { name: words(&key), column: None, path: self.paths.push(path, segment) };
            self.found.push(leaf);
        }
        if opens {
            self.open.push(Open { name: words(&name), path });
        }
        Ok(())
    }

    /// What stands between two marks.
    fn slot(&mut self, place: Range<usize>) -> Result<(), Malformed> {
        let leaf = unescaped(self.text, place, Site::XmlText)?;
        if !self.open.is_empty() {
            self.leaf(leaf);
        } else if !leaf.text.trim().is_empty() {
            return Err(Malformed::at(
                self.text,
                leaf.place.start,
                "text outside the root element",
            ));
        }
        Ok(())
    }

    fn leaf(&mut self, mut leaf: Leaf<'t>) {
        if let Some(Open { name, path }) = self.open.last() {
            leaf.named = Named { name: Arc::clone(name), column: None, path: *path };
        }
        self.found.push(leaf);
    }
}

/// A text with its references as the characters that they are.
fn unescaped(container: &str, place: Range<usize>, site: Site) -> Result<Leaf<'_>, Malformed> {
    let leaf = Leaf::at(container, place.clone(), site);
    let Some(raw) = container.get(place.clone()).filter(|raw| raw.contains('&')) else {
        return Ok(leaf);
    };
    let mut unescaped = Unescaped::new(place.start);
    let mut rest = raw;
    while let Some(start) = rest.find('&') {
        unescaped.plain(rest.get(..start).unwrap_or_default());
        let from = place.end - rest.len() + start;
        let inside = rest.get(start + 1..).unwrap_or_default();
        let length = inside.bytes().take(LONGEST_REFERENCE).position(|byte| byte == b';');
        let name = length.and_then(|length| inside.get(..length)).unwrap_or_default();
        let c = character(name)
            .ok_or_else(|| Malformed::at(container, from, "an entity that is not known"))?;
        let length = name.len() + 2;
        unescaped.escape(c.encode_utf8(&mut [0; 4]), from..from + length);
        rest = rest.get(start + length..).unwrap_or_default();
    }
    unescaped.plain(rest);
    Ok(Leaf { text: Cow::Owned(unescaped.text), steps: unescaped.steps, ..leaf })
}

/// XML 1.0, sections 4.1 and 4.6.
pub(crate) fn character(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => None,
        };
    };
    let number = match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    number.ok().and_then(char::from_u32).filter(|c| *c != '\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(String, String, String)> {
        let found = leaves(text, &mut Paths::new()).unwrap().into_iter();
        let found = found.filter(|leaf| !leaf.text.trim().is_empty());
        let shown = |leaf: Leaf<'_>| {
            (leaf.named.name.to_string(), leaf.text.into_owned(), text[leaf.place].to_owned())
        };
        found.map(shown).collect()
    }

    #[test]
    fn values_have_their_elements_and_places() {
        let text = "\u{feff}<?xml version='1.0'?>\r\n<!DOCTYPE people>\n<p:people xmlns:p=\"urn:x\">\
            <Person lastName='O&apos;Neill &#x26; S&#246;hne'>a<b/> &lt;c&gt;<!-- Ann --></Person>\
            <x><![CDATA[<Zoë> & co]]></x><?go Ann?></p:people>\n";
        let expected = [
            ("p", "urn:x", "urn:x"),
            ("last Name", "O'Neill & Söhne", "O&apos;Neill &#x26; S&#246;hne"),
            ("Person", "a", "a"),
            ("Person", " <c>", " &lt;c&gt;"),
            ("Person", " Ann ", " Ann "),
            ("x", "<Zoë> & co", "<Zoë> & co"),
            ("people", "go Ann", "go Ann"),
        ];
        let expected = expected.map(|(name, text, raw)| (name.into(), text.into(), raw.into()));
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn what_is_not_well_formed_says_the_line() {
        let bomb = "<!DOCTYPE x [\n<!ENTITY a \"b\">]>\n<x>&a;</x>";
        for (text, line) in [
            (bomb, 1),
            ("<x>\n&a;</x>", 2),
            ("<x>\n<y></x>", 2),
            ("<x>\n", 2),
            ("", 1),
            ("a<x/>", 1),
            ("<x/>\n<x/>", 2),
            ("<x\na=1/>", 1),
            ("<x a='1' a='2'/>", 1),
            ("<x>\n&#0;</x>", 2),
            ("<x>& </x>", 1),
        ] {
            let refused = leaves(text, &mut Paths::new()).err();
            assert_eq!(refused.map(|refused| refused.line), Some(line), "{text}");
        }
        let deep = "<a>".repeat(1_001) + &"</a>".repeat(1_001);
        assert!(leaves(&deep, &mut Paths::new()).is_err());
    }
}
