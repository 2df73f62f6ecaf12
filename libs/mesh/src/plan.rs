//! Names and addresses, and the bootstraps rendered with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::files::{Mode, read, write};
use crate::template::{Values, render};
use crate::{Error, Result, SERVICES, access, merge};

/// The two files of `deploy/envoy`: those built in, or an operator's own.
#[derive(Debug, Clone)]
pub struct Templates {
    edge: (String, String),
    sidecar: (String, String),
}

impl Default for Templates {
    fn default() -> Self {
        let own = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        Self {
            edge: own("edge.yaml", include_str!("../../../deploy/envoy/edge.yaml")),
            sidecar: own("sidecar.yaml", include_str!("../../../deploy/envoy/sidecar.yaml")),
        }
    }
}

impl Templates {
    /// `edge.yaml` and `sidecar.yaml` from a directory.
    pub fn from_directory(directory: &Path) -> Result<Self> {
        let load = |name: &str| -> Result<_> {
            let path = directory.join(name);
            Ok((path.display().to_string(), read(&path)?))
        };
        Ok(Self { edge: load("edge.yaml")?, sidecar: load("sidecar.yaml")? })
    }
}

/// Where something listens: an IP address or a DNS name, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

impl Address {
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }

    pub fn loopback(port: u16) -> Self {
        Self::new("127.0.0.1", port)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// What only the edge needs.
#[derive(Debug, Clone)]
pub struct Edge {
    /// TLS, for everybody.
    pub tls: Address,
    /// Plain, on 127.0.0.1.
    pub http_port: u16,
    /// The public certificate and its key.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// A regular expression (RE2) of the web origins that may call.
    pub cors_origins: String,
    /// The descriptor set of the protos.
    pub descriptor: PathBuf,
}

impl Edge {
    /// Web pages of the same machine only.
    pub const LOCAL_ORIGINS: &'static str = r"https?://(localhost|127\.0\.0\.1)(:[0-9]+)?";
}

/// All names and addresses of a mesh, as one of its proxies sees them.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Unix sockets: `SERVICE.sock` is the service's own, `SERVICE.out.sock`
    /// takes its calls to peers. Private to the user that runs the mesh, since
    /// a service believes what comes in over its socket.
    pub sockets: PathBuf,
    /// `ca.crt`, and `NAME.crt` and `NAME.key` of each part.
    pub certificates: PathBuf,
    pub edge: Edge,
    /// Where each service's sidecar takes calls.
    pub services: BTreeMap<&'static str, Address>,
    /// OTLP over gRPC; without it nothing is traced.
    pub otlp: Option<Address>,
}

impl Plan {
    /// The service's own socket.
    pub fn inbound_socket(&self, service: &str) -> PathBuf {
        self.sockets.join(format!("{service}.sock"))
    }

    /// The socket that the service's calls to its peers go to.
    pub fn outbound_socket(&self, service: &str) -> PathBuf {
        self.sockets.join(format!("{service}.out.sock"))
    }

    /// The admin socket of the Envoy that runs `edge`, or a sidecar of its own.
    pub fn admin_socket(&self, part: &str) -> PathBuf {
        self.sockets.join(format!("{part}.admin.sock"))
    }

    /// The edge alone.
    pub fn edge(&self, templates: &Templates) -> Result<Value> {
        let mut values = self.common();
        let edge = &self.edge;
        set(&mut values, "EDGE_TLS", Some(&edge.tls))?;
        values.insert("EDGE_HTTP_PORT".into(), edge.http_port.to_string());
        values.insert("EDGE_CERT".into(), path(&edge.certificate));
        values.insert("EDGE_KEY".into(), path(&edge.key));
        values.insert("DESCRIPTOR".into(), path(&edge.descriptor));
        values.insert("CORS_ORIGINS".into(), edge.cors_origins.clone());
        for service in SERVICES {
            set(&mut values, &service.to_uppercase(), Some(self.address(service)?))?;
        }
        set(&mut values, "OTLP", self.otlp.as_ref())?;
        render(&templates.edge.0, &templates.edge.1, &values)
    }

    /// The sidecar of one service.
    pub fn sidecar(&self, templates: &Templates, service: &str) -> Result<Value> {
        let service = *SERVICES
            .iter()
            .find(|known| **known == service)
            .ok_or_else(|| Error::UnknownService(service.to_owned()))?;
        let mut values = self.common();
        values.insert("SERVICE".into(), service.into());
        values.insert("CALLERS".into(), alternatives(&access::callers_of(service)));
        values.insert("KEY_READERS".into(), alternatives(&access::key_readers_of(service)));
        set(&mut values, "SELF", Some(self.address(service)?))?;
        for peer in access::peers_of(service) {
            set(&mut values, &peer.to_uppercase(), Some(self.address(peer)?))?;
        }
        set(&mut values, "OTLP", self.otlp.as_ref())?;
        render(&templates.sidecar.0, &templates.sidecar.1, &values)
    }

    /// The edge and all sidecars in one Envoy.
    pub fn whole(&self, templates: &Templates) -> Result<Value> {
        let mut whole = self.edge(templates)?;
        for service in SERVICES {
            merge::merge(&mut whole, &self.sidecar(templates, service)?)?;
        }
        Ok(whole)
    }

    /// Writes the whole mesh as one bootstrap; gives back its path.
    pub fn write_whole(&self, templates: &Templates, directory: &Path) -> Result<PathBuf> {
        write_bootstrap(directory, "mesh", &self.whole(templates)?)
    }

    /// Writes the edge's bootstrap; gives back its path.
    pub fn write_edge(&self, templates: &Templates, directory: &Path) -> Result<PathBuf> {
        write_bootstrap(directory, "edge", &self.edge(templates)?)
    }

    /// Writes the bootstrap of one service's sidecar; gives back its path.
    pub fn write_sidecar(
        &self,
        templates: &Templates,
        service: &str,
        directory: &Path,
    ) -> Result<PathBuf> {
        write_bootstrap(directory, service, &self.sidecar(templates, service)?)
    }

    fn address(&self, service: &'static str) -> Result<&Address> {
        self.services.get(service).ok_or(Error::NoAddress(service))
    }

    fn common(&self) -> Values {
        Values::from([
            ("RUN".into(), path(&self.sockets)),
            ("CERTS".into(), path(&self.certificates)),
        ])
    }
}

/// JSON, which Envoy reads more strictly than YAML.
fn write_bootstrap(directory: &Path, name: &str, bootstrap: &Value) -> Result<PathBuf> {
    let file = directory.join(format!("{name}.json"));
    write(&file, format!("{bootstrap:#}\n").as_bytes(), Mode::Public)?;
    Ok(file)
}

fn set(values: &mut Values, prefix: &str, address: Option<&Address>) -> Result<()> {
    let Some(Address { host, port }) = address else { return Ok(()) };
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".:_-".contains(c);
    if host.is_empty() || !host.chars().all(allowed) {
        return Err(Error::BadValue { name: format!("{prefix}_HOST") });
    }
    values.insert(format!("{prefix}_HOST"), host.clone());
    values.insert(format!("{prefix}_PORT"), port.to_string());
    Ok(())
}

fn alternatives(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join("|")
}

fn path(path: &Path) -> String {
    path.display().to_string()
}
