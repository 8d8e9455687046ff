//! A DNS server on loopback, UDP and TCP, with a zone given as a table. Asks nobody else, and knows no wildcards.

mod wire;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::acceptor::lock;
use wire::Question;

/// A client that says nothing for so long is gone.
const IDLE: Duration = Duration::from_secs(30);

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// Another name for the same; it is answered with whatever the zone has there.
    Cname(String),
    /// A mail exchanger with its preference.
    Mx(u16, String),
    /// A name server.
    Ns(String),
    /// The name of an address.
    Ptr(String),
    /// Text, cut into strings of 255 bytes.
    Txt(String),
}

/// What there is at a name.
#[derive(Debug, Clone)]
enum Entry {
    Records(Vec<Record>),
    /// This response code, such as 2 for SERVFAIL.
    Code(u8),
    /// No answer at all.
    Silence,
}

#[derive(Debug, Default)]
struct Shared {
    zone: Mutex<BTreeMap<String, Entry>>,
    asked: Mutex<Vec<String>>,
    plain: AtomicBool,
    forging: AtomicBool,
    stopped: AtomicBool,
}

/// The server. It is gone when dropped.
#[derive(Debug)]
pub struct Dns {
    address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Dns {
    /// Starts it with these records.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start(zone: &[(&str, Record)]) -> Result<Self> {
        let (udp, tcp) = sockets()?;
        let address = udp.local_addr()?;
        let shared = Arc::new(Shared::default());
        let seen = (Arc::clone(&shared), Arc::clone(&shared));
        let threads = vec![
            std::thread::spawn(move || datagrams(&udp, &seen.0)),
            std::thread::spawn(move || streams(&tcp, &seen.1)),
        ];
        let dns = Self {
            address,
            shared,
            threads,
        };
        for (name, record) in zone {
            dns.add(name, record.clone());
        }
        Ok(dns)
    }

    /// Where it listens, both UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a record to what the name has.
    pub fn add(&self, name: &str, record: Record) {
        let mut zone = lock(&self.shared.zone);
        match zone.get_mut(&key(name)) {
            Some(Entry::Records(records)) => records.push(record),
            _ => drop(zone.insert(key(name), Entry::Records(vec![record]))),
        }
    }

    /// Makes this all that the name has; an empty list: the name exists and has nothing.
    pub fn set(&self, name: &str, records: Vec<Record>) {
        lock(&self.shared.zone).insert(key(name), Entry::Records(records));
    }

    /// Answers questions about a name with a response code, such as 2 for SERVFAIL or 5 for REFUSED.
    pub fn fail(&self, name: &str, code: u8) {
        lock(&self.shared.zone).insert(key(name), Entry::Code(code));
    }

    /// Never answers questions about a name.
    pub fn silence(&self, name: &str) {
        lock(&self.shared.zone).insert(key(name), Entry::Silence);
    }

    /// Makes the name unknown again.
    pub fn remove(&self, name: &str) {
        lock(&self.shared.zone).remove(&key(name));
    }

    /// From now on does as servers did before EDNS (RFC 6891): questions with it are a format error.
    pub fn forget_edns(&self) {
        self.shared.plain.store(true, Ordering::SeqCst);
    }

    /// From now on sends, before each answer over UDP, one with a wrong number and one about another name, both saying
    /// that the name does not exist.
    pub fn forge(&self) {
        self.shared.forging.store(true, Ordering::SeqCst);
    }

    /// What was asked so far, as `NAME TYPE`, with ` TCP` for questions over TCP.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.asked).clone()
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Both wake their threads, which then see that they are to stop.
        if let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) {
            drop(socket.send_to(&[], self.address));
        }
        drop(TcpStream::connect(self.address));
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

/// A UDP and a TCP socket with the same number.
fn sockets() -> Result<(UdpSocket, TcpListener)> {
    for _ in 0..100 {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        if let Ok(tcp) = TcpListener::bind(udp.local_addr()?) {
            return Ok((udp, tcp));
        }
    }
    anyhow::bail!("no port is free for both UDP and TCP")
}

fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn datagrams(socket: &UdpSocket, shared: &Shared) {
    let mut bytes = [0; 4096];
    while let Ok((length, client)) = socket.recv_from(&mut bytes) {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Some(question) = bytes.get(..length).and_then(wire::question) else {
            continue;
        };
        let Some(answer) = shared.answer(&question, "", question.room) else {
            continue;
        };
        if shared.forging.load(Ordering::SeqCst) {
            for forged in question.forgeries() {
                drop(socket.send_to(&wire::answer(&forged, &[], wire::NXDOMAIN, usize::MAX), client));
            }
        }
        drop(socket.send_to(&answer, client));
    }
}

fn streams(listener: &TcpListener, shared: &Shared) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        if let Ok(stream) = stream {
            // A client that goes away early is none of our business.
            drop(serve(stream, shared));
        }
    }
}

/// Answers one question; nobody asks more over one connection here.
fn serve(mut stream: TcpStream, shared: &Shared) -> Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut bytes)?;
    let question = wire::question(&bytes).context("no question")?;
    if let Some(answer) = shared.answer(&question, " TCP", u16::MAX.into()) {
        let length = u16::try_from(answer.len())?;
        stream.write_all(&length.to_be_bytes())?;
        stream.write_all(&answer)?;
    }
    Ok(())
}

impl Shared {
    /// The bytes to answer with, cut to `room`; `None` for silence.
    fn answer(&self, question: &Question, how: &str, room: usize) -> Option<Vec<u8>> {
        let kind = wire::type_name(question.kind);
        lock(&self.asked).push(format!("{} {kind}{how}", question.name));
        if question.extended && self.plain.load(Ordering::SeqCst) {
            return Some(wire::answer(question, &[], wire::FORMERR, room));
        }
        let zone = lock(&self.zone);
        let mut found = Vec::new();
        let mut name = key(&question.name);
        loop {
            match zone.get(&name) {
                None if found.is_empty() => return Some(wire::answer(question, &[], wire::NXDOMAIN, room)),
                None => break,
                Some(Entry::Code(code)) => return Some(wire::answer(question, &[], *code, room)),
                Some(Entry::Silence) => return None,
                Some(Entry::Records(records)) => {
                    let alias = records.iter().find_map(|record| match record {
                        Record::Cname(target) => Some(target),
                        _ => None,
                    });
                    let fits = |record: &&Record| {
                        wire::type_of(record) == question.kind || matches!(record, Record::Cname(_))
                    };
                    found.extend(
                        records
                            .iter()
                            .filter(fits)
                            .map(|record| (name.clone(), record.clone())),
                    );
                    match alias {
                        // A circle is answered as far as it was gone around.
                        Some(target) if found.len() < 16 => name = key(target),
                        _ => break,
                    }
                }
            }
        }
        Some(wire::answer(question, &found, wire::NOERROR, room))
    }
}
