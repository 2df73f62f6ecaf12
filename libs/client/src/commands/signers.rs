//! Who has signed an envelope, among those whom the tenant knows.

use crypto::Limits;
use crypto::envelope::Manifest;
use proto::envelope::v1::{Envelope, Key, KeyPurpose};

use super::{Problem, Result, keys};
use crate::session::Session;
use crate::{rewrapping, sealing};

/// The keys of the tenant that an envelope names as its signers: who has sealed it, and who has
/// changed its recipients, each of whom must have been a recipient himself.
pub async fn of(session: &Session, envelope: &Envelope) -> Result<Vec<Key>> {
    let manifest = Manifest::parse(&envelope.manifest, &Limits::default());
    let manifest = manifest.map_err(sealing::unopenable)?;
    let response = sealing::key(&session.edge, sealing::RESPONSE_SIGN).await?;
    if manifest.claimed_signers().all(|kid| sealing::version_of(&response, kid).is_some()) {
        return Ok(vec![response]);
    }
    let mut known = keys::all(session, KeyPurpose::Sign).await?;
    known.push(response);
    let of = |kid: &str| known.iter().find(|key| sealing::version_of(key, kid).is_some()).cloned();
    let signers: Option<Vec<_>> = manifest.claimed_signers().map(of).collect();
    let signers = signers.ok_or_else(|| {
        Problem::new("The envelope was signed by somebody whom your tenant does not know.")
    })?;
    let manifest = manifest.verified_by_peer();
    if !manifest.amendments().is_empty() {
        let sealing = keys::all(session, KeyPurpose::Seal).await?;
        rewrapping::check_amenders(&manifest, &signers, &sealing)?;
    }
    Ok(signers)
}
