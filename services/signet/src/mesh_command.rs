//! `signet mesh render`: the Envoy bootstraps of a mesh whose parts run apart.
//!
//! What runs in each place, compose and Kubernetes alike, is `deploy/envoy`,
//! rendered with the names and addresses of one file.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use config::{Problems, Sources, Validate};
use kernel::{Fault, Result, SystemClock};
use mesh::{Address, Edge, Plan, Templates};
use serde::Deserialize;

use console::terminal::say;

#[derive(Subcommand)]
pub enum MeshCommand {
    /// Write the bootstraps of the edge and of the six sidecars.
    Render(RenderArguments),
}

#[derive(Args)]
pub struct RenderArguments {
    /// Names and addresses, TOML; deploy/compose/mesh.toml is a sample.
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// Where edge.json, SERVICE.json and proto.bin go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Make a development authority and certificates where they are missing.
    #[arg(long)]
    dev_certificates: bool,
}

pub fn run(command: MeshCommand) -> Result<()> {
    let MeshCommand::Render(arguments) = command;
    render(&arguments)
}

/// The plan's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    /// Where the Unix sockets between each service and its sidecar are.
    sockets: PathBuf,
    /// Where `ca.crt`, and `NAME.crt` and `NAME.key` of each part, are.
    certificates: PathBuf,
    /// What the sidecars listen on, where that is not their own address: in a
    /// container `0.0.0.0`.
    #[serde(default)]
    bind: Option<IpAddr>,
    /// An OTLP/gRPC collector, `host:port`.
    #[serde(default)]
    otlp: Option<String>,
    edge: EdgeFile,
    /// Where each service's sidecar is reached, `host:port`.
    services: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeFile {
    /// TLS, for everybody: `0.0.0.0:8443`.
    tls: String,
    /// Plain, on 127.0.0.1.
    http_port: u16,
    /// The public certificate and its key; else `public.crt` and `public.key`
    /// beside the others.
    #[serde(default)]
    certificate: Option<PathBuf>,
    #[serde(default)]
    key: Option<PathBuf>,
    /// A regular expression of the web origins that may call; else this machine's.
    #[serde(default)]
    cors_origins: Option<String>,
}

impl Validate for PlanFile {
    fn validate(&self, problems: &mut Problems) {
        for (key, path) in [("sockets", &self.sockets), ("certificates", &self.certificates)] {
            if !path.is_absolute() {
                problems.add(key, "must be an absolute path");
            }
        }
        if self.otlp.as_deref().is_some_and(|text| address(text).is_none()) {
            problems.add("otlp", "must be host:port");
        }
        if address(&self.edge.tls).is_none() {
            problems.add("edge.tls", "must be host:port");
        }
        for service in mesh::SERVICES {
            match self.services.get(service).map(|text| address(text)) {
                Some(Some(_)) => {}
                Some(None) => problems.add(&format!("services.{service}"), "must be host:port"),
                None => problems.add(&format!("services.{service}"), "is missing"),
            }
        }
        for name in self.services.keys().filter(|name| !mesh::SERVICES.contains(&name.as_str())) {
            problems.add(&format!("services.{name}"), "is no service of the mesh");
        }
    }
}

impl PlanFile {
    /// The plan as one proxy sees it: a sidecar binds where the others do not
    /// look for it.
    fn seen_by(&self, part: &str, descriptor: &Path) -> Option<Plan> {
        let mut services = BTreeMap::new();
        for service in mesh::SERVICES {
            let mut there = address(self.services.get(service)?)?;
            if service == part
                && let Some(bind) = self.bind
            {
                there.host = bind.to_string();
            }
            services.insert(service, there);
        }
        let public = |given: &Option<PathBuf>, name: &str| {
            given.clone().unwrap_or_else(|| self.certificates.join(name))
        };
        let edge = &self.edge;
        let origins = edge.cors_origins.clone();
        Some(Plan {
            sockets: self.sockets.clone(),
            certificates: self.certificates.clone(),
            edge: Edge {
                tls: address(&edge.tls)?,
                http_port: edge.http_port,
                certificate: public(&edge.certificate, "public.crt"),
                key: public(&edge.key, "public.key"),
                cors_origins: origins.unwrap_or_else(|| Edge::LOCAL_ORIGINS.to_owned()),
                descriptor: descriptor.to_owned(),
            },
            services,
            otlp: self.otlp.as_deref().and_then(address),
        })
    }
}

