//! Two instances on one PostgreSQL, with one Redis between them: what one has
//! disabled the other refuses at once, whatever becomes of Redis. The clock stands
//! still, so nothing in a cache ever grows old: only invalidation, and the look at
//! the source, can make the difference.

use std::time::Duration;

use cache::{RedisSettings, Settings};
use crypto::KeyAlgorithm as Algorithm;
use db::Db;
use db::testing::{Place, run};
use testkit::Valkey;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Wire, code};
use crate::server::{Server, migrations, uuid};

const OWN: &str = "keys/response-seal";
/// For what should take milliseconds, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(30);

/// Released on both, so that both know the keys; then for each the ones to refuse.
struct Two {
    one: Server,
    two: Server,
    redis: Valkey,
    client: Client,
    stop: CancellationToken,
    _place: Place,
}

impl Two {
    async fn new() -> Self {
        let place = Place::postgres().await;
        let open = || async { Db::open(&place.settings(), migrations()).await.unwrap() };
        let redis = testkit::valkey().unwrap();
        let settings = Settings {
            redis: Some(RedisSettings::new(redis.url(), "the secret of the two instances")),
            ..Settings::default()
        };
        let first = Server::start(open().await).await;
        let (one, two) =
            (first.another(&open().await, &settings), first.another(&open().await, &settings));
        let stop = CancellationToken::new();
        for server in [&one, &two] {
            tokio::spawn(server.services.known.clone().run(stop.clone()));
        }
        let client = Client::new(&one, Algorithm::Ed25519).await;
        let pair = Self { one, two, redis, client, stop, _place: place };
        pair.shared(true).await;
        for server in [&pair.one, &pair.two] {
            assert_eq!(pair.ask(server).await, "OK");
        }
        pair
    }

    async fn shared(&self, wanted: bool) {
        let reached = async {
            while [&self.one, &self.two].iter().any(|one| one.services.known.is_shared() != wanted)
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.unwrap();
    }

    async fn wire(&self) -> Wire {
        self.client.seal(&self.one, &[OWN]).await
    }

    /// The answer to an envelope that nobody has seen before.
    async fn ask(&self, server: &Server) -> String {
        let wire = self.wire().await;
        let asked = server.unwrap(&server.member, wire.unwrap_request(&uuid()));
        code(tokio::time::timeout(PATIENCE, asked).await.unwrap())
    }

    /// Neither instance releases anything once the disabling has been answered.
    async fn refused(&self, cause: &str) {
        for _ in 0..10 {
            for server in [&self.two, &self.one] {
                assert_eq!(self.ask(server).await, "ENVELOPE_REJECTED");
                assert_eq!(server.last_cause().await, cause);
            }
        }
    }

    /// Disables the sender's key, then the recipient's first version.
    async fn revoke(&self) {
        let off = self.one.turn_off(&self.client.name, 0);
        tokio::time::timeout(PATIENCE, off).await.unwrap();
        self.refused("sender_disabled").await;
    }
}

impl Drop for Two {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[test]
fn with_redis() {
    run(async {
        let two = Two::new().await;
        two.revoke().await;
    });
}

#[test]
fn a_recipients_version_with_redis_killed_in_between() {
    run(async {
        let mut two = Two::new().await;
        two.redis.stop();
        // The other instance may not have noticed yet that Redis is gone.
        let second = Client::new(&two.one, Algorithm::Ed25519).await;
        let wire = second.seal(&two.one, &[OWN]).await;
        two.one.turn_off(OWN, 1).await;
        let refused = two.two.unwrap(&two.two.member, wire.unwrap_request("")).await;
        assert_eq!(code(refused), "ENVELOPE_REJECTED");
        assert_eq!(two.two.last_cause().await, "recipient_disabled");
        two.shared(false).await;
        two.refused("recipient_disabled").await;
    });
}

#[test]
fn with_redis_killed_before_and_started_again() {
    run(async {
        let mut two = Two::new().await;
        two.redis.stop();
        two.shared(false).await;
        assert_eq!(two.ask(&two.two).await, "OK", "Redis is never needed");
        two.revoke().await;
        two.redis.start_again().unwrap();
        two.shared(true).await;
        two.refused("sender_disabled").await;
    });
}

#[test]
fn with_redis_frozen_and_thawed_with_its_old_data() {
    run(async {
        let two = Two::new().await;
        two.redis.freeze().unwrap();
        two.revoke().await;
        two.shared(false).await;
        two.refused("sender_disabled").await;
        // It still holds the key as it was.
        two.redis.thaw().unwrap();
        two.refused("sender_disabled").await;
        two.shared(true).await;
        two.refused("sender_disabled").await;
    });
}

/// As if the instance that disabled it had ended before it could tell anybody.
#[test]
fn even_if_nobody_hears_of_it() {
    run(async {
        let two = Two::new().await;
        let disable = "UPDATE keys SET state = 'disabled' WHERE registered";
        db::sql!(two.one.db.write(), |c| sqlx::query(disable).execute(c).await.map(drop)).unwrap();
        two.refused("sender_disabled").await;
        let enable = "UPDATE keys SET state = 'enabled' WHERE registered";
        db::sql!(two.one.db.write(), |c| sqlx::query(enable).execute(c).await.map(drop)).unwrap();
        assert_eq!(two.ask(&two.two).await, "OK", "a refusal is not remembered either");
    });
}

/// Else the tests above would show nothing.
#[test]
fn known_keys_are_not_read_from_the_database() {
    run(async {
        let two = Two::new().await;
        let wire = two.wire().await;
        let spoil = "UPDATE key_versions SET public_jwk = '{}'";
        db::sql!(two.one.db.write(), |c| sqlx::query(spoil).execute(c).await.map(drop)).unwrap();
        let released = two.two.unwrap(&two.two.member, wire.unwrap_request("")).await;
        assert_eq!(code(released), "OK");
        // A third one, which has nothing in the process, finds them in Redis.
        let settings = Settings {
            redis: Some(RedisSettings::new(two.redis.url(), "the secret of the two instances")),
            ..Settings::default()
        };
        let three = two.one.another(&two.two.db, &settings);
        tokio::spawn(three.services.known.clone().run(two.stop.clone()));
        let ready = async {
            while !three.services.known.is_shared() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.unwrap();
        let again = Wire { ..wire.clone() };
        let replayed = three.unwrap(&three.member, again.unwrap_request("")).await;
        assert_eq!(code(replayed), "ENVELOPE_REJECTED");
        assert_eq!(three.last_cause().await, "replay", "verified with what Redis holds");
    });
}

#[test]
fn of_two_instances_one_gets_the_key() {
    run(async {
        let two = Two::new().await;
        for _ in 0..10 {
            let wire = two.wire().await;
            let asked = (0..8).map(|index| {
                let server = if index % 2 == 0 { &two.one } else { &two.two };
                server.unwrap(&server.member, wire.unwrap_request(&uuid()))
            });
            let answers = futures::future::join_all(asked).await;
            assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        }
        assert_eq!(two.one.causes().await, vec!["replay"; 70]);
    });
}
