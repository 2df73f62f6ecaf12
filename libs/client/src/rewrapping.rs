//! Changing an envelope's recipients here, with the client's own keys: neither
//! the content nor its key leaves this process.

use std::collections::HashSet;

use crypto::envelope::{Content, Fate, Rewrap, Standing, VerifiedManifest};
use crypto::{Limits, PublicKey, SealError};
use kernel::{Clock as _, SystemClock};
use proto::envelope::v1::{Envelope, Key};

use super::sealing::{OwnKeys, primary, unopenable, verify_by, version_of};
use console::problem::{Problem, Result};

/// What is to change.
pub struct Change {
    /// Names and public halves.
    pub add: Vec<Key>,
    /// `keys/{id}`.
    pub remove: Vec<String>,
    pub renew: bool,
}

/// An envelope with its recipients changed.
pub struct Changed {
    pub envelope: Envelope,
    pub renewed: usize,
    pub amended: bool,
}

/// Opens the content key with the own key, and wraps it for others. `sealing` are the tenant's
/// keys that seal.
pub fn rewrap(
    envelope: &Envelope,
    (signers, sealing): (&[Key], &[Key]),
    own: &OwnKeys,
    change: &Change,
) -> Result<Changed> {
    let manifest = verify_by(envelope, signers)?;
    let content = Content::parse(&envelope.content, &Limits::default()).map_err(unopenable)?;
    manifest.check_content(&content).map_err(unopenable)?;
    let (now, keys) = (SystemClock.now(), content.wrapped_keys());
    let content_key = manifest.release(&own.sealing, keys, now).map_err(unopenable)?;
    let wrapped: Vec<_> = keys.recipients().collect();
    let rewrap = planned(&manifest, &wrapped, sealing, change)?;
    let done = rewrap.apply(&manifest, keys, &content_key, Some((&own.signing, now)));
    let done = done.map_err(unchangeable)?;
    let renewed = rewrap.recipients.iter().filter(|one| matches!(one.fate, Fate::Renewed(_)));
    Ok(Changed {
        renewed: renewed.count(),
        amended: done.manifest.is_some(),
        envelope: Envelope {
            content: content.with_wrapped_keys(&done.wrapped_keys),
            manifest: done.manifest.unwrap_or_else(|| envelope.manifest.clone()),
        },
    })
}

/// What becomes of every recipient.
fn planned(
    manifest: &VerifiedManifest,
    wrapped: &[&str],
    sealing: &[Key],
    change: &Change,
) -> Result<Rewrap> {
    let mut recipients = Vec::new();
    let mut removed = HashSet::new();
    for named in &manifest.claims().recipients {
        let key = sealing.iter().find(|key| version_of(key, named).is_some());
        let newer = |kid: &&&str| key.is_some_and(|key| version_of(key, kid).is_some());
        let is_there = wrapped.contains(&named.as_str());
        let stands = wrapped.iter().find(newer).filter(|_| !is_there);
        let wrapped = stands.map_or_else(|| named.clone(), |kid| (*kid).to_owned());
        let fate = match key {
            Some(key) if change.remove.contains(&key.name) => {
                removed.insert(&key.name);
                Fate::Removed
            }
            Some(key) if change.renew => renewed(key, &wrapped)?,
            _ => Fate::Stays,
        };
        recipients.push(Standing { named: named.clone(), wrapped, fate });
    }
    if let Some(name) = change.remove.iter().find(|name| !removed.contains(name)) {
        return Err(Problem::new(format_args!("{name} is no recipient of the envelope.")));
    }
    let add: Vec<PublicKey> = change.add.iter().map(primary).collect::<Result<_>>()?;
    Ok(Rewrap { recipients, add })
}

fn renewed(key: &Key, wrapped: &str) -> Result<Fate> {
    let newest = primary(key)?;
    Ok(if newest.kid() == wrapped { Fate::Stays } else { Fate::Renewed(newest) })
}

/// Whoever has changed the recipients was a recipient: his key and one of theirs belong to the
/// same owner. That he had the content key is checked when it is unwrapped.
pub fn check_amenders(manifest: &VerifiedManifest, signers: &[Key], sealing: &[Key]) -> Result<()> {
    let owner = |keys: &'_ [Key], kid: &str| {
        keys.iter().find(|key| version_of(key, kid).is_some()).map(|key| key.owner.clone())
    };
    let mut before = manifest.sealed_for();
    for amendment in manifest.amendments() {
        let by = owner(signers, &amendment.amender);
        let may = before.iter().any(|kid| by.is_some() && owner(sealing, kid) == by);
        if !may || by.is_some_and(|owner| owner.starts_with("services/")) {
            return Err(Problem::new("Somebody who was no recipient has changed the recipients."));
        }
        before = &amendment.recipients;
    }
    Ok(())
}

