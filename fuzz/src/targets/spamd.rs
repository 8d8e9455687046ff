//! The SPAMC protocol: what a spamd answers to our client, and what a client asks our server. Does not know any scorer that
//! reads mail.

use std::net::Ipv4Addr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use isbg_engine::{Scored, Scorer, Taught, Unknown, UnknownKind, Wish};
use isbg_lookups::spamd::{Client, Lesson, Settings, Verb};
use isbg_lookups::{Address, Endpoint};
use isbg_rules::ruleset::RuleSet;
use isbg_spamd::{Judge, Markup, Peer, Server, Settings as ServerSettings};
use isbg_spool::Spool;
use isbg_types::{Class, RuleHit, Score, Verdict};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
});

/// A spamd's whole answer, whatever was asked: a verdict or an error, in time.
pub fn client(answer: &[u8]) {
    let Some((choice, answer)) = answer.split_first() else {
        return;
    };
    RUNTIME.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let address = Address::Tcp {
            host: "127.0.0.1".into(),
            port,
        };
        let settings = Settings {
            deadline: Duration::from_secs(5),
            ..Settings::new(Endpoint::plain(address))
        };
        let client = Client::new(settings).expect("there is no user name");
        let mail = Spool::from(b"Subject: x\n\ny\n".to_vec());
        let serve = async {
            let Ok((mut stream, _)) = listener.accept().await else {
                return;
            };
            let mut request = [0; 1_024];
            // Whatever comes of the connection, the client must bear it.
            drop(stream.read(&mut request).await);
            drop(stream.write_all(answer).await);
            drop(stream.shutdown().await);
            while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
        };
        let ask = async {
            match choice % 6 {
                0 => drop(client.ping().await),
                1 => drop(client.ask(Verb::Check, &mail).await),
                2 => drop(client.ask(Verb::Symbols, &mail).await),
                3 => drop(client.ask(Verb::Process, &mail).await),
                4 => drop(client.ask(Verb::Report, &mail).await),
                _ => drop(client.tell(&mail, Lesson::Learn(Class::Spam)).await),
            }
        };
        tokio::join!(serve, ask);
    });
}

/// Scores by the length of a message, and learns what has an even one.
struct Lengths;

type Future<'a, T> = std::pin::Pin<Box<dyn std::future::Future<Output = Result<T, Unknown>> + Send + 'a>>;

impl Scorer for Lengths {
    fn name(&self) -> &'static str {
        "lengths"
    }

    fn score<'a>(&'a self, mail: &'a Spool, _: Wish) -> Future<'a, Scored> {
        let score = Score((mail.len() as i64 % 12 - 1) * 1_000);
        let hits = ["A", "B_\r\n", "__C"];
        let hit = |name: &str| RuleHit {
            name: name.into(),
            score: Some(score),
            description: Some("x\n\ny".into()),
        };
        let verdict = Verdict {
            score,
            required: Score(5_000),
            spam: score >= Score(5_000),
            hits: hits.into_iter().map(hit).collect(),
        };
        Box::pin(async move {
            if score < Score(0) {
                return Err(Unknown::new(UnknownKind::Outage, "no\r\nverdict"));
            }
            Ok(Scored::from(verdict))
        })
    }

    fn teach<'a>(&'a self, mail: &'a Spool, _: Class) -> Future<'a, Taught> {
        let taught = if mail.len() % 2 == 0 {
            Taught::Learned
        } else {
            Taught::AlreadyKnown
        };
        Box::pin(async move { Ok(taught) })
    }

    fn probe(&self) -> Future<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Lines of a rule file about reports and headers, then NUL, then a client's whole request: nothing, an error in one line, or
/// a head whose length is true.
pub fn server(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (Some(config), Some(request)) = (parts.next(), parts.next()) else {
        return;
    };
    let mut rules = RuleSet::default();
    let config = String::from_utf8_lossy(config);
    rules.settings.other = config
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let judge = Judge {
        scorer: Arc::new(Lengths),
        markup: Markup::of(&rules, "here".to_owned()),
        required: None,
    };
    let settings = ServerSettings {
        allow_tell: true,
        max_size: 50_000,
        ..ServerSettings::default()
    };
    let log = |line: &str| assert!(!line.contains(['\n', '\r', '\u{1b}']), "{line:?}");
    let server = Server::new(judge, settings, Arc::new(log));
    let answer = RUNTIME.block_on(async {
        let (client, serving) = tokio::io::duplex(4_096);
        let (mut read, mut write) = tokio::io::split(client);
        let send = async {
            drop(write.write_all(request).await);
            drop(write.shutdown().await);
        };
        let mut answer = Vec::new();
        let receive = async { drop(read.read_to_end(&mut answer).await) };
        let peer = Peer::here();
        tokio::join!(server.serve(serving, &peer), send, receive);
        answer
    });
    check_answer(&answer);
}

fn check_answer(answer: &[u8]) {
    if answer.is_empty() || answer.starts_with(b"SPAMD/1.0 0 EX_OK\r\n") {
        return;
    }
    let first = answer.split(|byte| *byte == b'\n').next().unwrap_or_default();
    assert!(first.starts_with(b"SPAMD/1.") && first.ends_with(b"\r"));
    if !first.starts_with(b"SPAMD/1.1 0 EX_OK") {
        assert_eq!(first.len() + 1, answer.len(), "an error or a PONG is one line");
        return;
    }
    let end = answer
        .windows(4)
        .position(|place| place == b"\r\n\r\n")
        .expect("an empty line")
        + 4;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-length: "));
    if let Some(length) = length {
        assert_eq!(length.parse::<usize>(), Ok(answer.len() - end));
    }
}
