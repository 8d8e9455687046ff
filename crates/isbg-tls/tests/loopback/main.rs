//! Connections to a TLS server on loopback, with certificates good and bad. Does not reach outside.

#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use isbg_tls::{ChannelBinding, ClientIdentity, Connection, Connector, Error, Pin, Problem, Settings};
use rcgen::{BasicConstraints, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig, version};
use server::{NAME, Server, authority, issued, self_signed};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn trusting(pem: &str) -> (tempfile::TempDir, Settings) {
    let dir = tempfile::tempdir().unwrap();
    let ca_file = Some(file(dir.path(), "ca.pem", pem));
    (
        dir,
        Settings {
            ca_file,
            ..Settings::default()
        },
    )
}

async fn connect(server: Server, settings: &Settings) -> Result<Connection<TcpStream>, Error> {
    connect_as(server, settings, NAME).await
}

async fn connect_as(server: Server, settings: &Settings, name: &str) -> Result<Connection<TcpStream>, Error> {
    let connector = Connector::new(settings).unwrap();
    connector.connect(server.connection().await, name).await
}

fn problem(result: Result<Connection<TcpStream>, Error>) -> (Problem, String) {
    let error = result.unwrap_err();
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    match error {
        Error::Certificate { problem, .. } => (problem, text),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn good_and_the_binding_is_what_the_server_sees() {
    let authority = authority();
    let (_dir, settings) = trusting(&authority.pem());
    let (certificate, key) = issued(&authority, NAME);
    let mut connection = connect(Server::new(&certificate, key), &settings).await.unwrap();
    let mut seen = [0; 32];
    connection.stream.read_exact(&mut seen).await.unwrap();
    assert_eq!(connection.binding, Some(ChannelBinding::Exporter(seen)));
}

#[tokio::test]
async fn with_tls_1_2_the_binding_is_the_certificate() {
    let authority = authority();
    let (_dir, settings) = trusting(&authority.pem());
    let (certificate, key) = issued(&authority, NAME);
    let mut server = Server::new(&certificate, key);
    server.versions = vec![&version::TLS12];
    let connection = connect(server, &settings).await.unwrap();
    let hash = Sha256::digest(certificate.der()).to_vec();
    assert_eq!(connection.binding, Some(ChannelBinding::ServerEndPoint(hash)));
}

#[tokio::test]
async fn another_name() {
    let authority = authority();
    let (_dir, settings) = trusting(&authority.pem());
    let (certificate, key) = issued(&authority, "other.example");
    let (found, text) = problem(connect(Server::new(&certificate, key), &settings).await);
    assert_eq!(found, Problem::WrongName(vec!["other.example".into()]));
    assert!(text.starts_with("mail.example: the certificate is for"), "{text}");
    let (certificate, key) = issued(&authority, "127.0.0.1");
    connect_as(Server::new(&certificate, key), &settings, "127.0.0.1")
        .await
        .unwrap();
}

#[tokio::test]
async fn expired_and_not_yet_valid() {
    let (certificate, key) = self_signed(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let (_dir, settings) = trusting(&certificate.pem());
    let (found, text) = problem(connect(Server::new(&certificate, key), &settings).await);
    assert!(
        matches!(found, Problem::Expired(Some(days)) if days > 1000),
        "{found:?}"
    );
    assert!(text.contains("expired") && text.contains("days ago"), "{text}");

    let (certificate, key) = self_signed(|params| params.not_before = date_time_ymd(4000, 1, 1));
    let (_dir, settings) = trusting(&certificate.pem());
    let (found, _) = problem(connect(Server::new(&certificate, key), &settings).await);
    assert_eq!(found, Problem::NotYetValid);
}

#[tokio::test]
async fn self_signed_shows_the_pin_that_then_works() {
    let (certificate, key) = self_signed(|_| {});
    let server = Server::new(&certificate, KeyPair::from_pem(&key.serialize_pem()).unwrap());
    let (found, text) = problem(connect(server, &Settings::default()).await);
    assert_eq!(found, Problem::SelfSigned);
    assert!(text.contains("--cafile"), "{text}");
    let (_, after) = text.split_once("--pin ").unwrap();
    let pin: Pin = after.split(' ').next().unwrap().parse().unwrap();
    let settings = Settings {
        pins: vec![pin],
        ..Settings::default()
    };
    connect(Server::new(&certificate, key), &settings).await.unwrap();
}

#[tokio::test]
async fn a_self_signed_certificate_in_the_ca_file_is_trusted_for_its_name() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let server = |key: &KeyPair, certificate| {
            Server::new(certificate, KeyPair::from_pem(&key.serialize_pem()).unwrap())
        };
        let (certificate, key) = self_signed(|params| params.is_ca = is_ca);
        let (_dir, settings) = trusting(&certificate.pem());
        connect(server(&key, &certificate), &settings).await.unwrap();
        let (found, _) = problem(connect_as(server(&key, &certificate), &settings, "other.example").await);
        assert!(matches!(found, Problem::WrongName(_)), "{is_ca:?}: {found:?}");

        let (certificate, key) = self_signed(|params| {
            params.is_ca = is_ca;
            params.not_after = date_time_ymd(2020, 1, 1);
        });
        let (_dir, settings) = trusting(&certificate.pem());
        let (found, _) = problem(connect(server(&key, &certificate), &settings).await);
        assert!(matches!(found, Problem::Expired(_)), "{found:?}");
    }
}

#[tokio::test]
async fn another_authority() {
    let (ours, theirs) = (authority(), authority());
    let (_dir, settings) = trusting(&ours.pem());
    let (certificate, key) = issued(&theirs, NAME);
    let (found, text) = problem(connect(Server::new(&certificate, key), &settings).await);
    assert_eq!(found, Problem::UnknownIssuer);
    assert!(
        text.contains("--cafile") && text.contains("--pin sha256:"),
        "{text}"
    );
}

#[tokio::test]
async fn pins_right_and_wrong() {
    // Neither name nor dates matter with a pin, as the pin says who it is.
    let (certificate, key) = self_signed(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let again = || Server::new(&certificate, KeyPair::from_pem(&key.serialize_pem()).unwrap());
    let other: Pin = hex::encode([7; 32]).parse().unwrap();
    for pin in again().pins() {
        let settings = Settings {
            pins: vec![other, pin],
            ..Settings::default()
        };
        connect_as(again(), &settings, "whatever.example").await.unwrap();
    }
    // A pin is all that counts: a good chain does not make up for a wrong one.
    let authority = authority();
    let (_dir, mut settings) = trusting(&authority.pem());
    settings.pins = vec![other];
    let (good, good_key) = issued(&authority, NAME);
    let (found, text) = problem(connect(Server::new(&good, good_key), &settings).await);
    assert_eq!(found, Problem::PinMismatch);
    assert!(
        text.contains("another key than the pinned one: sha256:"),
        "{text}"
    );
}

#[tokio::test]
async fn whoever_replays_a_pinned_certificate_must_have_its_key() {
    let (certificate, _) = self_signed(|_| {});
    let pin: Pin = hex::encode(Sha256::digest(certificate.der())).parse().unwrap();
    let settings = Settings {
        pins: vec![pin],
        ..Settings::default()
    };
    for version in [&version::TLS12, &version::TLS13] {
        let thief = KeyPair::generate().unwrap();
        let key =
            aws_lc_rs::sign::any_supported_type(&PrivateKeyDer::try_from(thief.serialize_der()).unwrap())
                .unwrap();
        let certified = rustls::sign::CertifiedKey::new(vec![certificate.der().clone()], key);
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { drop(acceptor.accept(listener.accept().await.unwrap().0).await) });
        let stream = TcpStream::connect(address).await.unwrap();
        let error = Connector::new(&settings)
            .unwrap()
            .connect(stream, NAME)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, Error::Broken { why, .. } if why.contains("signature") || why.contains("Signature")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_client_certificate() {
    let authority = authority();
    let (client, client_key) = issued(&authority, "client.example");
    let dir = tempfile::tempdir().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let roots = Arc::new(roots);
    let mut settings = Settings {
        ca_file: Some(file(dir.path(), "ca.pem", &authority.pem())),
        client: Some(ClientIdentity {
            certificate: file(dir.path(), "client.pem", &client.pem()),
            key: file(dir.path(), "client.key", &client_key.serialize_pem()),
        }),
        ..Settings::default()
    };
    let server = |version| {
        let (certificate, key) = issued(&authority, NAME);
        let mut server = Server::new(&certificate, key);
        server.clients = Some(roots.clone());
        server.versions = vec![version];
        server
    };
    let mut seen = [0; 32];
    let mut connection = connect(server(&version::TLS13), &settings).await.unwrap();
    connection.stream.read_exact(&mut seen).await.unwrap();

    settings.client = None;
    let error = connect(server(&version::TLS12), &settings).await.unwrap_err();
    assert!(matches!(error, Error::ClientRefused { .. }), "{error}");
    let mut connection = connect(server(&version::TLS13), &settings).await.unwrap();
    connection.stream.read_exact(&mut seen).await.unwrap_err();
}

#[tokio::test]
async fn files_of_no_use() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, _) = self_signed(|_| {});
    let stranger = KeyPair::generate().unwrap();
    let good = file(dir.path(), "cert.pem", &certificate.pem());
    let encrypted = file(
        dir.path(),
        "encrypted.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let text = |ca_file: Option<PathBuf>, key: Option<PathBuf>| {
        let client = key.map(|key| ClientIdentity {
            certificate: good.clone(),
            key,
        });
        let settings = Settings {
            ca_file,
            client,
            ..Settings::default()
        };
        Connector::new(&settings).unwrap_err().to_string()
    };
    assert!(text(Some(dir.path().join("absent")), None).contains("absent cannot be used"));
    assert!(text(Some(file(dir.path(), "empty", "")), None).contains("holds no certificate"));
    assert!(text(None, Some(good.clone())).contains("holds no private key"));
    assert!(text(None, Some(encrypted)).contains("openssl pkey"));
    let other = file(dir.path(), "other.key", &stranger.serialize_pem());
    assert!(text(None, Some(other)).contains("key belongs to the certificate"));
}

/// A server that sends these bytes and closes.
async fn scripted(answer: &'static [u8]) -> Error {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).await.unwrap();
        stream.write_all(answer).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest).await);
    });
    let stream = TcpStream::connect(address).await.unwrap();
    Connector::new(&Settings::default())
        .unwrap()
        .connect(stream, NAME)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn old_servers_and_other_services() {
    // Alerts: fatal, protocol_version; fatal, handshake_failure.
    for alert in [&[0x15, 3, 1, 0, 2, 2, 70], &[0x15, 3, 1, 0, 2, 2, 40]] {
        let error = scripted(alert).await;
        assert!(matches!(error, Error::TooOld { .. }), "{error}");
        assert!(error.to_string().contains("stunnel"), "{error}");
    }
    let error = scripted(b"* OK IMAP4rev1 ready\r\n").await;
    assert!(matches!(error, Error::NotTls { .. }), "{error}");
    let error = scripted(b"").await;
    assert!(matches!(error, Error::Broken { .. }), "{error}");
}

#[tokio::test]
async fn a_name_that_is_none() {
    let (stream, _other) = tokio::io::duplex(1024);
    let connector = Connector::new(&Settings::default()).unwrap();
    let error = connector.connect(stream, "no such name").await.unwrap_err();
    assert!(matches!(error, Error::ServerName(_)), "{error}");
}
