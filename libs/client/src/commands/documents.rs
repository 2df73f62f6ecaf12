//! Files on their way through the anonymizer and back: in pieces, where they are larger than a
//! call may be.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use console::progress::Progress;
use documents::Format;
use proto::anonymizer::v1::{
    Action, AnonymizeRequest, AnonymizeResponse, DocumentFormat, RestoreRequest,
};
use rewriting::kept::KeptPiece;
use uuid::Uuid;

use super::{Problem, Result};
use crate::connection::Edge;
use crate::transfer::{Target, until_interrupted};

/// Bytes of a piece: what restores it has room in a call, however personal it is.
const PIECE: usize = 256 * 1024;
/// Bytes of a text that goes as one.
const WHOLE: usize = 1024 * 1024;

#[derive(clap::Args)]
pub(super) struct FileArguments {
    /// What FILE is; its name tells. A document stays one: only its values change, and only
    /// where they stand.
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    pub(super) format: Option<Format>,
    /// Where to write, when all of it is done; - is standard output.
    #[arg(long, short, value_name = "OUT", default_value = "-", hide_default_value = true)]
    pub(super) out: PathBuf,
}

impl FileArguments {
    pub(super) fn format(&self, file: &Path) -> Format {
        self.format.unwrap_or_else(|| Format::of_file(&file.to_string_lossy()))
    }

    pub(super) fn is_standard_output(&self) -> bool {
        self.out == Path::new("-")
    }

    /// Writes all of it or nothing, for nobody else to read.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut target = Target::create(&self.out)?;
        target.write(bytes)?;
        target.finish()
    }
}

pub(super) fn format() -> impl TypedValueParser<Value = Format> {
    let named = |name: String| Format::ALL.into_iter().find(|(_, known)| *known == name);
    PossibleValuesParser::new(Format::ALL.map(|(_, name)| name))
        .try_map(move |name| named(name).map(|(format, _)| format).ok_or("no such format"))
}

pub(super) const fn on_the_wire(format: Format) -> DocumentFormat {
    match format {
        Format::Text => DocumentFormat::Text,
        Format::Json => DocumentFormat::Json,
        Format::Ndjson => DocumentFormat::Ndjson,
        Format::Csv => DocumentFormat::Csv,
        Format::Xml => DocumentFormat::Xml,
        Format::Html => DocumentFormat::Html,
        Format::Markdown => DocumentFormat::Markdown,
        Format::Email => DocumentFormat::Email,
    }
}

/// A text in pieces, each to be read behind the headers.
struct Cut<'t> {
    format: Format,
    head: &'t str,
    parts: Vec<&'t str>,
}

impl<'t> Cut<'t> {
    fn new(format: Format, text: &'t str) -> Result<Self, documents::Malformed> {
        if text.len() <= WHOLE {
            return Ok(Self { format, head: "", parts: vec![text] });
        }
        let pieces = format.pieces(text, PIECE)?;
        let head = text.get(..pieces.head).unwrap_or_default();
        let parts = pieces.parts.into_iter().filter_map(|part| text.get(part)).collect();
        Ok(Self { format, head, parts })
    }

    /// A piece as it is sent.
    fn sent(&self, index: usize, part: &str) -> String {
        if index == 0 { part.to_owned() } else { format!("{}{part}", self.head) }
    }

    /// What of an answer belongs to the piece itself, and what to the headers.
    fn parted<'a>(&self, index: usize, answer: &'a str) -> Result<(&'a str, &'a str)> {
        if index == 0 || self.head.is_empty() || answer.is_empty() {
            return Ok(("", answer));
        }
        let head = self.format.first_record(answer).map_err(Problem::new)?;
        answer
            .split_at_checked(head)
            .ok_or_else(|| Problem::new("The mesh's answer has no headers."))
    }
}

/// A file after its policy.
pub(super) struct Anonymized {
    pub(super) text: String,
    pub(super) answers: Vec<AnonymizeResponse>,
    pub(super) kept: Vec<KeptPiece>,
}

impl Anonymized {
    /// What was done, in bytes of all pieces together.
    pub(super) fn actions(&self) -> impl Iterator<Item = &Action> {
        self.answers.iter().flat_map(|answer| &answer.actions)
    }
}

