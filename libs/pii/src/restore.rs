//! Puts the originals back: in whole texts and in streams cut anywhere.
//!
//! One small machine reads character by character, so that a stream gives what the whole
//! gives. It restores a placeholder in its brackets, in any case, and one that lost them where
//! it stands as a word of its own (a model may write it in quotes, backticks or bold). It holds
//! back at most one placeholder that is still open.

use std::borrow::Cow;
use std::sync::Arc;

use crate::mapping::Mapping;
use crate::placeholder::is_placeholder_char;

/// What the restored text is part of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Escape {
    /// Plain text: originals are written as they are.
    None,
    /// A JSON document: originals are escaped as inside a string literal, and placeholders
    /// whose brackets were escaped (`\u003c`, as Go's encoder does) are understood.
    Json,
}

impl Mapping {
    /// Restores a whole text.
    pub fn restore(&self, text: &str) -> String {
        self.restore_as(text, Escape::None)
    }

    /// Restores a whole JSON document given as text, such as the arguments of a tool call.
    pub fn restore_json(&self, text: &str) -> String {
        self.restore_as(text, Escape::Json)
    }

    pub(crate) fn restore_as(&self, text: &str, escape: Escape) -> String {
        let mut machine = Machine::new(escape);
        let mut out = String::with_capacity(text.len() + text.len() / 4);
        machine.push(text, self, &mut out);
        machine.finish(self, &mut out);
        out
    }
}

/// The bytes of a stream are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream is not UTF-8")]
pub struct NotUtf8;

/// Restores a text that arrives in pieces, cut anywhere.
pub struct StreamRestorer {
    mapping: Arc<Mapping>,
    machine: Machine,
    /// Bytes of a character that is not complete yet.
    partial: Vec<u8>,
}

impl StreamRestorer {
    pub fn new(mapping: Arc<Mapping>, escape: Escape) -> Self {
        Self { mapping, machine: Machine::new(escape), partial: Vec::new() }
    }

    /// Takes the next piece; gives what is certain by now.
    pub fn push(&mut self, piece: &str) -> String {
        let mut out = String::with_capacity(piece.len() + 32);
        self.machine.push(piece, &self.mapping, &mut out);
        out
    }

    /// The same for bytes, which may be cut inside a character.
    pub fn push_bytes(&mut self, piece: &[u8]) -> Result<String, NotUtf8> {
        let joined = if self.partial.is_empty() {
            Cow::Borrowed(piece)
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(piece);
            Cow::Owned(joined)
        };
        let text = match std::str::from_utf8(&joined) {
            Ok(text) => text,
            Err(error) if error.error_len().is_some() => return Err(NotUtf8),
            Err(error) => {
                let (whole, partial) = joined.split_at(error.valid_up_to());
                self.partial = partial.to_vec();
                std::str::from_utf8(whole).map_err(|_| NotUtf8)?
            }
        };
        Ok(self.push(text))
    }

    /// Bytes held back at the moment.
    pub fn held(&self) -> usize {
        self.machine.held.len() + self.machine.escape_held.len() + self.partial.len()
    }

    /// The stream ended: gives what was held back. The restorer can be used again.
    pub fn finish(&mut self) -> Result<String, NotUtf8> {
        if !std::mem::take(&mut self.partial).is_empty() {
            return Err(NotUtf8);
        }
        let mut out = String::new();
        self.machine.finish(&self.mapping, &mut out);
        Ok(out)
    }
}

/// The state between two characters.
struct Machine {
    escape: Escape,
    /// An opening bracket, a run of placeholder characters, or both: what may become a placeholder.
    held: String,
    /// The start of an escaped bracket in JSON.
    escape_held: String,
    /// The character before `held` could be part of a placeholder, so a run here is no word of its own.
    inside_word: bool,
}

impl Machine {
    const fn new(escape: Escape) -> Self {
        Self { escape, held: String::new(), escape_held: String::new(), inside_word: false }
    }

    fn push(&mut self, text: &str, mapping: &Mapping, out: &mut String) {
        for c in text.chars() {
            if self.escape == Escape::Json && (c == '\\' || !self.escape_held.is_empty()) {
                self.unescape(c, mapping, out);
            } else {
                self.take(c, mapping, out);
            }
        }
    }

    /// Reads `\u003c` and `\u003e` as the brackets they are.
    fn unescape(&mut self, c: char, mapping: &Mapping, out: &mut String) {
        self.escape_held.push(c);
        let lower = self.escape_held.to_ascii_lowercase();
        for (escape, bracket) in [("\\u003c", '<'), ("\\u003e", '>')] {
            if lower == escape {
                self.escape_held.clear();
                return self.take(bracket, mapping, out);
            }
            if escape.starts_with(&lower) {
                return;
            }
        }
        for c in std::mem::take(&mut self.escape_held).chars() {
            self.take(c, mapping, out);
        }
    }

    fn take(&mut self, c: char, mapping: &Mapping, out: &mut String) {
        if is_placeholder_char(c) {
            if self.held.is_empty() && self.inside_word {
                out.push(c);
                return;
            }
            self.held.push(c);
            if !mapping.may_become(self.run()) {
                out.push_str(&self.held);
                self.held.clear();
                self.inside_word = true;
            }
            return;
        }
        if c == '>'
            && self.held.starts_with('<')
            && let Some(original) = mapping.original(self.run())
        {
            self.write(original, out);
            self.held.clear();
            self.inside_word = false;
            return;
        }
        self.flush(mapping, out);
        if c == '<' {
            self.held.push(c);
        } else {
            out.push(c);
        }
    }

