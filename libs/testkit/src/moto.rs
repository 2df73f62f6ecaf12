//! AWS's services as moto imitates them: for what cannot run here.

use std::net::{Ipv4Addr, SocketAddr};

use crate::{Launch, Result, Server, free_port, http, python_program};

/// Keys and all else are gone with it.
pub struct Moto {
    address: SocketAddr,
    server: Server,
}

/// Takes any credentials.
pub fn moto() -> Result<Moto> {
    let port = free_port()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let server = Launch::new("moto", python_program("moto_server")?)?
        .args(["--host", "127.0.0.1", "--port"])
        .args([port.to_string()])
        .start(|| {
            http::get(address, "/moto-api/data.json").is_ok_and(|answer| answer.status == 200)
        })?;
    Ok(Moto { address, server })
}

impl Moto {
    /// Of every service.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// As an outage would look to its clients.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Connections stay open, and nothing is answered, until it is thawed.
    pub fn freeze(&self) -> Result<()> {
        self.server.signal("STOP")
    }

    pub fn thaw(&self) -> Result<()> {
        self.server.signal("CONT")
    }

    pub fn log(&self) -> String {
        self.server.log()
    }
}
