//! The ways to get a token from Vault.

use std::path::{Path, PathBuf};

use kernel::{Fault, Result};
use vaultrs::api::AuthInfo;
use vaultrs::auth::{approle, kubernetes};
use vaultrs::client::VaultClient;
use zeroize::Zeroizing;

use super::error::VaultError;
use super::settings::VaultAuth;
use crate::secret_file;

/// `nobody` is a client without a token. The outer error is about our own
/// files, the inner one about Vault.
pub(super) async fn log_in(
    nobody: &VaultClient,
    auth: &VaultAuth,
) -> Result<Result<AuthInfo, VaultError>> {
    let answer = match auth {
        VaultAuth::AppRole { role_id, secret_id_file, mount } => {
            let secret_id = read(secret_id_file, |path| secret_file::read_text(path, 1)).await?;
            approle::login(nobody, mount, role_id, &secret_id).await
        }
        VaultAuth::Kubernetes { role, jwt_file, mount } => {
            let jwt = read(jwt_file, secret_file::read_mounted).await?;
            kubernetes::login(nobody, mount, role, &jwt).await
        }
        VaultAuth::TokenFile { .. } => return Err(Fault::internal("a token file is no log-in")),
    };
    Ok(answer.map_err(|error| match VaultError::from_client(error) {
        // So Vault answers wrong ids and unknown roles.
        VaultError::BadRequest => VaultError::Denied,
        other => other,
    }))
}

/// A secret, read where it may take its time.
pub(super) async fn read<E: Into<Fault> + Send + 'static>(
    path: &Path,
    read: fn(&Path) -> Result<Zeroizing<String>, E>,
) -> Result<Zeroizing<String>> {
    let path: PathBuf = path.to_owned();
    tokio::task::spawn_blocking(move || read(&path))
        .await
        .map_err(Fault::internal)?
        .map_err(Into::into)
}
