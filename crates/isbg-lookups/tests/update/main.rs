//! Fetching updates from a channel on loopback that does everything right, and from ones that do not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod secured;

use std::net::TcpListener;
use std::time::Duration;

use isbg_lookups::dns::Resolver;
use isbg_lookups::update::{
    Channel, FileError, Http, HttpError, Keys, MirrorError, Package, Proxies, SignatureError, UpdateError,
    mirror_list, package,
};
use isbg_testkit::channel::{self, archive, file};
use isbg_testkit::openpgp::Signer;
use isbg_testkit::web::{Page, Web};
use isbg_tls::{Connector, Settings};
use secured::Secured;

/// Nothing here waits for it.
const LONG: Duration = Duration::from_secs(60);

const NAME: &str = "rules.example.org";
const ENGINE: &str = "4.0.1";
const FILES: [(&str, &str); 2] = [("10_a.cf", "body A /a/\n"), ("languages", "none")];

struct Scene {
    channel: channel::Channel,
    keys: Keys,
    http: Http,
}

impl Scene {
    fn new() -> Self {
        let channel = channel::Channel::start(NAME, ENGINE, Signer::new().unwrap()).unwrap();
        let keys = Keys::read(&channel.signer.public().unwrap()).unwrap();
        Self {
            channel,
            keys,
            http: http(Proxies::default()),
        }
    }

    fn resolver(&self) -> Resolver {
        Resolver::with_servers(vec![self.channel.dns.address()], LONG)
    }

    async fn newest(&self) -> Result<Option<u64>, UpdateError> {
        name().newest(&self.resolver(), ENGINE).await
    }

    async fn list(&self) -> Result<Vec<u8>, UpdateError> {
        mirror_list(&self.resolver(), &self.http, &name()).await
    }

    async fn package(&self, version: u64) -> Result<Package, UpdateError> {
        package(&self.http, &name(), version, &self.list().await?, &self.keys).await
    }

    /// What is wrong with the version on the only mirror.
    async fn fault(&self, version: u64) -> FileError {
        match self.package(version).await.unwrap_err() {
            UpdateError::NoGoodMirror { mut tried, .. } if tried.len() == 1 => tried.remove(0).error,
            other => panic!("{other}"),
        }
    }
}

fn name() -> Channel {
    NAME.parse().unwrap()
}

fn http(proxies: Proxies) -> Http {
    Http::new(Connector::new(&Settings::default()).unwrap(), proxies)
}

/// An address where nobody listens.
fn closed() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{port}")
}

#[tokio::test]
async fn a_good_version() {
    let scene = Scene::new();
    assert_eq!(scene.newest().await.unwrap(), None);
    scene.channel.publish(7, &FILES).unwrap();
    assert_eq!(scene.newest().await.unwrap(), Some(7));
    let package = scene.package(7).await.unwrap();
    let names: Vec<_> = package.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        (names, &package.files[0].text[..]),
        (vec!["10_a.cf"], &b"body A /a/\n"[..])
    );
    assert_eq!(
        package.signed.by.to_string(),
        scene.channel.signer.fingerprint().unwrap()
    );
    // The better checksum counts where there is one.
    scene.channel.put(7, ".sha512", b"0000".to_vec());
    assert!(matches!(scene.fault(7).await, FileError::Checksum));
}

#[tokio::test]
async fn no_such_channel() {
    let scene = Scene::new();
    scene.channel.dns.remove(&format!("mirrors.{NAME}"));
    assert!(matches!(scene.newest().await, Err(UpdateError::NoChannel(_))));
    assert!(matches!(scene.list().await, Err(UpdateError::NoChannel(_))));
    scene.channel.dns.fail(&format!("1.0.4.{NAME}"), 2);
    assert!(matches!(scene.newest().await, Err(UpdateError::Dns(_))));
}

