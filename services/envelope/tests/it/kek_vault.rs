//! The rotation of a KEK on a real Vault, and the move of a tenant to it.

use std::collections::HashMap;
use std::sync::Arc;

use boot::Service as _;
use envelope::Envelope;
use kernel::SystemClock;
use keys::vault::{VaultKms, VaultSettings};
use keys::{Kms, Provider, Router, WrappedKey};
use proto::envelope::v1::*;
use serde_json::{Value, json};
use testkit::vault::{Vault, vault};

use crate::client::code;
use crate::kek::{Held, destroy, others, read, retire, rotate, round};
use crate::server::{Server, uuid};

struct OnVault {
    vault: Vault,
    kms: Arc<dyn Kms>,
    _folder: tempfile::TempDir,
}

impl OnVault {
    fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let (vault, folder) = (vault().unwrap(), tempfile::tempdir().unwrap());
        vault.run(&["secrets", "enable", "transit"]).unwrap();
        let token = folder.path().join("token");
        std::fs::write(&token, vault.root_token()).unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
        let settings = json!({
            "address": vault.address(),
            "auth": { "method": "token_file", "path": token },
        });
        let settings: VaultSettings = serde_json::from_value(settings).unwrap();
        let kms = Arc::new(VaultKms::new(&settings, SystemClock::shared()).unwrap());
        Self { vault, kms, _folder: folder }
    }

    /// What Vault itself says of the tenant's key.
    fn key(&self, server: &Server) -> Value {
        let listed = self.vault.run(&["list", "-format=json", "transit/keys"]).unwrap();
        let names: Vec<String> = serde_json::from_str(&listed).unwrap();
        let tenant = server.tenant().to_string();
        let name = names.iter().find(|name| name.contains(&tenant)).unwrap();
        let key = self.vault.run(&["read", "-format=json", &format!("transit/keys/{name}")]);
        serde_json::from_str::<Value>(&key.unwrap()).unwrap()["data"].take()
    }
}

async fn server() -> Server {
    Server::start(db::testing::Place::sqlite().open(Envelope::migrations()).await).await
}

fn providers(held: &Held) -> Vec<(Provider, u32)> {
    let place = |wrapped: &[u8]| {
        let key = WrappedKey::parse(wrapped).unwrap();
        (key.provider(), key.version())
    };
    held.keys.iter().map(|(wrapped, _)| place(wrapped)).collect()
}

/// To the end of a destruction that was asked for.
async fn destroyed(server: &Server, held: &mut Held, name: &str) {
    assert_eq!(destroy(server, name).await, "OK");
    held.work(server).await;
    others(server).await;
    round(server).await;
    assert_eq!(read(server, name).await.state(), KekRotationState::Destroyed);
}

#[test]
fn vaults_versions_are_retired_and_trimmed() {
    db::testing::run(async {
        let (vault, server) = (OnVault::new(), server().await);
        let server = server.on(Arc::clone(&vault.kms));
        let mut held = Held::with(&server, 20).await;
        let key = server.make(KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519).await;
        let rotation = rotate(&server).await;
        assert_eq!((rotation.provider.as_str(), rotation.version), ("vault", 2));
        let rotation = retire(&server, &mut held, &rotation.name).await;
        assert_eq!(providers(&held), [(Provider::Vault, 2); 20]);
        assert_eq!(vault.key(&server)["min_available_version"], 0);
        destroyed(&server, &mut held, &rotation.name).await;
        let now = vault.key(&server);
        assert_eq!((&now["min_available_version"], &now["latest_version"]), (&json!(2), &json!(2)));
        held.all_open(&server).await;
        server.rotate(&key.name).await;
    });
}

#[test]
fn a_tenant_moves_to_vault_and_leaves_nothing_behind() {
    db::testing::run(async {
        let (vault, before) = (OnVault::new(), server().await);
        let mut held = Held::with(&before, 5).await;
        let key = before.make(KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519).await;
        let old = held.keys[0].clone();
        let tenants = HashMap::from([(before.tenant(), Provider::Vault)]);
        let both = Router::new(Arc::clone(&before.kms), [Arc::clone(&vault.kms)], tenants);
        let server = before.on(Arc::new(both.unwrap()));
        // Until it is moved all is where it was, and opens.
        held.all_open(&server).await;
        let request = MoveKekRequest { request_id: uuid(), ..MoveKekRequest::default() };
        let rotation =
            server.move_kek(&server.admin, request.clone()).await.unwrap().rotation.unwrap();
        let again = server.move_kek(&server.admin, request).await.unwrap().rotation.unwrap();
        assert_eq!(rotation.name, again.name);
        assert_eq!(rotation.provider, "vault");
        let retires: Vec<_> = rotation
            .retires
            .iter()
            .map(|one| (one.provider.as_str(), one.through_version))
            .collect();
        // Vault makes a key with a version, and rotating adds one.
        assert_eq!(retires, [("local", 1), ("vault", 1)]);
        let second = server.move_kek(&server.admin, MoveKekRequest::default()).await;
        assert_eq!(code(second), "KEK_ROTATION_RUNNING");
        let rotation = retire(&server, &mut held, &rotation.name).await;
        assert_eq!(
            providers(&held),
            [(Provider::Vault, u32::try_from(rotation.version).unwrap()); 5]
        );
        destroyed(&server, &mut held, &rotation.name).await;
        held.all_open(&server).await;
        server.rotate(&key.name).await;
        let left = before.kms.versions(server.tenant()).await.unwrap();
        assert_eq!(
            left.iter().map(|one| one.number).collect::<Vec<_>>(),
            [2],
            "one that wraps nothing"
        );
        server.services.cache.evict_all();
        let keys = vec![WrappedDataKey { wrapped: old.0, context: Some(old.1) }];
        let refused = server.unwrap_data_keys(&server.member, UnwrapDataKeysRequest { keys }).await;
        assert_eq!(code(refused), "DATA_KEY_REJECTED");
    });
}
