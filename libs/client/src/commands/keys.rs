//! `keys`: those that the mesh keeps, and the public halves of your own.

use std::path::PathBuf;

use crypto::PrivateKey;
use proto::envelope::v1::{
    BeginKeyRegistrationRequest, CreateKeyRequest, ImportKeyRequest, InvalidateCachesRequest, Key,
    KeyAlgorithm, KeyPurpose, KeyState, KeyVersion, ListKeysRequest, RegisterPublicKeyRequest,
};
use serde_json::{Value, json};

use super::key_changes::{Change, Period, period};
use super::{Problem, Result, label, labels, named};
use crate::sealing;
use crate::session::{EdgeArguments, Session, request_id};
use console::output::{time, word};

#[derive(clap::Args)]
pub struct Keys {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    edge: EdgeArguments,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Purpose {
    Seal,
    Sign,
}

impl From<Purpose> for KeyPurpose {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Seal => Self::Seal,
            Purpose::Sign => Self::Sign,
        }
    }
}

#[derive(clap::Subcommand)]
enum Action {
    /// Make a key pair that the mesh keeps.
    Create {
        /// The key's id; default: a UUID.
        id: Option<String>,
        /// What it is for: seal (recipients) or sign (senders).
        #[arg(long)]
        purpose: Purpose,
        /// Such as rsa_oaep_256_3072, ecdh_es_a256kw_x25519, rsa_ps256_3072 or
        /// eddsa_ed25519; default: RSA with 3072 bits.
        #[arg(long, value_parser = algorithm)]
        algorithm: Option<KeyAlgorithm>,
        /// KEY=VALUE, once for each.
        #[arg(long = "label", value_name = "LABEL", value_parser = label)]
        labels: Vec<(String, String)>,
        /// How old the newest version gets before the mesh adds another: such as 30d, or
        /// never; default: 90d.
        #[arg(long, value_name = "SPAN", value_parser = period)]
        rotate_every: Option<Period>,
    },
    /// Make your own signing and sealing keys, if there are none, and register
    /// their public halves; with --jwk, register that public half instead.
    Register {
        /// The key's id; for --jwk only; default: a UUID.
        #[arg(long, requires = "jwk")]
        id: Option<String>,
        /// A file with a public JWK.
        #[arg(long, value_name = "FILE", requires = "purpose")]
        jwk: Option<PathBuf>,
        /// What the key of --jwk is for.
        #[arg(long, requires = "jwk")]
        purpose: Option<Purpose>,
        /// The proof of possession for --jwk: of a signing key a compact JWS, of a sealing
        /// key the opened challenge. Without it, for a sealing key, the challenge is shown.
        #[arg(long, value_name = "PROOF", requires = "jwk")]
        proof: Option<String>,
    },
    /// Bring a private key in, sealed on its way, for the mesh to keep.
    Import {
        /// The key's id; default: a UUID.
        id: Option<String>,
        /// A file with the key: PKCS#8 as PEM or DER, or a private JWK.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// What it is for: seal (recipients) or sign (senders).
        #[arg(long)]
        purpose: Purpose,
        /// KEY=VALUE, once for each.
        #[arg(long = "label", value_name = "LABEL", value_parser = label)]
        labels: Vec<(String, String)>,
        /// How old the newest version gets before the mesh adds another: such as 30d, or
        /// never; default: 90d.
        #[arg(long, value_name = "SPAN", value_parser = period)]
        rotate_every: Option<Period>,
    },
    /// Write a public half, or those of all keys as a set.
    Export {
        /// The key's name or id; not for --format jwks.
        #[arg(default_value = "", hide_default_value = true)]
        name: String,
        /// jwk, pem or jwks.
        #[arg(long, default_value = "jwk")]
        format: super::key_transfer::Format,
        /// This version; default: the primary one.
        #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
        version: i32,
        /// For jwks: only keys that this is true of, as for list.
        #[arg(long)]
        filter: Option<String>,
    },
    /// Show a key with its public halves.
    #[command(alias = "get")]
    Show {
        /// The key's name or id, such as response-seal.
        name: String,
    },
    /// List keys.
    List {
        /// Only keys of this purpose.
        #[arg(long)]
        purpose: Option<Purpose>,
        /// Terms of purpose, algorithm, state, owner, registered or labels.KEY joined
        /// by AND, such as 'state = DECRYPT_ONLY AND labels.team = blue'.
        #[arg(long, default_value = "", hide_default_value = true)]
        filter: String,
    },
    /// Empty the tenant's caches: after a change made at the key provider itself.
    Invalidate,
    #[command(flatten)]
    Change(Change),
}

fn algorithm(text: &str) -> Result<KeyAlgorithm, String> {
    let name = format!("KEY_ALGORITHM_{}", text.to_uppercase().replace('-', "_"));
    let known = KeyAlgorithm::from_str_name(&name);
    known
        .filter(|algorithm| *algorithm != KeyAlgorithm::Unspecified)
        .ok_or_else(|| "there is no such algorithm".to_owned())
}

