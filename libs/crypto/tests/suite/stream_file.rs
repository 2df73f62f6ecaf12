//! Sealed files: whole, in pieces, from anywhere, cut, swapped, repeated, spliced.

use std::io::{Cursor, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::sync::LazyLock;

use crypto::envelope::{Content, Manifest, Sealed, seal_stream};
use crypto::stream::StreamOpener;
use crypto::stream::file::{
    CHUNK_LEN, Header, Layout, PREAMBLE_LEN, RandomAccess, Reader, SEALED_CHUNK_LEN, header_len,
    is_sealed,
};
use crypto::stream::pieces::{PieceOpener, PieceSealer};
use crypto::{Detail, Limits, OpenError, SealError};
use proptest::prelude::*;

use crate::common::{Refused, X25519, now, terms};

/// A sealed file, its envelope apart.
#[derive(Clone)]
struct File {
    head: Vec<u8>,
    body: Vec<u8>,
}

/// Plaintext in which no place looks like another.
fn text(length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

fn sealed(plaintext: &[u8], cuts: &[usize]) -> File {
    let to = [X25519.recipient.public().clone()];
    let (Sealed { content, claims }, sealer) =
        seal_stream(&terms(&X25519.signer), &to, &Limits::default()).unwrap();
    let manifest = claims.sign(&X25519.signer).unwrap();
    let head = Header { manifest, content }.encode().unwrap();
    let (mut sealer, mut body) = (PieceSealer::new(sealer), Vec::new());
    for mut piece in pieces(plaintext, cuts) {
        while let Some(chunk) = sealer.next(&mut piece).unwrap() {
            body.extend_from_slice(chunk);
        }
    }
    body.extend_from_slice(sealer.finish().unwrap());
    assert_eq!(sealer.finish().refused(), SealError::StreamEnded);
    assert_eq!(body.len() as u64, Layout::of_plaintext(plaintext.len() as u64).body());
    File { head, body }
}

/// Cut into pieces of these lengths, in turns.
fn pieces<'a>(mut bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for cut in cuts.iter().cycle() {
        let (piece, rest) = bytes.split_at(bytes.len().min(*cut));
        pieces.push(piece);
        bytes = rest;
        if bytes.is_empty() {
            break;
        }
    }
    pieces
}

fn opener(file: &File) -> StreamOpener {
    let limits = Limits::default();
    assert!(is_sealed(&file.head));
    let (preamble, json) = file.head.split_first_chunk::<PREAMBLE_LEN>().unwrap();
    assert_eq!(header_len(preamble).unwrap(), json.len());
    let header = Header::parse(json).unwrap();
    let manifest =
        Manifest::parse(&header.manifest, &limits).unwrap().verify(X25519.signer.public()).unwrap();
    let content = Content::parse(&header.content, &limits).unwrap();
    let key = manifest.release(&X25519.recipient, content.wrapped_keys(), now()).unwrap();
    key.open_stream(&manifest, &content).unwrap()
}

/// All of it, in order. What was given before a refusal must be the beginning of `genuine`.
fn read(file: &File, cuts: &[usize], genuine: &[u8]) -> Result<Vec<u8>, OpenError> {
    let (mut opener, mut whole) = (PieceOpener::new(opener(file)), Vec::new());
    let mut all = || {
        for mut piece in pieces(&file.body, cuts) {
            while let Some(chunk) = opener.next(&mut piece)? {
                whole.extend_from_slice(chunk);
            }
        }
        whole.extend_from_slice(opener.finish()?);
        Ok(())
    };
    let outcome = all();
    assert!(genuine.starts_with(&whole), "something was given that is not the plaintext's start");
    outcome.map(|()| whole)
}

fn reader(file: &File) -> std::io::Result<Reader<Cursor<Vec<u8>>>> {
    let mut inner = Cursor::new([file.head.as_slice(), &file.body].concat());
    inner.set_position(file.head.len() as u64);
    Reader::new(inner, opener(file))
}

