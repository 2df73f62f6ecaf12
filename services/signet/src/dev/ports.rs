//! Ports for the sidecars, chosen anew at every start.

use std::net::{Ipv4Addr, TcpListener};

use kernel::{Fault, Result};

/// Ports that are free now. Held open together, so that they differ.
pub fn free(count: usize) -> Result<Vec<u16>> {
    let listeners = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(Fault::internal)?;
    listeners
        .iter()
        .map(|listener| Ok(listener.local_addr().map_err(Fault::internal)?.port()))
        .collect()
}
