//! Proofs of the log, checked here: the mesh delivers them and is not believed.

use evidence::entry_of;
use prost::Message as _;
use proto::audit::v1::{
    Event, GetConsistencyProofRequest, GetEventRequest, GetEventResponse, GetInclusionProofRequest,
    GetInclusionProofResponse, GetLogKeyRequest,
};
use tlog::{Hash, LogIdentity, VerifiedCheckpoint, VerifierKey};

use super::connection::Edge;
use super::profile::State;
use console::problem::{Problem, Result};

/// An event that is proved to be in the log.
pub struct Proved {
    pub event: Event,
    pub index: u64,
    pub checkpoint: VerifiedCheckpoint,
    /// Hashes in the inclusion proof.
    pub hashes: usize,
    /// The size of the log as it was known before, which this one continues.
    pub continues: Option<u64>,
}

/// The log as first seen: its key is pinned in the profile, and a checkpoint by
/// another key never counts.
pub async fn identity(edge: &Edge, state: &mut State) -> Result<LogIdentity> {
    if state.log_key.is_none() {
        let body = edge.log().get_log_key(GetLogKeyRequest {}).await?.into_inner();
        let key = String::from_utf8_lossy(&body.data).trim().to_owned();
        parse_identity(&key)?;
        state.log_key = Some(key);
    }
    parse_identity(state.log_key.as_deref().unwrap_or_default())
}

/// A log is called as its key is.
pub fn parse_identity(vkey: &str) -> Result<LogIdentity> {
    let key: VerifierKey = vkey.trim().parse().map_err(|error| {
        Problem::new(format_args!("The log's verifier key is malformed: {error}."))
    })?;
    Ok(LogIdentity { origin: key.name().to_owned(), keys: vec![key] })
}

/// Fetches an event with its proof, verifies both, and that the log has only
/// grown since the checkpoint in the profile, which is then moved on.
pub async fn prove(edge: &Edge, state: &mut State, name: &str) -> Result<Proved> {
    let identity = identity(edge, state).await?;
    let name = name.to_owned();
    let mut events = edge.events();
    let event = events.get_event(GetEventRequest { name: name.clone() }).await?.into_inner();
    let request = GetInclusionProofRequest { name: name.clone() };
    let proof = events.get_inclusion_proof(request).await?.into_inner();
    let mut proved = verify(&identity, &name, &event, &proof)?;
    proved.continues = continued(edge, state, &identity, &proved.checkpoint).await?;
    state.checkpoint = Some(proof.checkpoint);
    Ok(proved)
}

/// The offline half: needs nothing but what was received and the log's key.
pub fn verify(
    identity: &LogIdentity,
    name: &str,
    event: &GetEventResponse,
    proof: &GetInclusionProofResponse,
) -> Result<Proved> {
    let entry = entry_of(&event.salt, &event.encoded);
    if entry != proof.entry {
        return Err(forged("the event is not what the log's entry commits to"));
    }
    let committed = Event::decode(event.encoded.as_slice())
        .map_err(|_| forged("the committed event cannot be decoded"))?;
    let shown = event.event.as_ref().and_then(|logged| logged.event.as_ref());
    if shown != Some(&committed) || name.strip_prefix("events/") != Some(committed.id.as_str()) {
        return Err(forged("the event shown is not the committed one"));
    }
    let checkpoint = identity
        .open(proof.checkpoint.as_bytes())
        .map_err(|error| forged(&format!("the checkpoint: {error}")))?;
    let index = u64::try_from(proof.index).map_err(|_| forged("a negative index"))?;
    let head = checkpoint.head();
    tlog::verify_inclusion(
        &tlog::leaf_hash(&entry),
        index,
        head.size,
        &hashes(&proof.hashes)?,
        &head.root,
    )
    .map_err(|error| forged(&error.to_string()))?;
    Ok(Proved { event: committed, index, checkpoint, hashes: proof.hashes.len(), continues: None })
}

/// Checks that the log known from before is the beginning of this one.
async fn continued(
    edge: &Edge,
    state: &State,
    identity: &LogIdentity,
    new: &VerifiedCheckpoint,
) -> Result<Option<u64>> {
    let Some(pinned) = &state.checkpoint else { return Ok(None) };
    let old = identity
        .open(pinned.as_bytes())
        .map_err(|error| forged(&format!("the checkpoint in the profile: {error}")))?
        .head();
    let new = new.head();
    if old.size > new.size {
        return Err(forged(&format!("it had {} entries and now shows {}", old.size, new.size)));
    }
    if old.size == 0 {
        return Ok(Some(0));
    }
    let request =
        GetConsistencyProofRequest { first_size: size(old.size)?, second_size: size(new.size)? };
    let proof = edge.events().get_consistency_proof(request).await?.into_inner();
    tlog::verify_consistency(old.size, &old.root, new.size, &new.root, &hashes(&proof.hashes)?)
        .map_err(|error| forged(&error.to_string()))?;
    Ok(Some(old.size))
}