impl Keys {
    pub async fn run(self) -> Result<()> {
        let mut session = self.edge.session().await?;
        let key = match self.action {
            Action::Create { id, purpose, algorithm, labels: pairs, rotate_every } => {
                let request = CreateKeyRequest {
                    key_id: id.unwrap_or_default(),
                    purpose: KeyPurpose::from(purpose).into(),
                    algorithm: algorithm.unwrap_or_default().into(),
                    labels: labels(&pairs),
                    request_id: request_id(),
                    rotation_period: rotate_every.map(Into::into),
                };
                session.edge.keys().create_key(request).await?.into_inner().key
            }
            Action::Register { jwk: None, .. } => return own(&mut session).await,
            Action::Register {
                jwk: Some(path), purpose: Some(Purpose::Seal), proof: None, ..
            } => {
                let challenge = challenge(&session, super::read_text(&path)?).await?;
                session.out.note("Open this with the key, check that it names you, and run the command again with the text as --proof:");
                session.out.object(&json!({ "challenge": challenge }));
                return Ok(());
            }
            Action::Import { id, key, purpose, labels: pairs, rotate_every } => {
                let request = ImportKeyRequest {
                    key_id: id.unwrap_or_default(),
                    purpose: KeyPurpose::from(purpose).into(),
                    labels: labels(&pairs),
                    rotation_period: rotate_every.map(Into::into),
                    ..ImportKeyRequest::default()
                };
                super::key_transfer::import(&session, &key, request).await?
            }
            Action::Export { name, format, version, filter } => {
                let filter = filter.unwrap_or_default();
                return super::key_transfer::export(&session, (&name, version), format, filter)
                    .await;
            }
            Action::Register { id, jwk: Some(path), purpose, proof } => {
                given(&session, (id, purpose, proof), super::read_text(&path)?).await?
            }
            Action::Invalidate => {
                let mut keys = session.edge.keys();
                let done = keys.invalidate_caches(InvalidateCachesRequest {}).await?.into_inner();
                session.out.object(&json!({ "keys": done.keys, "epoch": done.epoch }));
                return Ok(());
            }
            Action::Show { name } => {
                Some(sealing::key(&session.edge, &named("keys", &name)).await?)
            }
            Action::List { purpose, filter } => return list(&session, purpose, filter).await,
            Action::Change(change) => change.run(&session).await?,
        };
        if let Some(key) = key {
            session.out.object(&key_json(&key));
        }
        Ok(())
    }
}

async fn own(session: &mut Session) -> Result<()> {
    let registered = register_own(session).await?;
    let rows: Vec<_> = registered.iter().map(|(key, _)| key_json(key)).collect();
    session.out.list(&rows, &["name", "purpose", "algorithm", "state"]);
    Ok(())
}

/// Makes the own keys if there are none, and registers what the mesh does not
/// know yet. Gives the signing and the sealing key, and whether each is new.
pub async fn register_own(session: &mut Session) -> Result<[(Key, bool); 2]> {
    let (signing, _) = session.profile.signing_key()?;
    let (sealing, _) = session.profile.sealing_key()?;
    let user = session.who().await?.user;
    let text = format!("signet-register-v1\n{user}\n{}", signing.kid());
    let proof = crypto::proof::sign(&signing, text.as_bytes()).map_err(Problem::new)?;
    let known = session.profile.state.signing_key.clone();
    let signing = register_one(session, known, (KeyPurpose::Sign, &signing, proof)).await?;
    session.profile.state.signing_key = Some(signing.0.name.clone());
    let known = session.profile.state.sealing_key.clone();
    let sealing = (KeyPurpose::Seal, &sealing, String::new());
    let sealing = register_one(session, known, sealing).await?;
    session.profile.state.sealing_key = Some(sealing.0.name.clone());
    session.profile.save()?;
    Ok([signing, sealing])
}

async fn register_one(
    session: &Session,
    known: Option<String>,
    (purpose, own, proof): (KeyPurpose, &PrivateKey, String),
) -> Result<(Key, bool)> {
    if let Some(name) = known {
        match sealing::key(&session.edge, &name).await {
            Ok(key) if is_usable(&key, own) => return Ok((key, false)),
            Err(problem) if !problem.is(&kernel::common::RESOURCE_NOT_FOUND) => {
                return Err(problem);
            }
            _ => {}
        }
    }
    let proof = match purpose {
        // What cannot sign proves that it can open, and only to its own user.
        KeyPurpose::Seal => {
            let token = challenge(session, own.public().to_jwk()).await?;
            let user = &session.who().await?.user;
            crypto::proof::answer(own, &token, user).map_err(Problem::new)?
        }
        _ => proof,
    };
    let request = RegisterPublicKeyRequest {
        key_id: String::new(),
        purpose: purpose.into(),
        public_jwk: own.public().to_jwk(),
        proof,
        labels: Vec::new(),
        request_id: request_id(),
    };
    match session.edge.keys().register_public_key(request).await.map_err(Problem::from) {
        Ok(answer) => {
            let key = answer.into_inner().key;
            Ok((key.ok_or_else(|| Problem::new("The mesh sent no key."))?, true))
        }
        // Registered before, by a profile that has forgotten under which name.
        Err(problem) if problem.is(&kernel::common::RESOURCE_EXISTS) => {
            let known = all(session, purpose).await?;
            known.into_iter().find(|key| is_usable(key, own)).map(|key| (key, false)).ok_or(problem)
        }
        Err(problem) => Err(problem),
    }
}

