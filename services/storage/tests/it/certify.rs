//! The destruction of data keys waits for its certificate, and gets it once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use boot::Service as _;
use crypto::provider;
use db::Db;
use kernel::{Fault, Result};
use storage::Storage;
use storage::application::certify::Certify;
use storage::application::ports::{Certifier, Destroyed};
use storage::infrastructure::SqlDestructions;

use crate::world::World;

/// The envelope service's part; it can be down.
#[derive(Default)]
struct Heard {
    down: AtomicBool,
    told: Mutex<Vec<(String, Vec<Vec<u8>>)>>,
}

#[async_trait]
impl Certifier for Heard {
    async fn certify(&self, destroyed: &Destroyed) -> Result<()> {
        if self.down.load(Ordering::SeqCst) {
            return Err(Fault::unavailable("told to be down"));
        }
        let told = (format!("prompts/{}", destroyed.prompt), destroyed.digests.clone());
        self.told.lock().unwrap().push(told);
        Ok(())
    }
}

db::both! { Storage::migrations() =>
    async fn what_was_destroyed_is_certified_when_envelope_is_back(db: Db) {
        let world = World::new(&db);
        let name = world.create("one").await.name;
        world.update(&name, "", "two").await.unwrap();
        let wrapped: Vec<Vec<u8>> = db::sql!(db.read(), |c| sqlx::query_scalar("SELECT wrapped_key FROM revisions").fetch_all(c).await).unwrap();
        let heard = Arc::new(Heard::default());
        heard.down.store(true, Ordering::SeqCst);
        let certify = Certify { destructions: Arc::new(SqlDestructions(db.clone())), certifier: heard.clone() };
        assert_eq!(certify.round().await.unwrap(), 0);
        world.delete(&name, "").await.unwrap();
        assert!(certify.round().await.is_err());
        assert_eq!(world.count("destructions").await, 1, "nothing is lost while envelope is down");
        heard.down.store(false, Ordering::SeqCst);
        assert_eq!(certify.round().await.unwrap(), 1);
        assert_eq!(certify.round().await.unwrap(), 0);
        let told = heard.told.lock().unwrap().pop().unwrap();
        assert_eq!(told.0, name);
        let mut digests: Vec<_> = wrapped.iter().map(|one| provider::default().sha256(&[one.as_slice()]).to_vec()).collect();
        let mut certified = told.1;
        digests.sort();
        certified.sort();
        assert_eq!(certified, digests);
    }
}
