//! Server-sent events, as far as chat completions use them: `data` fields.
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>

/// An event larger than this is no honest one.
const LARGEST: usize = 1024 * 1024;

/// Cuts a byte stream into the data of its events.
#[derive(Default)]
pub struct Events {
    line: Vec<u8>,
    data: Option<Vec<u8>>,
    /// The last byte was a CR, so that an LF belongs to it.
    after_cr: bool,
}

/// The stream has an event larger than 1 MiB.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

impl Events {
    /// Takes the next bytes; gives the data of the events that are complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut complete = Vec::new();
        for &byte in bytes {
            let joined = self.after_cr && byte == b'\n';
            self.after_cr = byte == b'\r';
            match byte {
                _ if joined => {}
                b'\n' | b'\r' => complete.extend(self.end_line()),
                _ => self.line.push(byte),
            }
            if self.line.len() + self.data.as_ref().map_or(0, Vec::len) > LARGEST {
                return Err(TooLong);
            }
        }
        Ok(complete)
    }

    /// An empty line ends an event.
    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.data.take();
        }
        if let Some(value) = line.strip_prefix(b"data:") {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &mut self.data {
                None => self.data = Some(value.to_vec()),
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b": hello\r\ndata: {\"a\":1}\r\n\r\nevent: x\ndata:two\ndata: lines\n\ndata: [DONE]\r\rdata: cut";

    #[test]
    fn however_it_is_cut_the_events_are_the_same() {
        let whole = Events::default().push(STREAM).unwrap();
        assert_eq!(whole, [b"{\"a\":1}".to_vec(), b"two\nlines".to_vec(), b"[DONE]".to_vec()]);
        for cut in 0..STREAM.len() {
            let mut events = Events::default();
            let mut found = events.push(&STREAM[..cut]).unwrap();
            found.extend(events.push(&STREAM[cut..]).unwrap());
            assert_eq!(found, whole, "cut at {cut}");
        }
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut events = Events::default();
        let outcome = (0..2).try_for_each(|_| events.push(&vec![b'x'; LARGEST / 2 + 1]).map(drop));
        assert_eq!(outcome, Err(TooLong));
    }
}