/// The reason inside an error of a reader.
fn reason(error: &std::io::Error) -> Option<Detail> {
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    error.get_ref().unwrap().downcast_ref::<OpenError>().unwrap().detail()
}

/// Three chunks and a bit.
static LONG: LazyLock<(Vec<u8>, File)> = LazyLock::new(|| {
    let plaintext = text(3 * CHUNK_LEN + 1_000);
    let file = sealed(&plaintext, &[10_000]);
    (plaintext, file)
});

fn chunks(file: &File) -> Vec<Vec<u8>> {
    file.body.chunks(SEALED_CHUNK_LEN).map(<[u8]>::to_vec).collect()
}

fn of_chunks(file: &File, chunks: &[Vec<u8>]) -> File {
    File { head: file.head.clone(), body: chunks.concat() }
}

/// Neither way of reading takes it.
fn refused(file: &File, what: &str) {
    let (genuine, _) = &*LONG;
    assert!(read(file, &[SEALED_CHUNK_LEN], genuine).is_err(), "{what}");
    let Ok(mut reader) = reader(file) else { return };
    let mut whole = Vec::new();
    assert!(reader.read_to_end(&mut whole).is_err(), "{what}, from anywhere");
    assert!(genuine.starts_with(&whole));
}

#[test]
fn every_length_comes_back() {
    for length in [0, 1, 15, 16, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 2 * CHUNK_LEN] {
        let plaintext = text(length);
        let file = sealed(&plaintext, &[CHUNK_LEN + 7]);
        assert_eq!(read(&file, &[4_096], &plaintext).unwrap(), plaintext, "{length}");
        let (mut reader, mut whole) = (reader(&file).unwrap(), Vec::new());
        assert_eq!(reader.length(), length as u64);
        reader.read_to_end(&mut whole).unwrap();
        assert_eq!(whole, plaintext, "{length}");
    }
}

#[test]
fn a_cut_is_noticed_wherever_it_is() {
    let (plaintext, file) = &*LONG;
    let body = file.body.len();
    let boundaries = (0..4).map(|index| index * SEALED_CHUNK_LEN);
    let around = boundaries.flat_map(|at| [at, at + 1, at + 15, at + 16, at + 17]);
    for end in around.chain([body - 1, body - 16, body - 17]).filter(|end| *end < body) {
        let cut = File { body: file.body[..end].to_vec(), ..file.clone() };
        assert!(read(&cut, &[30_000], plaintext).is_err(), "cut at {end}");
        // The end is looked at before anything is given.
        assert!(reader(&cut).is_err(), "cut at {end}");
    }
    for more in [1, 15, 16, 17, SEALED_CHUNK_LEN] {
        let longer = File { body: [&file.body[..], &vec![0; more]].concat(), ..file.clone() };
        assert!(read(&longer, &[30_000], plaintext).is_err() && reader(&longer).is_err());
    }
}

#[test]
fn chunks_swapped_repeated_or_left_out_are_refused() {
    let (_, file) = &*LONG;
    let sent = chunks(file);
    for (a, b) in [(0, 1), (1, 2), (0, 2), (2, 3), (0, 3)] {
        let mut swapped = sent.clone();
        swapped.swap(a, b);
        refused(&of_chunks(file, &swapped), "swapped");
    }
    for index in 0..sent.len() {
        let mut repeated = sent.clone();
        repeated.insert(index, sent[index].clone());
        refused(&of_chunks(file, &repeated), "repeated");
        let mut less = sent.clone();
        less.remove(index);
        refused(&of_chunks(file, &less), "left out");
    }
}

#[test]
fn chunks_of_another_stream_are_refused() {
    let (plaintext, file) = &*LONG;
    let (ours, theirs) = (chunks(file), chunks(&sealed(plaintext, &[70_000])));
    for index in 0..ours.len() {
        let mut spliced = ours.clone();
        spliced[index].clone_from(&theirs[index]);
        refused(&of_chunks(file, &spliced), "spliced");
    }
}

