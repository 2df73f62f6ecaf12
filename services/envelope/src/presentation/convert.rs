//! Between messages and domain types.

use chrono::Duration;
use crypto::{KeyAlgorithm, KeyUse, Suite};
use db::idempotency;
use kernel::{Fault, Result, Timestamp};
use prost::Message;
use proto::common::v1::KeyValue;
use proto::envelope::v1 as wire;
use rpc::{Cx, parse};

use crate::application::envelopes::verify::{Amended, Verified};
use crate::application::ports::{Once, VersionUses};
use crate::domain::{
    DEFAULT_ROTATION, Key, KeyName, Keyed, LONGEST_ROTATION, SHORTEST_ROTATION, State, Version,
};

/// Letters of a manifest with all its amendments.
const MANIFEST: usize = 64 * 1024;
/// Wrapped keys of 64 recipients, RSA-4096 each.
const WRAPPED_KEYS: usize = 128 * 1024;

pub(super) fn name(field: &str, value: &str) -> Result<KeyName> {
    parse::resource(field, "keys", value)
}

pub(super) fn names(field: &str, values: &[String]) -> Result<Vec<KeyName>> {
    let one = |(index, value): (usize, &String)| name(&format!("{field}[{index}]"), value);
    values.iter().enumerate().map(one).collect()
}

/// The id chosen for a new key, or one of our own.
pub(super) fn new_id(value: &str) -> Result<KeyName> {
    if value.is_empty() {
        return Ok(KeyName::unchosen());
    }
    let id: KeyName = value.parse().map_err(|_| {
        Fault::invalid("key_id", "must be 3 to 63 characters of a-z, 0-9 and hyphen")
    })?;
    if id.is_reserved() {
        return Err(Fault::invalid("key_id", "begins with a service's name and a hyphen"));
    }
    Ok(id)
}

/// How a repetition of this request is recognized. `canonical` is the request
/// without its request id.
pub(super) fn once(cx: &Cx, request_id: &str, canonical: &impl Message) -> Result<Option<Once>> {
    parse::request_id(request_id)?;
    let user = cx.principal()?.user;
    let key = idempotency::Key::new(cx.tenant(), user, cx.method(), request_id)?;
    let digest = idempotency::Digest::of(&canonical.encode_to_vec());
    Ok(key.map(|key| Once { key, digest }))
}

pub(super) fn purpose(value: i32) -> Result<KeyUse> {
    match wire::KeyPurpose::try_from(value) {
        Ok(wire::KeyPurpose::Seal) => Ok(KeyUse::Seal),
        Ok(wire::KeyPurpose::Sign) => Ok(KeyUse::Sign),
        _ => Err(Fault::invalid("purpose", "must be SEAL or SIGN")),
    }
}

pub(super) fn algorithm(value: i32, key_use: KeyUse) -> Result<KeyAlgorithm> {
    let unknown = || Fault::invalid("algorithm", "is not one of the enum");
    let algorithm = match wire::KeyAlgorithm::try_from(value).map_err(|_| unknown())? {
        wire::KeyAlgorithm::Unspecified => Suite::Rsa.default_algorithm(key_use),
        named => of_wire(named).ok_or_else(unknown)?,
    };
    if algorithm.key_use() != key_use {
        return Err(Fault::invalid("algorithm", "does not fit the purpose"));
    }
    Ok(algorithm)
}

/// By its name in the contract, without the prefix.
pub(super) fn algorithm_named(name: &str) -> Option<KeyAlgorithm> {
    of_wire(wire::KeyAlgorithm::from_str_name(&format!("KEY_ALGORITHM_{name}"))?)
}

fn of_wire(named: wire::KeyAlgorithm) -> Option<KeyAlgorithm> {
    KeyAlgorithm::ALL.into_iter().find(|one| wire_algorithm(*one) == named)
}

