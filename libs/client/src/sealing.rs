//! Sealing and opening with the client's own keys: neither the text nor a private
//! key leaves this process.

use chrono::Duration;
use crypto::envelope::{
    self, Content, Manifest, ManifestClaims, Terms, VerifiedManifest, WrappedKeys,
};
use crypto::stream::file::Header;
use crypto::stream::{StreamOpener, StreamSealer};
use crypto::{Limits, OpenError, PrivateKey, PublicKey, SealError};
use kernel::{Clock as _, SystemClock};
use proto::envelope::v1::{Envelope, GetKeyRequest, Key, KeyState, KeyVersion};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::connection::Edge;
use super::session::{Session, tenant_id};
use console::problem::{Problem, Result};

/// The response service's keys, in every tenant.
pub const RESPONSE_SEAL: &str = "keys/response-seal";
pub const RESPONSE_SIGN: &str = "keys/response-sign";

/// An envelope in a file: the same JSON as over REST.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeFile {
    pub manifest: String,
    pub content: String,
}

impl EnvelopeFile {
    pub fn parse(bytes: &[u8]) -> Result<Envelope> {
        let file: Self = serde_json::from_slice(bytes).map_err(|error| {
            Problem::new(format_args!("This is no envelope: {error}."))
                .help("An envelope is JSON with `manifest` and `content`, as `signet seal` writes.")
        })?;
        Ok(Envelope { manifest: file.manifest, content: file.content })
    }

    pub fn write(envelope: &Envelope) -> Result<Vec<u8>> {
        let file = Self { manifest: envelope.manifest.clone(), content: envelope.content.clone() };
        let mut json = serde_json::to_vec_pretty(&file).map_err(Problem::new)?;
        json.push(b'\n');
        Ok(json)
    }
}

/// The client's own key pairs, registered.
pub struct OwnKeys {
    pub signing: PrivateKey,
    /// `keys/{id}`.
    pub signing_name: String,
    pub sealing: PrivateKey,
    pub sealing_name: String,
}

impl OwnKeys {
    /// Those of the profile, which must be registered.
    pub fn of(session: &Session) -> Result<Self> {
        let state = &session.profile.state;
        let (Some(signing_name), Some(sealing_name)) = (&state.signing_key, &state.sealing_key)
        else {
            return Err(Problem::new("You have no registered keys of your own.").help(
                "Run `signet keys register`: it makes them and registers the public halves.",
            ));
        };
        Ok(Self {
            signing: session.profile.signing_key()?.0,
            signing_name: signing_name.clone(),
            sealing: session.profile.sealing_key()?.0,
            sealing_name: sealing_name.clone(),
        })
    }
}

/// What is sealed, and for what.
pub struct Letter<'a> {
    /// `tenants/{uuid}`.
    pub tenant: &'a str,
    pub purpose: &'a str,
    pub content_type: &'a str,
    pub lifetime: Duration,
    pub plaintext: Vec<u8>,
}

/// Encrypts for the recipients and signs, here.
pub fn seal(letter: Letter<'_>, signing: &PrivateKey, to: &[PublicKey]) -> Result<Envelope> {
    let terms = terms(&letter, signing)?;
    let sealed = envelope::seal(&terms, to, letter.plaintext, &Limits::default());
    let sealed = sealed.map_err(unsealable)?;
    let manifest = sealed.claims.sign(signing).map_err(unsealable)?;
    Ok(Envelope { manifest, content: sealed.content })
}

/// The same for a stream, whose chunks the sealer makes. The letter has no plaintext yet.
pub fn seal_stream(
    letter: &Letter<'_>,
    signing: &PrivateKey,
    to: &[PublicKey],
) -> Result<(Header, StreamSealer)> {
    let terms = terms(letter, signing)?;
    let sealed = envelope::seal_stream(&terms, to, &Limits::default());
    let (sealed, sealer) = sealed.map_err(unsealable)?;
    let manifest = sealed.claims.sign(signing).map_err(unsealable)?;
    Ok((Header { manifest, content: sealed.content }, sealer))
}

fn terms(letter: &Letter<'_>, signing: &PrivateKey) -> Result<Terms> {
    let now = SystemClock.now();
    Ok(Terms {
        tenant: tenant_id(letter.tenant)?,
        sender: signing.kid().to_owned(),
        purpose: letter.purpose.to_owned(),
        content_type: letter.content_type.to_owned(),
        in_reply_to: None,
        issued_at: now,
        expires_at: now + letter.lifetime,
    })
}

fn unsealable(error: SealError) -> Problem {
    Problem::new(format_args!("The content cannot be sealed: {error}."))
}

