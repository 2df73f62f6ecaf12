//! Jobs cut off at every step. A job is dropped at each of its waits in turn, as if
//! the process had ended there; another instance, which knows nothing, goes on, and
//! the outcome is the same.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use chrono::Duration;
use db::Db;
use envelope::domain::State;
use proto::envelope::v1::*;

use crate::kek::{Held, destroy, others, read, retire, rotate, round, settle};
use crate::lifecycle::days;
use crate::server::{Server, migrations};

/// Runs until the wait with this number. Whether it came to its end before.
async fn cut<F: Future>(work: F, wait: usize) -> bool {
    let (mut work, mut left) = (pin!(work), wait);
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

async fn count(server: &Server, kind: &str) -> usize {
    server.events().await.iter().filter(|event| event.r#type.ends_with(kind)).count()
}

/// Starts a job, and does what has to be done before this instance's own part.
async fn started(server: &Server, held: &mut Held) -> String {
    let name = rotate(server).await.name;
    settle(server);
    held.work(server).await;
    others(server).await;
    name
}

db::both! { migrations() =>
    async fn a_rotation_of_the_kek(db: Db) {
        let server = Server::start(db).await;
        server.make(KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519).await;
        let mut held = Held::with(&server, 1).await;
        for wait in 0.. {
            let name = started(&server, &mut held).await;
            let ended = cut(server.twin().services.kek_keeper.round(), wait).await;
            // The lease of who was killed.
            server.clock.advance(Duration::seconds(20));
            let rotation = retire(&server.twin(), &mut held, &name).await;
            assert_eq!(count(&server, "kek.version_retired").await, wait + 1, "one each");
            let own = rotation.holders.iter().find(|one| one.holder == "envelope").unwrap();
            assert_eq!(own.remaining, 0);
            held.all_open(&server.twin()).await;
            if ended {
                assert!(wait > 0);
                break;
            }
        }
    }

    async fn the_destruction_of_its_versions(db: Db) {
        let server = Server::start(db).await;
        let key = server.make(KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519).await;
        let mut held = Held::with(&server, 1).await;
        for wait in 0.. {
            let name = rotate(&server).await.name;
            retire(&server, &mut held, &name).await;
            assert_eq!(destroy(&server, &name).await, "OK");
            held.work(&server).await;
            others(&server).await;
            let ended = cut(server.twin().services.kek_keeper.round(), wait).await;
            server.clock.advance(Duration::seconds(20));
            round(&server.twin()).await;
            let after = read(&server, &name).await;
            assert_eq!(after.state(), KekRotationState::Destroyed);
            assert_eq!(count(&server, "kek.version_destroyed").await, wait + 1, "one each");
            let left = server.kms.versions(server.tenant()).await.unwrap();
            assert_eq!(left.iter().map(|one| i64::from(one.number)).collect::<Vec<_>>(), [after.version]);
            held.all_open(&server.twin()).await;
            if ended {
                assert!(wait > 0);
                break;
            }
        }
        server.twin().rotate(&key.name).await;
    }

    async fn the_rotation_of_a_key(db: Db) {
        let server = Server::start(db).await;
        for wait in 0.. {
            let key = server.seal_key().await;
            server.clock.advance(Duration::days(90));
            let ended = cut(server.twin().services.keeper.look(), wait).await;
            let twin = server.twin();
            let done = twin.services.keeper.look().await.unwrap();
            let stored = twin.stored(&key.name).await;
            assert_eq!(stored.versions.iter().map(|one| one.state).collect::<Vec<_>>(), [State::DecryptOnly, State::Enabled], "{done:?} {wait}");
            assert!(stored.versions.iter().all(|one| one.private.is_some()));
            let told = server.events().await;
            let of_it = told.iter().filter(|event| event.subject == key.name && event.r#type.ends_with("key.rotated"));
            assert_eq!(of_it.count(), 1);
            // Or the next ones would have all before them rotated again.
            server.turn_off(&key.name, 0).await;
            if ended {
                assert!(wait > 0);
                break;
            }
        }
    }

    async fn the_destruction_of_a_version(db: Db) {
        let server = Server::start(db).await;
        for wait in 0.. {
            let key = server.seal_key().await;
            server.rotate(&key.name).await;
            let request = ScheduleKeyDestructionRequest { name: key.name.clone(), version: 1, wait: days(1) };
            server.schedule_destruction(&server.admin, request).await.unwrap();
            server.clock.advance(Duration::days(1));
            let ended = cut(server.twin().services.keeper.look(), wait).await;
            let twin = server.twin();
            let done = twin.services.keeper.look().await.unwrap();
            assert_eq!(done.failed, 0, "{done:?}");
            let version = twin.stored(&key.name).await.versions[0].clone();
            assert_eq!((version.state, version.private.is_none()), (State::Destroyed, true));
            let told = server.events().await;
            let of_it = told.iter().filter(|event| event.subject == key.name && event.r#type.ends_with("version_destroyed"));
            assert_eq!(of_it.count(), 1);
            if ended {
                assert!(wait > 0);
                break;
            }
        }
    }
}
