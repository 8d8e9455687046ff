//! A server that speaks the SPAMC protocol and whose judgement is a function: for speed, for faults, and for verdicts of
//! one's choice. Judges nothing by itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};

use crate::acceptor::{Acceptor, lock};

/// What a client asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `CHECK`, `SYMBOLS`, `PROCESS`, `TELL`, `PING`, …
    pub method: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The message, as it was sent: compressed, where the headers say so.
    pub mail: Vec<u8>,
}

impl Request {
    /// The value of this header (name in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the message has these bytes somewhere.
    pub fn mentions(&self, text: &str) -> bool {
        self.mail
            .windows(text.len().max(1))
            .any(|window| window == text.as_bytes())
    }
}

/// What the stub says.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A verdict with the names of the rules that hit. To TELL it means: done; to PING: here.
    Score(f64, Vec<&'static str>),
    /// Done, and nothing had to be changed: to TELL, that the message was known.
    Nothing,
    /// These bytes and no others.
    Bytes(Vec<u8>),
    /// Nothing, and the connection stays open until the client closes it.
    Hang,
    /// Nothing, and the connection closes.
    Close,
}

impl Answer {
    /// Not spam, with no rule hit.
    pub fn ham() -> Self {
        Self::Score(0.0, Vec::new())
    }

    /// Spam by a wide margin.
    pub fn spam() -> Self {
        Self::Score(20.0, vec!["STUB_SAYS_SPAM"])
    }

    /// An error of spamd's, such as `(69, "EX_UNAVAILABLE")`.
    pub fn error(code: u8, name: &str) -> Self {
        Self::Bytes(format!("SPAMD/1.0 {code} {name}\r\n\r\n").into_bytes())
    }
}

/// From this score on the stub calls a message spam.
pub const REQUIRED: f64 = 5.0;

/// A running stub.
#[derive(Debug)]
pub struct SpamdStub {
    acceptor: Acceptor,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    sockets: Mutex<Vec<Option<TcpStream>>>,
    served: AtomicUsize,
}

impl SpamdStub {
    /// Answers every request by `judge`, each connection in a thread of its own.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub fn start(judge: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let judge = Arc::new(judge);
        let own = Arc::clone(&shared);
        let acceptor = Acceptor::start(move |number, stream| {
            let (judge, shared) = (Arc::clone(&judge), Arc::clone(&own));
            lock(&shared.sockets).push(stream.try_clone().ok());
            std::thread::spawn(move || {
                // A client that breaks off mid-request is part of many tests.
                serve(&stream, &shared, &*judge).unwrap_or_default();
                stream.shutdown(Shutdown::Both).unwrap_or_default();
                lock(&shared.sockets)[number] = None;
            });
        })?;
        Ok(Self { acceptor, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.acceptor.address()
    }

    /// How many requests it has read.
    pub fn served(&self) -> usize {
        self.shared.served.load(Ordering::SeqCst)
    }
}

impl Drop for SpamdStub {
    fn drop(&mut self) {
        self.acceptor.stop();
        for socket in lock(&self.shared.sockets).iter().flatten() {
            socket.shutdown(Shutdown::Both).unwrap_or_default();
        }
    }
}

fn serve(stream: &TcpStream, shared: &Shared, judge: &dyn Fn(&Request) -> Answer) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let request = read(&mut reader)?;
    shared.served.fetch_add(1, Ordering::SeqCst);
    let answer = match judge(&request) {
        Answer::Hang => {
            reader.read_to_end(&mut Vec::new())?;
            return Ok(());
        }
        Answer::Close => return Ok(()),
        Answer::Bytes(bytes) => bytes,
        Answer::Nothing => reply(&request, 0.0, &[], false),
        Answer::Score(score, rules) => reply(&request, score, &rules, true),
    };
    let mut out = stream;
    Ok(out.write_all(&answer)?)
}

fn read(reader: &mut BufReader<&TcpStream>) -> Result<Request> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let method = line.split(' ').next().unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut mail = Vec::new();
    match length {
        Some((_, length)) => {
            let length: u64 = length.parse()?;
            reader.take(length).read_to_end(&mut mail)?;
            (mail.len() as u64 == length)
                .then_some(())
                .context("broken off")?;
        }
        // Without a length the message ends with the client's half of the connection.
        None if method != "PING" => drop(reader.read_to_end(&mut mail)?),
        None => {}
    }
    Ok(Request {
        method,
        headers,
        mail,
    })
}

fn reply(request: &Request, score: f64, rules: &[&str], changed: bool) -> Vec<u8> {
    let verdict = if score >= REQUIRED { "True" } else { "False" };
    let spam = format!("Spam: {verdict} ; {score:.1} / {REQUIRED:.1}\r\n");
    let body = match request.method.as_str() {
        "PING" => return b"SPAMD/1.5 0 PONG\r\n".to_vec(),
        "TELL" => return told(request, changed),
        "CHECK" => return format!("SPAMD/1.1 0 EX_OK\r\n{spam}\r\n").into_bytes(),
        "SYMBOLS" => rules.join(",").into_bytes(),
        "PROCESS" | "HEADERS" => {
            let flag = if score >= REQUIRED { "YES" } else { "NO" };
            let mut body = format!("X-Spam-Flag: {flag}\r\nX-Spam-Status: stub\r\n").into_bytes();
            body.extend_from_slice(&request.mail);
            body
        }
        _ => format!("The stub gives {score:.1} points.\r\n").into_bytes(),
    };
    let mut reply = format!(
        "SPAMD/1.1 0 EX_OK\r\nContent-length: {}\r\n{spam}\r\n",
        body.len()
    )
    .into_bytes();
    reply.extend(body);
    reply
}

fn told(request: &Request, changed: bool) -> Vec<u8> {
    let mut reply = "SPAMD/1.1 0 EX_OK\r\n".to_owned();
    for (asked, did) in [("set", "DidSet"), ("remove", "DidRemove")] {
        if let (Some(place), true) = (request.header(asked), changed) {
            reply += &format!("{did}: {place}\r\n");
        }
    }
    reply += "Content-length: 2\r\n\r\n\r\n";
    reply.into_bytes()
}
