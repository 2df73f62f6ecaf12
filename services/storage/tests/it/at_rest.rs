//! What lies on the disks.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use boot::Service as _;
use db::{Db, Of};
use memchr::memmem;
use proto::storage::v1::CreatePromptRequest;
use storage::Storage;

use crate::world::{World, files_below, prompt};

const CANARY: &str = "canary-7d1f-Mrs-Eleanor-Vance";

/// The database's files, with what it still held in memory.
async fn database_files(db: &Db) -> Vec<PathBuf> {
    let mut found = Vec::new();
    match db.write() {
        Of::Sqlite(pool) => {
            let file: String = sqlx::query_scalar("SELECT file FROM pragma_database_list")
                .fetch_one(pool)
                .await
                .unwrap();
            files_below(Path::new(&file).parent().unwrap(), &mut found);
        }
        Of::Postgres(pool) => {
            sqlx::query("CHECKPOINT").execute(pool).await.unwrap();
            let folders: (String, String) = sqlx::query_as(
                "SELECT current_setting('data_directory'), 'base/' || CAST(oid AS TEXT) \
                 FROM pg_database WHERE datname = current_database()",
            )
            .fetch_one(pool)
            .await
            .unwrap();
            files_below(&Path::new(&folders.0).join(&folders.1), &mut found);
            files_below(&Path::new(&folders.0).join("pg_wal"), &mut found);
        }
    }
    assert!(!found.is_empty());
    found
}

fn anywhere(files: &[PathBuf], needle: &[u8]) -> bool {
    // A file that was removed meanwhile (PostgreSQL's temporary ones) holds nothing.
    files
        .iter()
        .any(|file| fs::read(file).is_ok_and(|bytes| memmem::find(&bytes, needle).is_some()))
}

async fn wrapped_keys(db: &Db) -> Vec<Vec<u8>> {
    db::sql!(db.read(), |c| sqlx::query_scalar("SELECT wrapped_key FROM revisions")
        .fetch_all(c)
        .await)
    .unwrap()
}

db::both! { Storage::migrations() =>
    async fn the_text_is_in_no_file(db: Db) {
        let world = World::new(&db);
        let text = format!("{CANARY} ").repeat(5_000);
        let request = CreatePromptRequest {
            prompt: Some(prompt(&text)),
            request_id: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
        };
        let name = world.create_prompt(&world.user, request).await.unwrap().name;
        world.update(&name, "", &text).await.unwrap();
        assert_eq!(world.text(&name, 1).await.unwrap(), text);
        let mut files = database_files(&db).await;
        // The search finds what is there:
        assert!(anywhere(&files, b"letter"));
        files.extend(world.blob_files());
        assert!(!anywhere(&files, CANARY.as_bytes()));
    }

    async fn equal_texts_look_unrelated(db: Db) {
        let world = World::new(&db);
        world.create("the same").await;
        world.create("the same").await;
        let files = world.blob_files();
        assert_eq!(files.len(), 2);
        assert_ne!(files[0].file_name(), files[1].file_name());
        assert_ne!(fs::read(&files[0]).unwrap(), fs::read(&files[1]).unwrap());
    }

    async fn what_is_left_of_a_deleted_text_cannot_be_decrypted(db: Db) {
        let world = World::new(&db);
        let name = world.create(CANARY).await.name;
        let wrapped = wrapped_keys(&db).await.remove(0);
        // The ciphertext stays, as it would in a backup of the blob store.
        world.blobs.down.store(true, Ordering::SeqCst);
        world.delete(&name, "").await.unwrap();
        assert_eq!(world.blob_files().len(), 1);
        assert!(wrapped_keys(&db).await.is_empty());
        let kept = db::outbox::next(&db, 100).await.unwrap();
        assert!(kept.iter().all(|event| memmem::find(&event.bytes, &wrapped).is_none()));
        // PostgreSQL keeps dead rows until VACUUM; SQLite must have wiped its page.
        if matches!(db.read(), Of::Sqlite(_)) {
            let files = database_files(&db).await;
            assert!(anywhere(&files, &wrapped), "in the write-ahead log, which is not folded in yet");
            db.close().await;
            let files: Vec<PathBuf> = files.into_iter().filter(|file| file.exists()).collect();
            assert!(!files.is_empty() && !anywhere(&files, &wrapped));
        }
    }
}
