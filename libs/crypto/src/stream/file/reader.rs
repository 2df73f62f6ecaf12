//! Reading a sealed file from anywhere.

use std::io::{self, Read, Seek, SeekFrom};

use zeroize::Zeroizing;

use super::super::StreamOpener;
use super::{CHUNK_LEN, Layout, RandomAccess, SEALED_CHUNK_LEN};
use crate::error::OpenError;

/// The plaintext of a sealed file, as something to read and to seek in. Each chunk is verified
/// before a byte of it is given; one that is refused is an error of kind `InvalidData`, which has
/// the [`OpenError`] inside.
pub struct Reader<R> {
    inner: R,
    /// Where the chunks begin in `inner`.
    start: u64,
    access: RandomAccess,
    position: u64,
    /// The chunk read last: its number and plaintext. Never grows, so nothing is left behind.
    chunk: Option<u64>,
    buffer: Zeroizing<Vec<u8>>,
    filled: usize,
}

impl<R: Read + Seek> Reader<R> {
    /// `inner` stands behind the header. Verifies the last chunk: the file has its whole length.
    ///
    /// # Errors
    /// When it cannot be read, was cut or extended, or the last chunk is not genuine.
    pub fn new(mut inner: R, opener: StreamOpener) -> io::Result<Self> {
        let start = inner.stream_position()?;
        let end = inner.seek(SeekFrom::End(0))?;
        let layout = Layout::of(end.saturating_sub(start)).map_err(invalid)?;
        let last = layout.chunks() - 1;
        let mut buffer = Zeroizing::new(vec![0; SEALED_CHUNK_LEN]);
        let length = fetch(&mut inner, start, layout, last, &mut buffer)?;
        let (access, filled) =
            RandomAccess::new(opener, layout, &mut buffer[..length]).map_err(invalid)?;
        Ok(Self { inner, start, access, position: 0, chunk: Some(last), buffer, filled })
    }

    /// The length of the plaintext.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.access.layout().plaintext()
    }

    /// Has chunk `index` in the buffer.
    fn load(&mut self, index: u64) -> io::Result<()> {
        if self.chunk == Some(index) {
            return Ok(());
        }
        self.chunk = None;
        let layout = self.access.layout();
        let length = fetch(&mut self.inner, self.start, layout, index, &mut self.buffer)?;
        self.filled = self.access.open(index, &mut self.buffer[..length]).map_err(invalid)?;
        self.chunk = Some(index);
        Ok(())
    }
}

fn fetch(
    inner: &mut (impl Read + Seek),
    start: u64,
    layout: Layout,
    index: u64,
    buffer: &mut [u8],
) -> io::Result<usize> {
    let (place, length) = layout.chunk(index);
    inner.seek(SeekFrom::Start(start + place))?;
    inner.read_exact(&mut buffer[..length])?;
    Ok(length)
}

impl<R: Read + Seek> Read for Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || self.position >= self.length() {
            return Ok(0);
        }
        let chunk_len = CHUNK_LEN as u64;
        self.load(self.position / chunk_len)?;
        let offset = usize::try_from(self.position % chunk_len).map_err(io::Error::other)?;
        let available = self.buffer[..self.filled].get(offset..).unwrap_or_default();
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Read + Seek> Seek for Reader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

fn invalid(error: OpenError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
