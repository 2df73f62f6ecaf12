//! A TCP proxy that stands before a server and spoils its answers.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::{Error, Result};

const METHODS: [&[u8]; 5] = [b"GET ", b"POST ", b"PUT ", b"LIST ", b"DELETE "];

/// Passes on everything until it is told otherwise. Ends with its value.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    delay_ms: AtomicU64,
    header: Mutex<Option<String>>,
    ended: AtomicBool,
}

impl Proxy {
    /// Before a server on this machine; `target` is `host:port` or an HTTP URL of no more than that.
    pub fn before(target: &str) -> Result<Self> {
        let target = target.trim_start_matches("http://").trim_end_matches('/');
        let target: SocketAddr = target
            .parse()
            .map_err(|_| Error::new(format!("testkit: {target} is no address and port")))?;
        let io = |cause| Error::io("start a proxy", &cause);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io)?;
        let address = listener.local_addr().map_err(io)?;
        let shared = Arc::new(Shared::default());
        let seen = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if seen.ended.load(Ordering::Relaxed) {
                    return;
                }
                // A server that is gone is a connection that closes.
                if let Ok(server) = TcpStream::connect(target) {
                    pass_both_ways(&client, &server, &seen);
                }
            }
        });
        Ok(Self { address, shared })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How long every piece of every answer is held back from now on.
    pub fn delay(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.shared.delay_ms.store(ms, Ordering::Relaxed);
    }

    /// A line (`name: value`) that is put into the head of every HTTP/1.1
    /// request from now on. A request must come in one piece, as small ones do.
    pub fn add_header(&self, line: Option<&str>) {
        *self.shared.header.lock().unwrap_or_else(PoisonError::into_inner) =
            line.map(str::to_owned);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _woken = TcpStream::connect(self.address);
    }
}

fn pass_both_ways(client: &TcpStream, server: &TcpStream, shared: &Arc<Shared>) {
    let pairs = [
        (client.try_clone(), server.try_clone(), true),
        (server.try_clone(), client.try_clone(), false),
    ];
    for (from, to, requests) in pairs {
        let (Ok(from), Ok(to)) = (from, to) else { return };
        let shared = shared.clone();
        thread::spawn(move || {
            // Broken off by either side: so is the other.
            let _broken = pass(&from, &to, requests, &shared);
            let _closed = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        });
    }
}

fn pass(
    mut from: &TcpStream,
    mut to: &TcpStream,
    requests: bool,
    shared: &Shared,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let piece = &buffer[..length];
        if !requests {
            thread::sleep(Duration::from_millis(shared.delay_ms.load(Ordering::Relaxed)));
            to.write_all(piece)?;
            continue;
        }
        let header = shared.header.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let first_line = METHODS
            .iter()
            .any(|method| piece.starts_with(method))
            .then(|| piece.windows(2).position(|two| two == b"\r\n"))
            .flatten();
        match (header, first_line) {
            (Some(header), Some(end)) => {
                let (line, rest) = piece.split_at(end);
                to.write_all(&[line, b"\r\n", header.as_bytes(), rest].concat())?;
            }
            _ => to.write_all(piece)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::http;

    /// Says in its body whether the request had the header `x-test`.
    fn server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut request = [0; 4096];
                let length = stream.read(&mut request).unwrap();
                let marked = request[..length].windows(9).any(|part| part == b"x-test: 1");
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{marked:<5}");
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    #[test]
    fn passes_on_delays_and_marks() {
        let proxy = Proxy::before(&format!("http://{}", server())).unwrap();
        let ask = || http::get(proxy.address(), "/").unwrap().body;
        assert_eq!(ask(), "false");
        proxy.add_header(Some("x-test: 1"));
        assert_eq!(ask(), "true ");
        proxy.delay(Duration::from_millis(200));
        let started = Instant::now();
        ask();
        assert!(started.elapsed() >= Duration::from_millis(200));
    }
}