/// Has a text anonymized; `request` is that of every piece.
pub(super) async fn anonymize(
    edge: &Edge,
    file: &Path,
    text: &str,
    format: Format,
    mut request: AnonymizeRequest,
) -> Result<Anonymized> {
    let cut = Cut::new(format, text).map_err(|error| Problem::file(file, error))?;
    request.format = on_the_wire(format).into();
    if cut.parts.len() > 1 {
        // One subject is one in all pieces.
        request.conversation = [Uuid::now_v7(), Uuid::now_v7()].map(Uuid::into_bytes).concat();
    }
    let progress = Progress::bytes("Anonymizing", u64::try_from(text.len()).ok());
    let mut done = Anonymized { text: String::new(), answers: Vec::new(), kept: Vec::new() };
    let mut start = 0;
    for (index, part) in cut.parts.iter().enumerate() {
        let request = AnonymizeRequest { text: Some(cut.sent(index, part)), ..request.clone() };
        let call = async { Ok(edge.texts().anonymize(request).await?.into_inner()) };
        let mut answer = until_interrupted(call).await?;
        let text = std::mem::take(&mut answer.text);
        let (head, own) = cut.parted(index, &text)?;
        // What stands in the headers must be there once, for all pieces.
        if !done.text.starts_with(head) {
            return Err(Problem::file(file, "the headers hold personal data: no pieces have them"));
        }
        let head_was = if index == 0 { 0 } else { cut.head.len() };
        answer.actions.retain_mut(|action| {
            moved(action, (head_was, start), (head.len(), done.text.len())).is_some()
        });
        done.kept
            .push(KeptPiece { length: own.len(), mapping: std::mem::take(&mut answer.mapping) });
        done.text.push_str(own);
        done.answers.push(answer);
        start += part.len();
        progress.add(part.len());
    }
    Ok(done)
}

/// Makes an action of a piece one of the file: each of its places, in the text that was sent and
/// in the answer, is behind the headers, and then behind the pieces before.
fn moved(action: &mut Action, was: (usize, usize), is: (usize, usize)) -> Option<()> {
    let to = |at: i64, (head, start): (usize, usize)| {
        at.checked_sub(i64::try_from(head).ok()?)
            .filter(|at| *at >= 0)?
            .checked_add(i64::try_from(start).ok()?)
    };
    action.start = to(action.start, was)?;
    action.end = to(action.end, was)?;
    // Nothing of a dry run has an answer.
    action.output_start = to(action.output_start, is).unwrap_or_default();
    action.output_end = to(action.output_end, is).unwrap_or_default();
    Some(())
}

/// A file with its originals.
pub(super) struct Restored {
    pub(super) text: String,
    /// Tokens of the vault that stayed.
    pub(super) unopened: i32,
}

/// Has a text restored.
pub(super) async fn restore(
    edge: &Edge,
    file: &Path,
    text: &str,
    format: Format,
    mapping: &[u8],
) -> Result<Restored> {
    let kept = match mapping {
        // Tokens need none, so any pieces will do.
        [] => Cut::new(format, text)
            .map_err(|error| Problem::file(file, error))?
            .parts
            .iter()
            .map(|part| KeptPiece { length: part.len(), mapping: Vec::new() })
            .collect(),
        mapping => rewriting::kept::from_bytes(mapping, text.len())
            .ok_or_else(|| Problem::file(file, "is not the file that this mapping is of"))?,
    };
    let head = match kept.as_slice() {
        [] | [_] => 0,
        _ => format.head(text).map_err(|error| Problem::file(file, error))?,
    };
    let cut = Cut { format, head: text.get(..head).unwrap_or_default(), parts: Vec::new() };
    let progress = Progress::bytes("Restoring", u64::try_from(text.len()).ok());
    let (mut restored, mut at) = (Restored { text: String::new(), unopened: 0 }, 0);
    for (index, piece) in kept.into_iter().enumerate() {
        let part = text.get(at..at + piece.length);
        let part = part.ok_or_else(|| Problem::file(file, "was altered: its pieces are cut"))?;
        let (text, mapping) = (Some(cut.sent(index, part)), piece.mapping);
        let request = RestoreRequest { text, mapping, format: on_the_wire(format).into() };
        let call = async { Ok(edge.texts().restore(request).await?.into_inner()) };
        let answer = until_interrupted(call).await?;
        restored.text.push_str(cut.parted(index, &answer.text)?.1);
        restored.unopened += answer.unopened_tokens;
        at += piece.length;
        progress.add(piece.length);
    }
    Ok(restored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_the_headers_and_answers_lose_them() {
        let row = format!("1,{}\n", "x".repeat(1_000));
        let table = format!("id,text\n{}", row.repeat(1_500));
        let cut = Cut::new(Format::Csv, &table).unwrap();
        assert!(cut.parts.len() > 4 && cut.parts.concat() == table);
        for (index, part) in cut.parts.iter().enumerate() {
            let sent = cut.sent(index, part);
            assert!(sent.starts_with("id,text\n") && sent.len() <= PIECE);
            let (head, own) = cut.parted(index, &sent).unwrap();
            assert_eq!((head.is_empty(), own), (index == 0, *part));
        }
        let one = Cut::new(Format::Json, "{}").unwrap();
        assert_eq!((one.parts.as_slice(), one.sent(0, "{}").as_str()), (&["{}"][..], "{}"));
        assert!(Cut::new(Format::Json, &" ".repeat(WHOLE + 1)).is_err());
    }
}