fn hashes(proof: &[Vec<u8>]) -> Result<Vec<Hash>> {
    let hash = |bytes: &Vec<u8>| <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Hash::from_bytes);
    let all: Option<Vec<_>> = proof.iter().map(hash).collect();
    all.ok_or_else(|| forged("a hash of the proof is not 32 bytes"))
}

fn size(size: u64) -> Result<i64> {
    i64::try_from(size).map_err(|_| forged("an impossible size"))
}

fn forged(what: &str) -> Problem {
    Problem::new(format_args!("The log does not prove this: {what}."))
        .help("Keep what you have received, and tell the operator: a log must never do this.")
}

#[cfg(test)]
mod tests {
    use kernel::Secret;
    use proto::audit::v1::LoggedEvent;
    use tlog::{Checkpoint, Signer, TreeHead, leaf_hash, node_hash};

    use super::*;

    const ORIGIN: &str = "signet.localhost/log";
    const NAME: &str = "events/01a1fe47-3ccd-707b-a64b-3002675f0c19";

    fn signer(seed: u8) -> Signer {
        Signer::from_seed(ORIGIN, &Secret::new([seed; 32])).unwrap()
    }

    /// An event at index 0 of a log of two.
    fn logged() -> (LogIdentity, GetEventResponse, GetInclusionProofResponse) {
        let id = NAME.strip_prefix("events/").unwrap().to_owned();
        let event = Event { id, r#type: "dev.signet.x".into(), ..Event::default() };
        let (encoded, salt) = (event.encode_to_vec(), vec![7; 32]);
        let entry = entry_of(&salt, &encoded);
        let (leaf, other) = (leaf_hash(&entry), leaf_hash(b"other"));
        let head = TreeHead { size: 2, root: node_hash(&leaf, &other) };
        let note = Checkpoint::new(ORIGIN, head).unwrap().sign(&[&signer(1)]).unwrap();
        let shown = LoggedEvent { name: NAME.into(), event: Some(event), index: 0 };
        let proof = GetInclusionProofResponse {
            index: 0,
            tree_size: 2,
            hashes: vec![other.as_bytes().to_vec()],
            checkpoint: note.to_string(),
            entry,
        };
        let identity = parse_identity(&signer(1).verifier().to_string()).unwrap();
        (identity, GetEventResponse { event: Some(shown), encoded, salt }, proof)
    }

    #[test]
    fn a_genuine_event_is_proved() {
        let (identity, event, proof) = logged();
        let proved = verify(&identity, NAME, &event, &proof).unwrap();
        assert_eq!((proved.index, proved.checkpoint.head().size), (0, 2));
        assert_eq!(proved.event.r#type, "dev.signet.x");
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        type Change = fn(&mut GetEventResponse, &mut GetInclusionProofResponse);
        let changes: [Change; 9] = [
            |event, _| event.salt[0] ^= 1,
            |event, _| event.encoded.push(0),
            |event, _| event.event = None,
            |event, _| event.event.as_mut().unwrap().event.as_mut().unwrap().actor = "x".into(),
            |_, proof| proof.entry[5] ^= 1,
            |_, proof| proof.index = 1,
            |_, proof| proof.index = -1,
            |_, proof| proof.hashes[0][0] ^= 1,
            |_, proof| proof.hashes[0].truncate(31),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let (identity, mut event, mut proof) = logged();
            change(&mut event, &mut proof);
            let told = verify(&identity, NAME, &event, &proof).err().map(|told| told.to_string());
            assert!(told.is_some_and(|told| told.contains("does not prove")), "change {number}");
        }
    }

    #[test]
    fn another_event_another_log_and_another_key_are_noticed() {
        let (identity, event, proof) = logged();
        let other = "events/01a1fe47-3ccd-707b-a64b-3002675f0c1a";
        assert!(verify(&identity, other, &event, &proof).is_err());
        let stranger = parse_identity(&signer(2).verifier().to_string()).unwrap();
        assert!(verify(&stranger, NAME, &event, &proof).is_err());
        assert!(parse_identity("nonsense").is_err());
    }
}
