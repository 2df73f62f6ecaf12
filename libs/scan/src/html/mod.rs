//! A report of one text for a person: what was found, how much of it, and where.
//!
//! One file without scripts, fonts or pictures, so that it opens anywhere and loads nothing. What
//! is long is laid out only where it is looked at (`content-visibility`), so that large texts stay
//! usable.

mod escape;

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use pii::{EntityInfo, Finding};

use self::escape::Escaped;
use crate::tally::{self, Kind, Piece};

/// The longest part of the text that is laid out at once, in bytes, where it has lines.
const PART: usize = 8 << 10;
/// How many different values of a type are listed.
const VALUES: usize = 50;
/// How many findings have a line in the table at the end.
const LISTED: usize = 1_000;
/// The angle that keeps the hues of neighbours apart, however many there are.
const GOLDEN: f64 = 137.508;

const STYLE: &str = include_str!("style.css");
const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
"#;

/// What the report is about.
pub struct Report<'r> {
    pub title: &'r str,
    pub text: &'r str,
    /// Sorted and without overlaps, as the engine gives them.
    pub findings: &'r [Finding],
    /// The types with their descriptions.
    pub types: &'r [EntityInfo],
}

/// A title for the text of a file, or of standard input.
pub fn title(file: &Path) -> String {
    let name = file.file_name().filter(|name| *name != "-");
    name.map_or_else(|| "standard input".to_owned(), |name| name.to_string_lossy().into_owned())
}

