//! Files of any size, sealed and opened here as streams: a few chunks in memory, no more.

use std::io::{Read, Seek, SeekFrom};
use std::ops::{Bound, RangeBounds as _};

use crypto::OpenError;
use crypto::stream::file::{Header, PREAMBLE_LEN, Reader, header_len};
use crypto::stream::pieces::{PieceOpener, PieceSealer};
use crypto::stream::{StreamOpener, StreamSealer};
use zeroize::Zeroizing;

use super::sealing::unopenable;
use super::transfer::{PIECE, Stop, Target};
use console::problem::{Problem, Result};
use console::progress::Progress;

/// Bytes of a plaintext, from the first up to the second.
pub type Range = (Bound<u64>, Bound<u64>);

/// What every copying needs beside its two ends.
pub struct Work<'a> {
    pub progress: Progress,
    pub stop: &'a Stop,
}

impl Work<'_> {
    /// Gives each piece to `take`, until there is no more.
    fn each(
        &mut self,
        mut input: impl Read,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut buffer = Zeroizing::new(vec![0; PIECE]);
        loop {
            self.stop.check()?;
            let count = input.read(&mut buffer).map_err(unreadable)?;
            if count == 0 {
                return Ok(());
            }
            take(&buffer[..count])?;
            self.progress.add(count);
        }
    }
}

/// A reader of ours says why a chunk was refused.
fn unreadable(error: std::io::Error) -> Problem {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<OpenError>()) {
        Some(refused) => unopenable(*refused),
        None => Problem::new(error),
    }
}

/// Writes a sealed file.
pub fn seal(
    (header, sealer): (&Header, StreamSealer),
    input: impl Read,
    mut target: Target,
    mut work: Work<'_>,
) -> Result<()> {
    let unsealable = |error| Problem::new(format_args!("The file cannot be sealed: {error}."));
    target.write(&header.encode().map_err(unsealable)?)?;
    let mut sealer = PieceSealer::new(sealer);
    work.each(input, |mut piece| {
        while let Some(chunk) = sealer.next(&mut piece).map_err(unsealable)? {
            target.write(chunk)?;
        }
        Ok(())
    })?;
    target.write(sealer.finish().map_err(unsealable)?)?;
    target.finish()
}

/// Reads what stands before the chunks.
pub fn read_header(mut input: impl Read) -> Result<Header> {
    let cut = |_| Problem::new("The sealed file ends before its envelope does.");
    let mut preamble = [0; PREAMBLE_LEN];
    input.read_exact(&mut preamble).map_err(cut)?;
    let mut json = vec![0; header_len(&preamble).map_err(unopenable)?];
    input.read_exact(&mut json).map_err(cut)?;
    Header::parse(&json).map_err(unopenable)
}

/// Opens what comes in order. `input` stands behind the header.
pub fn open(
    opener: StreamOpener,
    input: impl Read,
    mut target: Target,
    mut work: Work<'_>,
) -> Result<()> {
    let mut opener = PieceOpener::new(opener);
    work.each(input, |mut piece| {
        while let Some(chunk) = opener.next(&mut piece).map_err(unopenable)? {
            target.write(chunk)?;
        }
        Ok(())
    })?;
    target.write(opener.finish().map_err(unopenable)?)?;
    target.finish()
}

/// Opens a range of what can be read from anywhere. `input` stands behind the header. That the
/// end is there is known before anything is written.
pub fn open_range(
    opener: StreamOpener,
    input: impl Read + Seek,
    range: Range,
    (mut target, stop): (Target, &Stop),
) -> Result<()> {
    let mut reader = Reader::new(input, opener).map_err(unreadable)?;
    let length = reader.length();
    let (start, end) = bounds(range, length)?;
    reader.seek(SeekFrom::Start(start)).map_err(unreadable)?;
    let count = end - start;
    let mut work = Work { progress: Progress::bytes("Opening", Some(count)), stop };
    work.each(reader.take(count), |piece| target.write(piece))?;
    target.finish()
}

