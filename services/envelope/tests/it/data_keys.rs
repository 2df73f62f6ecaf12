use std::collections::HashSet;

use db::Db;
use kernel::TenantId;
use proto::Role;
use proto::common::v1::KeyValue;
use proto::envelope::v1::*;

use crate::client::{code, field};
use crate::server::{Server, User, attribute, migrations};

fn context(pairs: &[(&str, &str)]) -> KeyContext {
    let pair = |(key, value): &(&str, &str)| KeyValue {
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    KeyContext { fields: pairs.iter().map(pair).collect() }
}

fn unwrapping(key: &DataKey, context: KeyContext) -> UnwrapDataKeysRequest {
    let wrapped = WrappedDataKey { wrapped: key.wrapped.clone(), context: Some(context) };
    UnwrapDataKeysRequest { keys: vec![wrapped] }
}

db::both! { migrations() =>
    async fn data_keys_come_back_under_their_context_only(db: Db) {
        let server = Server::start(db).await;
        let (one, two) = (context(&[("kind", "prompt"), ("id", "1")]), context(&[("kind", "prompt"), ("id", "2")]));
        let request = GenerateDataKeysRequest { contexts: vec![one.clone(), two.clone()] };
        let keys = server.generate_data_keys(&server.member, request).await.unwrap().keys;
        assert_eq!(keys.iter().map(|key| key.plaintext.len()).collect::<Vec<_>>(), [32, 32]);
        assert_ne!(keys[0].plaintext, keys[1].plaintext);
        let swapped = context(&[("id", "1"), ("kind", "prompt")]);
        for good in [one.clone(), swapped] {
            let opened = server.unwrap_data_keys(&server.member, unwrapping(&keys[0], good)).await.unwrap();
            assert_eq!(opened.plaintexts, [keys[0].plaintext.clone()]);
        }
        let refused = server.unwrap_data_keys(&server.member, unwrapping(&keys[0], two.clone())).await;
        assert_eq!(code(refused), "DATA_KEY_REJECTED");
        let stranger = User::of(TenantId::new(), Role::Member);
        let foreign = server.unwrap_data_keys(&stranger, unwrapping(&keys[0], one.clone())).await;
        assert_eq!(code(foreign), "DATA_KEY_REJECTED");
        let other_service = server.unwrap_data_keys_as_response(&server.member, unwrapping(&keys[0], one.clone())).await;
        assert_eq!(code(other_service), "DATA_KEY_REJECTED");
        let both = UnwrapDataKeysRequest { keys: vec![
            WrappedDataKey { wrapped: keys[0].wrapped.clone(), context: Some(one) },
            WrappedDataKey { wrapped: keys[1].wrapped.clone(), context: Some(two) },
        ] };
        let opened = server.unwrap_data_keys(&server.member, both).await.unwrap().plaintexts;
        assert_eq!(opened, [keys[0].plaintext.clone(), keys[1].plaintext.clone()]);
        let told = server.events().await;
        let kinds: Vec<_> = told.iter().map(|event| event.r#type.rsplit_once('.').unwrap().1).collect();
        assert_eq!(kinds, ["generated", "unwrapped", "unwrapped", "rejected", "rejected", "rejected", "unwrapped"]);
        assert_eq!(attribute(&told[0], "count"), "2");
    }

    async fn a_wrapped_key_changed_anywhere_is_rejected(db: Db) {
        let server = Server::start(db).await;
        let its = context(&[("id", "1")]);
        let request = GenerateDataKeysRequest { contexts: vec![its.clone()] };
        let key = server.generate_data_keys(&server.member, request).await.unwrap().keys.remove(0);
        let mut answers = HashSet::new();
        for at in 0..=key.wrapped.len() {
            let mut wrapped = key.wrapped.clone();
            match wrapped.get_mut(at) {
                Some(byte) => *byte ^= 0x11,
                None => wrapped.push(0),
            }
            let changed = DataKey { wrapped, ..key.clone() };
            answers.insert(code(server.unwrap_data_keys(&server.member, unwrapping(&changed, its.clone())).await));
        }
        assert_eq!(answers.into_iter().collect::<Vec<_>>(), ["DATA_KEY_REJECTED"]);
    }

    async fn what_is_wrong_with_a_context_is_named(db: Db) {
        let server = Server::start(db).await;
        let generate = async |contexts| field(server.generate_data_keys(&server.member, GenerateDataKeysRequest { contexts }).await);
        assert_eq!(generate(vec![]).await, "contexts");
        assert_eq!(generate(vec![context(&[("a", "1")]); 1_001]).await, "contexts");
        assert_eq!(generate(vec![context(&[("a", "1")]), context(&[])]).await, "contexts[1].fields");
        assert_eq!(generate(vec![context(&[("a", "1"), ("a", "2")])]).await, "contexts[0].fields[1].key");
        assert_eq!(generate(vec![context(&[("signet.service", "auth")])]).await, "contexts[0].fields[0].key");
        assert_eq!(generate(vec![context(&[("A", "1")])]).await, "contexts[0].fields[0].key");
        let bare = UnwrapDataKeysRequest { keys: vec![WrappedDataKey::default()] };
        assert_eq!(field(server.unwrap_data_keys(&server.member, bare).await), "keys[0].context");
        let many = server.generate_data_keys(&server.member, GenerateDataKeysRequest { contexts: vec![context(&[("a", "1")]); 1_000] });
        assert_eq!(many.await.unwrap().keys.len(), 1_000);
    }

    async fn data_keys_in_memory_end_with_their_epoch(db: Db) {
        let one = Server::start(db).await;
        let two = one.another(&one.db, &cache::Settings::default());
        let its = context(&[("id", "1")]);
        let request = GenerateDataKeysRequest { contexts: vec![its.clone()] };
        let key = one.generate_data_keys(&one.member, request).await.unwrap().keys.remove(0);
        let ask = async |server: &Server| {
            code(server.unwrap_data_keys(&server.member, unwrapping(&key, its.clone())).await)
        };
        assert_eq!((ask(&one).await, ask(&two).await), ("OK".into(), "OK".into()));
        // Behind the service's back, as an operator of the provider may.
        let newest = one.kms.rotate(one.tenant()).await.unwrap();
        one.kms.destroy_below(one.tenant(), newest).await.unwrap();
        assert_eq!(ask(&two).await, "OK", "in memory, for its time");
        let before = two.key_epoch(&two.member, GetKeyEpochRequest {}).await.unwrap().epoch;
        one.invalidate(&one.admin, InvalidateCachesRequest {}).await.unwrap();
        for server in [&two, &one, &two] {
            assert_eq!(ask(server).await, "DATA_KEY_REJECTED");
        }
        assert_eq!(two.key_epoch(&two.member, GetKeyEpochRequest {}).await.unwrap().epoch, before + 1);
        let stranger = User::of(TenantId::new(), Role::Member);
        assert_eq!(two.key_epoch(&stranger, GetKeyEpochRequest {}).await.unwrap().epoch, 0);
        let told = one.events().await;
        assert!(told.iter().any(|event| event.r#type == "dev.signet.envelope.caches.invalidated"));
    }

    async fn an_order_to_forget_reaches_every_key(db: Db) {
        let server = Server::start(db).await;
        let kept = server.make(KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519).await;
        server.key("keys/response-seal").await;
        let done = server.invalidate(&server.admin, InvalidateCachesRequest {}).await.unwrap();
        assert_eq!((done.keys, done.epoch), (2, 1));
        assert!(server.key(&kept.name).await == kept);
    }
}
