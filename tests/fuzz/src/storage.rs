//! What comes back from disks and databases, and tokens that clients hand back.

use cas::BlobName;
use crypto::chunked;
use crypto::field::{FieldCipher, Place};
use kernel::TenantId;
use keys::WrappedKey;
use keys::local::KeyringHeader;
use std::sync::LazyLock;
use zeroize::Zeroizing;

use crate::input::{edited, text};

/// The file alone: its crate brings the databases along.
#[allow(dead_code, reason = "only what takes a token is called")]
#[path = "../../../libs/db/src/page.rs"]
mod page;

const PLAINTEXT: &[u8] = b"a column's content";
const PLACE: Place<'_> = Place { table: "prompts", column: "text", row: b"1" };

fn cipher() -> FieldCipher {
    FieldCipher::new(1, Zeroizing::new([7; 32]))
}

pub(crate) fn field(data: &[u8]) {
    static SEALED: LazyLock<Vec<u8>> = LazyLock::new(|| cipher().seal(PLACE, PLAINTEXT).unwrap());
    for bytes in [data, &edited(&SEALED, data)] {
        let opened = cipher().open(PLACE, bytes).is_ok();
        assert!(!opened || bytes == &SEALED[..], "an altered field opens");
    }
}

pub(crate) fn blob(data: &[u8]) {
    let key = [7; 32];
    static SEALED: LazyLock<Vec<u8>> =
        LazyLock::new(|| chunked::seal(&[7; 32], b"blob", PLAINTEXT).unwrap());
    for bytes in [data.to_vec(), edited(&SEALED, data)] {
        let same = bytes == SEALED[..];
        assert!(chunked::open(&key, b"blob", bytes).is_err() || same, "an altered blob opens");
    }
}

pub(crate) fn wrapped_data_key(data: &[u8]) {
    if let Ok(key) = WrappedKey::parse(data) {
        assert_eq!(&key.to_bytes()[..], data);
    }
}

pub(crate) fn keyring(data: &[u8]) {
    let _ = KeyringHeader::parse(data);
    let _ = KeyringHeader::parse_backup(data);
}

pub(crate) fn blob_name(data: &[u8]) {
    if let Some(Ok(name)) = text(data).map(str::parse::<BlobName>) {
        assert_eq!(name.to_string().parse::<BlobName>().ok(), Some(name));
    }
}

pub(crate) fn page_token(data: &[u8]) {
    let scope = page::Scope { tenant: TenantId::SYSTEM, method: "signet.x.v1.X/List", filter: "" };
    let Some(token) = text(data) else { return };
    let _ = page::Page::<(i64, String)>::parse(&scope, 10, token);
}
