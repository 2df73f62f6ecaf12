//! Ports and addresses.

use std::net::TcpListener;

use crate::{Error, Result};

/// A TCP port of the loopback address that was free a moment ago.
pub fn free_port() -> Result<u16> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|cause| Error::io("find a free port", &cause))
}
