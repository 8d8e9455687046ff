//! Our server in this process, with SpamAssassin's installed rules; and mail to ask it about. Does not compare anything.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "a helper of tests fails by panicking"
)]

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use isbg_engine::{Native, NativeSettings, Scored, Scorer, Taught, Unknown, Wish};
use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};
use isbg_spamd::{Judge, Markup, Server, Settings, hostname};
use isbg_spool::Spool;
use isbg_types::Class;
use tokio::runtime::Runtime;

pub const HAM: &[u8] =
    b"From: a@example.org\nTo: b@example.org\nSubject: lunch\nDate: Thu, 01 Jan 2026 00:00:00 +0000\n\
    Message-ID: <x@example.org>\n\nShall we meet?\n";

pub const SPAM: &[u8] =
    b"From: \"A\" <a@example.org>\nTo: b@example.org\nReply-To: c@example.org\nX-Spam-Level: none\n\
    Subject: offer\n of the day\nDate: Thu, 01 Jan 2026 00:00:00 +0000\nMessage-ID: <x@example.org>\n\n\
    XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n";

pub fn crlf(mail: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(mail).replace('\n', "\r\n").into_bytes()
}

/// The installed rules, with further lines.
pub fn matcher(lines: &str) -> Arc<Matcher> {
    let more = tempfile::Builder::new().suffix(".cf").tempfile().unwrap();
    std::fs::write(more.path(), lines).unwrap();
    let paths = ["/usr/share/spamassassin", "/etc/spamassassin"].map(PathBuf::from);
    let sources = Sources {
        prefs: Some(more.path().to_owned()),
        ..Sources::of(paths.to_vec())
    };
    Arc::new(Matcher::new(load(&sources).unwrap(), Mode::default()).unwrap())
}

/// The native scorer with a memory for whole messages, so that it can be taught.
pub struct Teachable {
    native: Native,
    learned: Mutex<HashMap<Vec<u8>, Class>>,
}

impl Scorer for Teachable {
    fn name(&self) -> &'static str {
        "teachable"
    }

    fn score<'a>(&'a self, mail: &'a Spool, wish: Wish) -> BoxFuture<'a, Result<Scored, Unknown>> {
        self.native.score(mail, wish)
    }

    fn teach<'a>(&'a self, mail: &'a Spool, lesson: Class) -> BoxFuture<'a, Result<Taught, Unknown>> {
        let bytes = mail.prefix(usize::MAX).unwrap().to_vec();
        let before = self.learned.lock().unwrap().insert(bytes, lesson);
        let taught = if before == Some(lesson) {
            Taught::AlreadyKnown
        } else {
            Taught::Learned
        };
        Box::pin(async move { Ok(taught) })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Unknown>> {
        self.native.probe()
    }
}

/// A running server of ours.
pub struct Ours {
    pub address: SocketAddr,
    pub server: Arc<Server>,
    pub socket: PathBuf,
    log: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
    _runtime: Runtime,
}

impl Ours {
    pub fn start(lines: &str, settings: Settings) -> Self {
        let matcher = matcher(lines);
        let markup = Markup::of(matcher.rules(), hostname());
        let native = NativeSettings {
            at_once: NonZeroUsize::new(2).unwrap(),
            ..NativeSettings::default()
        };
        let scorer = Teachable {
            native: Native::new(matcher, native).unwrap(),
            learned: Mutex::default(),
        };
        Self::with(Arc::new(scorer), markup, settings)
    }

    pub fn with(scorer: Arc<dyn Scorer>, markup: Markup, settings: Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let judge = Judge {
            scorer,
            markup,
            required: None,
        };
        let server = Server::new(
            judge,
            settings,
            Arc::new(move |line| lines.lock().unwrap().push(line.to_owned())),
        );
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let tcp = Arc::clone(&server);
        runtime.spawn(async move { tcp.listen(listener).await });
        let unix = {
            let _inside = runtime.enter();
            tokio::net::UnixListener::bind(&socket).unwrap()
        };
        let also = Arc::clone(&server);
        runtime.spawn(async move { also.listen_unix(unix).await });
        Self {
            address,
            server,
            socket,
            log,
            _folder: folder,
            _runtime: runtime,
        }
    }

    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

/// Sends these bytes, and no more; what comes back.
pub fn ask(server: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    // A server that has heard enough may close before everything is sent.
    drop(stream.write_all(request));
    drop(stream.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    answer
}

/// A request about a message.
pub fn request(verb: &str, version: &str, headers: &[&str], mail: &[u8]) -> Vec<u8> {
    let mut request = format!("{verb} SPAMC/{version}\r\nContent-length: {}\r\n", mail.len());
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    [request.as_bytes(), mail].concat()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
