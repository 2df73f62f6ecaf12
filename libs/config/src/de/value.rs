//! One value as serde asks for it.

use std::rc::Rc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor};

use super::access::{Items, Section};
use super::{Error, Reader, stand_in};
use crate::tree::{Node, Value, index};

/// A place in the tree; without a node there is nothing, and a stand-in is given.
pub(super) struct De<'r> {
    pub(super) reader: &'r Reader,
    pub(super) path: String,
    pub(super) node: Option<Rc<Node>>,
}

/// What a place holds for serde.
enum Held {
    Node(Rc<Node>),
    StandIn(usize),
}

impl De<'_> {
    /// Reads it, and says where, if it is wrong: a type's own check comes after
    /// the calls below have returned.
    pub(super) fn fill<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        let (path, node) = (self.path.clone(), self.node.clone());
        seed.deserialize(self).map_err(|error| error.at(&path, node.as_deref()))
    }

    fn held(&self) -> Held {
        match (self.reader.stand_in(&self.path), &self.node) {
            (Some(tried), _) => Held::StandIn(tried),
            (None, Some(node)) => Held::Node(Rc::clone(node)),
            (None, None) => Held::StandIn(0),
        }
    }

    fn items(&self, nodes: Vec<Rc<Node>>) -> Items<'_> {
        let places = nodes.into_iter().enumerate();
        Items::new(places.map(|(at, node)| De {
            reader: self.reader,
            path: index(&self.path, at),
            node: Some(node),
        }))
    }

    /// As the file has it; for types that take what comes, and to name the kind
    /// that was found.
    fn plain<'de, V: Visitor<'de>>(&self, node: &Node, visitor: V) -> Result<V::Value, Error> {
        match &node.value {
            Value::Text(text) | Value::Untyped(text) => visitor.visit_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Bool(on) => visitor.visit_bool(*on),
            Value::List(list) => visitor.visit_seq(self.items(list.clone())),
            Value::Table(table) => visitor.visit_map(Section::open(self.reader, &self.path, table)),
        }
    }

    fn place<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        outcome.map_err(|error| error.at(&self.path, self.node.as_deref()))
    }
}

fn number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Error> {
    let text = text.trim();
    match (text.parse::<i64>(), text.parse::<u64>()) {
        (Ok(number), _) => visitor.visit_i64(number),
        (_, Ok(number)) => visitor.visit_u64(number),
        _ => Err(Error::invalid_type(Unexpected::Str(""), &visitor)),
    }
}

macro_rules! numbers {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.place(match self.held() {
                Held::StandIn(_) => visitor.visit_u64(1),
                Held::Node(node) => match &node.value {
                    Value::Untyped(text) => number(text, visitor),
                    _ => self.plain(&node, visitor),
                },
            })
        }
    )+};
}

macro_rules! texts {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.place(match self.held() {
                Held::StandIn(tried) => visitor.visit_str(stand_in::text(tried)),
                Held::Node(node) => self.plain(&node, visitor),
            })
        }
    )+};
}

macro_rules! lists {
    ($($method:ident($($ignored:ty),*))+) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $ignored,)* visitor: V) -> Result<V::Value, Error> {
            self.place(match self.held() {
                Held::StandIn(_) => visitor.visit_seq(self.items(Vec::new())),
                Held::Node(node) => match &node.value {
                    Value::Untyped(text) => visitor.visit_seq(self.items(split(text, &node.origin))),
                    _ => self.plain(&node, visitor),
                },
            })
        }
    )+};
}

/// A list in a variable: `a, b, c`.
fn split(text: &str, origin: &str) -> Vec<Rc<Node>> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(|item| Node::new(Value::Untyped(item.to_owned()), origin)).collect()
}

impl<'de> Deserializer<'de> for De<'_> {
    type Error = Error;

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    texts! {
        deserialize_any deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_identifier
    }

    lists! {
        deserialize_seq()
        deserialize_tuple(usize)
        deserialize_tuple_struct(&'static str, usize)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.place(match self.held() {
            Held::StandIn(_) => visitor.visit_f64(1.0),
            Held::Node(node) => match &node.value {
                Value::Untyped(text) => match text.trim().parse() {
                    Ok(number) => visitor.visit_f64(number),
                    Err(_) => Err(Error::invalid_type(Unexpected::Str(""), &visitor)),
                },
                _ => self.plain(&node, visitor),
            },
        })
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.place(match self.held() {
            Held::StandIn(_) => visitor.visit_bool(false),
            Held::Node(node) => match &node.value {
                Value::Untyped(text) => match text.trim() {
                    "true" => visitor.visit_bool(true),
                    "false" => visitor.visit_bool(false),
                    _ => Err(Error::invalid_type(Unexpected::Str(""), &visitor)),
                },
                _ => self.plain(&node, visitor),
            },
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.held() {
            Held::StandIn(_) => visitor.visit_none(),
            Held::Node(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.place(match self.held() {
            Held::StandIn(_) => visitor.visit_map(Section::empty(self.reader)),
            Held::Node(node) => self.plain(&node, visitor),
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.reader.section(&self.path, fields);
        self.place(match self.held() {
            Held::StandIn(_) => {
                self.reader.absent_section(&self.path);
                visitor.visit_map(Section::of(self.reader, &self.path, None, fields))
            }
            Held::Node(node) => match &node.value {
                Value::Table(table) => {
                    visitor.visit_map(Section::of(self.reader, &self.path, Some(table), fields))
                }
                _ => self.plain(&node, visitor),
            },
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.place(match self.held() {
            Held::StandIn(tried) => {
                let variant = variants.get(tried).copied().unwrap_or_default();
                visitor.visit_enum(IntoDeserializer::<Error>::into_deserializer(variant))
            }
            Held::Node(node) => match &node.value {
                Value::Text(text) | Value::Untyped(text) => {
                    visitor.visit_enum(IntoDeserializer::<Error>::into_deserializer(text.as_str()))
                }
                Value::Table(table) => {
                    let section = Section::open(self.reader, &self.path, table);
                    visitor.visit_enum(MapAccessDeserializer::new(section))
                }
                _ => self.plain(&node, visitor),
            },
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}