impl Report<'_> {
    /// Writes the page.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let kinds = tally::kinds(self.findings);
        out.write_all(HEAD.as_bytes())?;
        write!(out, "<title>Personal data in {}</title>\n<style>\n{STYLE}", Escaped(self.title))?;
        for place in 0..kinds.len() {
            let hue = (40.0 + GOLDEN * place as f64) % 360.0;
            writeln!(
                out,
                ".k{place}{{--h:{hue:.0}}}\nbody:has(#k{place}:not(:checked)) mark.k{place}\
                 {{padding:0;background:none;border-color:transparent}}\n\
                 body:has(#k{place}:not(:checked)) mark.k{place}::after{{content:none}}"
            )?;
        }
        out.write_all(b"</style>\n</head>\n<body>\n")?;
        self.header(&kinds, out)?;
        out.write_all(b"<main>\n")?;
        self.overview(&kinds, out)?;
        self.body(&kinds, out)?;
        self.list(&kinds, out)?;
        out.write_all(
            b"</main>\n<footer>\n<p>Made by <code>signet detect</code> on this machine. This page holds \
            the personal data that it shows: keep it as you keep the original. No detector finds \
            everything.</p>\n</footer>\n</body>\n</html>\n",
        )
    }

    fn header(&self, kinds: &[Kind<'_>], out: &mut dyn Write) -> io::Result<()> {
        let count = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
        let pieces = tally::pieces(self.text, self.findings);
        let found: usize =
            pieces.iter().filter(|p| p.finding.is_some()).map(|p| count(p.text)).sum();
        let share = 100.0 * found as f64 / count(self.text).max(1) as f64;
        write!(
            out,
            "<header>\n<p class=\"eyebrow\">Personal data in</p>\n<h1>{}</h1>\n<dl class=\"facts\">\n",
            Escaped(self.title)
        )?;
        for (name, value) in [
            ("findings", self.findings.len().to_string()),
            ("types", kinds.len().to_string()),
            ("of the text is personal", format!("{share:.1} %")),
            ("characters", self.text.chars().count().to_string()),
        ] {
            writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>")?;
        }
        out.write_all(b"</dl>\n</header>\n")
    }

    /// Counts by type, as bars; the names are the legend and switch the marks.
    fn overview(&self, kinds: &[Kind<'_>], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(
            b"<section aria-labelledby=\"found\">\n<h2 id=\"found\">What was found</h2>\n",
        )?;
        if kinds.is_empty() {
            return out.write_all(b"<p>Nothing personal was found.</p>\n</section>\n");
        }
        out.write_all(
            b"<table>\n<thead><tr><th scope=\"col\">Type</th><th scope=\"col\" class=\"number\">Count\
            </th><td class=\"bar\"></td><th scope=\"col\" class=\"values\">Values</th></tr></thead>\n<tbody>\n",
        )?;
        let most = kinds.first().map_or(1, |kind| kind.count);
        for (place, Kind { entity, count }) in kinds.iter().enumerate() {
            let known = self.types.iter().find(|known| known.name.as_str() == *entity);
            let description = known.map_or("", |known| known.description.as_str());
            write!(
                out,
                "<tr><th scope=\"row\"><label><input type=\"checkbox\" id=\"k{place}\" checked>\
                 <span class=\"chip k{place}\">{}</span></label><small>{}</small></th>\
                 <td class=\"number\">{count}</td><td class=\"bar\" aria-hidden=\"true\">\
                 <span class=\"k{place}\" style=\"width:{:.1}%\"></span></td><td>",
                Escaped(entity),
                Escaped(description),
                100.0 * *count as f64 / most as f64
            )?;
            self.values(entity, out)?;
            out.write_all(b"</td></tr>\n")?;
        }
        out.write_all(b"</tbody>\n</table>\n</section>\n")
    }

    /// The different values of a type, the most frequent first.
    fn values(&self, entity: &str, out: &mut dyn Write) -> io::Result<()> {
        let of_type = self.findings.iter().filter(|finding| finding.entity.as_str() == entity);
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for value in of_type.filter_map(|finding| self.text.get(finding.range.clone())) {
            *counts.entry(value).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        write!(out, "<details><summary>{} different</summary><ul>", counts.len())?;
        for (value, count) in counts.iter().take(VALUES) {
            let times = if *count > 1 { format!(" × {count}") } else { String::new() };
            write!(out, "<li>{}{times}</li>", Escaped(value))?;
        }
        if counts.len() > VALUES {
            write!(out, "<li>and {} more</li>", counts.len() - VALUES)?;
        }
        out.write_all(b"</ul></details>")
    }

    /// The text, in parts that a browser can lay out on their own.
    fn body(&self, kinds: &[Kind<'_>], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(
            b"<section aria-labelledby=\"text\">\n<h2 id=\"text\">The text</h2>\n<p class=\"screen note\">\
            <label><input type=\"checkbox\" id=\"names\" checked>Name the type behind each finding\
            </label></p>\n<div class=\"text\"><div>",
        )?;
        let (mut written, mut number) = (0, 0);
        for Piece { text, finding } in tally::pieces(self.text, self.findings) {
            let Some(finding) = finding else {
                plain(text, &mut written, out)?;
                continue;
            };
            number += 1;
            let entity = finding.entity.as_str();
            let place = kinds.iter().position(|kind| kind.entity == entity).unwrap_or_default();
            write!(
                out,
                "<mark id=\"f{number}\" class=\"k{place}\" data-t=\"{0}\" title=\"{0}, score {1:.2}, \
                 {2}\">{3}</mark>",
                Escaped(entity),
                finding.score,
                Escaped(&finding.recognizer),
                Escaped(text)
            )?;
            written += text.len();
        }
        out.write_all(b"</div></div>\n</section>\n")
    }

    fn list(&self, kinds: &[Kind<'_>], out: &mut dyn Write) -> io::Result<()> {
        if kinds.is_empty() {
            return Ok(());
        }
        out.write_all(
            b"<section class=\"screen\" aria-labelledby=\"all\">\n<h2 id=\"all\">Each finding</h2>\n\
            <details><summary>Show the list</summary>\n",
        )?;
        if self.findings.len() > LISTED {
            writeln!(out, "<p class=\"note\">The first {LISTED} of {}.</p>", self.findings.len())?;
        }
        out.write_all(
            b"<table>\n<thead><tr><th scope=\"col\">Where</th><th scope=\"col\">Type</th>\
            <th scope=\"col\" class=\"number\">Score</th><th scope=\"col\">Found by</th></tr></thead>\n<tbody>\n",
        )?;
        let pieces = tally::pieces(self.text, self.findings);
        let found = pieces.iter().filter_map(|piece| piece.finding.map(|f| (f, piece.text)));
        for (number, (finding, text)) in (1..=LISTED).zip(found) {
            writeln!(
                out,
                "<tr><td><a href=\"#f{number}\">{}</a></td><td>{}</td><td class=\"number\">{:.2}</td>\
                 <td>{}</td></tr>",
                Escaped(text),
                Escaped(finding.entity.as_str()),
                finding.score,
                Escaped(&finding.recognizer)
            )?;
        }
        out.write_all(b"</tbody>\n</table>\n</details>\n</section>\n")
    }
}

/// Text between findings. Where a part has become long, the next begins with the next line; the
/// end of the part stands for the end of that line.
fn plain(text: &str, written: &mut usize, out: &mut dyn Write) -> io::Result<()> {
    let mut rest = text;
    while *written + rest.len() > PART {
        let from = rest.ceil_char_boundary(PART.saturating_sub(*written).min(rest.len()));
        let Some(end) = rest[from..].find('\n') else { break };
        write!(out, "{}</div><div>", Escaped(&rest[..from + end]))?;
        rest = &rest[from + end + 1..];
        *written = 0;
    }
    *written += rest.len();
    write!(out, "{}", Escaped(rest))
}

#[cfg(test)]
mod tests;