pub async fn key(edge: &Edge, name: &str) -> Result<Key> {
    let request = GetKeyRequest { name: name.to_owned() };
    let answer = edge.keys().get_key(request).await?.into_inner();
    answer.key.ok_or_else(|| Problem::new(format_args!("The mesh sent no key for {name}.")))
}

/// The version of a key that seals.
pub fn primary(key: &Key) -> Result<PublicKey> {
    let version = key.versions.iter().find(|version| version.version == key.primary_version);
    let enabled = |version: &&KeyVersion| version.state() == KeyState::Enabled;
    let version = version.filter(enabled).filter(|_| key.state() == KeyState::Enabled);
    version.map_or_else(
        || Err(Problem::new(format_args!("{} is disabled.", key.name))),
        |version| public(version, &key.name),
    )
}

fn public(version: &KeyVersion, name: &str) -> Result<PublicKey> {
    let key = PublicKey::from_jwk(&version.public_jwk);
    key.map_err(|error| {
        Problem::new(format_args!("The public half of {name} is unusable: {error}."))
    })
}

/// Verifies an envelope's manifest against a key that the mesh knows.
pub fn verify(envelope: &Envelope, sender: &Key) -> Result<VerifiedManifest> {
    verify_by(envelope, std::slice::from_ref(sender))
}

/// The same, where others than the sender may have changed the recipients.
pub fn verify_by(envelope: &Envelope, signers: &[Key]) -> Result<VerifiedManifest> {
    let manifest = Manifest::parse(&envelope.manifest, &Limits::default()).map_err(unopenable)?;
    let mut keys = Vec::new();
    for claimed in manifest.claimed_signers() {
        let found = signers.iter().find_map(|key| {
            let verifies = |state| matches!(state, KeyState::Enabled | KeyState::DecryptOnly);
            let enabled = |version: &&KeyVersion| verifies(version.state());
            version_of(key, claimed).filter(enabled).map(|version| (key, version))
        });
        let found = found.filter(|(key, _)| key.state() == KeyState::Enabled);
        let (key, version) = found.ok_or_else(|| {
            let names: Vec<_> = signers.iter().map(|key| key.name.as_str()).collect();
            let names = names.join(" or ");
            Problem::new(format_args!("The envelope is not signed by an enabled {names}."))
        })?;
        keys.push(public(version, &key.name)?);
    }
    let key_of = |kid: &str| keys.iter().find(|key| key.kid() == kid).cloned();
    manifest.verify_by(key_of).map_err(unopenable)
}

/// The version of a key that has this thumbprint.
pub fn version_of<'a>(key: &'a Key, thumbprint: &str) -> Option<&'a KeyVersion> {
    key.versions.iter().find(|version| version.thumbprint == thumbprint)
}

/// A plaintext, and what the verified manifest says of it.
pub struct Opened {
    pub plaintext: Zeroizing<Vec<u8>>,
    pub media_type: String,
    pub claims: ManifestClaims,
}

/// Verifies and opens, here.
pub fn open(envelope: &Envelope, sender: &Key, own: &PrivateKey) -> Result<Opened> {
    open_by(envelope, std::slice::from_ref(sender), own)
}

/// The same, where others than the sender may have changed the recipients.
pub fn open_by(envelope: &Envelope, signers: &[Key], own: &PrivateKey) -> Result<Opened> {
    let (manifest, content) = parts(envelope, signers)?;
    let key =
        manifest.release(own, content.wrapped_keys(), SystemClock.now()).map_err(unopenable)?;
    let plaintext = key.open(&manifest, &content).map_err(unopenable)?;
    Ok(Opened {
        plaintext,
        media_type: content.media_type().unwrap_or_default().to_owned(),
        claims: manifest.claims().clone(),
    })
}

/// Verifies and opens the head of a sealed stream.
pub fn open_stream(
    envelope: &Envelope,
    sender: &Key,
    own: &PrivateKey,
) -> Result<(StreamOpener, ManifestClaims)> {
    open_stream_by(envelope, std::slice::from_ref(sender), own)
}

/// The same, where others than the sender may have changed the recipients.
pub fn open_stream_by(
    envelope: &Envelope,
    signers: &[Key],
    own: &PrivateKey,
) -> Result<(StreamOpener, ManifestClaims)> {
    let (manifest, content) = parts(envelope, signers)?;
    let key =
        manifest.release(own, content.wrapped_keys(), SystemClock.now()).map_err(unopenable)?;
    let opener = key.open_stream(&manifest, &content).map_err(unopenable)?;
    Ok((opener, manifest.claims().clone()))
}

