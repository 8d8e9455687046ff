//! A web server on loopback with the pages that a test gives it, good ones and bad ones; also a proxy. Does not know what
//! is on the pages.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::acceptor::{Acceptor, lock};

/// A client that says nothing for so long is gone.
const IDLE: Duration = Duration::from_secs(60);

/// What is at an address.
#[derive(Debug, Clone)]
pub enum Page {
    /// A file.
    File(Vec<u8>),
    /// Nothing but this status, such as 500.
    Status(u16),
    /// It is elsewhere.
    Redirect(String),
    /// A file, of which the connection breaks after so many bytes.
    Cut(Vec<u8>, usize),
    /// The connection stays open, and nothing comes.
    Silence,
}

#[derive(Debug, Default)]
struct Shared {
    pages: Mutex<BTreeMap<String, Page>>,
    asked: Mutex<Vec<String>>,
    news: Condvar,
}

/// The server. It is gone when dropped.
#[derive(Debug)]
pub struct Web {
    acceptor: Acceptor,
    shared: Arc<Shared>,
}

impl Web {
    /// Starts it without a page: everything is 404.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start() -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let seen = Arc::clone(&shared);
        let acceptor = Acceptor::start(move |_, stream| {
            let shared = Arc::clone(&seen);
            // A client that goes away early is none of our business.
            std::thread::spawn(move || drop(serve(stream, &shared)));
        })?;
        Ok(Self { acceptor, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.acceptor.address()
    }

    /// The whole address of a path, which begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// Puts a page at a path; for a proxy at a whole address.
    pub fn put(&self, path: &str, page: Page) {
        lock(&self.shared.pages).insert(path.to_owned(), page);
    }

    /// The paths that were asked for so far; what a proxy was asked to connect to as `CONNECT HOST:PORT`.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.asked).clone()
    }

    /// Waits until a path has been asked for.
    pub fn wait_until_asked(&self, path: &str) {
        let mut asked = lock(&self.shared.asked);
        while !asked.iter().any(|known| known == path) {
            asked = self
                .shared
                .news
                .wait(asked)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    let head = head(&mut stream)?;
    let mut words = head.split(' ');
    let method = words.next().unwrap_or_default();
    let path = words.next().context("no request")?;
    let connect = method == "CONNECT";
    let asked = if connect {
        format!("CONNECT {path}")
    } else {
        path.to_owned()
    };
    lock(&shared.asked).push(asked);
    shared.news.notify_all();
    if connect {
        return tunnel(stream, path);
    }
    let page = lock(&shared.pages).get(path).cloned();
    match page.unwrap_or(Page::Status(404)) {
        Page::File(bytes) => answer(&mut stream, "200 OK", &bytes, bytes.len()),
        Page::Status(status) => answer(&mut stream, &format!("{status} No"), b"", 0),
        Page::Redirect(to) => answer(&mut stream, &format!("302 Found\r\nLocation: {to}"), b"", 0),
        Page::Cut(bytes, at) => answer(
            &mut stream,
            "200 OK",
            bytes.get(..at).context("too short")?,
            bytes.len(),
        ),
        Page::Silence => {
            // Until the client gives up.
            io::copy(&mut stream, &mut io::sink())?;
            Ok(())
        }
    }
}

fn head(stream: &mut TcpStream) -> Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn answer(stream: &mut TcpStream, status: &str, body: &[u8], length: usize) -> Result<()> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    Ok(())
}

/// Passes everything on, in both directions.
fn tunnel(mut client: TcpStream, to: &str) -> Result<()> {
    let mut server = TcpStream::connect(to)?;
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let back = std::thread::spawn(move || {
        drop(io::copy(&mut from_server, &mut to_client));
        drop(to_client.shutdown(Shutdown::Both));
    });
    drop(io::copy(&mut client, &mut server));
    drop(server.shutdown(Shutdown::Both));
    drop(back.join());
    Ok(())
}
