//! What the client remembers: who is logged in where, its own keys, and what it
//! has seen of the log. One folder, for one user of one mesh.

use std::path::{Path, PathBuf};

use crypto::{KeyAlgorithm, PrivateKey};
use kernel::Secret;
use serde::{Deserialize, Serialize};

use console::private_file;
use console::problem::{Problem, Result};

const STATE: &str = "profile.json";
const TOKEN: &str = "token";
const SIGNING: (&str, KeyAlgorithm) = ("sign.pk8", KeyAlgorithm::Ed25519);
const SEALING: (&str, KeyAlgorithm) = ("seal.pk8", KeyAlgorithm::X25519);

/// What is not secret.
#[derive(Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// The edge that the token is for: it is sent nowhere else.
    pub url: String,
    /// `users/{uuid}`.
    pub user: String,
    /// `tenants/{uuid}`.
    pub tenant: String,
    /// When the token ends, in RFC 3339.
    pub token_ends: String,
    /// `keys/{id}` under which the own keys are registered.
    pub signing_key: Option<String>,
    pub sealing_key: Option<String>,
    /// The log's verifier key as first seen. Another one is another log.
    pub log_key: Option<String>,
    /// The newest checkpoint verified. The log must never contradict it.
    pub checkpoint: Option<String>,
}

/// The folder and what is in it.
pub struct Profile {
    folder: PathBuf,
    pub state: State,
}

impl Profile {
    /// Opens the profile; one that is absent is empty.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(STATE);
        let state = match private_file::read(&path)? {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                Problem::file(&path, error).help("Remove the file and log in again.")
            })?,
            None => State::default(),
        };
        Ok(Self { folder: folder.to_owned(), state })
    }

    /// Where a profile is when nobody says: beside the mesh's own data, else in
    /// the home directory.
    pub fn place(data: &Path) -> PathBuf {
        if data.is_dir() {
            return data.join("client");
        }
        let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        let config = config.filter(|path| path.is_absolute());
        let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".config"));
        config.or_else(home).map_or_else(|| data.join("client"), |base| base.join("signet"))
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn save(&self) -> Result<()> {
        private_file::folder(&self.folder)?;
        let json = serde_json::to_vec_pretty(&self.state).map_err(Problem::new)?;
        private_file::write(&self.folder.join(STATE), &json)
    }

    /// The access token, for the edge that it came from.
    pub fn token(&self, url: &str) -> Result<Option<Secret<String>>> {
        if self.state.url != url {
            return Ok(None);
        }
        let bytes = private_file::read(&self.folder.join(TOKEN))?;
        Ok(bytes.map(|bytes| Secret::new(String::from_utf8_lossy(&bytes).into_owned())))
    }

    pub fn keep_token(&self, token: &Secret<String>) -> Result<()> {
        private_file::folder(&self.folder)?;
        private_file::write(&self.folder.join(TOKEN), token.expose().as_bytes())
    }

    /// Another tenant knows nothing of these keys, and has another log.
    pub fn enter_tenant(&mut self, tenant: &str) {
        if self.state.tenant != tenant {
            self.state = State { tenant: tenant.to_owned(), ..State::default() };
        }
    }

    /// The own signing key, made if need be. Says whether it is new.
    pub fn signing_key(&self) -> Result<(PrivateKey, bool)> {
        self.key(SIGNING)
    }

    /// The own sealing key, made if need be. Says whether it is new.
    pub fn sealing_key(&self) -> Result<(PrivateKey, bool)> {
        self.key(SEALING)
    }

    fn key(&self, (name, algorithm): (&str, KeyAlgorithm)) -> Result<(PrivateKey, bool)> {
        let path = self.folder.join(name);
        if let Some(der) = private_file::read(&path)? {
            let key = PrivateKey::from_pkcs8(algorithm, &der);
            return Ok((key.map_err(|error| Problem::file(&path, error))?, false));
        }
        let key = PrivateKey::generate(algorithm).map_err(Problem::new)?;
        private_file::folder(&self.folder)?;
        private_file::write(&path, key.pkcs8())?;
        Ok((key, true))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn keys_and_state_come_back_and_every_file_is_private() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("client");
        let mut profile = Profile::open(&folder).unwrap();
        let (key, new) = profile.signing_key().unwrap();
        assert!(new);
        profile.sealing_key().unwrap();
        profile.state.url = "https://localhost:8443".into();
        profile.keep_token(&Secret::new("secret".into())).unwrap();
        profile.save().unwrap();

        let again = Profile::open(&folder).unwrap();
        assert_eq!(again.state, profile.state);
        let (same, new) = again.signing_key().unwrap();
        assert!(!new);
        assert_eq!(same.kid(), key.kid());
        let files: Vec<_> = fs::read_dir(&folder).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), 4);
        for file in files {
            assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{:?}", file.path());
        }
    }

    #[test]
    fn a_token_is_for_the_edge_that_gave_it() {
        let place = tempfile::tempdir().unwrap();
        let mut profile = Profile::open(place.path()).unwrap();
        profile.state.url = "https://one.example".into();
        profile.keep_token(&Secret::new("secret".into())).unwrap();
        assert_eq!(profile.token("https://one.example").unwrap().unwrap().expose(), "secret");
        assert!(profile.token("https://two.example").unwrap().is_none());
    }

    #[test]
    fn another_tenant_is_a_new_beginning() {
        let place = tempfile::tempdir().unwrap();
        let mut profile = Profile::open(place.path()).unwrap();
        profile.enter_tenant("tenants/a");
        profile.state.signing_key = Some("keys/x".into());
        profile.enter_tenant("tenants/a");
        assert!(profile.state.signing_key.is_some());
        profile.enter_tenant("tenants/b");
        assert!(profile.state.signing_key.is_none());
    }

    #[test]
    fn a_spoilt_profile_is_named() {
        let place = tempfile::tempdir().unwrap();
        private_file::write(&place.path().join(STATE), b"{\"nonsense\":1}").unwrap();
        let told = Profile::open(place.path()).err().unwrap().to_string();
        assert!(told.contains("profile.json") && told.contains("nonsense"), "{told}");
    }
}
