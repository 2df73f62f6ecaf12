//! What a bundle proves, and by which key.

use crypto::envelope::{Manifest, VerifiedManifest};
use crypto::{Limits, PublicKey, encoding, provider};
use prost::Message as _;
use serde_json::Value;
use tlog::{LogIdentity, LogProof, TreeHead, VerifierKey};

use crate::bundle::{Bundle, LoggedEvent};
use crate::entry::entry_of;
use crate::event::Event;

/// Why a bundle proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    #[error("it is not the JSON of a bundle: {0}")]
    Json(String),
    #[error("`{0}` is malformed")]
    Malformed(&'static str),
    #[error("the manifest: {0}")]
    Manifest(String),
    #[error("`keys` are not those that have signed the manifest")]
    Keys,
    #[error("event {index}: {what}")]
    Event { index: usize, what: String },
    #[error("it is of the log {found}, not of the one given")]
    OtherLog { found: String },
    #[error("the envelope was sealed by the key {found}, which is not one of those given")]
    OtherSender { found: String },
}

/// Whom the verifier believes. What is not given is taken from the bundle, and said to be.
#[derive(Default)]
pub struct Anchors {
    /// The log's verifier key.
    pub log_key: Option<VerifierKey>,
    /// Thumbprints of senders' keys.
    pub senders: Vec<String>,
}

/// Why the sender's key is the sender's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouched {
    /// It is one of those given.
    Given,
    /// The log has it that the mesh took this key for a key of the tenant when it acted on this
    /// very manifest.
    ByLog,
    /// Only by the bundle itself.
    Nobody,
}

/// All that a bundle proves.
pub struct Proved {
    pub manifest: VerifiedManifest,
    pub sender: Vouched,
    /// The log, as its key is called.
    pub log: String,
    /// Whether its key is the one given.
    pub log_given: bool,
    /// In the order of the log.
    pub events: Vec<ProvedEvent>,
}

/// An event that is in the log.
pub struct ProvedEvent {
    pub event: Event,
    pub index: u64,
    /// The log as its checkpoint has it.
    pub head: TreeHead,
    /// Whether it is about this very manifest, not one with fewer or more amendments.
    pub is_of_this_manifest: bool,
}

impl Bundle {
    /// Verifies everything, offline.
    ///
    /// # Errors
    /// At the first thing that is not as it must be.
    pub fn verify(&self, anchors: &Anchors) -> Result<Proved, EvidenceError> {
        let manifest = self.manifest()?;
        let log = self.log(anchors)?;
        let mut events = Vec::with_capacity(self.events.len());
        for (index, logged) in self.events.iter().enumerate() {
            let proved = prove(logged, &log, &manifest);
            events.push(proved.map_err(|what| EvidenceError::Event { index, what })?);
        }
        events.sort_by_key(|proved| proved.index);
        if let Some(index) = events.windows(2).position(|pair| pair[0].index == pair[1].index) {
            return Err(EvidenceError::Event { index, what: "it is there twice".to_owned() });
        }
        let sender = vouched(&manifest, &events, anchors)?;
        let log_given = anchors.log_key.is_some();
        Ok(Proved { manifest, sender, log: log.origin, log_given, events })
    }

    fn manifest(&self) -> Result<VerifiedManifest, EvidenceError> {
        let told = |error: crypto::OpenError| {
            let detail = error.detail().map(|detail| detail.to_string());
            EvidenceError::Manifest(detail.unwrap_or_else(|| error.to_string()))
        };
        let manifest = Manifest::parse(&self.manifest, &Limits::default()).map_err(told)?;
        let keys: Vec<_> = self.keys.iter().map(public_key).collect::<Result<_, _>>()?;
        let mut signers: Vec<&str> = Vec::new();
        for signer in manifest.claimed_signers() {
            if !signers.contains(&signer) {
                signers.push(signer);
            }
        }
        if !signers.iter().copied().eq(keys.iter().map(PublicKey::kid)) {
            return Err(EvidenceError::Keys);
        }
        manifest.verify_by(|kid| keys.iter().find(|key| key.kid() == kid).cloned()).map_err(told)
    }

