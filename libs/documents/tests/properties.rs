//! What holds for every document.
#![allow(clippy::unwrap_used, reason = "tests")]

use documents::{Document, Format};
use proptest::prelude::*;
use serde_json::Value as Json;

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::hash_map("[a-z\"\\\\]{0,5}", inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

/// As some writers do: everything outside ASCII escaped.
fn ascii(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_ascii() {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            escaped.push_str(&format!("\\u{unit:04x}"));
        }
    }
    escaped
}

fn strings(json: &Json, found: &mut Vec<String>) {
    match json {
        Json::String(text) => found.push(text.clone()),
        Json::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Json::Object(map) => map.values().for_each(|item| strings(item, found)),
        _ => {}
    }
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r', ';', '\t', '|']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

proptest! {
    #[test]
    fn every_string_of_json_is_a_value_where_it_stands(json in json(), escape: bool) {
        let document = if escape { ascii(&json.to_string()) } else { json.to_string() };
        let mut expected = Vec::new();
        strings(&json, &mut expected);
        let read = Document::read(Format::Json, &document).unwrap();
        let mut found = Vec::new();
        for value in read.values() {
            // JSON in a string is a document of its own.
            let text = read.text(value);
            let unit = read.unit(value);
            if document.get(unit.end..).unwrap().trim_start().starts_with(':') {
                continue; // A key.
            }
            if document.as_bytes().get(unit.start) != Some(&b'"') {
                continue; // A number.
            }
            prop_assert_eq!(&serde_json::from_str::<String>(&document[unit]).unwrap(), text);
            // Every part of it, too.
            for (at, c) in text.char_indices() {
                let raw = &document[read.place(value, &(at..at + c.len_utf8()))];
                prop_assert_eq!(serde_json::from_str::<String>(&format!("\"{raw}\"")).unwrap(), c.to_string());
            }
            found.push(text.to_owned());
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn every_cell_of_a_table_is_a_value_where_it_stands(
        rows in prop::collection::vec(prop::collection::vec("[ -~é😀\n]{0,8}", 3), 1..6)
    ) {
        let lines: Vec<String> = rows
            .iter()
            .map(|row| row.iter().map(|text| field(text)).collect::<Vec<_>>().join(","))
            .collect();
        let document = format!("Eins,Zwei,Drei\n{}\n", lines.join("\n"));
        let expected: Vec<&String> = rows.iter().flatten().collect();
        let read = Document::read(Format::Csv, &document).unwrap();
        let values = read.values().get(3..).unwrap();
        prop_assert_eq!(values.iter().map(|value| read.text(value)).collect::<Vec<_>>(), expected);
        for value in values {
            for (at, c) in read.text(value).char_indices() {
                let raw = &document[read.place(value, &(at..at + c.len_utf8()))];
                prop_assert!(raw == c.to_string() || (c == '"' && raw == "\"\""));
            }
        }
    }

    #[test]
    fn what_is_read_is_written_as_it_was(document in "[\\PC\n\"{}\\[\\]:,;=<>&/!-]{0,60}") {
        for (format, _) in Format::ALL {
            let Ok(read) = Document::read(format, &document) else { continue };
            prop_assert_eq!(&read.write(Vec::new(), Vec::new()), &document);
            for value in read.values() {
                prop_assert!(document.get(read.place(value, &(0..read.text(value).len()))).is_some());
                prop_assert!(document.get(read.unit(value)).is_some());
            }
        }
    }
}
