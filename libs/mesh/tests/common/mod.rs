//! A plan on free ports, and a mesh in one real Envoy with small services
//! behind it that say what they were asked.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]

pub mod authorization;
pub mod services;

use std::fs;
use std::path::Path;
use std::time::Duration;

use kernel::SystemClock;
use mesh::{Address, Edge, EnvoyOptions, EnvoyProcess, Plan, SERVICES, Templates, certificates};
use tempfile::TempDir;
use testkit::{Envoy, free_port};
use tonic::transport::{Channel, Endpoint};

/// A plan whose files exist.
pub fn plan(directory: &Path, otlp: Option<Address>) -> Plan {
    let certificates = directory.join("certs");
    certificates::ensure(&certificates, &SystemClock).unwrap();
    let descriptor = directory.join("descriptor.bin");
    fs::write(&descriptor, proto::DESCRIPTOR_SET).unwrap();
    let port = || Address::loopback(free_port().unwrap());
    Plan {
        sockets: directory.to_owned(),
        edge: Edge {
            tls: port(),
            http_port: free_port().unwrap(),
            certificate: certificates.join("public.crt"),
            key: certificates.join("public.key"),
            cors_origins: Edge::LOCAL_ORIGINS.into(),
            descriptor,
        },
        certificates,
        services: SERVICES.iter().map(|service| (*service, port())).collect(),
        otlp,
    }
}

pub fn options(plan: &Plan, bootstrap: std::path::PathBuf) -> EnvoyOptions {
    EnvoyOptions {
        program: Envoy::program().unwrap(),
        bootstrap,
        admin: plan.admin_socket("edge"),
        concurrency: 1,
        access_log: plan.sockets.join("access.log"),
    }
}

/// Envoy with the edge and all sidecars; auth, audit and response behind it.
pub struct TestMesh {
    pub directory: TempDir,
    pub plan: Plan,
    pub envoy: EnvoyProcess,
}

impl TestMesh {
    pub async fn start(otlp: Option<Address>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let plan = plan(directory.path(), otlp);
        services::start(&plan).await;
        let bootstrap = plan.write_whole(&Templates::default(), directory.path()).unwrap();
        let options = options(&plan, bootstrap);
        let envoy = tokio::task::spawn_blocking(move || {
            EnvoyProcess::start(options, Duration::from_secs(30)).unwrap()
        });
        Self { envoy: envoy.await.unwrap(), directory, plan }
    }

    /// REST over the plain loopback listener.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.plan.edge.http_port)
    }

    /// gRPC over the same.
    pub async fn edge(&self) -> Channel {
        Endpoint::from_shared(self.url("")).unwrap().connect().await.unwrap()
    }

    /// What a service would use to call its peers.
    pub async fn outbound(&self, service: &str) -> Channel {
        let socket = self.plan.outbound_socket(service);
        let uri = format!("unix:{}", socket.display());
        Endpoint::from_shared(uri).unwrap().connect().await.unwrap()
    }
}
