use crypto::stream::file::{Layout, PREAMBLE_LEN, SEALED_CHUNK_LEN};
use db::Db;
use envelope::presentation::EnvelopeApi;
use proto::Caller;
use proto::envelope::v1::envelope_service_client::EnvelopeServiceClient;
use proto::envelope::v1::envelope_service_server::EnvelopeServiceServer;
use proto::envelope::v1::*;
use rpc::Cx;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Status};

use crate::kept::Kept;
use crate::server::{Answer, Server, Told, attribute, migrations, told, uuid};

/// Stands where the guard does: who calls.
#[derive(Clone)]
struct As(Cx);

impl Interceptor for As {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.extensions_mut().insert(self.0.clone());
        Ok(request)
    }
}

type Client = EnvelopeServiceClient<InterceptedService<EnvelopeServiceServer<EnvelopeApi>, As>>;

/// A member's calls of one RPC, through gRPC as it goes over the wire.
fn client(server: &Server, method: &str) -> Client {
    let path = format!("/signet.envelope.v1.EnvelopeService/{method}");
    let cx = Cx::for_test_by(Caller::Edge, &path, Some(server.member.0.clone())).unwrap();
    let api = server.services.envelopes.clone();
    EnvelopeServiceClient::new(EnvelopeServiceServer::with_interceptor(api, As(cx)))
}

fn refused(status: Status) -> Told {
    told::<()>(Err(status)).unwrap_err()
}

fn head(kept: &Kept) -> SealStreamHead {
    SealStreamHead {
        content_type: "application/octet-stream".into(),
        recipients: vec![kept.seal.name.clone()],
        signing_key: kept.sign.name.clone(),
        purpose: "store".into(),
        ttl: None,
    }
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

/// What is sent to seal `plaintext`, in pieces of this size.
fn parts(head: SealStreamHead, plaintext: &[u8], piece: usize) -> Vec<SealStreamRequest> {
    use seal_stream_request::Part;
    let pieces = plaintext.chunks(piece).map(|piece| Part::Plaintext(piece.to_vec()));
    let parts = std::iter::once(Part::Head(head)).chain(pieces);
    parts.map(|part| SealStreamRequest { part: Some(part) }).collect()
}

async fn seal(server: &Server, parts: Vec<SealStreamRequest>) -> Answer<Vec<u8>> {
    let mut file = Vec::new();
    let answer = client(server, "SealStream").seal_stream(futures::stream::iter(parts)).await;
    let mut answer = answer.map_err(refused)?.into_inner();
    while let Some(message) = answer.message().await.map_err(refused)? {
        file.extend_from_slice(&message.data);
    }
    Ok(file)
}

/// What came of a file: the head, the plaintext up to the end or the refusal, and which it was.
#[derive(Default)]
struct Came {
    head: Option<OpenStreamHead>,
    plaintext: Vec<u8>,
    refused: Option<Told>,
}

impl Came {
    fn code(&self) -> &str {
        self.refused.as_ref().map_or("OK", |told| &told.code)
    }
}

async fn open(server: &Server, file: &[u8], piece: usize, request_id: &str) -> Came {
    use open_stream_response::Part;
    let mut parts: Vec<_> = file
        .chunks(piece)
        .map(|data| OpenStreamRequest { data: data.to_vec(), request_id: String::new() })
        .collect();
    if let Some(first) = parts.first_mut() {
        first.request_id = request_id.to_owned();
    }
    let mut came = Came::default();
    let mut answer =
        match client(server, "OpenStream").open_stream(futures::stream::iter(parts)).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => return Came { refused: Some(refused(status)), ..came },
        };
    loop {
        match answer.message().await {
            Ok(None) => return came,
            Ok(Some(message)) => match message.part.unwrap() {
                Part::Head(head) => assert!(came.head.replace(head).is_none()),
                Part::Plaintext(piece) => came.plaintext.extend_from_slice(&piece),
            },
            Err(status) => return Came { refused: Some(refused(status)), ..came },
        }
    }
}

/// Where the chunks begin.
fn chunks_at(file: &[u8]) -> usize {
    let length: [u8; 4] = file[PREAMBLE_LEN - 4..PREAMBLE_LEN].try_into().unwrap();
    PREAMBLE_LEN + u32::from_be_bytes(length) as usize
}

const LONG: usize = 200_000;

async fn sealed(kept: &Kept) -> Vec<u8> {
    seal(&kept.server, parts(head(kept), &text(LONG), 70_000)).await.unwrap()
}

