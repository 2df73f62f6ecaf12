//! A line of input: `{"id","text","language"?}`.

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

/// What is wrong with a line. Says where and what, never what stands there: the text is personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("byte {0} is not UTF-8")]
    Encoding(usize),
    #[error("not a JSON object with the fields `id` and `text`")]
    NotAnObject,
    #[error("not JSON: column {0}")]
    Syntax(usize),
    #[error("field `{0}` is given twice")]
    Twice(&'static str),
    #[error("field `{field}` {problem}")]
    Field { field: &'static str, problem: &'static str },
    #[error("longer than {0} MiB")]
    TooLong(usize),
}

const FIELDS: [&str; 3] = ["id", "text", "language"];

#[derive(Deserialize)]
struct Fields<'l> {
    #[serde(borrow)]
    id: Option<&'l RawValue>,
    #[serde(borrow)]
    text: Option<&'l RawValue>,
    #[serde(borrow)]
    language: Option<&'l RawValue>,
}

/// A line that is in order.
pub(super) struct Record<'l> {
    /// As it came, a string or a number: nothing is lost of large numbers or escapes.
    pub(super) id: &'l RawValue,
    pub(super) text: String,
}

impl<'l> Record<'l> {
    /// Other members are left to other readers of the same file. `language` is checked, and not
    /// used yet: the recognizers of all languages look at every text.
    pub(super) fn parse(line: &'l [u8]) -> Result<Self, RecordError> {
        let line = std::str::from_utf8(line)
            .map_err(|error| RecordError::Encoding(error.valid_up_to() + 1))?;
        // serde would take an array for the members in their order.
        if !line.trim_start_matches([' ', '\t', '\r']).starts_with('{') {
            return Err(RecordError::NotAnObject);
        }
        let fields: Fields<'l> = serde_json::from_str(line).map_err(|error| fault(&error))?;
        let id = required("id", fields.id)?;
        if !id.get().starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
            return Err(wrong("id", "must be a string or a number"));
        }
        let text = string("text", required("text", fields.text)?)?;
        if let Some(language) = fields.language {
            string("language", language)?;
        }
        Ok(Self { id, text })
    }
}

const fn wrong(field: &'static str, problem: &'static str) -> RecordError {
    RecordError::Field { field, problem }
}

fn required<'l>(
    field: &'static str,
    value: Option<&'l RawValue>,
) -> Result<&'l RawValue, RecordError> {
    value.ok_or(wrong(field, "is missing"))
}

fn string(field: &'static str, value: &RawValue) -> Result<String, RecordError> {
    if !value.get().starts_with('"') {
        return Err(wrong(field, "must be a string"));
    }
    // What is left to go wrong: half of a pair of `\u` escapes.
    serde_json::from_str(value.get()).map_err(|_| wrong(field, "holds a broken escape"))
}

fn fault(error: &serde_json::Error) -> RecordError {
    if error.classify() != Category::Data {
        return RecordError::Syntax(error.column());
    }
    // Every member is taken as it is, so that nothing else can be wrong with one.
    let said = error.to_string();
    let twice = FIELDS.into_iter().find(|field| said.contains(&format!("`{field}`")));
    twice.map_or(RecordError::NotAnObject, RecordError::Twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &[u8]) -> String {
        Record::parse(line).err().unwrap().to_string()
    }

    #[test]
    fn ids_stay_as_they_came() {
        for id in [r#""a""#, r#""\u00e9\n""#, "7", "-0.50e+3", "123456789012345678901234567890"] {
            let line = format!("{{\"text\": \"x\", \"id\" : {id} , \"other\": [1]}}\r");
            assert_eq!(Record::parse(line.as_bytes()).unwrap().id.get(), id);
        }
    }

    #[test]
    fn texts_are_unescaped() {
        let record = Record::parse(br#"{"id":1,"text":"a\n\u00e9\ud83d\ude00","language":"de"}"#);
        assert_eq!(record.unwrap().text, "a\né😀");
    }

    #[test]
    fn the_field_is_named() {
        for (line, said) in [
            (r#"{"text":"x"}"#, "field `id` is missing"),
            (r#"{"id":null,"text":"x"}"#, "field `id` is missing"),
            (r#"{"id":true,"text":"x"}"#, "field `id` must be a string or a number"),
            (r#"{"id":{},"text":"x"}"#, "field `id` must be a string or a number"),
            (r#"{"id":1}"#, "field `text` is missing"),
            (r#"{"id":1,"text":7}"#, "field `text` must be a string"),
            (r#"{"id":1,"text":"\ud800"}"#, "field `text` holds a broken escape"),
            (r#"{"id":1,"text":"x","language":["de"]}"#, "field `language` must be a string"),
            (r#"{"id":1,"text":"x","text":"y"}"#, "field `text` is given twice"),
            (r#"[1,"x"]"#, "not a JSON object with the fields `id` and `text`"),
            (r#""x""#, "not a JSON object with the fields `id` and `text`"),
            (r#"{"id":1,"text":"x"} {}"#, "not JSON: column 21"),
            (r#"{"id":1,"text":"x"#, "not JSON: column 17"),
        ] {
            assert_eq!(refused(line.as_bytes()), said, "{line}");
        }
        assert_eq!(refused(b"{\"id\":\"\xff\"}"), "byte 8 is not UTF-8");
    }

    #[test]
    fn complaints_repeat_nothing_of_the_line() {
        for line in [r#"{"id":"Ellen""#, r#"{"id":1,"text":["Ellen"]}"#, r#"{"Ellen":1}"#, "Ellen"]
        {
            assert!(!refused(line.as_bytes()).contains("Ellen"), "{line}");
        }
    }
}