fn parts<'a>(envelope: &'a Envelope, signers: &[Key]) -> Result<(VerifiedManifest, Content<'a>)> {
    let manifest = verify_by(envelope, signers)?;
    let content = Content::parse(&envelope.content, &Limits::default()).map_err(unopenable)?;
    Ok((manifest, content))
}

/// The wrapped keys of an envelope's content, as JSON.
pub fn wrapped_keys(envelope: &Envelope) -> Result<String> {
    let content = Content::parse(&envelope.content, &Limits::default()).map_err(unopenable)?;
    Ok(content.wrapped_keys().to_json())
}

/// The content of an envelope with other wrapped keys.
pub fn with_wrapped_keys(envelope: &Envelope, json: &str) -> Result<String> {
    let limits = Limits::default();
    let keys = WrappedKeys::from_json(json, &limits).map_err(unopenable)?;
    let content = Content::parse(&envelope.content, &limits).map_err(unopenable)?;
    Ok(content.with_wrapped_keys(&keys))
}

/// The client is nobody's oracle: its user may know the reason.
pub fn unopenable(error: OpenError) -> Problem {
    match error.detail() {
        Some(detail) => Problem::new(format_args!("The envelope is not genuine: {detail}.")),
        None => Problem::new(format_args!("The envelope cannot be opened: {error}.")),
    }
}

#[cfg(test)]
mod tests {
    use crypto::KeyAlgorithm;
    use proto::envelope::v1::KeyPurpose;

    use super::*;

    const TENANT: &str = "tenants/0199aaaa-0000-7000-8000-000000000001";

    fn registered(key: &PrivateKey, name: &str) -> Key {
        Key {
            name: name.into(),
            purpose: KeyPurpose::Sign.into(),
            state: KeyState::Enabled.into(),
            primary_version: 1,
            versions: vec![KeyVersion {
                version: 1,
                state: KeyState::Enabled.into(),
                public_jwk: key.public().to_jwk(),
                thumbprint: key.kid().to_owned(),
                ..KeyVersion::default()
            }],
            ..Key::default()
        }
    }

    fn sealed(signing: &PrivateKey, to: &PrivateKey) -> Envelope {
        let letter = Letter {
            tenant: TENANT,
            purpose: "message",
            content_type: "text/plain",
            lifetime: Duration::minutes(1),
            plaintext: b"to be kept".to_vec(),
        };
        seal(letter, signing, &[to.public().clone()]).unwrap()
    }

    #[test]
    fn what_is_sealed_here_opens_here_by_way_of_a_file() {
        let signing = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let sealing = PrivateKey::generate(KeyAlgorithm::X25519).unwrap();
        let envelope = sealed(&signing, &sealing);
        let file = EnvelopeFile::write(&envelope).unwrap();
        let envelope = EnvelopeFile::parse(&file).unwrap();
        let sender = registered(&signing, "keys/me");
        let opened = open(&envelope, &sender, &sealing).unwrap();
        assert_eq!(opened.plaintext.as_slice(), b"to be kept");
        assert_eq!(
            (opened.media_type.as_str(), opened.claims.purpose.as_str()),
            ("text/plain", "message")
        );
    }

    #[test]
    fn strangers_and_disabled_keys_are_refused() {
        let signing = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let sealing = PrivateKey::generate(KeyAlgorithm::X25519).unwrap();
        let envelope = sealed(&signing, &sealing);
        let stranger = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let told = open(&envelope, &registered(&stranger, "keys/x"), &sealing).err().unwrap();
        assert!(told.to_string().contains("not signed by an enabled keys/x"));
        let mut superseded = registered(&signing, "keys/me");
        superseded.versions[0].state = KeyState::DecryptOnly.into();
        assert!(open(&envelope, &superseded, &sealing).is_ok());
        assert!(primary(&superseded).is_err(), "nothing new is sealed to it");
        let mut disabled = registered(&signing, "keys/me");
        disabled.versions[0].state = KeyState::Disabled.into();
        assert!(open(&envelope, &disabled, &sealing).is_err());
        assert!(primary(&disabled).is_err());
        let other = PrivateKey::generate(KeyAlgorithm::X25519).unwrap();
        let told = open(&envelope, &registered(&signing, "keys/me"), &other).err().unwrap();
        assert!(told.to_string().contains("signet: The envelope"), "{told}");
    }

    #[test]
    fn other_files_are_named_for_what_they_are() {
        for text in ["", "[]", "{}", r#"{"manifest":"a","content":"b","extra":1}"#] {
            let told = EnvelopeFile::parse(text.as_bytes()).err().unwrap().to_string();
            assert!(told.contains("no envelope") && told.contains("signet seal"), "{told}");
        }
    }
}
