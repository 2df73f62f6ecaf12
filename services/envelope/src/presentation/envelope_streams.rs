//! Streams through the service: bytes in as they come, chunks out as they are full. Nothing is
//! held but one message and one chunk, which are wiped when the call ends, however it does.

use crypto::OpenError;
use crypto::stream::file::{Header, PREAMBLE_LEN, header_len};
use crypto::stream::pieces::{PieceOpener, PieceSealer};
use futures::stream::{self, Stream};
use kernel::{EnvelopeId, Fault, Result};
use proto::envelope::v1::seal_stream_request::Part as SealPart;
use proto::envelope::v1::{
    OpenStreamHead, OpenStreamRequest, OpenStreamResponse, SealStreamHead, SealStreamRequest,
    SealStreamResponse, open_stream_response,
};
use rpc::{Cx, Inbound, parse};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::stream_meter::Meter;
use super::{convert, envelope_service};
use crate::application::envelopes::open::{OpenEnvelope, Request as OpenRequest};
use crate::application::envelopes::open_stream::OpenedStream;
use crate::application::envelopes::seal::{Envelope, Request as SealRequest, SealEnvelope};
use crate::domain::STREAM_PURPOSES;

/// Bytes of one message.
const LARGEST: usize = 1024 * 1024;

pub(super) async fn seal(
    use_case: SealEnvelope,
    cx: Cx,
    mut inbound: Inbound<SealStreamRequest>,
) -> Result<impl Stream<Item = Result<SealStreamResponse>>> {
    let first = inbound.next().await?.and_then(|message| message.part);
    let Some(SealPart::Head(head)) = first else {
        return Err(Fault::invalid("head", "must come first"));
    };
    let (Envelope { manifest, content }, sealer) = use_case.seal_stream(&cx, terms(head)?).await?;
    let header = Header { manifest, content }.encode().map_err(Fault::internal)?;
    let sealing = Sealing {
        inbound,
        sealer: PieceSealer::new(sealer),
        piece: Piece::default(),
        meter: Meter::new("seal"),
        stage: Stage::Head(header),
    };
    Ok(stream::try_unfold(sealing, |mut sealing| async {
        let data = sealing.next().await?;
        Ok(data.map(|data| (SealStreamResponse { data }, sealing)))
    }))
}

fn terms(head: SealStreamHead) -> Result<SealRequest> {
    if !STREAM_PURPOSES.contains(&head.purpose.as_str()) {
        return Err(Fault::invalid("purpose", "must be `message` or `store`"));
    }
    let (recipients, signing_key, ttl) =
        envelope_service::terms(&head.recipients, &head.signing_key, head.ttl)?;
    Ok(SealRequest {
        plaintext: Vec::new(),
        content_type: head.content_type,
        recipients,
        signing_key,
        purpose: head.purpose,
        ttl,
    })
}

enum Stage<T> {
    /// To be sent before anything else.
    Head(T),
    Body,
    Done,
}

impl<T> Stage<T> {
    fn head(&mut self) -> Option<T> {
        match std::mem::replace(self, Self::Body) {
            Self::Head(head) => Some(head),
            Self::Body => None,
            Self::Done => {
                *self = Self::Done;
                None
            }
        }
    }
}

/// A message, and how much of it has been taken.
#[derive(Default)]
struct Piece {
    bytes: Zeroizing<Vec<u8>>,
    taken: usize,
}

impl Piece {
    fn of(field: &str, bytes: Vec<u8>) -> Result<Self> {
        let bytes = Zeroizing::new(bytes);
        parse::within(field, bytes.len(), 0, LARGEST, "bytes")?;
        Ok(Self { bytes, taken: 0 })
    }

    /// Lets `take` have of the rest what it wants.
    fn give<T>(&mut self, take: impl FnOnce(&mut &[u8]) -> T) -> T {
        let mut rest = self.bytes.get(self.taken..).unwrap_or_default();
        let taken = take(&mut rest);
        self.taken = self.bytes.len() - rest.len();
        taken
    }
}

struct Sealing {
    inbound: Inbound<SealStreamRequest>,
    sealer: PieceSealer,
    piece: Piece,
    meter: Meter,
    stage: Stage<Vec<u8>>,
}

impl Sealing {
    /// The next piece of the file.
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if let Some(header) = self.stage.head() {
            return Ok(Some(header));
        }
        while matches!(self.stage, Stage::Body) {
            let sealer = &mut self.sealer;
            let chunk = self.piece.give(|rest| sealer.next(rest).map(|chunk| chunk.map(Vec::from)));
            if let Some(chunk) = chunk.map_err(Fault::internal)? {
                return Ok(Some(chunk));
            }
            match self.inbound.next().await? {
                Some(SealStreamRequest { part: Some(SealPart::Plaintext(plaintext)) }) => {
                    self.meter.add(plaintext.len());
                    self.piece = Piece::of("plaintext", plaintext)?;
                }
                Some(_) => return Err(Fault::invalid("plaintext", "must follow the head")),
                None => {
                    self.stage = Stage::Done;
                    self.meter.complete();
                    let last = self.sealer.finish().map_err(Fault::internal)?;
                    return Ok(Some(last.to_vec()));
                }
            }
        }
        Ok(None)
    }
}