/// A span in whole seconds, if it is given.
pub(super) fn span(field: &str, value: Option<prost_types::Duration>) -> Result<Option<Duration>> {
    let Some(value) = value else { return Ok(None) };
    match (value.nanos, Duration::try_seconds(value.seconds)) {
        (0, Some(span)) => Ok(Some(span)),
        _ => Err(Fault::invalid(field, "must be whole seconds")),
    }
}

/// Between two spans of whole days.
pub(super) fn days(
    field: &str,
    span: Duration,
    least: Duration,
    most: Duration,
) -> Result<Duration> {
    if (least..=most).contains(&span) {
        return Ok(span);
    }
    let (least, most) = (least.num_days(), most.num_days());
    Err(Fault::invalid(field, format!("must be {least} to {most} days")))
}

/// None for never.
pub(super) fn rotation(
    field: &str,
    value: Option<prost_types::Duration>,
) -> Result<Option<Duration>> {
    match span(field, value)? {
        None => Ok(Some(DEFAULT_ROTATION)),
        Some(span) if span.is_zero() => Ok(None),
        Some(span) => days(field, span, SHORTEST_ROTATION, LONGEST_ROTATION).map(Some),
    }
}

pub(super) fn envelope(value: Option<wire::Envelope>) -> Result<wire::Envelope> {
    let envelope = parse::required("envelope", value)?;
    manifest("envelope.manifest", &envelope.manifest)?;
    Ok(envelope)
}

pub(super) fn manifest(field: &str, value: &str) -> Result<()> {
    parse::within(field, value.len(), 1, MANIFEST, "bytes").map(drop)
}

/// The public half of a fault, as a part of an answer.
pub(super) fn status(fault: &Fault) -> proto::google::rpc::Status {
    let status = rpc::status_of(fault, "");
    let of_wire = proto::google::rpc::Status::decode(status.details());
    // Our own encoding: it decodes.
    of_wire.unwrap_or_default()
}

pub(super) fn wrapped_keys(value: &str) -> Result<()> {
    parse::within("wrapped_keys", value.len(), 1, WRAPPED_KEYS, "bytes").map(drop)
}

pub(super) fn key(key: &Key) -> wire::Key {
    wire::Key {
        name: key.head.id.resource(),
        purpose: wire_purpose(key.head.key_use()).into(),
        algorithm: wire_algorithm(key.head.algorithm).into(),
        state: wire_state(if key.head.disabled { State::Disabled } else { State::Enabled }).into(),
        primary_version: key.primary().map_or(0, |keyed| keyed.version.number),
        versions: key.versions.iter().map(version).collect(),
        owner: key.head.owner.name(),
        registered: key.head.registered,
        create_time: Some(time(key.head.created_at)),
        labels: key
            .head
            .labels
            .iter()
            .map(|(key, value)| KeyValue { key: key.clone(), value: value.clone() })
            .collect(),
        rotation_period: (!key.head.registered).then(|| prost_types::Duration {
            seconds: key.head.rotation.map_or(0, |period| period.num_seconds()),
            nanos: 0,
        }),
        next_rotation_time: key.head.rotate_at.map(time),
        etag: key.head.etag(),
    }
}

fn version(version: &Version) -> wire::KeyVersion {
    wire::KeyVersion {
        version: version.number,
        state: wire_state(version.state).into(),
        public_jwk: version.public_jwk.clone(),
        thumbprint: version.kid.clone(),
        create_time: Some(time(version.created_at)),
        activate_time: version.activate_at.map(time),
        destroy_time: version.destroy_at.map(time),
    }
}

pub(super) fn usage(key: &Key, uses: &[VersionUses]) -> Vec<wire::KeyVersionUsage> {
    let one = |version: &Version| {
        let used = uses.iter().find(|used| used.version == version.number);
        wire::KeyVersionUsage {
            version: version.number,
            state: wire_state(version.state).into(),
            protect_count: used.map_or(0, |used| used.protected),
            process_count: used.map_or(0, |used| used.processed),
            last_use_time: used.and_then(|used| used.last).map(time),
            live_releases: used.map_or(0, |used| used.releases),
        }
    };
    key.versions.iter().map(one).collect()
}

