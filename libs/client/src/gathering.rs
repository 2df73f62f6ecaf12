//! Collecting evidence: what the log has about an envelope, verified on receipt.

use std::time::Duration;

use crypto::envelope::Manifest;
use crypto::{Limits, encoding};
use evidence::{Anchors, Bundle, LoggedEvent, MAX_EVENTS};
use proto::audit::v1::{
    GetEventRequest, GetInclusionProofRequest, GetInclusionProofResponse, ListEventsRequest,
    Outcome,
};
use proto::envelope::v1::Envelope;
use serde_json::Value;
use tlog::{Hash, LogIdentity, LogProof, Note};

use super::commands::{events, signers};
use super::proofs;
use super::sealing::{unopenable, version_of};
use super::session::Session;
use console::problem::{Problem, Result};

/// A new event is in the log after some tens of milliseconds.
const TRIES: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(250);
/// Refusals and other services' events are looked past: so many are asked for.
const LOOKED_AT: u32 = 1_000;

/// The bundle for an envelope: of its manifest, the keys that have signed it, and every event of
/// the envelope service about it that is no refusal.
pub async fn gather(session: &mut Session, envelope: &Envelope) -> Result<Bundle> {
    let manifest = Manifest::parse(&envelope.manifest, &Limits::default()).map_err(unopenable)?;
    let manifest = manifest.verified_by_peer();
    let subject = format!("envelopes/{}", manifest.claims().id);
    let keys = signers(session, envelope).await?;
    let identity = proofs::identity(&session.edge, &mut session.profile.state).await?;
    session.profile.save()?;
    let filter = ListEventsRequest { subject: subject.clone(), ..ListEventsRequest::default() };
    let listed = events::list(session, filter, LOOKED_AT).await?;
    let about = listed.iter().rev().filter(|logged| {
        let of_envelope = |event: &proto::audit::v1::Event| {
            event.source == "envelope" && event.outcome() == Outcome::Success
        };
        logged.event.as_ref().is_some_and(of_envelope)
    });
    let mut logged = Vec::new();
    for event in about.take(MAX_EVENTS) {
        logged.push(fetch(session, &identity, &event.name).await?);
    }
    if logged.is_empty() {
        return Err(Problem::new(format_args!("The log has nothing about {subject}.")).help(
            "Sealing with own keys leaves no event; opening and rewrapping by the mesh do.",
        ));
    }
    let log_key = identity.keys.first().map(ToString::to_string).unwrap_or_default();
    let bundle = Bundle::new(envelope.manifest.clone(), keys, log_key, logged);
    let anchors = Anchors { log_key: identity.keys.first().cloned(), senders: Vec::new() };
    bundle.verify(&anchors).map_err(|error| {
        Problem::new(format_args!("What the mesh has sent proves nothing: {error}."))
    })?;
    Ok(bundle)
}

/// The public halves of all who have signed, each once.
async fn signers(session: &Session, envelope: &Envelope) -> Result<Vec<Value>> {
    let known = signers::of(session, envelope).await?;
    let manifest = Manifest::parse(&envelope.manifest, &Limits::default()).map_err(unopenable)?;
    let mut jwks: Vec<Value> = Vec::new();
    for kid in manifest.claimed_signers() {
        let version = known.iter().find_map(|key| version_of(key, kid));
        let jwk = version.and_then(|version| serde_json::from_str(&version.public_jwk).ok());
        let jwk: Value = jwk.ok_or_else(|| Problem::new("The mesh sent no key of a signer."))?;
        if !jwks.contains(&jwk) {
            jwks.push(jwk);
        }
    }
    Ok(jwks)
}

async fn fetch(session: &Session, identity: &LogIdentity, name: &str) -> Result<LoggedEvent> {
    let request = GetEventRequest { name: name.to_owned() };
    let event = session.edge.events().get_event(request).await?.into_inner();
    let proof = inclusion(session, name).await?;
    proofs::verify(identity, name, &event, &proof)?;
    let hashes: Option<Vec<_>> = proof.hashes.iter().map(hash).collect();
    let malformed = || Problem::new("The mesh sent a proof that is malformed.");
    let proof = LogProof {
        extra: None,
        index: u64::try_from(proof.index).map_err(|_| malformed())?,
        hashes: hashes.ok_or_else(malformed)?,
        checkpoint: Note::parse(proof.checkpoint.as_bytes()).map_err(|_| malformed())?,
    };
    Ok(LoggedEvent::new(&event.encoded, &event.salt, proof.to_string()))
}

fn hash(bytes: &Vec<u8>) -> Option<Hash> {
    <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Hash::from_bytes)
}

async fn inclusion(session: &Session, name: &str) -> Result<GetInclusionProofResponse> {
    let mut left = TRIES;
    loop {
        let request = GetInclusionProofRequest { name: name.to_owned() };
        match session.edge.events().get_inclusion_proof(request).await.map_err(Problem::from) {
            Ok(proof) => return Ok(proof.into_inner()),
            Err(early) if left > 0 && early.is(&reasons::audit::EVENT_NOT_INTEGRATED) => {
                left -= 1;
                tokio::time::sleep(BETWEEN).await;
            }
            Err(problem) => return Err(problem),
        }
    }
}

/// A thumbprint: of a JWK in a file, or as it is.
pub fn thumbprint(given: &str) -> Result<String> {
    if encoding::decode(given).is_ok_and(|bytes| bytes.len() == 32) {
        return Ok(given.to_owned());
    }
    let path = std::path::Path::new(given);
    let jwk = std::fs::read_to_string(path).map_err(|error| Problem::file(path, error))?;
    let key = crypto::PublicKey::from_jwk(&jwk).map_err(|error| Problem::file(path, error))?;
    Ok(key.kid().to_owned())
}
