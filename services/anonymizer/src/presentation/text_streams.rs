//! Texts of any size through the service: bytes in as they come, parts out as they are done.
//! What is held does not grow with the text.

use documents::Format;
use futures::stream::{self, Stream};
use kernel::{Fault, Result};
use proto::anonymizer::v1::{
    AnonymizeRequest, AnonymizeStreamEnd, AnonymizeStreamHead, AnonymizeStreamRequest,
    AnonymizeStreamResponse, AnonymizedPiece, DetectStreamRequest, DetectStreamResponse,
    DetectionOptions, RestoreStreamRequest, RestoreStreamResponse, anonymize_stream_request,
    anonymize_stream_response, detect_stream_request, restore_stream_request,
};
use rpc::{Cx, Inbound, parse};

use super::rules;
use super::text_service::{LONGEST_SUBJECT, TextApi};
use super::wire::{self, LARGEST};
use crate::application::streams::{
    Anonymizing, Detecting, Parts, Piece, RestoreStream, Searched, TextStream,
};
use crate::application::texts::Search;

/// Bytes of text that a window has at most: what patterns may cost is bounded by it.
const WINDOW: usize = 128 * 1024;

/// What a message brings after the head.
trait Text: Send + 'static {
    /// None for another head.
    fn text(self) -> Option<Vec<u8>>;
}

