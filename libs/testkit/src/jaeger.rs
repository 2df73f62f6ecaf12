//! Jaeger, which collects traces over OTLP and serves them as JSON.

use std::net::{Ipv4Addr, SocketAddr};

use crate::{Launch, Result, Server, cached_tool, free_port, http};

/// A collector that keeps traces in memory.
pub struct Jaeger {
    otlp: SocketAddr,
    query: SocketAddr,
    server: Server,
}

pub fn jaeger() -> Result<Jaeger> {
    let program = cached_tool("jaeger")?;
    let mut launch = Launch::new("jaeger", program)?.env("SPAN_STORAGE_TYPE", "memory");
    let listen = |flag: &str| -> Result<(SocketAddr, String)> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        Ok((address, format!("--{flag}.host-port={address}")))
    };
    let (otlp, otlp_flag) = listen("collector.otlp.grpc")?;
    let (query, query_flag) = listen("query.http-server")?;
    let (admin, admin_flag) = listen("admin.http")?;
    launch = launch.args([otlp_flag, query_flag, admin_flag]);
    // Not used, yet they would take their well-known ports.
    for other in [
        "collector.otlp.http",
        "collector.grpc-server",
        "collector.http-server",
        "query.grpc-server",
    ] {
        launch = launch.args([listen(other)?.1]);
    }
    let server = launch.start(|| http::get(admin, "/").is_ok_and(|answer| answer.status == 200))?;
    Ok(Jaeger { otlp, query, server })
}

impl Jaeger {
    /// Where OTLP over gRPC goes: `http://host:port`.
    pub fn otlp_endpoint(&self) -> String {
        format!("http://{}", self.otlp)
    }

    /// The address alone, as Envoy's configuration wants it.
    pub fn otlp_address(&self) -> SocketAddr {
        self.otlp
    }

    /// Where its JSON API is: `http://host:port`.
    pub fn query_endpoint(&self) -> String {
        format!("http://{}", self.query)
    }

    /// One trace, as the JSON of `/api/traces/ID`; `None` while there is none.
    pub fn trace(&self, id: &str) -> Result<Option<String>> {
        let answer = http::get(self.query, &format!("/api/traces/{id}"))?;
        Ok((answer.status == 200).then_some(answer.body))
    }

    pub fn log(&self) -> String {
        self.server.log()
    }
}