pub(super) fn verified(verified: &Verified) -> Result<wire::Manifest> {
    let claims = verified.claims();
    let unknown = verified.recipients.iter().filter(|keyed| keyed.is_none()).count();
    Ok(wire::Manifest {
        sender: verified.sender.head.id.resource(),
        sender_version: verified.sender.version.number,
        recipients: verified.recipients.iter().flatten().map(resource).collect(),
        purpose: claims.purpose.clone(),
        issue_time: seconds(claims.issued_at),
        expire_time: seconds(claims.expires_at),
        id: claims.id.to_string(),
        content_digest: crypto::encoding::decode(&claims.digest).map_err(Fault::internal)?,
        content_type: claims.media_type().unwrap_or_default(),
        in_reply_to: claims.in_reply_to.map(|id| id.to_string()).unwrap_or_default(),
        amendments: verified.amendments.iter().map(amendment).collect(),
        unknown_recipients: i32::try_from(unknown).map_err(Fault::internal)?,
        stream: claims.is_stream(),
    })
}

fn amendment(amended: &Amended) -> wire::Amendment {
    let only_in = |these: &[Keyed], those: &[Keyed]| {
        let is_new = |keyed: &&Keyed| !those.iter().any(|one| one.head.id == keyed.head.id);
        these.iter().filter(is_new).map(resource).collect()
    };
    wire::Amendment {
        amender: resource(&amended.by),
        amender_version: amended.by.version.number,
        amend_time: seconds(amended.at),
        added: only_in(&amended.after, &amended.before),
        removed: only_in(&amended.before, &amended.after),
    }
}

fn resource(keyed: &Keyed) -> String {
    keyed.head.id.resource()
}

fn seconds(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

pub(super) fn time(at: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: at.timestamp(), nanos }
}

const fn wire_purpose(key_use: KeyUse) -> wire::KeyPurpose {
    match key_use {
        KeyUse::Seal => wire::KeyPurpose::Seal,
        KeyUse::Sign => wire::KeyPurpose::Sign,
    }
}

const fn wire_state(state: State) -> wire::KeyState {
    match state {
        State::Enabled => wire::KeyState::Enabled,
        State::Disabled => wire::KeyState::Disabled,
        State::Pending => wire::KeyState::Pending,
        State::DecryptOnly => wire::KeyState::DecryptOnly,
        State::DestroyScheduled => wire::KeyState::DestroyScheduled,
        State::Destroyed => wire::KeyState::Destroyed,
    }
}

const fn wire_algorithm(algorithm: KeyAlgorithm) -> wire::KeyAlgorithm {
    match algorithm {
        KeyAlgorithm::RsaOaep2048 => wire::KeyAlgorithm::RsaOaep2562048,
        KeyAlgorithm::RsaOaep3072 => wire::KeyAlgorithm::RsaOaep2563072,
        KeyAlgorithm::RsaOaep4096 => wire::KeyAlgorithm::RsaOaep2564096,
        KeyAlgorithm::RsaPss2048 => wire::KeyAlgorithm::RsaPs2562048,
        KeyAlgorithm::RsaPss3072 => wire::KeyAlgorithm::RsaPs2563072,
        KeyAlgorithm::RsaPss4096 => wire::KeyAlgorithm::RsaPs2564096,
        KeyAlgorithm::X25519 => wire::KeyAlgorithm::EcdhEsA256kwX25519,
        KeyAlgorithm::P256 => wire::KeyAlgorithm::EcdhEsA256kwP256,
        KeyAlgorithm::Ed25519 => wire::KeyAlgorithm::EddsaEd25519,
        KeyAlgorithm::Es256 => wire::KeyAlgorithm::Es256P256,
        KeyAlgorithm::XWing => wire::KeyAlgorithm::HybridXwingA256kw,
        KeyAlgorithm::Ed25519MlDsa65 => wire::KeyAlgorithm::HybridEd25519MlDsa65,
    }
}