/// The same as positions in a plaintext of this length.
fn bounds(range: Range, length: u64) -> Result<(u64, u64)> {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        _ => 0,
    };
    let end = match range.end_bound() {
        Bound::Excluded(end) => *end,
        _ => length,
    };
    if start <= end && end <= length {
        return Ok((start, end));
    }
    Err(Problem::new(format_args!("The plaintext has {length} bytes: there is no such range.")))
}

/// `START..END`, `START..`, `..END` or `..`, in bytes.
pub fn range(text: &str) -> Result<Range, String> {
    let form = || "must be START..END, in bytes".to_owned();
    let (start, end) = text.split_once("..").ok_or_else(form)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| form());
    let start = if start.is_empty() { Bound::Unbounded } else { Bound::Included(number(start)?) };
    let end = if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(number(end)?) };
    match (start, end) {
        (Bound::Included(start), Bound::Excluded(end)) if start > end => Err(form()),
        range => Ok(range),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Cursor;
    use std::path::Path;

    use chrono::Duration;
    use crypto::{KeyAlgorithm, PrivateKey};
    use proto::envelope::v1::{Envelope, Key, KeyState, KeyVersion};

    use super::*;
    use crate::sealing::{self, Letter};

    const WHOLE: Range = (Bound::Unbounded, Bound::Unbounded);

    struct Pair {
        signing: PrivateKey,
        sealing: PrivateKey,
        folder: tempfile::TempDir,
    }

    impl Pair {
        fn new() -> Self {
            Self {
                signing: PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap(),
                sealing: PrivateKey::generate(KeyAlgorithm::X25519).unwrap(),
                folder: tempfile::tempdir().unwrap(),
            }
        }

        fn seal(&self, input: impl Read) -> Vec<u8> {
            let letter = Letter {
                tenant: "tenants/0199aaaa-0000-7000-8000-000000000001",
                purpose: "store",
                content_type: "text/plain",
                lifetime: Duration::minutes(1),
                plaintext: Vec::new(),
            };
            let to = [self.sealing.public().clone()];
            let (header, sealer) = sealing::seal_stream(&letter, &self.signing, &to).unwrap();
            let path = self.folder.path().join("sealed");
            let target = Target::create(&path).unwrap();
            seal((&header, sealer), input, target, work(&Stop::default())).unwrap();
            fs::read(path).unwrap()
        }

        fn opener(&self, input: &mut impl Read) -> StreamOpener {
            let Header { manifest, content } = read_header(input).unwrap();
            let version = KeyVersion {
                version: 1,
                state: KeyState::Enabled.into(),
                public_jwk: self.signing.public().to_jwk(),
                thumbprint: self.signing.kid().to_owned(),
                ..KeyVersion::default()
            };
            let sender =
                Key { state: KeyState::Enabled.into(), versions: vec![version], ..Key::default() };
            let envelope = Envelope { manifest, content };
            sealing::open_stream(&envelope, &sender, &self.sealing).unwrap().0
        }

        fn open(&self, sealed: &[u8], range: Option<Range>) -> Result<Vec<u8>> {
            let path = self.folder.path().join("opened");
            let target = Target::create(&path).unwrap();
            let mut input = Cursor::new(sealed);
            let (opener, stop) = (self.opener(&mut input), Stop::default());
            match range {
                None => open(opener, input, target, work(&stop)),
                Some(range) => open_range(opener, input, range, (target, &stop)),
            }?;
            Ok(fs::read(path).unwrap())
        }
    }

    fn work(stop: &Stop) -> Work<'_> {
        Work { progress: Progress::bytes("Testing", None), stop }
    }

    fn text() -> Vec<u8> {
        (0..200_000_u32).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn a_file_opens_whole_and_in_part() {
        let (pair, text) = (Pair::new(), text());
        let sealed = pair.seal(text.as_slice());
        assert_eq!(pair.open(&sealed, None).unwrap(), text);
        assert_eq!(pair.open(&sealed, Some(WHOLE)).unwrap(), text);
        let part = range("65530..140000").unwrap();
        assert_eq!(pair.open(&sealed, Some(part)).unwrap(), text[65_530..140_000]);
        assert_eq!(pair.open(&sealed, Some(range("199999..").unwrap())).unwrap(), text[199_999..]);
        assert!(pair.open(&sealed, Some(range("..200001").unwrap())).is_err());
    }

    #[test]
    fn nothing_appears_for_a_file_that_is_not_whole() {
        let (pair, text) = (Pair::new(), text());
        let sealed = pair.seal(text.as_slice());
        let opened = pair.folder.path().join("opened");
        for end in [sealed.len() - 1, sealed.len() - 4_000, sealed.len() - 70_000] {
            for range in [None, Some(WHOLE)] {
                let told = pair.open(&sealed[..end], range).err().unwrap().to_string();
                assert!(told.contains("not genuine"), "{told}");
            }
        }
        let mut changed = sealed.clone();
        changed[sealed.len() - 100_000] ^= 1;
        assert!(pair.open(&changed, None).is_err() && pair.open(&changed, Some(WHOLE)).is_err());
        assert!(!opened.exists());
        let names = fs::read_dir(pair.folder.path()).unwrap().count();
        assert_eq!(names, 1, "only the sealed file");
    }

    #[test]
    fn what_is_cut_before_the_chunks_is_named() {
        let sealed = Pair::new().seal(&b"x"[..]);
        for end in [3, PREAMBLE_LEN, 200] {
            let told = read_header(&sealed[..end]).err().unwrap().to_string();
            assert!(told.contains("ends before"), "{told}");
        }
        assert!(read_header(&b"not sealed at all"[..]).is_err());
    }

    /// Peak of resident memory so far, KiB.
    fn peak() -> u64 {
        let status = fs::read_to_string(Path::new("/proc/self/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    #[test]
    fn memory_does_not_follow_the_size() {
        let pair = Pair::new();
        let path = pair.folder.path().join("sparse");
        File::create(&path).unwrap().set_len(200 << 20).unwrap();
        let before = peak();
        let target = Target::create(&pair.folder.path().join("sealed")).unwrap();
        let letter = Letter {
            tenant: "tenants/0199aaaa-0000-7000-8000-000000000001",
            purpose: "store",
            content_type: "text/plain",
            lifetime: Duration::minutes(1),
            plaintext: Vec::new(),
        };
        let to = [pair.sealing.public().clone()];
        let (header, sealer) = sealing::seal_stream(&letter, &pair.signing, &to).unwrap();
        let stop = Stop::default();
        seal((&header, sealer), File::open(&path).unwrap(), target, work(&stop)).unwrap();
        let mut input = File::open(pair.folder.path().join("sealed")).unwrap();
        let opener = pair.opener(&mut input);
        let target = Target::create(&pair.folder.path().join("opened")).unwrap();
        open_range(opener, input, WHOLE, (target, &stop)).unwrap();
        assert_eq!(fs::metadata(pair.folder.path().join("opened")).unwrap().len(), 200 << 20);
        // Other tests of this process run at the same time, hence twice what is promised.
        assert!(peak() - before < 32 * 1024, "{} KiB more", peak() - before);
    }

    #[test]
    fn ranges_parse() {
        use Bound::{Excluded, Included, Unbounded};
        assert_eq!(range("1..20"), Ok((Included(1), Excluded(20))));
        assert_eq!(range("1.."), Ok((Included(1), Unbounded)));
        assert_eq!(range("..5"), Ok((Unbounded, Excluded(5))));
        assert_eq!(range(".."), Ok(WHOLE));
        for wrong in ["", "5", "5..1", "a..b", "-1..2", "1..2..3"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