fn render(arguments: &RenderArguments) -> Result<()> {
    // "mesh" also names the variables: SIGNET_MESH__EDGE__TLS and so on.
    let sources = Sources::of_process("mesh", Some(arguments.plan.clone()));
    let file = config::load::<PlanFile>(&sources)
        .map_err(|problems| Fault::internal(format!("the plan is wrong:\n{problems}")))?
        .settings;
    std::fs::create_dir_all(&arguments.out).map_err(about(&arguments.out))?;
    let out = arguments.out.canonicalize().map_err(about(&arguments.out))?;
    if arguments.dev_certificates {
        mesh::certificates::ensure(&file.certificates, &SystemClock).map_err(Fault::internal)?;
    }
    let descriptor = out.join("proto.bin");
    std::fs::write(&descriptor, proto::DESCRIPTOR_SET).map_err(about(&descriptor))?;
    let templates = Templates::default();
    for part in ["edge"].into_iter().chain(mesh::SERVICES) {
        let plan = file
            .seen_by(part, &descriptor)
            .ok_or_else(|| Fault::internal("a validated plan has all addresses"))?;
        let written = match part {
            "edge" => plan.write_edge(&templates, &out),
            service => plan.write_sidecar(&templates, service, &out),
        };
        say(written.map_err(Fault::internal)?.display());
    }
    Ok(())
}

fn about(path: &Path) -> impl Fn(std::io::Error) -> Fault {
    move |error| Fault::internal(format!("{}: {error}", path.display()))
}

fn address(text: &str) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    (!host.is_empty()).then(|| Address::new(host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(extra: &str, drop: &str) -> String {
        let services: String = mesh::SERVICES
            .iter()
            .filter(|name| **name != drop)
            .enumerate()
            .map(|(i, name)| format!("{name} = \"{name}.internal:{}\"\n", 7100 + i))
            .collect();
        format!(
            "sockets = \"/run/signet\"\ncertificates = \"/etc/signet\"\n{extra}\n\
             [edge]\ntls = \"0.0.0.0:8443\"\nhttp_port = 8080\n[services]\n{services}"
        )
    }

    fn load(text: &str) -> std::result::Result<PlanFile, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.toml");
        std::fs::write(&path, text).unwrap();
        let sources = Sources { service: "mesh".into(), file: Some(path), ..Sources::default() };
        config::load(&sources).map(|loaded| loaded.settings).map_err(|all| all.to_string())
    }

    #[test]
    fn a_sidecar_binds_elsewhere_than_its_peers_look() {
        let file = load(&plan("bind = \"0.0.0.0\"", "")).unwrap();
        let seen = |by| file.seen_by(by, Path::new("/d")).unwrap().services["audit"].to_string();
        assert_eq!(seen("audit"), "0.0.0.0:7105");
        assert_eq!(seen("edge"), "audit.internal:7105");
    }

    #[test]
    fn what_is_wrong_is_named_all_at_once() {
        let said = load(&plan("otlp = \"nowhere\"", "audit").replace("0.0.0.0:8443", "8443"))
            .err()
            .unwrap();
        for key in ["otlp", "edge.tls", "services.audit"] {
            assert!(said.contains(key), "{key}: {said}");
        }
        assert!(load(&plan("sokets = 1", "")).is_err());
    }

    #[test]
    fn seven_bootstraps_and_the_descriptors_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.toml");
        let certificates = folder.path().join("certificates");
        let text = plan("", "").replace("/etc/signet", &certificates.display().to_string());
        std::fs::write(&path, text).unwrap();
        let out = folder.path().join("envoy");
        render(&RenderArguments { plan: path, out: out.clone(), dev_certificates: true }).unwrap();
        for part in ["edge"].into_iter().chain(mesh::SERVICES) {
            assert!(out.join(format!("{part}.json")).is_file(), "{part}");
            assert!(certificates.join(format!("{part}.key")).is_file(), "{part}");
        }
        assert!(out.join("proto.bin").is_file());
    }
}
