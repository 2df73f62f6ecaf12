//! Ports and addresses.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Error, Result};

/// Below the range that the system takes for outgoing connections, which may
/// come between the choice of a port and its use.
const FIRST: u32 = 15_000;
const COUNT: u32 = 17_000;

/// A TCP port of the loopback address that was free a moment ago. No port is
/// given out twice by a process, and processes begin at different ones.
pub fn free_port() -> Result<u16> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(211);
    for _ in 0..COUNT {
        let step = GIVEN.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_add(step) % COUNT;
        if let Ok(port) = u16::try_from(port)
            && TcpListener::bind(("127.0.0.1", port)).is_ok()
        {
            return Ok(port);
        }
    }
    Err(Error::new("testkit: there is no free port between 15000 and 32000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_out_twice() {
        let mut ports: Vec<u16> = (0..200).map(|_| free_port().unwrap()).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 200);
    }
}
