//! Passwords, TLS, and connections that end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cache::Settings;
use fred::interfaces::ClientLike;
use fred::types::CustomCommand;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::node::{Node, Source, on};
use crate::outages::raw;

/// Longer than a connection takes that succeeds.
const NEVER: Duration = Duration::from_secs(4);

/// It works, by itself.
async fn stays_alone(settings: &Settings) {
    let node = Node::start(&Source::default(), settings);
    assert_eq!(node.get().await, 0);
    tokio::time::sleep(NEVER).await;
    assert!(!node.cache.is_shared());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_logs_in() {
    let server = testkit::valkey().unwrap();
    let config = CustomCommand::new_static("CONFIG", None::<u16>, false);
    let admin = raw(&server.url()).await;
    admin.custom::<(), _>(config, vec!["SET", "requirepass", "hunter2"]).await.unwrap();
    let with = |login: &str| on(&server.url().replace("redis://", &format!("redis://{login}@")));
    Node::ready(&Source::default(), &with(":hunter2")).await;
    let (wrong, none) = (with(":hunter3"), on(&server.url()));
    tokio::join!(stays_alone(&wrong), stays_alone(&none));
}

/// Ends TLS in front of a server.
async fn tls_before(server: SocketAddr, identity: &CertifiedKey<rcgen::KeyPair>) -> u16 {
    let key = PrivateKeyDer::try_from(identity.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((outside, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut outside) = acceptor.accept(outside).await else { return };
                let mut inside = TcpStream::connect(server).await.unwrap();
                // Ends with either side.
                let _ended = copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_only_a_server_of_the_named_authority_is_spoken_to() {
    let server = testkit::valkey().unwrap();
    let address = server.url().trim_start_matches("redis://").parse().unwrap();
    let identity = || generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (ours, foreign) = (identity(), identity());
    let port = tls_before(address, &ours).await;
    let folder = tempfile::tempdir().unwrap();
    let with = |name: &str, identity: &CertifiedKey<rcgen::KeyPair>, host: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, identity.cert.pem()).unwrap();
        let mut settings = on(&format!("rediss://{host}:{port}"));
        settings.redis.as_mut().unwrap().ca_file = Some(file);
        settings
    };
    let source = Source::default();
    let one = Node::ready(&source, &with("ours", &ours, "localhost")).await;
    assert_eq!(one.get().await, 0);
    let plain = Node::ready(&source, &on(&server.url())).await;
    assert_eq!((plain.get().await, source.loads()), (0, 1));
    let (wrong_ca, wrong_name) =
        (with("foreign", &foreign, "localhost"), with("ours", &ours, "127.0.0.1"));
    tokio::join!(stays_alone(&wrong_ca), stays_alone(&wrong_name));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_end_with_their_cache_and_with_an_outage() {
    let mut server = testkit::valkey().unwrap();
    let source = Source::default();
    let node = Node::ready(&source, &on(&server.url())).await;
    server.start_again().unwrap();
    node.is_shared(false).await;
    node.is_shared(true).await;
    let admin = raw(&server.url()).await;
    let list = || CustomCommand::new_static("CLIENT", None::<u16>, false);
    let connections = async || {
        let list: String = admin.custom(list(), vec!["LIST"]).await.unwrap();
        list.lines().count()
    };
    assert_eq!(connections().await, 2);
    drop(node);
    for _ in 0..100 {
        if connections().await == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the connection stays open");
}
