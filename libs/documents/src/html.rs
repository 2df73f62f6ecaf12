//! HTML: all of it is one text, tags too, with the references that XML knows as the characters
//! that they are. It is never refused: browsers read anything.

use std::borrow::Cow;

use crate::leaf::{Leaf, Unescaped};
use crate::site::Site;
use crate::xml::{LONGEST_REFERENCE, character};

pub(crate) fn leaf(text: &str) -> Leaf<'_> {
    let leaf = Leaf::at(text, 0..text.len(), Site::XmlText);
    let mut unescaped = Unescaped::new(0);
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        unescaped.plain(rest.get(..start).unwrap_or_default());
        let from = text.len() - rest.len() + start;
        let inside = rest.get(start + 1..).unwrap_or_default();
        let length = inside.bytes().take(LONGEST_REFERENCE).position(|byte| byte == b';');
        let name = length.and_then(|length| inside.get(..length)).unwrap_or_default();
        let length = match character(name) {
            Some(c) => {
                let length = name.len() + 2;
                unescaped.escape(c.encode_utf8(&mut [0; 4]), from..from + length);
                length
            }
            None => {
                unescaped.plain("&");
                1
            }
        };
        rest = rest.get(start + length..).unwrap_or_default();
    }
    unescaped.plain(rest);
    Leaf { text: Cow::Owned(unescaped.text), steps: unescaped.steps, ..leaf }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_characters_and_all_else_stays() {
        let text = "<p title='a&amp;b'>Zo&#235; &lt; &nbsp;&bogus & co</p>";
        let leaf = leaf(text);
        assert_eq!(leaf.text, "<p title='a&b'>Zoë < &nbsp;&bogus & co</p>");
    }
}
