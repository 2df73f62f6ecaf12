//! A text for a terminal, its findings in colours and named by type.

use std::fmt::Write as _;

use anstyle::{Ansi256Color, Style};
use pii::Finding;

use crate::tally::{self, Kind};

/// Light backgrounds that black stands on, whatever the terminal's own colours are.
const COLOURS: [u8; 12] = [153, 222, 157, 218, 183, 229, 216, 159, 193, 225, 189, 223];
const BLACK: u8 = 16;
const LABEL: Style = Style::new().dimmed();

/// The text with every finding in the colour of its type and followed by the type's name, then a
/// line that counts the types.
pub fn marked(text: &str, findings: &[Finding]) -> String {
    let kinds = tally::kinds(findings);
    let mut view = String::with_capacity(text.len() + 64 * findings.len());
    for piece in tally::pieces(text, findings) {
        match piece.finding {
            None => view.extend(tally::visible(piece.text)),
            Some(finding) => {
                let entity = finding.entity.as_str();
                coloured(&mut view, piece.text, style(&kinds, entity));
                // Colours repeat after twelve types, and not everybody sees them.
                let _ = write!(view, "{LABEL}[{entity}]{LABEL:#}");
            }
        }
    }
    if !view.ends_with('\n') {
        view.push('\n');
    }
    view.push('\n');
    for kind in &kinds {
        coloured(&mut view, kind.entity, style(&kinds, kind.entity));
        let _ = write!(view, " {}  ", kind.count);
    }
    view.truncate(view.trim_end_matches(' ').len());
    view
}

fn style(kinds: &[Kind<'_>], entity: &str) -> Style {
    let place = kinds.iter().position(|kind| kind.entity == entity).unwrap_or_default();
    let background = Ansi256Color(COLOURS[place % COLOURS.len()]);
    Style::new().fg_color(Some(Ansi256Color(BLACK).into())).bg_color(Some(background.into()))
}

/// Each line on its own: a background must not run to the terminal's edge.
fn coloured(view: &mut String, text: &str, style: Style) {
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            view.push('\n');
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let _ = write!(view, "{style}");
        view.extend(tally::visible(line));
        let _ = write!(view, "{style:#}");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pii::EntityType;

    use super::*;

    fn finding(entity: &str, range: std::ops::Range<usize>) -> Finding {
        let recognizer = Arc::from("test");
        Finding { entity: EntityType::new(entity), range, score: 0.9, recognizer }
    }

    /// The view with `{` and `}` for the beginning and end of a colour.
    fn plain(view: &str) -> String {
        let mut plain = String::new();
        for (number, part) in view.split('\u{1b}').enumerate() {
            let Some((code, rest)) = part.split_once('m').filter(|_| number > 0) else {
                plain.push_str(part);
                continue;
            };
            match code {
                "[0" => plain.push('}'),
                code if code.starts_with("[48") => plain.push('{'),
                _ => {}
            }
            plain.push_str(rest);
        }
        plain
    }

    #[test]
    fn findings_are_coloured_and_named() {
        let text = "Dear Anna\nWeber, call 555.";
        let findings = [finding("PERSON", 5..15), finding("PHONE_NUMBER", 22..25)];
        assert_eq!(
            plain(&marked(text, &findings)),
            "Dear {Anna}\n{Weber}[PERSON]}, call {555}[PHONE_NUMBER]}.\n\n\
             {PERSON} 1  {PHONE_NUMBER} 1"
        );
    }

    #[test]
    fn types_differ_in_colour() {
        let findings = [finding("A", 0..1), finding("B", 1..2), finding("A", 2..3)];
        let kinds = tally::kinds(&findings);
        assert_ne!(style(&kinds, "A"), style(&kinds, "B"));
        let view = marked("xyz", &findings);
        assert_eq!(view.matches(&format!("{}", style(&kinds, "A"))).count(), 3);
    }

    #[test]
    fn the_text_does_not_steer_the_terminal() {
        let text = "a\u{1b}]0;title\u{7}b\u{1b}[2J";
        let view = marked(text, &[finding("A", 2..4), finding("B", 13..16)]);
        let ours = view.matches('\u{1b}').count();
        let clean = marked("a.]0;title.b.[2J", &[finding("A", 2..4), finding("B", 13..16)]);
        assert_eq!(ours, clean.matches('\u{1b}').count());
    }
}
