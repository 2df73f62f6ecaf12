//! `seal` and `open` for what is too large to hold: streams over files.

use std::io::{self, IsTerminal as _, Read as _};
use std::ops::Bound;

use proto::envelope::v1::open_stream_response::Part;
use proto::envelope::v1::{Envelope, OpenStreamRequest};
use tokio_stream::wrappers::ReceiverStream;
use zeroize::Zeroizing;

use super::envelopes::{Open, Seal};
use super::{Problem, Result};
use crate::sealed_file::{self, Work};
use crate::sealing::{self, Letter, OwnKeys};
use crate::session::request_id;
use crate::transfer::{self, Input, PIECE, Target};
use console::progress::Progress;
use console::terminal::complain;

/// What the response service answers, and what it has no streams for.
const RESPOND: &str = "respond";

pub(super) async fn seal(arguments: Seal, input: Input) -> Result<()> {
    if arguments.purpose == RESPOND {
        return Err(Problem::new("A stream cannot be for `respond`: that takes 8 MiB at most.")
            .help("Give --purpose message or --purpose store."));
    }
    let session = arguments.edge.session().await?;
    let own = OwnKeys::of(&session)?;
    let recipients = arguments.recipients(&session).await?;
    let letter = Letter {
        tenant: &session.profile.state.tenant,
        purpose: &arguments.purpose,
        content_type: &arguments.content_type,
        lifetime: arguments.lifetime,
        plaintext: Vec::new(),
    };
    let (header, sealer) = sealing::seal_stream(&letter, &own.signing, &recipients)?;
    let progress = Progress::bytes("Sealing", input.length());
    transfer::run(Target::create(&arguments.out)?, move |target, stop| {
        sealed_file::seal((&header, sealer), input, target, Work { progress, stop })
    })
    .await
}

pub(super) async fn open(arguments: Open, mut input: Input) -> Result<()> {
    if arguments.by_mesh {
        return open_by_mesh(arguments, input).await;
    }
    let header = sealed_file::read_header(&mut input)?;
    let session = arguments.edge.session().await?;
    let own = OwnKeys::of(&session)?;
    let envelope = Envelope { manifest: header.manifest, content: header.content };
    let signers = arguments.signers(&session, &envelope).await?;
    let (opener, _) = sealing::open_stream_by(&envelope, &signers, &own.sealing)?;
    let target = Target::create(&arguments.out)?;
    if target.is_standard_output() && io::stderr().is_terminal() {
        complain(
            "Each piece is verified before it is shown; whether all has come, the exit status says.",
        );
    }
    let range = arguments.range;
    transfer::run(target, move |target, stop| match input.into_file() {
        // The last chunk first: a file that was cut is refused before anything is written.
        Ok(file) => {
            let range = range.unwrap_or((Bound::Unbounded, Bound::Unbounded));
            sealed_file::open_range(opener, file, range, (target, stop))
        }
        Err(_) if range.is_some() => {
            Err(Problem::new("A range needs a file: standard input cannot be read from anywhere."))
        }
        Err(input) => {
            let progress = Progress::bytes("Opening", None);
            sealed_file::open(opener, input, target, Work { progress, stop })
        }
    })
    .await
}

/// The file goes to the mesh piece by piece, and its plaintext comes back so.
async fn open_by_mesh(arguments: Open, mut input: Input) -> Result<()> {
    /// Pieces that wait to be sent.
    const AHEAD: usize = 2;
    let session = arguments.edge.session().await?;
    let mut target = Target::create(&arguments.out)?;
    let progress = Progress::bytes("Opening", input.length());
    let (send, pieces) = tokio::sync::mpsc::channel(AHEAD);
    let reader = std::thread::spawn(move || -> io::Result<()> {
        let mut request = OpenStreamRequest { data: Vec::new(), request_id: request_id() };
        loop {
            request.data.resize(PIECE, 0);
            let count = input.read(&mut request.data)?;
            request.data.truncate(count);
            // Nobody listens any more: the call has ended, and says why.
            if count == 0 || send.blocking_send(std::mem::take(&mut request)).is_err() {
                return Ok(());
            }
        }
    });
    let opened = async {
        let pieces = ReceiverStream::new(pieces);
        let mut answer =
            session.edge.for_streams().envelopes().open_stream(pieces).await?.into_inner();
        while let Some(message) = answer.message().await? {
            if let Some(Part::Plaintext(plaintext)) = message.part {
                let plaintext = Zeroizing::new(plaintext);
                target.write(&plaintext)?;
                progress.add(plaintext.len());
            }
        }
        // A file that cannot be read to its end looks like one that was cut.
        match reader.join() {
            Ok(read) => read.map_err(|error| Problem::file(&arguments.file, error))?,
            Err(_) => return Err(Problem::new("The file was not read to its end.")),
        }
        drop(progress);
        target.finish()
    };
    transfer::until_interrupted(opened).await
}
