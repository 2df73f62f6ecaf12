//! What is measured, and what it is measured against: `signet dev`, a model
//! provider that answers at once, and an Envoy with one route.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use mesh::{EnvoyOptions, EnvoyProcess, find_envoy};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A busy machine is slow to start things.
const READY_WITHIN: Duration = Duration::from_secs(60);

const COMPLETION: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"fixed","choices":[{"index":0,"message":{"role":"assistant","content":"The patient was discharged in good health and is to be seen again in two weeks."},"finish_reason":"stop"}],"usage":{"prompt_tokens":500,"completion_tokens":17,"total_tokens":517}}"#;

/// About what `GET /v1/auth/me` answers.
const ME: &str = r#"{"tenant":"tenants/01999a2e-7c1e-7d35-8a54-0f6f5d5e5a10","user":"users/01999a2e-7c1e-7d35-8a54-0f6f5d5e5a11","roles":["ROLE_ADMIN"]}"#;

/// One route, no filters but the router: the least that an Envoy can do.
const BARE: &str = r#"
admin: { address: { pipe: { path: "@ADMIN@", mode: 384 } } }
static_resources:
  listeners:
    - address: { socket_address: { address: 127.0.0.1, port_value: @PORT@ } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: bare
                route_config:
                  virtual_hosts:
                    - { name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: upstream } }] }
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
    - name: upstream
      type: STATIC
      load_assignment:
        cluster_name: upstream
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @UPSTREAM@ } } } }] }]
"#;

/// Ports that are free now. Held open together, so that they differ.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// Answers as a model provider and as what stands behind the bare Envoy.
pub async fn upstream() -> u16 {
    let json = |body| ([("content-type", "application/json")], body);
    let routes = Router::new()
        .route("/v1/chat/completions", post(move || async move { json(COMPLETION) }))
        .route("/v1/auth/me", get(move || async move { json(ME) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    port
}

/// With as many worker threads as `signet dev` gives its Envoy.
pub async fn bare_envoy(folder: &Path, port: u16, upstream: u16) -> EnvoyProcess {
    let admin = folder.join("bare.sock");
    let bootstrap = folder.join("bare.yaml");
    let text = BARE
        .replace("@ADMIN@", &admin.display().to_string())
        .replace("@PORT@", &port.to_string())
        .replace("@UPSTREAM@", &upstream.to_string());
    std::fs::write(&bootstrap, text).unwrap();
    let options = EnvoyOptions {
        program: find_envoy(None).unwrap(),
        bootstrap,
        admin,
        concurrency: 1,
        access_log: folder.join("bare.log"),
    };
    let started = tokio::task::spawn_blocking(|| EnvoyProcess::start(options, READY_WITHIN));
    started.await.unwrap().unwrap()
}

/// `signet dev` in a directory of its own. Its Envoy ends with it.
pub struct Signet {
    pub url: String,
    /// What it said when it was ready.
    pub said: String,
    data: PathBuf,
    process: Child,
}

impl Signet {
    pub async fn start(folder: &Path, provider: u16) -> Self {
        let [http, tls] = free_ports();
        let data = folder.join("signet");
        let mut process = Command::new(env!("CARGO_BIN_EXE_signet"))
            .args(["dev", "--http", &http.to_string(), "--tls", &tls.to_string(), "--data"])
            .arg(&data)
            .env("OPENAI_BASE_URL", format!("http://127.0.0.1:{provider}/v1"))
            .env_remove("OPENAI_API_KEY")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let said = tokio::time::timeout(READY_WITHIN, lines.next_line()).await;
        let said = said.expect("in time").unwrap().expect("a line");
        assert!(said.starts_with("signet is ready"), "{said}");
        Self { url: format!("http://127.0.0.1:{http}"), said, data, process }
    }

    /// The administrator's access token.
    pub async fn log_in(&self, client: &reqwest::Client) -> String {
        let admin = std::fs::read_to_string(self.data.join("admin.json")).unwrap();
        let request = client.post(format!("{}/v1/auth:logIn", self.url)).body(admin);
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        answer["accessToken"].as_str().unwrap().to_owned()
    }

    /// One of its Unix sockets.
    pub fn socket(&self, name: &str) -> PathBuf {
        self.data.join("run").join(name)
    }

    pub fn pid(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// Resident memory now, Envoy's apart.
    pub fn resident_mib(&self) -> u64 {
        let status = format!("/proc/{}/status", self.process.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
    }
}

/// What a process and those that it has started have used up to now, in the
/// hundredths of a second that Linux counts in.
pub fn processor_time(pid: u32) -> Duration {
    let all: Vec<(u32, u32, u64)> = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // After the name, which may hold anything.
            let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
            let ticks =
                fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
            Some((pid, fields.get(1)?.parse().ok()?, ticks))
        })
        .collect();
    let (mut family, mut ticks) = (vec![pid], 0);
    while let Some(member) = family.pop() {
        family.extend(all.iter().filter(|(_, parent, _)| *parent == member).map(|(pid, ..)| *pid));
        ticks += all.iter().find(|(pid, ..)| *pid == member).map_or(0, |(.., ticks)| *ticks);
    }
    Duration::from_millis(ticks * 10)
}