#[tokio::test]
async fn what_is_not_whole_is_not_taken() {
    let scene = Scene::new();
    let whole = archive(&FILES).unwrap();
    scene.channel.publish(7, &FILES).unwrap();
    let fault = async |suffix: &str, page: Page| {
        scene.channel.put_page(7, suffix, page);
        let fault = scene.fault(7).await;
        scene.channel.publish(7, &FILES).unwrap();
        fault
    };
    let cut = fault("", Page::Cut(whole.clone(), whole.len() / 2)).await;
    assert!(matches!(cut, FileError::Http(HttpError::Broken(_))), "{cut}");
    let short = fault("", Page::File(whole[1..].to_vec())).await;
    assert!(matches!(short, FileError::Checksum), "{short}");
    let huge = fault("", Page::File(vec![0; 17 << 20])).await;
    assert!(matches!(huge, FileError::Http(HttpError::TooLarge(_))), "{huge}");
    for suffix in ["", ".asc", ".sha256"] {
        let missing = fault(suffix, Page::Status(404)).await;
        assert!(
            matches!(missing, FileError::Http(HttpError::Status(_))),
            "{suffix}: {missing}"
        );
    }
    let sum = fault(".sha256", Page::File("0".repeat(64).into())).await;
    assert!(matches!(sum, FileError::Checksum), "{sum}");
    assert!(scene.package(7).await.is_ok());
}

#[tokio::test]
async fn what_is_not_signed_by_its_owner_is_not_taken() {
    let scene = Scene::new();
    let fault = async |signature: Vec<u8>| {
        scene.channel.publish(7, &FILES).unwrap();
        scene.channel.put(7, ".asc", signature);
        match scene.fault(7).await {
            FileError::Signature(error) => error,
            other => panic!("{other}"),
        }
    };
    let bytes = archive(&FILES).unwrap();
    let other = fault(scene.channel.signer.sign(b"something else").unwrap()).await;
    assert_eq!(other, SignatureError::Bad);
    let unknown = fault(Signer::new().unwrap().sign(&bytes).unwrap()).await;
    assert!(matches!(unknown, SignatureError::UnknownKey(_)), "{unknown}");
    let nonsense = fault(b"signed, sealed, delivered".to_vec()).await;
    assert!(matches!(nonsense, SignatureError::NotASignature(_)), "{nonsense}");
    scene.channel.publish_archive(7, b"no archive").unwrap();
    assert!(matches!(scene.fault(7).await, FileError::Archive(_)));
}

