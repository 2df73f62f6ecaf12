//! Envoy's admin interface, over its Unix socket.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);

/// Whether all listeners and clusters are up.
pub(crate) fn is_ready(socket: &Path) -> bool {
    ask(socket, "GET /ready").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// Stops taking new connections and tells clients on the open ones to go.
pub(crate) fn drain(socket: &Path) -> io::Result<()> {
    ask(socket, "POST /drain_listeners?graceful&skip_exit").map(drop)
}

fn ask(socket: &Path, line: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("{line} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(65_536).read_to_string(&mut answer)?;
    Ok(answer)
}