impl Text for DetectStreamRequest {
    fn text(self) -> Option<Vec<u8>> {
        match self.part {
            Some(detect_stream_request::Part::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl Text for AnonymizeStreamRequest {
    fn text(self) -> Option<Vec<u8>> {
        match self.part {
            Some(anonymize_stream_request::Part::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl Text for RestoreStreamRequest {
    fn text(self) -> Option<Vec<u8>> {
        match self.part {
            Some(restore_stream_request::Part::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// The next piece of the text; none after the last.
async fn piece<M: Text>(inbound: &mut Inbound<M>) -> Result<Option<Vec<u8>>> {
    let Some(message) = inbound.next().await? else { return Ok(None) };
    let text = message.text().ok_or_else(|| Fault::invalid("text", "must follow the head"))?;
    parse::within("text", text.len(), 0, LARGEST, "bytes")?;
    Ok(Some(text))
}

fn no_head() -> Fault {
    Fault::invalid("head", "must come first")
}

async fn search(api: &TextApi, cx: &Cx, options: Option<DetectionOptions>) -> Result<Search> {
    let search = api.search(cx, options, WINDOW, Format::Text).await?;
    if search.explain {
        return Err(Fault::invalid("options.explain", "is not possible in a stream: use Detect"));
    }
    Ok(search)
}

/// The parts of a text that arrives.
struct Arriving<M, S> {
    inbound: Inbound<M>,
    stream: TextStream<S>,
    ended: bool,
}

impl<M: Text, S: Parts> Arriving<M, S> {
    /// The next part; none when all are done.
    async fn next(&mut self) -> Result<Option<S::Done>> {
        loop {
            if let Some(done) = self.stream.next().await? {
                return Ok(Some(done));
            }
            if self.ended {
                return Ok(None);
            }
            match piece(&mut self.inbound).await? {
                Some(text) => self.stream.push(&text)?,
                None => {
                    self.stream.end()?;
                    self.ended = true;
                }
            }
        }
    }
}

pub(super) async fn detect(
    api: &TextApi,
    cx: Cx,
    mut inbound: Inbound<DetectStreamRequest>,
) -> Result<impl Stream<Item = Result<DetectStreamResponse>> + use<>> {
    let first = inbound.next().await?.and_then(|message| message.part);
    let Some(detect_stream_request::Part::Head(head)) = first else { return Err(no_head()) };
    let stream = api.texts.detect_stream(search(api, &cx, head.options).await?);
    let arriving: Arriving<_, Detecting> = Arriving { inbound, stream, ended: false };
    Ok(stream::try_unfold(arriving, |mut arriving| async {
        let Some(Searched { findings, end }) = arriving.next().await? else { return Ok(None) };
        let response = DetectStreamResponse {
            findings: findings.iter().map(wire::finding).collect::<Result<_>>()?,
            searched: wire::offset(end)?,
        };
        Ok(Some((response, arriving)))
    }))
}

pub(super) async fn anonymize(
    api: &TextApi,
    cx: Cx,
    mut inbound: Inbound<AnonymizeStreamRequest>,
) -> Result<impl Stream<Item = Result<AnonymizeStreamResponse>> + use<>> {
    let first = inbound.next().await?.and_then(|message| message.part);
    let Some(anonymize_stream_request::Part::Head(head)) = first else { return Err(no_head()) };
    let AnonymizeStreamHead { options, operator, rules, policy, subject } = head;
    parse::within("subject", subject.len(), 0, LONGEST_SUBJECT, "bytes")?;
    let search = search(api, &cx, options).await?;
    let types = search.wishes.types(&api.engine);
    let asked = AnonymizeRequest { operator, rules, policy, ..AnonymizeRequest::default() };
    let (policy, name) = rules::policy(&cx, &api.policies, &types, &asked).await?;
    drop(types);
    let stream = api.texts.anonymize_stream(&cx, search, &policy, subject).await?;
    let arriving: Arriving<_, Anonymizing> = Arriving { inbound, stream, ended: false };
    Ok(stream::try_unfold(Some((arriving, name)), |state| async {
        let Some((mut arriving, name)) = state else { return Ok(None) };
        let (part, state) = match arriving.next().await? {
            Some(done) => (anonymize_stream_response::Part::Piece(wire_piece(done)?), true),
            None => {
                let mapping = arriving.stream.mapping().await?;
                let end = AnonymizeStreamEnd { mapping, policy: name.clone() };
                (anonymize_stream_response::Part::End(end), false)
            }
        };
        let response = AnonymizeStreamResponse { part: Some(part) };
        Ok(Some((response, state.then_some((arriving, name)))))
    }))
}

fn wire_piece(Piece { text, findings, changes }: Piece) -> Result<AnonymizedPiece> {
    Ok(AnonymizedPiece {
        text,
        findings: findings.iter().map(wire::finding).collect::<Result<_>>()?,
        actions: changes.iter().map(wire::action).collect::<Result<_>>()?,
    })
}

struct Restoring {
    inbound: Inbound<RestoreStreamRequest>,
    stream: RestoreStream,
    ended: bool,
    complete: bool,
}

impl Restoring {
    async fn next(&mut self) -> Result<Option<String>> {
        loop {
            match self.stream.certain() {
                Some(text) if text.is_empty() => {}
                Some(text) => return Ok(Some(text)),
                None if self.complete => return Ok(None),
                None if self.ended => {
                    self.complete = true;
                    return self.stream.last().map(Some);
                }
                None => match piece(&mut self.inbound).await? {
                    Some(text) => self.stream.push(&text).await?,
                    None => {
                        self.stream.end().await?;
                        self.ended = true;
                    }
                },
            }
        }
    }
}

pub(super) async fn restore(
    api: &TextApi,
    cx: Cx,
    mut inbound: Inbound<RestoreStreamRequest>,
) -> Result<impl Stream<Item = Result<RestoreStreamResponse>> + use<>> {
    let first = inbound.next().await?.and_then(|message| message.part);
    let Some(restore_stream_request::Part::Head(head)) = first else { return Err(no_head()) };
    parse::within("mapping", head.mapping.len(), 0, 4 * LARGEST, "bytes")?;
    let stream = api.texts.restore_stream(&cx, &head.mapping).await?;
    let restoring = Restoring { inbound, stream, ended: false, complete: false };
    Ok(stream::try_unfold(restoring, |mut restoring| async {
        let text = restoring.next().await?;
        Ok(text.map(|text| (RestoreStreamResponse { text }, restoring)))
    }))
}