    fn log(&self, anchors: &Anchors) -> Result<LogIdentity, EvidenceError> {
        let key: VerifierKey =
            self.log_key.parse().map_err(|_| EvidenceError::Malformed("log_key"))?;
        if key.to_string() != self.log_key {
            return Err(EvidenceError::Malformed("log_key"));
        }
        if anchors.log_key.as_ref().is_some_and(|given| *given != key) {
            return Err(EvidenceError::OtherLog { found: self.log_key.clone() });
        }
        Ok(LogIdentity { origin: key.name().to_owned(), keys: vec![key] })
    }
}

/// A key as we write it, and no other spelling: nothing in the bundle is without meaning.
fn public_key(jwk: &Value) -> Result<PublicKey, EvidenceError> {
    let key =
        PublicKey::from_jwk(&jwk.to_string()).map_err(|_| EvidenceError::Malformed("keys"))?;
    let canonical: Value = serde_json::from_str(&key.to_jwk()).unwrap_or_default();
    if canonical == *jwk { Ok(key) } else { Err(EvidenceError::Malformed("keys")) }
}

fn prove(
    logged: &LoggedEvent,
    log: &LogIdentity,
    manifest: &VerifiedManifest,
) -> Result<ProvedEvent, String> {
    let told = |error: EvidenceError| error.to_string();
    let encoded = logged.encoded().map_err(told)?;
    let entry = entry_of(&logged.salt().map_err(told)?, &encoded);
    let proof: LogProof = logged.proof.parse().map_err(|error| format!("the proof: {error}"))?;
    // One spelling, and nothing beside it that no signature covers.
    if proof.extra.is_some() || proof.to_string() != logged.proof {
        return Err("the proof is not written as it must be".to_owned());
    }
    let checkpoint = proof.verify(log, &entry).map_err(|error| error.to_string())?;
    let event = Event::decode(encoded.as_slice()).map_err(|_| "it cannot be decoded")?;
    let of_this = is_about(&event, manifest)?;
    let (index, head) = (proof.index, checkpoint.head());
    Ok(ProvedEvent { event, index, head, is_of_this_manifest: of_this })
}

/// Whether the event is about the envelope, and does not say other things of it than the
/// manifest does.
fn is_about(event: &Event, manifest: &VerifiedManifest) -> Result<bool, String> {
    let claims = manifest.claims();
    let subject = format!("envelopes/{}", claims.id);
    if event.subject != subject || event.tenant != format!("tenants/{}", claims.tenant) {
        return Err("it is about something else".to_owned());
    }
    for (name, value) in [
        ("sender", &claims.sender),
        ("purpose", &claims.purpose),
        ("content_digest", &claims.digest),
    ] {
        if event.attribute(name).is_some_and(|told| told != value) {
            return Err(format!("its `{name}` is another than the manifest's"));
        }
    }
    let digest = provider::default().sha256(&[manifest.token().as_bytes()]);
    Ok(event.attribute("manifest_digest") == Some(&encoding::encode(&digest)))
}

fn vouched(
    manifest: &VerifiedManifest,
    events: &[ProvedEvent],
    anchors: &Anchors,
) -> Result<Vouched, EvidenceError> {
    let sender = &manifest.claims().sender;
    if anchors.senders.contains(sender) {
        return Ok(Vouched::Given);
    }
    if !anchors.senders.is_empty() {
        return Err(EvidenceError::OtherSender { found: sender.clone() });
    }
    let by_log = events.iter().any(|proved| {
        proved.is_of_this_manifest && proved.event.attribute("sender") == Some(sender.as_str())
    });
    Ok(if by_log { Vouched::ByLog } else { Vouched::Nobody })
}
