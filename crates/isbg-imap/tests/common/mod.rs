//! Clients for tests: of real servers, and of a peer in memory that follows a script. Checks nothing itself.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, of which each uses some"
)]

pub mod dovecot;
pub mod lines;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use isbg_imap::{ByteBudget, Client, Credentials, Fetched, Outcome, Response, Secret, Settings, Transport};
use isbg_types::{Uid, UidSet};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A password that must turn up nowhere.
pub const CANARY: &str = "canary\"of {5} the\\mine";

pub fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

pub fn set(numbers: impl IntoIterator<Item = u32>) -> UidSet {
    numbers.into_iter().map(uid).collect()
}

pub fn password(user: &str, password: &str) -> Credentials {
    Credentials::Password {
        user: user.to_owned(),
        password: Secret::from(password.to_owned()),
    }
}

/// Settings under which tests without TLS can log in.
pub fn plain() -> Settings {
    Settings {
        allow_plaintext: true,
        ..Settings::default()
    }
}

/// Settings whose observer and transcript are kept.
#[derive(Clone, Default)]
pub struct Ears {
    heard: Arc<Mutex<Vec<String>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Ears {
    pub fn settings(&self) -> Settings {
        let heard = Arc::clone(&self.heard);
        let lines = Arc::clone(&self.lines);
        Settings {
            observer: Some(Arc::new(move |response: &Response| {
                heard.lock().unwrap().push(format!("{:?}", response.kind));
            })),
            transcript: Some(isbg_imap::Transcript::new(move |line: &str| {
                lines.lock().unwrap().push(line.to_owned());
            })),
            ..plain()
        }
    }

    pub fn heard(&self) -> String {
        self.heard.lock().unwrap().join("\n")
    }

    pub fn transcript(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

pub async fn connect(address: SocketAddr, settings: Settings) -> Client {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    Client::greet(Transport::Plain(Box::new(stream)), settings)
        .await
        .unwrap()
}

pub async fn log_in(address: SocketAddr, (user, pass): (&str, &str)) -> Client {
    let mut client = connect(address, plain()).await;
    client.login(&password(user, pass)).await.unwrap();
    client
}

/// Reads these messages with a budget of 1 MiB.
pub async fn fetch(client: &mut Client, uids: Vec<Uid>) -> Vec<Fetched> {
    let (to, mut from) = mpsc::channel::<Fetched>(4);
    let budget = ByteBudget::new(1 << 20);
    let collect = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(mut fetched) = from.recv().await {
            fetched.permit = None;
            all.push(fetched);
        }
        all
    });
    let report = client.fetch(&uids, &to, &budget).await.unwrap();
    drop(to);
    let all = collect.await.unwrap();
    assert_eq!(report.delivered, all.len());
    assert_eq!(budget.free(), 1 << 20);
    all
}

pub fn done<T: std::fmt::Debug>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Done(value) => value,
        other => panic!("{other:?}"),
    }
}

/// What a scripted server saw after its script.
pub type Rest = JoinHandle<Vec<u8>>;

/// A server that follows a script of lines: `S: ` it says the rest and CR LF, `s: ` it says the rest as it is (`\r`,
/// `\n`, `\0` and `\x` with two digits are understood), `C: ` it waits for exactly this line, `c: ` for exactly these
/// bytes, `!` it closes. After its last line it listens.
pub fn server(script: &str) -> (DuplexStream, Rest) {
    let (ours, mut theirs) = tokio::io::duplex(1 << 20);
    let script = script.to_owned();
    let task = tokio::spawn(async move {
        for line in script
            .lines()
            .map(str::trim_start)
            .filter(|line| !line.is_empty())
        {
            match line.split_at_checked(3) {
                Some(("S: ", said)) => say(&mut theirs, format!("{said}\r\n").as_bytes()).await,
                Some(("s: ", said)) => say(&mut theirs, &unescaped(said)).await,
                Some(("C: ", wanted)) => expect(&mut theirs, format!("{wanted}\r\n").as_bytes()).await,
                Some(("c: ", wanted)) => expect(&mut theirs, &unescaped(wanted)).await,
                _ if line == "!" => return Vec::new(),
                _ => panic!("no script: {line}"),
            }
        }
        let mut rest = Vec::new();
        theirs.read_to_end(&mut rest).await.unwrap();
        rest
    });
    (ours, task)
}

async fn say(stream: &mut DuplexStream, bytes: &[u8]) {
    // The client may have hung up already.
    stream.write_all(bytes).await.unwrap_or_default();
}

async fn expect(stream: &mut DuplexStream, wanted: &[u8]) {
    let mut got = Vec::new();
    while got.len() < wanted.len() {
        let mut buffer = vec![0; wanted.len() - got.len()];
        match stream.read(&mut buffer).await.unwrap() {
            0 => break,
            count => got.extend_from_slice(&buffer[..count]),
        }
        if !wanted.starts_with(&got) {
            break;
        }
    }
    assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(wanted));
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'\\', [b'r', after @ ..]) => (bytes.push(b'\r'), rest = after).1,
            (b'\\', [b'n', after @ ..]) => (bytes.push(b'\n'), rest = after).1,
            (b'\\', [b'0', after @ ..]) => (bytes.push(0), rest = after).1,
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digits = String::from_utf8(vec![*high, *low]).unwrap();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap());
                rest = after;
            }
            _ => bytes.push(first),
        }
    }
    bytes
}

/// A client that was greeted with these capabilities and needs no login, and the rest of the script.
pub async fn at_home(capabilities: &str, script: &str, settings: Settings) -> (Client, Rest) {
    // ID and ENABLE are left out of the capabilities, so login() sends nothing.
    let greeting = format!("S: * PREAUTH [CAPABILITY IMAP4rev1 {capabilities}] hello\n");
    let (stream, rest) = server(&(greeting + script));
    let mut client = Client::greet(Transport::Plain(Box::new(stream)), settings)
        .await
        .unwrap();
    client.login(&password("me", "unused")).await.unwrap();
    (client, rest)
}

/// The same with INBOX open for looking; its commands are `A1`, so the script's begin with `A2`.
pub async fn in_inbox(capabilities: &str, script: &str, settings: Settings) -> (Client, Rest) {
    let modseq = if capabilities.contains("CONDSTORE") {
        " (CONDSTORE)"
    } else {
        ""
    };
    let open = format!(
        "C: A1 EXAMINE INBOX{modseq}
        S: * 3 EXISTS
        S: * OK [UIDVALIDITY 7] x
        S: * OK [UIDNEXT 100] x
        S: * OK [HIGHESTMODSEQ 50]
        S: A1 OK [READ-ONLY] x\n"
    );
    let (mut client, rest) = at_home(capabilities, &(open + script), settings).await;
    client.examine(&"INBOX".into(), None).await.unwrap();
    (client, rest)
}