#[tokio::test]
async fn the_next_mirror_is_tried() {
    let scene = Scene::new();
    scene.channel.publish(7, &FILES).unwrap();
    scene
        .channel
        .web
        .put("/bad/7.tar.gz.asc", Page::File(b"bad".to_vec()));
    scene
        .channel
        .web
        .put("/bad/7.tar.gz", Page::File(archive(&FILES).unwrap()));
    let list = format!(
        "{}\n{}\n{}\n",
        closed(),
        scene.channel.web.url("/bad"),
        scene.channel.web.url("/mirror")
    );
    scene.channel.web.put("/MIRRORED.BY", Page::File(list.into()));
    // By lot, so that one time or another each of them is first.
    for _ in 0..8 {
        scene.package(7).await.unwrap();
    }
    let error = scene.package(8).await.unwrap_err();
    let UpdateError::NoGoodMirror {
        tried, version: 8, ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(tried.len(), 3);
    assert!(
        error
            .to_string()
            .starts_with("no mirror of rules.example.org has a good version 8: http://127.")
    );
}

#[tokio::test]
async fn lists_of_mirrors() {
    let scene = Scene::new();
    for page in [
        Page::Status(500),
        Page::File(b"<html>nothing</html>".to_vec()),
        Page::File(vec![b'#'; 70_000]),
    ] {
        scene.channel.web.put("/MIRRORED.BY", page);
        let error = scene.list().await.unwrap_err();
        let UpdateError::NoList { tried, .. } = &error else {
            panic!("{error}")
        };
        assert!(matches!(&tried[..], [MirrorError { .. }]), "{error}");
    }
    let none = package(&scene.http, &name(), 7, b"# none\n", &scene.keys)
        .await
        .unwrap_err();
    assert!(none.to_string().ends_with("none are known"), "{none}");
}

#[tokio::test]
async fn redirections_are_followed_a_few_times() {
    let scene = Scene::new();
    scene.channel.publish(7, &FILES).unwrap();
    let web = &scene.channel.web;
    let to = |path: &str| Page::Redirect(path.to_owned());
    web.put("/elsewhere", Page::File(archive(&FILES).unwrap()));
    for target in ["/elsewhere", "../elsewhere", &web.url("/elsewhere")] {
        web.put(&file(7, ""), to(target));
        // Dots are left to the server, which knows no `/mirror/../elsewhere`.
        let taken = scene.package(7).await.is_ok();
        assert_eq!(taken, target != "../elsewhere", "{target}");
    }
    web.put(&file(7, ""), to(&file(7, "")));
    let round = scene.fault(7).await;
    assert!(
        matches!(round, FileError::Http(HttpError::Redirected(_))),
        "{round}"
    );
    web.put(&file(7, ""), to("file:///etc/passwd"));
    let nowhere = scene.fault(7).await;
    assert!(matches!(nowhere, FileError::Http(HttpError::Url(_))), "{nowhere}");
}

#[tokio::test]
async fn mirrors_with_tls() {
    let scene = Scene::new();
    scene.channel.publish(7, &FILES).unwrap();
    let secured = Secured::before(scene.channel.web.address()).await.unwrap();
    let list = format!("https://localhost:{}/mirror/", secured.address.port());
    let trusting = Http::new(secured.trusting().unwrap(), Proxies::default());
    let get = async |http: &Http| package(http, &name(), 7, list.as_bytes(), &scene.keys).await;
    get(&trusting).await.unwrap();
    assert!(
        get(&scene.http).await.is_err(),
        "nobody knows who issued this certificate"
    );

    // Nobody is sent on from there to where everybody can listen.
    scene
        .channel
        .put_page(7, ".asc", Page::Redirect(scene.channel.web.url("/asc")));
    let error = get(&trusting).await.unwrap_err().to_string();
    assert!(error.contains("from https to http"), "{error}");
    scene.channel.publish(7, &FILES).unwrap();

    let proxy = Web::start().unwrap();
    let through = Proxies {
        https: Some(proxy.url("")),
        ..Proxies::default()
    };
    get(&Http::new(secured.trusting().unwrap(), through))
        .await
        .unwrap();
    let asked = format!("CONNECT localhost:{}", secured.address.port());
    assert_eq!(proxy.asked(), [&asked[..], &asked, &asked, &asked]);
}

#[tokio::test]
async fn a_proxy_is_asked_for_whole_addresses() {
    let scene = Scene::new();
    let proxy = Web::start().unwrap();
    let bytes = archive(&FILES).unwrap();
    scene.channel.publish(7, &FILES).unwrap();
    let at = |suffix: &str| format!("http://mirror.invalid:80/7.tar.gz{suffix}");
    proxy.put(
        &at(".asc"),
        Page::File(scene.channel.signer.sign(&bytes).unwrap()),
    );
    proxy.put(&at(""), Page::File(bytes));
    proxy.put(
        &at(".sha512"),
        Page::Redirect(scene.channel.web.url(&file(7, ".sha256"))),
    );
    let through = http(Proxies {
        http: Some(proxy.url("")),
        exceptions: Some("127.0.0.1".into()),
        ..Proxies::default()
    });
    let error = package(&through, &name(), 7, b"http://mirror.invalid", &scene.keys).await;
    // A sum of the other kind came by the redirection, past the proxy.
    assert!(error.unwrap_err().to_string().contains("checksum"));
    assert_eq!(proxy.asked(), [at(".asc"), at(".sha512"), at("")]);
}
