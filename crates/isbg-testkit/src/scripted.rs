//! A server whose behaviour is written down in the test itself, for what real servers cannot be brought to do. Knows lines,
//! no protocol.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::acceptor::{Acceptor, lock};

/// How long a script waits for the client.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running scripted server.
#[derive(Debug)]
pub struct Scripted {
    acceptor: Acceptor,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    sockets: Mutex<Vec<TcpStream>>,
    talks: Mutex<Vec<JoinHandle<()>>>,
    outcome: Mutex<Vec<anyhow::Error>>,
    received: Mutex<Vec<Vec<u8>>>,
}

impl Scripted {
    /// Runs `script` for each connection, in a thread of its own. The connection closes when the script ends.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub fn start(script: impl Fn(&mut Talk) -> Result<()> + Send + Sync + 'static) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let script = Arc::new(script);
        let own = Arc::clone(&shared);
        let acceptor = Acceptor::start(move |number, stream| {
            let (script, shared) = (Arc::clone(&script), Arc::clone(&own));
            let talk = std::thread::spawn(move || {
                if let Err(error) = converse(number, &stream, &shared, &*script) {
                    lock(&shared.outcome).push(error);
                }
                stream.shutdown(Shutdown::Both).unwrap_or_default();
            });
            lock(&own.talks).push(talk);
        })?;
        Ok(Self { acceptor, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.acceptor.address()
    }

    /// The bytes that the client has sent over each connection and the script has read.
    pub fn received(&self) -> Vec<Vec<u8>> {
        lock(&self.shared.received).clone()
    }

    /// Waits for all scripts that have begun.
    ///
    /// # Errors
    /// The first error of a script: mostly that the client did not say what was expected.
    pub fn finish(mut self) -> Result<()> {
        self.acceptor.stop();
        let talks: Vec<JoinHandle<()>> = lock(&self.shared.talks).drain(..).collect();
        for talk in talks {
            drop(talk.join());
        }
        let errors: Vec<anyhow::Error> = lock(&self.shared.outcome).drain(..).collect();
        errors.into_iter().next().map_or(Ok(()), Err)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.acceptor.stop();
        for socket in lock(&self.shared.sockets).drain(..) {
            socket.shutdown(Shutdown::Both).unwrap_or_default();
        }
    }
}

fn converse(
    number: usize,
    stream: &TcpStream,
    shared: &Shared,
    script: &dyn Fn(&mut Talk) -> Result<()>,
) -> Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    lock(&shared.sockets).push(stream.try_clone()?);
    let mut talk = Talk {
        number,
        reader: BufReader::new(stream.try_clone()?),
        received: Vec::new(),
    };
    let outcome = script(&mut talk);
    let mut received = lock(&shared.received);
    if received.len() <= number {
        received.resize(number + 1, Vec::new());
    }
    received[number] = talk.received;
    outcome.with_context(|| format!("in the script of connection {number}"))
}

/// A script's side of one connection.
#[derive(Debug)]
pub struct Talk {
    number: usize,
    reader: BufReader<TcpStream>,
    received: Vec<u8>,
}

impl Talk {
    /// The number of the connection, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Sends these bytes.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        Ok(self.reader.get_mut().write_all(bytes.as_ref())?)
    }

    /// Sends a line; its end is added.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn say(&mut self, line: impl AsRef<str>) -> Result<()> {
        self.send(format!("{}\r\n", line.as_ref()))
    }

    /// The client's next line, without its end.
    ///
    /// # Errors
    /// When the client is gone or says nothing for a minute.
    pub fn line(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        self.reader.read_until(b'\n', &mut bytes)?;
        self.received.extend_from_slice(&bytes);
        ensure!(bytes.ends_with(b"\n"), "the client hung up");
        Ok(String::from_utf8_lossy(&bytes)
            .trim_end_matches(['\r', '\n'])
            .to_owned())
    }

    /// The client's next so many bytes.
    ///
    /// # Errors
    /// When the client is gone or says nothing for a minute.
    pub fn bytes(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes)?;
        self.received.extend_from_slice(&bytes);
        Ok(bytes)
    }

    /// Reads a command, which must begin thus after its tag, in whatever letter case; its tag.
    ///
    /// # Errors
    /// When the client says something else, or nothing.
    pub fn expect(&mut self, command: &str) -> Result<String> {
        let line = self.line()?;
        let (tag, text) = line
            .split_once(' ')
            .with_context(|| format!("no command: {line}"))?;
        let same = text
            .get(..command.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(command));
        ensure!(same, "expected {command}, not: {line}");
        Ok(tag.to_owned())
    }

    /// Reads a command as [`Talk::expect`] does and answers: first these lines, then `OK` with its tag.
    ///
    /// # Errors
    /// When the client says something else, or nothing.
    pub fn answer(&mut self, command: &str, lines: &[&str]) -> Result<()> {
        let tag = self.expect(command)?;
        let mut text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        text += &format!("{tag} OK done\r\n");
        self.send(text)
    }

    /// Says nothing until the client hangs up; fails after a minute.
    ///
    /// # Errors
    /// When the client stays.
    pub fn stall(&mut self) -> Result<()> {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest)?;
        self.received.extend_from_slice(&rest);
        Ok(())
    }
}