#[test]
fn what_is_refused_from_anywhere_is_refused_alone() {
    let (plaintext, file) = &*LONG;
    let mut file = file.clone();
    file.body[SEALED_CHUNK_LEN + 5] ^= 1;
    let mut reader = reader(&file).unwrap();
    let mut byte = [0];
    for (place, fits) in [(0, true), (CHUNK_LEN, false), (2 * CHUNK_LEN, true), (CHUNK_LEN, false)]
    {
        reader.seek(SeekFrom::Start(place as u64)).unwrap();
        match reader.read(&mut byte) {
            Ok(1) => assert!(fits && byte[0] == plaintext[place], "{place}"),
            outcome => {
                assert_eq!(reason(&outcome.unwrap_err()), Some(Detail::Chunk));
                assert!(!fits);
            }
        }
    }
}

#[test]
fn seeking_is_what_it_is_for_files() {
    let (plaintext, file) = &*LONG;
    let mut reader = reader(file).unwrap();
    assert_eq!(reader.seek(SeekFrom::End(-3)).unwrap(), plaintext.len() as u64 - 3);
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, plaintext[plaintext.len() - 3..]);
    reader.seek(SeekFrom::End(10)).unwrap();
    assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0, "behind the end");
    assert!(reader.seek(SeekFrom::Current(-i64::MAX)).is_err());
}

#[test]
fn a_chunk_opens_only_as_itself() {
    let (_, file) = &*LONG;
    let layout = Layout::of(file.body.len() as u64).unwrap();
    let sent = chunks(file);
    let (access, length) =
        RandomAccess::new(opener(file), layout, &mut sent[3].clone()).ok().unwrap();
    assert_eq!((length, access.layout().chunks()), (1_000, 4));
    for (index, chunk) in sent.iter().enumerate() {
        for place in 0..5 {
            let opened = access.open(place, &mut chunk.clone());
            assert_eq!(opened.is_ok(), place == index as u64, "{index} at {place}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_cutting_yields_the_whole(
        length in 0_usize..3 * CHUNK_LEN,
        sent in proptest::collection::vec(1_usize..2 * CHUNK_LEN, 1..6),
        received in proptest::collection::vec(1_usize..2 * CHUNK_LEN, 1..6),
    ) {
        let plaintext = text(length);
        let file = sealed(&plaintext, &sent);
        prop_assert_eq!(read(&file, &received, &plaintext).unwrap(), plaintext);
    }

    #[test]
    fn any_range_is_that_of_the_whole(
        ranges in proptest::collection::vec((0_u64..3 * CHUNK_LEN as u64 + 1_200, 0_usize..CHUNK_LEN * 2), 1..8),
    ) {
        let (plaintext, file) = &*LONG;
        let mut reader = reader(file).unwrap();
        for (start, length) in ranges {
            reader.seek(SeekFrom::Start(start)).unwrap();
            let mut part = Vec::new();
            (&mut reader).take(length as u64).read_to_end(&mut part).unwrap();
            let from = plaintext.len().min(start as usize);
            let to = plaintext.len().min(start as usize + length);
            prop_assert_eq!(&part[..], &plaintext[from..to]);
        }
    }

    #[test]
    fn no_bit_can_be_flipped(place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let (_, file) = &*LONG;
        let mut file = file.clone();
        let place = place.index(file.body.len());
        file.body[place] ^= 1 << bit;
        refused(&file, "flipped");
    }

    #[test]
    fn no_cut_goes_unnoticed(end in any::<prop::sample::Index>()) {
        let (plaintext, file) = &*LONG;
        let end = end.index(file.body.len());
        let cut = File { body: file.body[..end].to_vec(), ..file.clone() };
        prop_assert!(read(&cut, &[20_000], plaintext).is_err());
        prop_assert!(reader(&cut).is_err());
    }
}
