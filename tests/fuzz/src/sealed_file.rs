//! Sealed files: the header, and chunks that were cut, changed or made up.

use std::io::{Cursor, Read as _};
use std::sync::LazyLock;

use crypto::Limits;
use crypto::envelope::{Content, Manifest, seal_stream};
use crypto::stream::StreamOpener;
use crypto::stream::file::{CHUNK_LEN, Header, PREAMBLE_LEN, Reader, header_len, is_sealed};
use crypto::stream::pieces::{PieceOpener, PieceSealer};

use crate::envelope::{SAMPLE, now, terms};
use crate::input::edited;

/// A plaintext of two chunks, and its file.
static FILE: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let (sample, limits) = (&*SAMPLE, Limits::default());
    let to = [sample.recipient.public().clone()];
    let (sealed, sealer) = seal_stream(&terms(&sample.signer), &to, &limits).unwrap();
    let manifest = sealed.claims.sign(&sample.signer).unwrap();
    let mut file = Header { manifest, content: sealed.content }.encode().unwrap();
    let plaintext: Vec<u8> = (0..CHUNK_LEN + 9).map(|at| (at % 251) as u8).collect();
    let (mut sealer, mut piece) = (PieceSealer::new(sealer), plaintext.as_slice());
    while let Some(chunk) = sealer.next(&mut piece).unwrap() {
        file.extend_from_slice(chunk);
    }
    file.extend_from_slice(sealer.finish().unwrap());
    (plaintext, file)
});

/// Foreign bytes, our file with edits, our envelope before foreign chunks: whatever opens is the
/// beginning of our plaintext, and whole only if it is all of it.
pub(crate) fn sealed_file(data: &[u8]) {
    let (plaintext, ours) = &*FILE;
    let start = ours.len() - plaintext.len() - 2 * 16;
    for file in [data, &edited(ours, data), &[&ours[..start], data].concat()] {
        let Some((opener, body)) = opener(file) else { continue };
        let mut given = Vec::new();
        let whole = in_order(opener, body, data.len().max(1), &mut given);
        assert!(plaintext.starts_with(&given), "made-up plaintext");
        assert!(!whole || given == *plaintext, "a cut is not noticed");
        let Some((opener, body)) = self::opener(file) else { continue };
        let Ok(mut reader) = Reader::new(Cursor::new(body), opener) else {
            assert!(!whole, "the two ways of reading disagree");
            continue;
        };
        let mut given = Vec::new();
        assert_eq!(reader.read_to_end(&mut given).is_ok(), whole);
        assert!(plaintext.starts_with(&given), "made-up plaintext");
    }
}

fn opener(file: &[u8]) -> Option<(StreamOpener, &[u8])> {
    let (sample, limits) = (&*SAMPLE, Limits::default());
    let (preamble, rest) = file.split_first_chunk::<PREAMBLE_LEN>()?;
    let length = header_len(preamble).ok()?;
    assert!(is_sealed(file));
    let (json, body) = rest.split_at_checked(length)?;
    let header = Header::parse(json).ok()?;
    let manifest = Manifest::parse(&header.manifest, &limits).ok()?;
    let manifest = manifest.verify(sample.signer.public()).ok()?;
    let content = Content::parse(&header.content, &limits).ok()?;
    let key = manifest.release(&sample.recipient, content.wrapped_keys(), now()).ok()?;
    Some((key.open_stream(&manifest, &content).ok()?, body))
}

fn in_order(opener: StreamOpener, body: &[u8], cut: usize, given: &mut Vec<u8>) -> bool {
    let mut opener = PieceOpener::new(opener);
    for mut piece in body.chunks(cut) {
        loop {
            match opener.next(&mut piece) {
                Ok(Some(chunk)) => given.extend_from_slice(chunk),
                Ok(None) => break,
                Err(_) => return false,
            }
        }
    }
    match opener.finish() {
        Ok(chunk) => given.extend_from_slice(chunk),
        Err(_) => return false,
    }
    true
}
