//! Paths of values, and rules for them: a small part of JSONPath (RFC 9535).

/// A step from a container to what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    Root,
    Key(Box<str>),
    Index(usize),
    /// A cell, by its header and its column.
    Cell(Box<str>, usize),
}

/// Every path of a document, each as its parent and the last step.
#[derive(Debug, Clone)]
pub(crate) struct Paths(Vec<(usize, Segment)>);

impl Paths {
    pub(crate) const ROOT: usize = 0;

    pub(crate) fn new() -> Self {
        Self(vec![(Self::ROOT, Segment::Root)])
    }

    pub(crate) fn push(&mut self, parent: usize, segment: Segment) -> usize {
        self.0.push((parent, segment));
        self.0.len() - 1
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }

    /// The first of the selectors, by its position, that selects each path or what holds it. One
    /// pass: what a selector has matched so far is a set of bits that a path inherits.
    pub(crate) fn selected(&self, selectors: &[&Selector]) -> Vec<Option<usize>> {
        let mut selected = vec![None; self.0.len()];
        for (number, selector) in selectors.iter().enumerate().rev() {
            let mut states: Vec<u64> = Vec::with_capacity(self.0.len());
            for ((parent, segment), chosen) in self.0.iter().zip(&mut selected) {
                let state = match segment {
                    Segment::Root => 1,
                    segment => {
                        selector.after(states.get(*parent).copied().unwrap_or_default(), segment)
                    }
                };
                states.push(state);
                if selector.is_done(state) {
                    *chosen = Some(number);
                }
            }
        }
        selected
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Any,
    Name(String),
    Index(usize),
}

/// Which values of a document: `$.customer.ssn`, `$['Last Name']`, `$.tags[0]`, `$.*`,
/// `$.items[*]`, `$..email`. What it selects, it selects with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Each with whether anything may stand in between (`..`).
    steps: Vec<(bool, Step)>,
}

/// Why a text is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a path such as $.customer.ssn, $['Last Name'], $.tags[0], $.items[*].id or $..email"
)]
pub struct NoPath;

/// One bit is for what was not yet begun.
const MOST_STEPS: usize = 63;

impl std::str::FromStr for Selector {
    type Err = NoPath;

    fn from_str(path: &str) -> Result<Self, NoPath> {
        let mut rest = path.strip_prefix('$').ok_or(NoPath)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (descends, step, behind) = step(rest).ok_or(NoPath)?;
            steps.push((descends, step));
            rest = behind;
        }
        if (1..=MOST_STEPS).contains(&steps.len()) { Ok(Self { steps }) } else { Err(NoPath) }
    }
}

fn step(rest: &str) -> Option<(bool, Step, &str)> {
    let (descends, rest) = match rest.strip_prefix("..") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    if let Some(inside) = rest.strip_prefix('[') {
        let (step, behind) = bracketed(inside)?;
        return Some((descends, step, behind));
    }
    let rest = if descends { rest } else { rest.strip_prefix('.')? };
    if let Some(behind) = rest.strip_prefix('*') {
        return Some((descends, Step::Any, behind));
    }
    let ends = |c: char| !(c.is_alphanumeric() || c == '_' || c == '-');
    let (name, behind) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
    (!name.is_empty()).then(|| (descends, Step::Name(name.to_owned()), behind))
}

fn bracketed(inside: &str) -> Option<(Step, &str)> {
    let quote = inside.chars().next().filter(|c| matches!(c, '\'' | '"'));
    let Some(quote) = quote else {
        let (step, behind) = inside.split_once(']')?;
        let step = if step == "*" { Step::Any } else { Step::Index(step.parse().ok()?) };
        return Some((step, behind));
    };
    let (mut name, mut chars) = (String::new(), inside.char_indices().skip(1));
    while let Some((at, c)) = chars.next() {
        if c == quote {
            let behind = inside.get(at + 1..)?.strip_prefix(']')?;
            return Some((Step::Name(name), behind));
        }
        name.push(if c == '\\' { chars.next()?.1 } else { c });
    }
    None
}

impl Selector {
    /// Bit `n`: the first `n` steps are matched.
    fn after(&self, state: u64, segment: &Segment) -> u64 {
        let mut next = state & (1 << self.steps.len());
        for (at, (descends, step)) in self.steps.iter().enumerate() {
            if state & (1 << at) == 0 {
                continue;
            }
            if *descends {
                next |= 1 << at;
            }
            if step.takes(segment) {
                next |= 1 << (at + 1);
            }
        }
        next
    }

    fn is_done(&self, state: u64) -> bool {
        state & (1 << self.steps.len()) != 0
    }
}

impl Step {
    fn takes(&self, segment: &Segment) -> bool {
        match (self, segment) {
            (Self::Any, _) => true,
            (Self::Name(name), Segment::Key(key) | Segment::Cell(key, _)) => **key == **name,
            (Self::Index(index), Segment::Index(at) | Segment::Cell(_, at)) => at == index,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Format};

    fn chosen(format: Format, text: &str, path: &str) -> Vec<String> {
        let document = Document::read(format, text).unwrap();
        let selector: Selector = path.parse().unwrap();
        let selected = document.paths.selected(&[&selector]);
        let values = document.values().iter();
        let values = values.filter(|value| value.kind != crate::leaf::Kind::Name);
        values
            .filter(|value| selected[value.named.path].is_some())
            .map(|value| document.text(value).to_owned())
            .collect()
    }

    #[test]
    fn a_path_selects_what_it_says() {
        let text = r#"{"a": {"b": "1", "c": ["2", {"b": "3"}]}, "b c": "{\"b\": \"4\"}"}"#;
        for (path, expected) in [
            ("$.a.b", &["1"][..]),
            ("$.a", &["1", "2", "3"]),
            ("$..b", &["1", "3", "4"]),
            ("$.a.c[0]", &["2"]),
            ("$.a.c[*].b", &["3"]),
            ("$['b c'].b", &["4"]),
            ("$[\"b c\"]", &["4"]),
            ("$.*.b", &["1", "4"]),
            ("$.x", &[]),
        ] {
            assert_eq!(chosen(Format::Json, text, path), expected, "{path}");
        }
        let table = "id,Last Name\n1,Weber\n2,Vance\n";
        for path in ["$['Last Name']", "$[1]"] {
            assert_eq!(chosen(Format::Csv, table, path), ["Weber", "Vance"], "{path}");
        }
        assert_eq!(chosen(Format::Ndjson, "{\"a\":\"1\"}\n{\"a\":\"2\"}", "$.a"), ["1", "2"]);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in ["", "$", "a", "$.", "$a", "$[", "$[x]", "$['x]", "$.a[-1]", "$.a[?(@.b)]"] {
            assert_eq!(path.parse::<Selector>(), Err(NoPath), "{path}");
        }
        assert!(format!("${}", ".a".repeat(64)).parse::<Selector>().is_err());
    }
}
