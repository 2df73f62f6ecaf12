//! Sections and lists as serde walks them.

use std::rc::Rc;
use std::vec;

use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess};

use super::value::De;
use super::{Error, Reader, child, stem_of, unknown};
use crate::tree::{Node, Table};

/// A section: the keys that its type knows, or, for a map, all.
pub(super) struct Section<'r> {
    reader: &'r Reader,
    entries: vec::IntoIter<Entry>,
    value: Option<(String, Option<Rc<Node>>)>,
}

struct Entry {
    key: String,
    path: String,
    node: Option<Rc<Node>>,
}

impl<'r> Section<'r> {
    fn new(reader: &'r Reader, entries: Vec<Entry>) -> Self {
        Self { reader, entries: entries.into_iter(), value: None }
    }

    pub(super) fn empty(reader: &'r Reader) -> Self {
        Self::new(reader, Vec::new())
    }

    /// Every key, for types that take any.
    pub(super) fn open(reader: &'r Reader, path: &str, table: &Table) -> Self {
        let entry = |(key, node): (&String, &Rc<Node>)| Entry {
            key: key.clone(),
            path: child(path, key),
            node: Some(Rc::clone(node)),
        };
        Self::new(reader, table.iter().map(entry).collect())
    }

    /// The keys of a struct; others are reported. Fields that were found missing
    /// in an earlier run get their stand-in.
    pub(super) fn of(
        reader: &'r Reader,
        path: &str,
        table: Option<&Table>,
        fields: &'static [&'static str],
    ) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for (key, node) in table.into_iter().flatten() {
            let here = child(path, key);
            if fields.contains(&key.as_str()) {
                entries.push(Entry { key: key.clone(), path: here, node: Some(Rc::clone(node)) });
            } else if let Some(stem) = stem_of(key, fields) {
                if table.is_some_and(|table| table.contains_key(stem)) {
                    reader.report(
                        here,
                        &node.origin,
                        format!("give either this or {stem}, not both"),
                    );
                    continue;
                }
                let path = child(path, stem);
                let node = reader.file(&path, node);
                entries.push(Entry { key: stem.to_owned(), path, node });
            } else {
                reader.report(here, &node.origin, unknown(fields));
            }
        }
        for field in fields {
            let here = child(path, field);
            if reader.fills(&here) && !entries.iter().any(|entry| entry.key == *field) {
                entries.push(Entry { key: (*field).to_owned(), path: here, node: None });
            }
        }
        Self::new(reader, entries)
    }
}

impl<'de> MapAccess<'de> for Section<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(Entry { key, path, node }) = self.entries.next() else { return Ok(None) };
        self.value = Some((path, node));
        seed.deserialize(IntoDeserializer::<Error>::into_deserializer(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (path, node) = self.value.take().unwrap_or_default();
        De { reader: self.reader, path, node }.fill(seed)
    }
}

/// The items of a list.
pub(super) struct Items<'r>(vec::IntoIter<De<'r>>);

impl<'r> Items<'r> {
    pub(super) fn new(items: impl Iterator<Item = De<'r>>) -> Self {
        Self(items.collect::<Vec<_>>().into_iter())
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.0.next().map(|item| item.fill(seed)).transpose()
    }
}