    /// What was held ends here: a placeholder without brackets, or nothing special.
    fn flush(&mut self, mapping: &Mapping, out: &mut String) {
        let run = self.run();
        match mapping.original(run) {
            Some(original) => {
                out.push_str(&self.held[..self.held.len() - run.len()]);
                self.write(original, out);
            }
            None => out.push_str(&self.held),
        }
        self.held.clear();
        self.inside_word = false;
    }

    fn finish(&mut self, mapping: &Mapping, out: &mut String) {
        for c in std::mem::take(&mut self.escape_held).chars() {
            self.take(c, mapping, out);
        }
        self.flush(mapping, out);
    }

    /// The held characters without the bracket.
    fn run(&self) -> &str {
        self.held.strip_prefix('<').unwrap_or(&self.held)
    }

    fn write(&self, original: &str, out: &mut String) {
        match self.escape {
            Escape::None => out.push_str(original),
            Escape::Json => {
                let quoted = serde_json::Value::from(original).to_string();
                out.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mapping() -> Mapping {
        let mut mapping = Mapping::new();
        mapping.insert("PERSON_7K2M9", "Anna \"Ännchen\" Weber");
        mapping.insert("PERSON_7K2M9_2", "Weber");
        mapping.insert("URL_00000", "https://x.example/\\");
        mapping
    }

    #[test]
    fn understands_what_models_make_of_a_placeholder() {
        let mapping = mapping();
        for (given, restored) in [
            ("<PERSON_7K2M9_2>", "Weber"),
            ("<person_7k2m9_2>", "Weber"),
            ("`PERSON_7K2M9_2`", "`Weber`"),
            ("**PERSON_7K2M9_2**'s", "**Weber**'s"),
            ("\"<PERSON_7K2M9_2>\"", "\"Weber\""),
            ("< PERSON_7K2M9_2 >", "< Weber >"),
            ("&lt;PERSON_7K2M9_2&gt;", "&lt;Weber&gt;"),
            ("<<PERSON_7K2M9_2>>", "<Weber>"),
            ("xPERSON_7K2M9_2", "xPERSON_7K2M9_2"),
            ("PERSON_7K2M9_25", "PERSON_7K2M9_25"),
            ("<PERSON_ZZZZZ>", "<PERSON_ZZZZZ>"),
            ("a<PERSON_7K2M9_2", "a<Weber"),
        ] {
            assert_eq!(mapping.restore(given), restored, "{given}");
        }
    }

    #[test]
    fn json_stays_json() {
        let mapping = mapping();
        for text in [
            r#"{"a":"<PERSON_7K2M9>","b":"\u003cURL_00000\u003E \\u003c"}"#,
            r#"{"a":"PERSON_7K2M9 \n \" <URL_00000>"}"#,
        ] {
            let restored: serde_json::Value =
                serde_json::from_str(&mapping.restore_json(text)).unwrap();
            assert!(restored["a"].as_str().unwrap().contains("Anna \"Ännchen\" Weber"));
        }
    }

    #[test]
    fn bytes_may_be_cut_inside_a_character_and_must_be_utf8() {
        let text = "grüße an <PERSON_7K2M9> 漢字 🙂";
        for cut in 0..text.len() {
            let mut stream = StreamRestorer::new(Arc::new(mapping()), Escape::None);
            let mut restored = stream.push_bytes(&text.as_bytes()[..cut]).unwrap();
            restored += &stream.push_bytes(&text.as_bytes()[cut..]).unwrap();
            restored += &stream.finish().unwrap();
            assert_eq!(restored, mapping().restore(text));
        }
        let mut stream = StreamRestorer::new(Arc::new(mapping()), Escape::None);
        assert_eq!(stream.push_bytes(b"\xff"), Err(NotUtf8));
        let mut stream = StreamRestorer::new(Arc::new(mapping()), Escape::None);
        assert_eq!(
            (stream.push_bytes(b"a \xc3"), stream.finish()),
            (Ok("a ".to_owned()), Err(NotUtf8))
        );
    }

    fn pieces() -> impl Strategy<Value = Vec<String>> {
        let piece = prop_oneof![
            Just("<PERSON_7K2M9>".to_owned()),
            Just("<PERSON_7K2M9_2>".to_owned()),
            Just("url_00000".to_owned()),
            Just("PERSON_7K2M9".to_owned()),
            Just("\\u003c".to_owned()),
            Just("<".to_owned()),
            Just(">".to_owned()),
            "[<>_\\\\a-zA-Z0-9 üß\"]{0,6}",
        ];
        prop::collection::vec(piece, 0..8)
    }

    proptest! {
        #[test]
        fn a_stream_gives_what_the_whole_gives_for_every_cut(pieces in pieces(), json: bool) {
            let text = pieces.concat();
            let escape = if json { Escape::Json } else { Escape::None };
            let mapping = Arc::new(mapping());
            let whole = mapping.restore_as(&text, escape);
            let slack = if json { 5 } else { 0 };
            for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
                let mut stream = StreamRestorer::new(Arc::clone(&mapping), escape);
                let mut restored = stream.push(&text[..cut]);
                prop_assert!(stream.held() < mapping.longest_placeholder() + slack);
                restored += &stream.push(&text[cut..]);
                restored += &stream.finish().unwrap();
                prop_assert_eq!(&restored, &whole);
            }
            let mut stream = StreamRestorer::new(Arc::clone(&mapping), escape);
            let mut restored = String::new();
            for byte in text.as_bytes() {
                restored += &stream.push_bytes(&[*byte]).unwrap();
            }
            restored += &stream.finish().unwrap();
            prop_assert_eq!(&restored, &whole);
        }
    }
}
