//! The input, cut into batches of whole lines.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::mpsc::{SyncSender, sync_channel};

use super::record::RecordError;
use super::room::Room;
use super::{Batch, LONGEST, Next, ScanError};

/// A batch is sent when it has as much, or when there is no more to be had without waiting.
const BATCH: usize = 64 << 10;
/// Some editors put it before a file; it is no part of the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Sends batches to the workers, and the places of their answers to the writer, until the input
/// ends or nobody wants more.
pub(super) fn feed(input: impl Read, order: &SyncSender<Next>, batches: &SyncSender<Batch>) {
    let mut reader = BufReader::with_capacity(4 * BATCH, input);
    let room = Room::default();
    let mut line = 1;
    loop {
        let first = line;
        let (mut lines, end) = batch(&mut reader, &mut line);
        if first == 1 && lines.starts_with(BYTE_ORDER_MARK) {
            lines.drain(..BYTE_ORDER_MARK.len());
        }
        if !lines.is_empty() {
            let held = room.take(lines.len());
            let (answer, place) = sync_channel(1);
            let batch = Batch { first, lines, held, answer };
            if order.send(Next::Batch(first, place)).is_err() || batches.send(batch).is_err() {
                return;
            }
        }
        match end {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                // Without a writer nobody is to be told.
                let _ = order.send(Next::Wrong(error));
                return;
            }
        }
    }
}

/// Some whole lines, and whether there may be more. What is wrong comes after the lines before it.
fn batch(reader: &mut BufReader<impl Read>, line: &mut u64) -> (Vec<u8>, Result<bool, ScanError>) {
    let mut lines = Vec::new();
    loop {
        let before = lines.len();
        let read = reader.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', &mut lines);
        let whole = lines.last() == Some(&b'\n');
        let wrong = match read {
            Err(error) => ScanError::Read(error),
            Ok(0) => return (lines, Ok(false)),
            Ok(length) if length > LONGEST && !whole => {
                ScanError::Line { line: *line, what: RecordError::TooLong(LONGEST >> 20) }
            }
            // Without a line's end: the last one.
            Ok(_) if !whole => return (lines, Ok(false)),
            Ok(_) => {
                *line += 1;
                if lines.len() >= BATCH || reader.buffer().is_empty() {
                    return (lines, Ok(true));
                }
                continue;
            }
        };
        // A part of a line is no line.
        lines.truncate(before);
        return (lines, Err(wrong));
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// Gives what is behind it a piece at a time, then fails.
    struct Pieces(Vec<io::Result<Vec<u8>>>);

    impl Read for Pieces {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0)?;
            out[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn what_has_come_is_not_kept_waiting() {
        let pieces = Pieces(vec![Ok(b"a\nb\n".to_vec()), Ok(b"c\nd".to_vec()), Ok(b"e".to_vec())]);
        let mut reader = BufReader::new(pieces);
        let mut line = 1;
        assert_eq!(batch(&mut reader, &mut line).0, b"a\nb\n");
        assert_eq!(line, 3);
        let (lines, more) = batch(&mut reader, &mut line);
        assert_eq!((lines.as_slice(), more.unwrap()), (&b"c\nde"[..], false));
    }

    #[test]
    fn a_broken_input_gives_no_part_of_a_line() {
        let broken = io::Error::other("gone");
        let mut reader = BufReader::new(Pieces(vec![Ok(b"a\nb".to_vec()), Err(broken)]));
        let (lines, end) = batch(&mut reader, &mut 1);
        assert_eq!(lines, b"a\n");
        assert!(matches!(end, Err(ScanError::Read(_))));
    }

    #[test]
    fn a_line_of_any_length_is_refused_in_bounded_memory() {
        let endless = b"short\n".chain(io::repeat(b'x'));
        let mut reader = BufReader::with_capacity(1 << 16, endless);
        let mut line = 1;
        assert_eq!(batch(&mut reader, &mut line).0, b"short\n");
        let (lines, end) = batch(&mut reader, &mut line);
        assert_eq!(lines, b"");
        assert_eq!(end.err().unwrap().to_string(), "line 2: longer than 64 MiB");
    }
}
