//! `certificates`: that keys were destroyed, for those who must show it.

use std::path::PathBuf;

use crypto::{PublicKey, statement};
use proto::envelope::v1::{Certificate, ListCertificatesRequest};
use serde_json::{Value, json};

use super::{Problem, Result, named, read_text};
use crate::sealing;
use crate::session::{EdgeArguments, Session};
use console::output::time;

/// Who certifies, in every tenant.
const SIGNER: &str = "keys/envelope-sign";

#[derive(clap::Args)]
pub struct Certificates {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    edge: EdgeArguments,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List certificates of destroyed data keys, newest first.
    List {
        /// Only those of this prompt: its name or id.
        #[arg(long, value_name = "PROMPT")]
        prompt: Option<String>,
    },
    /// Verify a certificate, and print what it says: of destroyed data keys, or of
    /// retired versions of the KEK.
    Verify {
        /// The compact JWS; - is standard input.
        file: PathBuf,
        /// A file with the public JWK of the signer, which makes the mesh unnecessary;
        /// default: the tenant's `keys/envelope-sign`, as the mesh has it.
        #[arg(long, value_name = "FILE")]
        signer_key: Option<PathBuf>,
    },
}

impl Certificates {
    pub async fn run(self) -> Result<()> {
        match self.action {
            Action::List { prompt } => list(&self.edge.session().await?, prompt).await,
            Action::Verify { file, signer_key } => {
                let token = read_text(&file)?;
                let kid = statement::named_key(token.trim())
                    .ok_or_else(|| Problem::file(&file, "this is no certificate"))?;
                let jwk = match signer_key {
                    Some(path) => read_text(&path)?,
                    None => signer(&self.edge.session().await?, &kid).await?,
                };
                let said = verified(&jwk, token.trim())?;
                self.edge.output().object(&said);
                Ok(())
            }
        }
    }
}

/// The public half that has signed, if it is the mesh's.
async fn signer(session: &Session, kid: &str) -> Result<String> {
    let key = sealing::key(&session.edge, SIGNER).await?;
    let version = sealing::version_of(&key, kid);
    version.map(|version| version.public_jwk.clone()).ok_or_else(|| {
        Problem::new(format_args!("The certificate is not signed by {SIGNER} of your tenant."))
    })
}

fn verified(jwk: &str, token: &str) -> Result<Value> {
    let key = PublicKey::from_jwk(jwk).map_err(Problem::new)?;
    statement::verify(&key, token).map_err(|_| Problem::new("The certificate is not genuine."))
}

async fn list(session: &Session, prompt: Option<String>) -> Result<()> {
    let subject = prompt.map(|given| named("prompts", &given)).unwrap_or_default();
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let request =
            ListCertificatesRequest { page_size: 1_000, page_token, subject: subject.clone() };
        let page = session.edge.certificates().list_certificates(request).await?.into_inner();
        rows.extend(page.certificates.iter().map(certificate_json));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    session.out.list(&rows, &["name", "subject", "create_time", "event"]);
    Ok(())
}

fn certificate_json(certificate: &Certificate) -> Value {
    json!({
        "name": certificate.name,
        "subject": certificate.subject,
        "create_time": time(certificate.create_time.as_ref()),
        "event": certificate.event,
        "statement": certificate.statement,
    })
}

#[cfg(test)]
mod tests {
    use crypto::{KeyAlgorithm, PrivateKey};

    use super::*;

    #[test]
    fn a_certificate_is_its_signers() {
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let other = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let said = json!({"kind": "data-keys-destroyed"});
        let token = statement::sign(&key, &said).unwrap();
        assert_eq!(verified(&key.public().to_jwk(), &token).unwrap(), said);
        assert!(verified(&other.public().to_jwk(), &token).is_err());
        assert!(verified("{}", &token).is_err());
    }
}
