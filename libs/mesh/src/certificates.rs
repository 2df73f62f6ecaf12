//! A certificate authority for development, and a certificate for each part of
//! the mesh. Production brings its own (SPIRE, cert-manager) in files of the
//! same names.
//!
//! Each certificate names its owner twice: as a SPIFFE id
//! (`spiffe://signet.dev/audit`), which Envoy compares, and as a DNS name
//! (`audit.signet.internal`), because TLS libraries look for one.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{Datelike, Duration};
use kernel::{Clock, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd, string::Ia5String,
};

use crate::files::{Mode, private_directory, read, write};
use crate::{Result, SERVICES};

const TRUST_DOMAIN: &str = "signet.dev";
/// The certificate that the edge shows to the world, apart from its own.
pub const PUBLIC: &str = "public";

const AUTHORITY_LIVES: Duration = Duration::days(3_650);
const CERTIFICATE_LIVES: Duration = Duration::days(365);
const RENEW_BEFORE: Duration = Duration::days(30);
/// Until when each certificate is valid. Written last: what is not in it is
/// made again.
const LEDGER: &str = "issued.json";

type Ledger = BTreeMap<String, Timestamp>;

/// Makes what is missing and renews what ends within 30 days. The directory
/// then has `ca.crt`, and `NAME.crt` with `NAME.key` for the edge, every service
/// and `public` (localhost). Says whether anything changed.
pub fn ensure(directory: &Path, clock: &dyn Clock) -> Result<bool> {
    private_directory(directory)?;
    let now = clock.now();
    let mut issued = ledger(directory);
    let mut changed = false;
    if !is_fresh(directory, &issued, "ca", now) {
        // Nothing that another authority has signed is of use.
        issued.clear();
        let until = issue_authority(directory, now)?;
        issued.insert("ca".into(), until);
        changed = true;
    }
    let key = KeyPair::from_pem(&read(&directory.join("ca.key"))?)?;
    let authority = Issuer::new(authority_params(now), key);
    for name in ["edge", PUBLIC].into_iter().chain(SERVICES) {
        if !is_fresh(directory, &issued, name, now) {
            let until = issue(directory, name, &authority, now)?;
            issued.insert(name.into(), until);
            changed = true;
        }
    }
    if changed {
        let text = serde_json::to_string_pretty(&issued).unwrap_or_default();
        write(&directory.join(LEDGER), text.as_bytes(), Mode::Public)?;
    }
    Ok(changed)
}

/// An unreadable ledger is an empty one: everything is made again.
fn ledger(directory: &Path) -> Ledger {
    read(&directory.join(LEDGER))
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

fn is_fresh(directory: &Path, issued: &Ledger, name: &str, now: Timestamp) -> bool {
    let files = ["crt", "key"].map(|kind| directory.join(format!("{name}.{kind}")));
    issued.get(name).is_some_and(|until| *until - now > RENEW_BEFORE)
        && files.iter().all(|file| file.is_file())
}

fn issue_authority(directory: &Path, now: Timestamp) -> Result<Timestamp> {
    let key = KeyPair::generate()?;
    let certificate = authority_params(now).self_signed(&key)?;
    save(directory, "ca", &certificate.pem(), &key)?;
    Ok(now + AUTHORITY_LIVES)
}

/// The same at every start, so that the authority is known again by its key.
fn authority_params(now: Timestamp) -> CertificateParams {
    let mut params = dated(CertificateParams::default(), now, AUTHORITY_LIVES);
    params.distinguished_name = named("Signet development authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn issue(
    directory: &Path,
    name: &str,
    authority: &Issuer<'_, KeyPair>,
    now: Timestamp,
) -> Result<Timestamp> {
    let mut params = dated(CertificateParams::default(), now, CERTIFICATE_LIVES);
    params.distinguished_name = named(name);
    params.subject_alt_names = names_of(name)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    if name != PUBLIC {
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
    }
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?;
    save(directory, name, &certificate.pem(), &key)?;
    Ok(now + CERTIFICATE_LIVES)
}

fn names_of(name: &str) -> Result<Vec<SanType>> {
    let dns = |name: &str| Ia5String::try_from(name).map(SanType::DnsName);
    if name == PUBLIC {
        let loopback = [[127, 0, 0, 1].into(), std::net::Ipv6Addr::LOCALHOST.into()];
        let mut names = vec![dns("localhost")?];
        names.extend(loopback.map(SanType::IpAddress));
        return Ok(names);
    }
    let id = Ia5String::try_from(format!("spiffe://{TRUST_DOMAIN}/{name}"))?;
    Ok(vec![SanType::URI(id), dns(&format!("{name}.signet.internal"))?])
}

/// From yesterday, for clocks that differ, in whole days.
fn dated(mut params: CertificateParams, now: Timestamp, lives: Duration) -> CertificateParams {
    let day = |at: Timestamp| {
        let month = u8::try_from(at.month()).unwrap_or(1);
        date_time_ymd(at.year(), month, u8::try_from(at.day()).unwrap_or(1))
    };
    params.not_before = day(now - Duration::days(1));
    // The ledger's day is never after the certificate's.
    params.not_after = day(now + lives + Duration::days(1));
    params
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Signet");
    name.push(DnType::CommonName, common_name);
    name
}

fn save(directory: &Path, name: &str, certificate: &str, key: &KeyPair) -> Result<()> {
    write(&directory.join(format!("{name}.key")), key.serialize_pem().as_bytes(), Mode::Private)?;
    write(&directory.join(format!("{name}.crt")), certificate.as_bytes(), Mode::Public)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use kernel::ManualClock;

    use super::*;

    fn start() -> Timestamp {
        chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    #[test]
    fn the_second_start_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(start());
        assert!(ensure(directory.path(), &*clock).unwrap());
        let before = fs::read(directory.path().join("audit.crt")).unwrap();
        assert!(!ensure(directory.path(), &*clock).unwrap());
        assert_eq!(fs::read(directory.path().join("audit.crt")).unwrap(), before);
    }

    #[test]
    fn certificates_are_renewed_in_their_last_month_and_the_authority_stays() {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(start());
        ensure(directory.path(), &*clock).unwrap();
        let file = |name: &str| fs::read(directory.path().join(name)).unwrap();
        let (ca, audit) = (file("ca.crt"), file("audit.crt"));
        clock.advance(Duration::days(334));
        assert!(!ensure(directory.path(), &*clock).unwrap());
        clock.advance(Duration::days(2));
        assert!(ensure(directory.path(), &*clock).unwrap());
        assert_eq!(file("ca.crt"), ca);
        assert_ne!(file("audit.crt"), audit);
    }

    #[test]
    fn a_lost_file_or_authority_is_made_again() {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(start());
        ensure(directory.path(), &*clock).unwrap();
        let file = |name: &str| directory.path().join(name);
        let edge = fs::read(file("edge.crt")).unwrap();
        fs::remove_file(file("audit.key")).unwrap();
        assert!(ensure(directory.path(), &*clock).unwrap());
        assert_eq!(fs::read(file("edge.crt")).unwrap(), edge);
        fs::remove_file(file("ca.key")).unwrap();
        assert!(ensure(directory.path(), &*clock).unwrap());
        assert_ne!(fs::read(file("edge.crt")).unwrap(), edge);
    }

    #[test]
    fn keys_are_for_their_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        ensure(directory.path(), &*ManualClock::at(start())).unwrap();
        for name in ["ca", "edge", "public", "auth"] {
            let key = fs::metadata(directory.path().join(format!("{name}.key"))).unwrap();
            assert_eq!(key.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }
}
