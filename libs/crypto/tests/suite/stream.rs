//! Sealed streams: whole, cut, shuffled.

use crypto::envelope::{Content, Manifest, Sealed, seal_stream};
use crypto::stream::{MAX_CHUNK, StreamOpener, StreamSealer};
use crypto::{Detail, Limits, OpenError, SealError};
use proptest::prelude::*;

use crate::common::{Refused, X25519, now, terms};

fn sealer() -> (Sealed, StreamSealer) {
    let recipients = [X25519.recipient.public().clone()];
    seal_stream(&terms(&X25519.signer), &recipients, &Limits::default()).unwrap()
}

fn opener(sealed: &Sealed) -> StreamOpener {
    let limits = Limits::default();
    let token = sealed.claims.sign(&X25519.signer).unwrap();
    let manifest =
        Manifest::parse(&token, &limits).unwrap().verify(X25519.signer.public()).unwrap();
    let content = Content::parse(&sealed.content, &limits).unwrap();
    let key = manifest.release(&X25519.recipient, content.wrapped_keys(), now()).unwrap();
    // A stream's key is not mistaken for content.
    assert!(content.is_stream());
    assert!(key.open(&manifest, &content).is_err());
    key.open_stream(&manifest, &content).unwrap()
}

fn chunks(sealer: &mut StreamSealer, texts: &[&[u8]]) -> Vec<Vec<u8>> {
    let last = texts.len() - 1;
    texts.iter().enumerate().map(|(i, text)| sealer.next(text, i == last).unwrap()).collect()
}

/// Everything up to the first refusal, and how it ended.
fn read(sealed: &Sealed, chunks: &[Vec<u8>]) -> Result<Vec<u8>, OpenError> {
    let mut opener = opener(sealed);
    let mut whole = Vec::new();
    for chunk in chunks {
        whole.extend_from_slice(&opener.next(chunk)?.data);
    }
    opener.finish().map(|()| whole)
}

#[test]
fn a_stream_is_what_was_sent_and_nothing_else() {
    let (sealed, mut sealer) = sealer();
    let sent = chunks(&mut sealer, &[b"The ", b"quick ", b"", b"fox", b""]);
    assert_eq!(read(&sealed, &sent).unwrap(), b"The quick fox");
    assert_eq!(sealer.next(b"more", true).refused(), SealError::StreamEnded);

    let refuse = |chunks: &[Vec<u8>]| read(&sealed, chunks).refused().detail();
    for end in 0..sent.len() {
        assert_eq!(refuse(&sent[..end]), Some(Detail::Truncated), "cut at {end}");
    }
    for (a, b) in [(0, 1), (1, 2), (2, 4), (0, 4)] {
        let mut swapped = sent.clone();
        swapped.swap(a, b);
        assert_eq!(refuse(&swapped), Some(Detail::Chunk), "{a} and {b}");
    }
    for index in 0..sent.len() {
        let mut repeated = sent.clone();
        repeated.insert(index, sent[index].clone());
        assert_eq!(refuse(&repeated), Some(Detail::Chunk), "{index} twice");
        if index + 1 < sent.len() {
            let mut less = sent.clone();
            less.remove(index);
            assert_eq!(refuse(&less), Some(Detail::Chunk), "without {index}");
        }
    }
}

#[test]
fn chunks_of_another_stream_do_not_fit() {
    let ((one, mut a), (_, mut b)) = (sealer(), sealer());
    let mut mixed = chunks(&mut a, &[b"one", b"end"]);
    mixed[1] = chunks(&mut b, &[b"two", b"end"]).remove(1);
    assert_eq!(read(&one, &mixed).refused().detail(), Some(Detail::Chunk));
}

#[test]
fn no_bit_of_a_chunk_can_be_flipped() {
    let (sealed, mut sealer) = sealer();
    let sent = chunks(&mut sealer, &[b"ab", b"c"]);
    for index in 0..sent.len() {
        for bit in 0..sent[index].len() * 8 {
            let mut flipped = sent.clone();
            flipped[index][bit / 8] ^= 1 << (bit % 8);
            read(&sealed, &flipped).refused();
        }
    }
    for malformed in [vec![], vec![0], vec![0; 16], vec![2; 17], vec![1; 17]] {
        assert!(read(&sealed, &[malformed]).is_err());
    }
}

#[test]
fn a_refused_chunk_ends_the_stream() {
    let (sealed, mut sealer) = sealer();
    let sent = chunks(&mut sealer, &[b"a", b"b"]);
    let mut opener = opener(&sealed);
    assert!(opener.next(&sent[1]).is_err());
    assert!(opener.next(&sent[0]).is_err());
    assert!(opener.finish().is_err());
}

#[test]
fn chunks_are_bounded() {
    let (sealed, mut sealer) = sealer();
    assert_eq!(
        sealer.next(&vec![0; MAX_CHUNK + 1], false).refused(),
        SealError::TooLarge(MAX_CHUNK)
    );
    let error = opener(&sealed).next(&vec![0; MAX_CHUNK + 18]).refused();
    assert!(matches!(error, OpenError::TooLarge { part: "chunk", .. }));
    let largest = sealer.next(&vec![7; MAX_CHUNK], true).unwrap();
    assert_eq!(read(&sealed, &[largest]).unwrap().len(), MAX_CHUNK);
}

#[test]
fn content_is_not_mistaken_for_a_stream() {
    let wire = crate::common::wire(&X25519, &[0; 32]);
    let (manifest, key) =
        crate::common::release(&wire, X25519.signer.public(), &X25519.recipient).unwrap();
    let content = Content::parse(&wire.content, &Limits::default()).unwrap();
    assert!(key.open_stream(&manifest, &content).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_cutting_yields_the_whole(
        texts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..20),
    ) {
        let (sealed, mut sealer) = sealer();
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let sent = chunks(&mut sealer, &texts);
        prop_assert_eq!(read(&sealed, &sent).unwrap(), texts.concat());
    }
}