/// Registers a public half that somebody else has the private half of.
async fn given(
    session: &Session,
    (id, purpose, proof): (Option<String>, Option<Purpose>, Option<String>),
    public_jwk: String,
) -> Result<Option<Key>> {
    let request = RegisterPublicKeyRequest {
        key_id: id.unwrap_or_default(),
        purpose: purpose.map_or(KeyPurpose::Unspecified, KeyPurpose::from).into(),
        public_jwk,
        proof: proof.unwrap_or_default(),
        labels: Vec::new(),
        request_id: request_id(),
    };
    Ok(session.edge.keys().register_public_key(request).await?.into_inner().key)
}

async fn challenge(session: &Session, public_jwk: String) -> Result<String> {
    let request = BeginKeyRegistrationRequest { public_jwk };
    Ok(session.edge.keys().begin_key_registration(request).await?.into_inner().challenge)
}

fn is_usable(key: &Key, own: &PrivateKey) -> bool {
    key.state() == KeyState::Enabled
        && key.versions.iter().any(|version| version.thumbprint == own.kid())
}

/// All keys of a purpose.
pub async fn all(session: &Session, purpose: KeyPurpose) -> Result<Vec<Key>> {
    filtered(session, purpose, String::new()).await
}

async fn filtered(session: &Session, purpose: KeyPurpose, filter: String) -> Result<Vec<Key>> {
    let (mut keys, mut page_token) = (Vec::new(), String::new());
    loop {
        let (purpose, filter) = (purpose.into(), filter.clone());
        let request = ListKeysRequest { page_size: 1_000, page_token, purpose, filter };
        let page = session.edge.keys().list_keys(request).await?.into_inner();
        keys.extend(page.keys);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(keys);
        }
    }
}

async fn list(session: &Session, purpose: Option<Purpose>, filter: String) -> Result<()> {
    let purpose = purpose.map_or(KeyPurpose::Unspecified, KeyPurpose::from);
    let rows: Vec<_> = filtered(session, purpose, filter).await?.iter().map(key_json).collect();
    let columns =
        ["name", "purpose", "algorithm", "state", "primary_version", "registered", "owner"];
    session.out.list(&rows, &columns);
    Ok(())
}

fn key_json(key: &Key) -> Value {
    let labels: Vec<_> =
        key.labels.iter().map(|label| format!("{}={}", label.key, label.value)).collect();
    json!({
        "name": key.name,
        "purpose": word(key.purpose().as_str_name(), "KEY_PURPOSE_"),
        "algorithm": word(key.algorithm().as_str_name(), "KEY_ALGORITHM_"),
        "state": word(key.state().as_str_name(), "KEY_STATE_"),
        "primary_version": key.primary_version,
        "registered": key.registered,
        "owner": key.owner,
        "create_time": time(key.create_time.as_ref()),
        "labels": labels,
        "rotation_days": key.rotation_period.map(|period| period.seconds / 86_400),
        "next_rotation_time": time(key.next_rotation_time.as_ref()),
        "versions": key.versions.iter().map(version_json).collect::<Vec<_>>(),
    })
}

fn version_json(version: &KeyVersion) -> Value {
    json!({
        "version": version.version,
        "state": word(version.state().as_str_name(), "KEY_STATE_"),
        "thumbprint": version.thumbprint,
        "public_jwk": version.public_jwk,
        "create_time": time(version.create_time.as_ref()),
        "activate_time": time(version.activate_time.as_ref()),
        "destroy_time": time(version.destroy_time.as_ref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_named_as_in_the_contract() {
        assert_eq!(algorithm("eddsa_ed25519"), Ok(KeyAlgorithm::EddsaEd25519));
        assert_eq!(algorithm("RSA-OAEP-256-3072"), Ok(KeyAlgorithm::RsaOaep2563072));
        assert!(algorithm("unspecified").is_err());
        assert!(algorithm("rot13").is_err());
    }

    #[test]
    fn a_key_shows_what_it_is() {
        let key = Key {
            name: "keys/a".into(),
            purpose: KeyPurpose::Seal.into(),
            algorithm: KeyAlgorithm::EcdhEsA256kwX25519.into(),
            state: KeyState::Enabled.into(),
            ..Key::default()
        };
        let shown = key_json(&key);
        assert_eq!(shown["purpose"], "seal");
        assert_eq!(shown["algorithm"], "ecdh_es_a256kw_x25519");
        assert_eq!(shown["state"], "enabled");
    }
}
