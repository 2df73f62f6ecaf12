//! A model provider: llmock, an OpenAI-compatible server that other people
//! wrote. It answers with what it was told to say, remembers every request,
//! and fails in the ways that providers fail.

use std::net::{Ipv4Addr, SocketAddr};

use crate::{Error, Launch, Result, Server, free_port, http, python_program};

pub struct ModelProvider {
    address: SocketAddr,
    server: Server,
}

/// Unless scripted, it answers with the text that it received.
pub fn model_provider() -> Result<ModelProvider> {
    let port = free_port()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let server = Launch::new("llmock", python_program("llmock")?)?
        .args(["serve", "--host", "127.0.0.1", "--response-style", "echo", "--port"])
        .args([port.to_string()])
        .start(|| http::get(address, "/health").is_ok_and(|answer| answer.status == 200))?;
    Ok(ModelProvider { address, server })
}

impl ModelProvider {
    /// What `OPENAI_BASE_URL` would be.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Queues behaviours for the next requests, as a JSON array of llmock's:
    /// `{"type":"reply","text":…}`, `{"type":"reply","tool_calls":[…]}`,
    /// `{"type":"fail","status":503}`, `{"type":"stream_fault","kind":"disconnect"}`,
    /// `{"type":"delay","seconds":3}`; each takes `"times"`.
    pub fn script(&self, behaviors: &str) -> Result<()> {
        let body = format!("{{\"behaviors\":{behaviors}}}");
        let answer = http::post_json(self.address, "/_llmock/scenario", &body)?;
        if answer.status == 201 {
            return Ok(());
        }
        Err(Error::new(format!("llmock refused the script: {}", answer.body)))
    }

    /// Every request received since the last reset, with its body, as JSON:
    /// `{"count":…,"requests":[{"path":…,"body":…}]}`.
    pub fn requests(&self) -> Result<String> {
        Ok(http::get(self.address, "/_llmock/requests")?.body)
    }

    /// Forgets requests and script.
    pub fn reset(&self) -> Result<()> {
        http::post_json(self.address, "/_llmock/reset", "").map(drop)
    }

    /// As an outage would look to its clients.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    pub fn log(&self) -> String {
        self.server.log()
    }
}