db::both! { migrations() =>
    /// A message may end where the preamble does, and a header may claim to have no bytes.
    async fn a_file_that_is_all_preamble_is_refused(db: Db) {
        let kept = Kept::new(db).await;
        let mut preamble = sealed(&kept).await[..PREAMBLE_LEN].to_vec();
        assert_eq!(open(&kept.server, &preamble, PREAMBLE_LEN, "").await.code(), "ENVELOPE_REJECTED");
        preamble[PREAMBLE_LEN - 4..].fill(0);
        assert_eq!(open(&kept.server, &preamble, PREAMBLE_LEN, "").await.code(), "ENVELOPE_REJECTED");
    }
}

db::both! { migrations() =>
    async fn a_stream_of_any_cutting_opens_once(db: Db) {
        let kept = Kept::new(db).await;
        for (length, sent, received) in [(LONG, 1_000, 999), (LONG, LONG, 1 << 20), (0, 1, 7), (65_536, 65_536, 65_536), (100, 100, PREAMBLE_LEN)] {
            let file = seal(&kept.server, parts(head(&kept), &text(length), sent)).await.unwrap();
            let layout = Layout::of_plaintext(length as u64);
            assert_eq!((file.len() - chunks_at(&file)) as u64, layout.body());
            let id = uuid();
            let came = open(&kept.server, &file, received, &id).await;
            assert_eq!((came.code(), came.plaintext == text(length)), ("OK", true));
            let head = came.head.unwrap();
            let manifest = head.manifest.unwrap();
            assert_eq!((head.content_type.as_str(), manifest.sender.as_str()), ("application/octet-stream", kept.sign.name.as_str()));
            assert_eq!(open(&kept.server, &file, received, &id).await.code(), "OK", "a retry");
            let replayed = open(&kept.server, &file, received, &uuid()).await;
            assert_eq!((replayed.code(), replayed.plaintext.len(), replayed.head.is_none()), ("ENVELOPE_REJECTED", 0, true));
            assert_eq!(kept.server.last_cause().await, "replay");
            let events = kept.server.events().await;
            let about = |kind: &str| events.iter().filter(|event| event.r#type.ends_with(kind) && event.subject == format!("envelopes/{}", manifest.id)).collect::<Vec<_>>();
            assert_eq!(about("content_key.released").len(), 2);
            assert_eq!(attribute(about("envelope.sealed")[0], "stream"), "true");
        }
    }

    async fn what_is_not_the_whole_file_is_refused_where_it_ends(db: Db) {
        let kept = Kept::new(db).await;
        let file = sealed(&kept).await;
        let (body, id) = (chunks_at(&file), uuid());
        let mut changed = file.clone();
        changed[body + SEALED_CHUNK_LEN + 5] ^= 1;
        let mut swapped = file.clone();
        swapped[body..body + 2 * SEALED_CHUNK_LEN].rotate_left(SEALED_CHUNK_LEN);
        let longer = [file.as_slice(), &[0; 40]].concat();
        let spliced = {
            let other = sealed(&kept).await;
            let start = chunks_at(&other) + SEALED_CHUNK_LEN;
            [&file[..body + SEALED_CHUNK_LEN], &other[start..]].concat()
        };
        for (what, file, most) in [
            ("cut", file[..file.len() - 1].to_vec(), 3 * 65_536),
            ("cut between chunks", file[..body + 2 * SEALED_CHUNK_LEN].to_vec(), 65_536),
            ("cut before the chunks", file[..body].to_vec(), 0),
            ("changed", changed, 65_536),
            ("swapped", swapped, 0),
            ("longer", longer, 3 * 65_536),
            ("spliced", spliced, 65_536),
        ] {
            let came = open(&kept.server, &file, 50_000, &id).await;
            let told = came.refused.clone().unwrap();
            assert_eq!((told.code.as_str(), told.field.as_str()), ("ENVELOPE_REJECTED", ""), "{what}");
            assert!(text(LONG).starts_with(&came.plaintext) && came.plaintext.len() <= most, "{what}");
            assert_eq!(kept.server.last_cause().await, "content", "{what}");
        }
        assert_eq!(open(&kept.server, &file, 50_000, &id).await.code(), "OK");
    }

    async fn a_header_that_is_none_is_refused_like_any_envelope(db: Db) {
        let kept = Kept::new(db).await;
        let file = sealed(&kept).await;
        let mut magic = file.clone();
        magic[0] = 0;
        let mut vast = file.clone();
        vast[PREAMBLE_LEN - 4] = 0xff;
        let mut json = file.clone();
        json[PREAMBLE_LEN] = b'[';
        let mut manifest = file.clone();
        manifest[PREAMBLE_LEN + 200] ^= 1;
        for file in [&magic[..], &vast, &json, &manifest, &file[..5], &file[..300], b"", b"{}"] {
            let came = open(&kept.server, file, 100, "").await;
            assert_eq!((came.code(), came.head.is_none()), ("ENVELOPE_REJECTED", true));
        }
        assert_eq!(open(&kept.server, &file, 1_000, "").await.code(), "OK", "none has used it up");
    }

    async fn streams_and_whole_envelopes_are_not_mistaken(db: Db) {
        let kept = Kept::new(db).await;
        let file = sealed(&kept).await;
        let header: serde_json::Value = serde_json::from_slice(&file[PREAMBLE_LEN..chunks_at(&file)]).unwrap();
        let member = |name: &str| header[name].as_str().unwrap().to_owned();
        let envelope = Envelope { manifest: member("manifest"), content: member("content") };
        assert_eq!(crate::client::code(kept.open(&envelope, "").await), "ENVELOPE_PURPOSE_MISMATCH");
        let whole = kept.sealed().await;
        let header = crypto::stream::file::Header { manifest: whole.manifest, content: whole.content };
        let mut other = header.encode().unwrap();
        other.extend_from_slice(&file[chunks_at(&file)..]);
        assert_eq!(open(&kept.server, &other, 9_000, "").await.code(), "ENVELOPE_PURPOSE_MISMATCH");
    }

    async fn what_is_wrong_with_a_stream_is_named(db: Db) {
        let kept = Kept::new(db).await;
        let good = head(&kept);
        for (head, named) in [
            (SealStreamHead { purpose: "respond".into(), ..good.clone() }, "purpose"),
            (SealStreamHead { recipients: vec![], ..good.clone() }, "recipients"),
            (SealStreamHead { recipients: vec!["keys/absent".into()], ..good.clone() }, "recipients[0]"),
            (SealStreamHead { signing_key: kept.seal.name.clone(), ..good.clone() }, "signing_key"),
            (SealStreamHead { content_type: "a\nb".into(), ..good.clone() }, "content_type"),
            (SealStreamHead { ttl: Some(prost_types::Duration { seconds: 0, nanos: 0 }), ..good.clone() }, "ttl"),
        ] {
            let told = seal(&kept.server, parts(head, b"x", 1)).await.unwrap_err();
            assert_eq!(told.field, named);
        }
        let told = |parts| seal(&kept.server, parts);
        assert_eq!(told(vec![]).await.unwrap_err().field, "head");
        assert_eq!(told(parts(good.clone(), b"x", 1).split_off(1)).await.unwrap_err().field, "head");
        let twice = [parts(good.clone(), b"", 1), parts(good.clone(), b"", 1)].concat();
        assert_eq!(told(twice).await.unwrap_err().field, "plaintext");
        let vast = parts(good, &text((1 << 20) + 1), (1 << 20) + 1);
        assert_eq!(told(vast).await.unwrap_err().field, "plaintext");
        let file = sealed(&kept).await;
        let huge = [file.as_slice(), &vec![0; 1 << 20]].concat();
        assert_eq!(open(&kept.server, &huge, huge.len(), "").await.refused.unwrap().field, "data");
        assert_eq!(open(&kept.server, &file, 9_000, "no uuid").await.refused.unwrap().field, "request_id");
    }

    async fn nothing_leaves_that_cannot_be_recorded(db: Db) {
        let kept = Kept::new(db.clone()).await;
        let file = sealed(&kept).await;
        db::sql!(db.write(), |c| sqlx::query("DROP TABLE releases").execute(c).await.map(drop)).unwrap();
        let came = open(&kept.server, &file, 9_000, "").await;
        assert_eq!((came.code(), came.head.is_none(), came.plaintext.len()), ("INTERNAL", true, 0));
    }

    async fn a_key_that_may_not_be_used_opens_no_stream(db: Db) {
        let kept = Kept::new(db).await;
        let file = sealed(&kept).await;
        kept.server.turn_off(&kept.seal.name, 1).await;
        assert_eq!(open(&kept.server, &file, 9_000, "").await.code(), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "recipient_disabled");
    }
}
