//! Markdown (CommonMark, with tables): its text without backslash escapes, and the cells of
//! tables with their headers. Marks, code and HTML stay part of the text that they stand in.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::leaf::{Kind, Leaf, Named, Unescaped, words};
use crate::path::{Paths, Segment};
use crate::site::Site;

/// A cell of a table.
struct Cell {
    place: Range<usize>,
    column: usize,
    /// Of the first row.
    heads: bool,
}

/// What an author has marked.
#[derive(Default)]
struct Marks {
    cells: Vec<Cell>,
    /// Where a backslash is one.
    verbatim: Vec<Range<usize>>,
}

pub(crate) fn leaves<'t>(text: &'t str, paths: &mut Paths) -> Vec<Leaf<'t>> {
    let marks = marks(text);
    let (mut found, mut at) = (Vec::new(), 0);
    let mut headers: Vec<(Arc<str>, usize)> = Vec::new();
    for cell in marks.cells {
        found.push(leaf(text, at..cell.place.start, &marks.verbatim, Site::Plain));
        at = cell.place.end;
        let mut leaf = leaf(text, cell.place, &marks.verbatim, Site::MarkdownCell);
        if cell.heads {
            if cell.column == 0 {
                headers.clear();
            }
            let header = Segment::Cell(leaf.text.trim().into(), cell.column);
            headers.push((words(&leaf.text), paths.push(Paths::ROOT, header)));
            leaf.kind = Kind::Name;
        } else if let Some((name, path)) = headers.get(cell.column) {
            // Columns of several tables are not one: they are told apart by the path.
            leaf.named = Named { name: Arc::clone(name), column: Some(*path), path: *path };
        }
        found.push(leaf);
    }
    found.push(leaf(text, at..text.len(), &marks.verbatim, Site::Plain));
    found
}

fn marks(text: &str) -> Marks {
    let (mut marks, mut column, mut heads, mut end) = (Marks::default(), 0, false, 0);
    for (event, place) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::TableHead) => (heads, column) = (true, 0),
            Event::Start(Tag::TableRow) => (heads, column) = (false, 0),
            Event::Start(Tag::TableCell) => {
                // Cells that a row does not have are said to be at its end.
                if place.start >= end {
                    end = place.end;
                    marks.cells.push(Cell { place, column, heads });
                }
                column += 1;
            }
            Event::Code(_)
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock) => marks.verbatim.push(place),
            _ => {}
        }
    }
    marks.verbatim.sort_unstable_by_key(|range| range.start);
    marks
}

/// A text with the characters that backslashes only guard (CommonMark 0.31, section 2.4).
fn leaf<'t>(text: &'t str, place: Range<usize>, verbatim: &[Range<usize>], site: Site) -> Leaf<'t> {
    let leaf = Leaf::at(text, place.clone(), site);
    let Some(raw) = text.get(place.clone()).filter(|raw| raw.contains('\\')) else { return leaf };
    let is_verbatim = |at: usize| {
        let next = verbatim.partition_point(|range| range.start <= at);
        // Inline code in a block of HTML is in both; a block begins before.
        verbatim.get(..next).unwrap_or_default().iter().rev().take(2).any(|range| at < range.end)
    };
    let mut unescaped = Unescaped::new(place.start);
    let mut rest = raw;
    while let Some(slash) = rest.find('\\') {
        let from = place.end - rest.len() + slash;
        unescaped.plain(rest.get(..slash).unwrap_or_default());
        let behind = rest.get(slash + 1..).unwrap_or_default();
        match behind.chars().next().filter(char::is_ascii_punctuation) {
            Some(guarded) if !is_verbatim(from) => {
                unescaped.escape(guarded.encode_utf8(&mut [0; 4]), from..from + 2);
                rest = behind.get(1..).unwrap_or_default();
            }
            _ => {
                unescaped.plain("\\");
                rest = behind;
            }
        }
    }
    unescaped.plain(rest);
    Leaf { text: Cow::Owned(unescaped.text), steps: unescaped.steps, ..leaf }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_headers_and_escapes_are_undone() {
        let text = "# Hi Ann\\_e\n\n| Name | E-Mail |\n|---|---|\n| Zo\\|ë |  |\n| `a\\|b` | x\\_y |\n\n`c\\_d` \\a\n";
        let found = leaves(text, &mut Paths::new());
        let shown: Vec<_> = found
            .iter()
            .filter(|leaf| leaf.site == Site::MarkdownCell && leaf.kind != Kind::Name)
            .map(|leaf| (&*leaf.named.name, leaf.text.trim()))
            .collect();
        let expected = [("Name", "Zo|ë"), ("E Mail", ""), ("Name", "`a\\|b`"), ("E Mail", "x_y")];
        assert_eq!(shown, expected);
        let all: String = found.iter().map(|leaf| leaf.text.as_ref()).collect();
        assert!(all.starts_with("# Hi Ann_e\n") && all.ends_with("`c\\_d` \\a\n"), "{all}");
    }
}
