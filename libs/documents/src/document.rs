//! A document as a tree of texts: the values at its leaves, and what holds them.

use std::borrow::Cow;
use std::ops::Range;

use crate::leaf::{Kind, Leaf, Named};
use crate::path::Paths;
use crate::site::Site;
use crate::{Broken, Format, Malformed, json};

/// Documents within values of documents: JSON in a string of JSON in a cell.
const DEPTH: usize = 4;

/// A text and where its container has it.
struct Node<'d> {
    /// The root holds itself.
    parent: usize,
    text: Cow<'d, str>,
    /// In the text of the parent, without quotes.
    place: Range<usize>,
    /// The same with them.
    outer: Range<usize>,
    /// Byte of `text` and byte of the parent's, wherever the distance between both changes.
    steps: Vec<(usize, usize)>,
    site: Site,
}

/// A text that takes the place of a part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The position in [`Document::values`].
    pub value: usize,
    /// In the value's text.
    pub range: Range<usize>,
    pub with: String,
}

/// A text of a document, or a number.
#[derive(Debug, Clone)]
pub struct Value {
    node: usize,
    pub(crate) named: Named,
    pub(crate) kind: Kind,
}

/// A document that was taken apart.
pub struct Document<'d> {
    nodes: Vec<Node<'d>>,
    values: Vec<Value>,
    pub(crate) paths: Paths,
}

impl<'d> Document<'d> {
    /// # Errors
    /// When the document is not of the format.
    pub fn read(format: Format, text: &'d str) -> Result<Self, Malformed> {
        let root = Node {
            parent: 0,
            text: Cow::Borrowed(text),
            place: 0..text.len(),
            outer: 0..text.len(),
            steps: Vec::new(),
            site: Site::Plain,
        };
        let mut document = Self { nodes: vec![root], values: Vec::new(), paths: Paths::new() };
        let leaves = format.leaves(text, &mut document.paths)?;
        document.adopt(0, leaves, 0);
        Ok(document)
    }

    fn adopt(&mut self, parent: usize, leaves: Vec<Leaf<'d>>, depth: usize) {
        for leaf in leaves {
            let node = self.nodes.len();
            let within = if depth < DEPTH { self.within(&leaf) } else { Vec::new() };
            let Leaf { named, kind, text, place, outer, steps, site, .. } = leaf;
            self.nodes.push(Node { parent, text, place, outer, steps, site });
            if within.is_empty() {
                self.values.push(Value { node, named, kind });
            } else {
                self.adopt(node, within, depth + 1);
            }
        }
    }

    /// What a value holds that is a document itself.
    fn within(&mut self, leaf: &Leaf<'d>) -> Vec<Leaf<'d>> {
        if leaf.kind != Kind::Value {
            return Vec::new();
        }
        let known = self.paths.len();
        let found = match leaf.inner {
            Some(format) => format.leaves(&leaf.text, &mut self.paths),
            None if leaf.text.trim_start().starts_with(['{', '[']) => {
                json::leaves(&leaf.text, &mut self.paths, leaf.named.path)
            }
            None => return Vec::new(),
        };
        let Ok(found) = found else {
            self.paths.truncate(known);
            return Vec::new();
        };
        let name = &leaf.named.name;
        found.into_iter().map(|inner| inner.into_owned().or_named(name)).collect()
    }

    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The text of a value, without escapes.
    #[must_use]
    pub fn text(&self, value: &Value) -> &str {
        self.nodes.get(value.node).map_or("", |node| &node.text)
    }

    /// Where the document has a part of a value.
    #[must_use]
    pub fn place(&self, value: &Value, part: &Range<usize>) -> Range<usize> {
        let (mut at, mut range) = (value.node, part.clone());
        while let Some(node) = self.nodes.get(at).filter(|_| at > 0) {
            range = node.in_parent(&range);
            at = node.parent;
        }
        range
    }

    /// Where the document has the outermost text that holds a value, with its quotes.
    #[must_use]
    pub fn unit(&self, value: &Value) -> Range<usize> {
        let mut node = self.nodes.get(value.node);
        while let Some(inner) = node.filter(|node| node.parent > 0) {
            node = self.nodes.get(inner.parent);
        }
        node.map(|node| node.outer.clone()).unwrap_or_default()
    }

    /// All of it.
    #[must_use]
    pub fn whole(&self) -> &str {
        self.nodes.first().map_or("", |root| &root.text)
    }

    /// The document with edits, which are in order and do not overlap, and other bytes in `places`
    /// that none of them touches. Nothing else changes.
    #[must_use]
    pub fn write(&self, edits: Vec<Edit>, places: Vec<(Range<usize>, String)>) -> String {
        let mut pending: Vec<Vec<(Range<usize>, String)>> = Vec::new();
        pending.resize_with(self.nodes.len(), Vec::new);
        for Edit { value, range, with } in edits {
            let node = self.values.get(value).and_then(|value| pending.get_mut(value.node));
            node.into_iter().for_each(|node| node.push((range.clone(), with.clone())));
        }
        pending.first_mut().into_iter().for_each(|root| root.extend(places.iter().cloned()));
        // What is inside comes behind what holds it.
        for at in (1..self.nodes.len()).rev() {
            let edits = pending.get_mut(at).map(std::mem::take).unwrap_or_default();
            let Some(node) = self.nodes.get(at).filter(|_| !edits.is_empty()) else { continue };
            let above = pending.get_mut(node.parent);
            above.into_iter().for_each(|above| above.extend(node.outward(&edits)));
        }
        edited(self.whole(), pending.into_iter().next().unwrap_or_default())
    }

    /// Another version of this document: the same texts in the same places of its tree.
    ///
    /// # Errors
    /// When it is none.
    pub fn same<'n>(&self, format: Format, text: &'n str) -> Result<Document<'n>, Broken> {
        let other = Document::read(format, text).map_err(|_| Broken)?;
        let parents = |nodes: &[Node<'_>]| nodes.iter().map(|node| node.parent).collect::<Vec<_>>();
        let same = parents(&self.nodes) == parents(&other.nodes)
            && self.values.len() == other.values.len();
        if same { Ok(other) } else { Err(Broken) }
    }
}

impl Node<'_> {
    fn in_parent(&self, part: &Range<usize>) -> Range<usize> {
        self.byte(part.start)..self.byte(part.end)
    }

    fn byte(&self, of_text: usize) -> usize {
        let after = self.steps.partition_point(|(text, _)| *text <= of_text);
        let step = after.checked_sub(1).and_then(|at| self.steps.get(at));
        let (text, parent) = step.copied().unwrap_or((0, self.place.start));
        (parent + (of_text - text)).min(self.place.end)
    }

    /// Edits of this text as edits of the one that holds it.
    fn outward(&self, edits: &[(Range<usize>, String)]) -> Vec<(Range<usize>, String)> {
        if self.site.is_whole() {
            let text = edited(&self.text, edits.to_vec());
            return vec![(self.outer.clone(), self.site.whole(&text))];
        }
        let edits = edits.iter();
        edits.map(|(range, with)| (self.in_parent(range), self.site.part(with))).collect()
    }
}

fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (range, with) in edits {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(&with);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