pub(super) async fn open(
    use_case: OpenEnvelope,
    cx: Cx,
    mut inbound: Inbound<OpenStreamRequest>,
) -> Result<impl Stream<Item = Result<OpenStreamResponse>>> {
    let (header, request_id, piece) = match read_header(&mut inbound).await? {
        Ok(read) => read,
        Err(error) => return Err(use_case.refuse_piece(&cx, None, error).await),
    };
    let Header { manifest, content } = header;
    let request = OpenRequest { manifest, content: content.into(), request_id };
    let OpenedStream { opener, media_type, verified } = use_case.open_stream(&cx, &request).await?;
    let head =
        OpenStreamHead { content_type: media_type, manifest: Some(convert::verified(&verified)?) };
    let opening = Opening {
        id: verified.claims().id,
        use_case,
        cx,
        inbound,
        opener: PieceOpener::new(opener),
        piece,
        meter: Meter::new("open"),
        stage: Stage::Head(head),
    };
    Ok(stream::try_unfold(opening, |mut opening| async {
        let part = opening.next().await?;
        Ok(part.map(|part| (OpenStreamResponse { part: Some(part) }, opening)))
    }))
}

/// What stands before the chunks, the request id, and what of the chunks has come with it.
async fn read_header(
    inbound: &mut Inbound<OpenStreamRequest>,
) -> Result<Result<(Header, Option<Uuid>, Piece), OpenError>> {
    let cut = OpenError::Malformed("file.header");
    let Some(first) = inbound.next().await? else { return Ok(Err(cut)) };
    let request_id = parse::request_id(&first.request_id)?;
    let mut piece = Piece::of("data", first.data)?;
    // Ciphertext and wrapped keys: nothing that would have to be wiped.
    let mut read = Vec::new();
    let mut wanted = PREAMBLE_LEN;
    loop {
        piece.give(|rest| {
            let (taken, left) = rest.split_at(rest.len().min(wanted - read.len()));
            read.extend_from_slice(taken);
            *rest = left;
        });
        if read.len() < wanted {
            match inbound.next().await? {
                Some(message) => piece = Piece::of("data", message.data)?,
                None => return Ok(Err(cut)),
            }
        } else if wanted > PREAMBLE_LEN {
            break;
        } else {
            match read.first_chunk().map(header_len) {
                Some(Ok(length)) if length > 0 => wanted = PREAMBLE_LEN + length,
                Some(Err(error)) => return Ok(Err(error)),
                _ => return Ok(Err(cut)),
            }
        }
    }
    Ok(Header::parse(&read[PREAMBLE_LEN..]).map(|header| (header, request_id, piece)))
}

struct Opening {
    id: EnvelopeId,
    use_case: OpenEnvelope,
    cx: Cx,
    inbound: Inbound<OpenStreamRequest>,
    opener: PieceOpener,
    piece: Piece,
    meter: Meter,
    stage: Stage<OpenStreamHead>,
}

impl Opening {
    async fn next(&mut self) -> Result<Option<open_stream_response::Part>> {
        if let Some(head) = self.stage.head() {
            return Ok(Some(open_stream_response::Part::Head(head)));
        }
        while matches!(self.stage, Stage::Body) {
            let opener = &mut self.opener;
            let chunk = self.piece.give(|rest| opener.next(rest).map(|chunk| chunk.map(Vec::from)));
            if let Some(chunk) = self.genuine(chunk).await? {
                return Ok(Some(self.given(chunk)));
            }
            if let Some(message) = self.inbound.next().await? {
                self.piece = Piece::of("data", message.data)?;
                continue;
            }
            self.stage = Stage::Done;
            let last = self.opener.finish().map(Vec::from);
            let last = self.genuine(last).await?;
            self.meter.complete();
            return Ok(Some(self.given(last)));
        }
        Ok(None)
    }

    fn given(&mut self, plaintext: Vec<u8>) -> open_stream_response::Part {
        self.meter.add(plaintext.len());
        open_stream_response::Part::Plaintext(plaintext)
    }

    async fn genuine<T>(&mut self, opened: Result<T, OpenError>) -> Result<T> {
        match opened {
            Ok(opened) => Ok(opened),
            Err(error) => {
                self.meter.refused();
                Err(self.use_case.refuse_piece(&self.cx, Some(self.id), error).await)
            }
        }
    }
}