fn unchangeable(error: SealError) -> Problem {
    let told = match error {
        SealError::NoRecipients => "one recipient must remain".to_owned(),
        SealError::DuplicateRecipient => "a key to add is a recipient already".to_owned(),
        SealError::Invalid("manifest.iat") => "it is amended in the future, or over".to_owned(),
        error => error.to_string(),
    };
    Problem::new(format_args!("The recipients cannot be changed: {told}."))
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use crypto::{KeyAlgorithm, PrivateKey};
    use proto::envelope::v1::{KeyState, KeyVersion};

    use super::*;
    use crate::sealing::{Letter, open_by, seal};

    const TENANT: &str = "tenants/0199aaaa-0000-7000-8000-000000000001";

    fn key(name: &str, owner: &str, versions: &[&PrivateKey]) -> Key {
        let version = |(number, key): (i32, &&PrivateKey)| KeyVersion {
            version: number,
            state: KeyState::Enabled.into(),
            public_jwk: key.public().to_jwk(),
            thumbprint: key.kid().to_owned(),
            ..KeyVersion::default()
        };
        Key {
            name: name.into(),
            owner: owner.into(),
            state: KeyState::Enabled.into(),
            primary_version: i32::try_from(versions.len()).unwrap(),
            versions: (1..).zip(versions).map(version).collect(),
            ..Key::default()
        }
    }

    fn new(algorithm: KeyAlgorithm) -> PrivateKey {
        PrivateKey::generate(algorithm).unwrap()
    }

    fn own() -> OwnKeys {
        OwnKeys {
            signing: new(KeyAlgorithm::Ed25519),
            signing_name: "keys/my-sign".into(),
            sealing: new(KeyAlgorithm::X25519),
            sealing_name: "keys/my-seal".into(),
        }
    }

    fn nothing() -> Change {
        Change { add: Vec::new(), remove: Vec::new(), renew: false }
    }

    #[test]
    fn recipients_are_added_removed_and_renewed_here() {
        let (own, old, newer, added) =
            (own(), new(KeyAlgorithm::X25519), new(KeyAlgorithm::X25519), new(KeyAlgorithm::P256));
        let me = key("keys/my-seal", "users/me", &[&own.sealing]);
        let team = key("keys/team", "", &[&old, &newer]);
        let other = key("keys/other", "users/other", &[&added]);
        let signers = [key("keys/my-sign", "users/me", &[&own.signing])];
        let sealing = [me, team, other.clone()];
        let letter = Letter {
            tenant: TENANT,
            purpose: "message",
            content_type: "text/plain",
            lifetime: Duration::minutes(1),
            plaintext: b"to be passed on".to_vec(),
        };
        let to = [own.sealing.public().clone(), old.public().clone()];
        let envelope = seal(letter, &own.signing, &to).unwrap();
        let keys = (&signers[..], &sealing[..]);

        let renewed = rewrap(&envelope, keys, &own, &Change { renew: true, ..nothing() }).unwrap();
        assert_eq!((renewed.renewed, renewed.amended), (1, false));
        assert_eq!(renewed.envelope.manifest, envelope.manifest);
        assert!(renewed.envelope.content.contains(newer.kid()));

        let add = Change { add: vec![other], ..nothing() };
        let more = rewrap(&renewed.envelope, keys, &own, &add).unwrap();
        assert!(more.amended);
        for key in [&own.sealing, &newer, &added] {
            let opened = open_by(&more.envelope, &signers, key).unwrap();
            assert_eq!(opened.plaintext.as_slice(), b"to be passed on");
        }
        let remove = Change { remove: vec!["keys/team".into()], ..nothing() };
        let fewer = rewrap(&more.envelope, keys, &own, &remove).unwrap();
        assert!(open_by(&fewer.envelope, &signers, &newer).is_err());
        let manifest = verify_by(&fewer.envelope, &signers).unwrap();
        assert!(check_amenders(&manifest, &signers, &sealing).is_ok());
        let stranger = [key("keys/my-sign", "users/stranger", &[&own.signing])];
        assert!(check_amenders(&manifest, &stranger, &sealing).is_err());

        let absent = Change { remove: vec!["keys/absent".into()], ..nothing() };
        let told = rewrap(&fewer.envelope, keys, &own, &absent).err().unwrap().to_string();
        assert!(told.contains("keys/absent is no recipient"), "{told}");
        let told = rewrap(&fewer.envelope, keys, &own, &add).err().unwrap().to_string();
        assert!(told.contains("recipient already"), "{told}");
    }
}
