//! E-mail (RFC 5322) with MIME parts (RFC 2045 to 2047, 2183): the values of header fields, and
//! the texts that parts hold, decoded. What cannot be searched is refused.

mod charset;
mod header;
mod transfer;

use std::ops::Range;
use std::sync::Arc;

pub(crate) use self::charset::Charset;
pub(crate) use self::header::written as header_value;
use self::header::{ContentType, Field};
pub(crate) use self::transfer::{base64_lines, quoted_printable};
use crate::leaf::{Leaf, Named, words};
use crate::path::{Paths, Segment};
use crate::site::Site;
use crate::{Format, Malformed};

/// Parts in parts.
const DEPTH: usize = 16;
const PARTS: usize = 1_000;

pub(crate) fn leaves<'t>(text: &'t str, paths: &mut Paths) -> Result<Vec<Leaf<'t>>, Malformed> {
    let mut walk = Walk { text, paths, parts: 0, found: Vec::new() };
    walk.entity(0..text.len(), 0)?;
    Ok(walk.found)
}

struct Walk<'t, 'p> {
    text: &'t str,
    paths: &'p mut Paths,
    parts: usize,
    found: Vec<Leaf<'t>>,
}

/// What the header of a part says of its body.
#[derive(Default)]
struct About {
    content: ContentType,
    encoding: String,
}

impl<'t> Walk<'t, '_> {
    fn refuse<T>(&self, at: usize, what: &'static str) -> Result<T, Malformed> {
        Err(Malformed::at(self.text, at, what))
    }

    /// A message, or a part of one.
    fn entity(&mut self, range: Range<usize>, depth: usize) -> Result<(), Malformed> {
        self.parts += 1;
        if depth > DEPTH || self.parts > PARTS {
            return self.refuse(range.start, "more than 16 parts in parts, or 1,000 of them");
        }
        let (fields, body) = header::fields(self.text, range.clone())?;
        if fields.is_empty() && depth == 0 {
            return self.refuse(range.start, "no header");
        }
        let mut about = About::default();
        for field in fields {
            self.field(&field, &mut about)?;
        }
        self.body(body..range.end, &about, depth)
    }

    fn field(&mut self, field: &Field<'t>, about: &mut About) -> Result<(), Malformed> {
        let path = self.paths.push(Paths::ROOT, Segment::Key(field.name.into()));
        let named = Named { name: words(field.name), column: None, path };
        match field.name.to_ascii_lowercase().as_str() {
            "content-type" => {
                about.content = ContentType::parse(field.value);
                self.parameters(field, "name", &named);
            }
            "content-disposition" => self.parameters(field, "filename", &named),
            "content-transfer-encoding" => {
                about.encoding = field.value.trim().to_ascii_lowercase();
            }
            "mime-version" => {}
            _ => {
                let leaf = header::value(self.text, field.place.clone())?;
                self.found.push(Leaf { named, ..leaf });
            }
        }
        Ok(())
    }

    /// What says how a body is read is none of the values, but for the names of files.
    fn parameters(&mut self, field: &Field<'t>, name: &str, named: &Named) {
        for place in header::parameters(field, name) {
            let leaf = Leaf::at(self.text, place, Site::Plain);
            self.found.push(Leaf { named: named.clone(), ..leaf });
        }
    }

    fn body(&mut self, range: Range<usize>, about: &About, depth: usize) -> Result<(), Malformed> {
        let kind = about.content.kind.as_str();
        if let Some(of) = kind.strip_prefix("multipart/") {
            let Some(boundary) = about.content.boundary.as_deref().filter(|_| !of.is_empty())
            else {
                return self.refuse(range.start, "parts without a boundary");
            };
            return self.multipart(range, boundary, depth);
        }
        let encoded = matches!(about.encoding.as_str(), "quoted-printable" | "base64");
        if kind == "message/rfc822" && !encoded {
            return self.entity(range, depth + 1);
        }
        let inner = match kind {
            "" => None,
            "text/html" => Some(Format::Html),
            "text/csv" => Some(Format::Csv),
            "application/json" => Some(Format::Json),
            "application/xml" | "text/xml" => Some(Format::Xml),
            "message/rfc822" => Some(Format::Email),
            kind if kind.starts_with("text/") || kind.starts_with("message/") => None,
            _ => return self.refuse(range.start, "an attachment that cannot be searched"),
        };
        let leaf = self.decoded(range, about)?;
        let name: Arc<str> = Arc::from("");
        let path = self.paths.push(Paths::ROOT, Segment::Key("body".into()));
        let named = Named { name, column: None, path };
        self.found.push(Leaf { named, inner, ..leaf });
        Ok(())
    }

    fn decoded(&self, range: Range<usize>, about: &About) -> Result<Leaf<'t>, Malformed> {
        let Some(charset) = Charset::named(&about.content.charset) else {
            return self.refuse(range.start, "a character set that is not known");
        };
        match about.encoding.as_str() {
            "" | "7bit" | "8bit" | "binary" => Ok(Leaf::at(self.text, range, Site::Plain)),
            "quoted-printable" => transfer::of_quoted_printable(self.text, range, charset),
            "base64" => transfer::of_base64(self.text, range, charset),
            _ => self.refuse(range.start, "a transfer encoding that is not known"),
        }
    }

    /// RFC 2046, section 5.1.1.
    fn multipart(
        &mut self,
        range: Range<usize>,
        boundary: &str,
        depth: usize,
    ) -> Result<(), Malformed> {
        let delimiter = format!("--{boundary}");
        let (mut at, mut part): (usize, Option<usize>) = (range.start, None);
        let body = self.text.get(range.clone()).unwrap_or_default();
        for line in body.split_inclusive('\n') {
            let start = at;
            at += line.len();
            let Some(rest) = line.strip_prefix(&delimiter) else { continue };
            let (closes, rest) = match rest.strip_prefix("--") {
                Some(rest) => (true, rest),
                None => (false, rest),
            };
            if !rest.trim().is_empty() {
                continue;
            }
            match part {
                Some(from) => self.entity(from..self.before_line(from, start), depth + 1)?,
                None => self.found.push(Leaf::at(self.text, range.start..start, Site::Plain)),
            }
            if closes {
                self.found.push(Leaf::at(self.text, at..range.end, Site::Plain));
                return Ok(());
            }
            part = Some(at);
        }
        self.refuse(range.start, "parts whose end does not come")
    }

    /// The line end in front of a delimiter belongs to it.
    fn before_line(&self, from: usize, line: usize) -> usize {
        let before = self.text.get(from..line).unwrap_or_default();
        let before = before.strip_suffix('\n').unwrap_or(before);
        from + before.strip_suffix('\r').unwrap_or(before).len()
    }
}
