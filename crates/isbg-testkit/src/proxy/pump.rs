//! One connection through the proxy: two threads, each carrying one side's bytes to the other by the plan. Knows of IMAP
//! only lines, literals and tags.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::Shared;
use super::plan::{Act, Side, When};
use super::split::{Piece, Splitter};
use super::transcript::{Event, begins};
use crate::acceptor::lock;

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    number: usize,
    shared: Arc<Shared>,
    sockets: [TcpStream; 2],
    /// Where each side's bytes go: the server's socket for the client's, and the other way round.
    out: [Mutex<TcpStream>; 2],
    splitters: [Mutex<Splitter>; 2],
    pending: Mutex<Vec<Pending>>,
}

/// A command that the server has and has not finished.
#[derive(Debug)]
struct Pending {
    tag: String,
    text: String,
    responded: bool,
    waits_for_literal: bool,
}

/// One direction of a connection.
struct Pump {
    link: Arc<Link>,
    from: Side,
    pace: Option<Duration>,
    /// Within a command that was answered in the server's stead.
    skipping: bool,
}

impl Link {
    pub(super) fn open(
        client: TcpStream,
        server: TcpStream,
        number: usize,
        shared: &Arc<Shared>,
    ) -> io::Result<()> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        lock(&shared.sockets).push([client.try_clone()?, server.try_clone()?]);
        let link = Arc::new(Self {
            number,
            shared: Arc::clone(shared),
            out: [Mutex::new(server.try_clone()?), Mutex::new(client.try_clone()?)],
            sockets: [client.try_clone()?, server.try_clone()?],
            splitters: Default::default(),
            pending: Mutex::default(),
        });
        if lock(&shared.plan).opaque {
            link.make_opaque();
        }
        for (from, source) in [(Side::Client, client), (Side::Server, server)] {
            let pump = Pump {
                link: Arc::clone(&link),
                from,
                pace: None,
                skipping: false,
            };
            std::thread::spawn(move || pump.run(source));
        }
        Ok(())
    }

    fn make_opaque(&self) {
        self.splitters
            .iter()
            .for_each(|splitter| lock(splitter).make_opaque());
    }

    fn record(&self, from: Side, first: bool, bytes: &[u8]) {
        lock(&self.shared.transcript).events.push(Event {
            connection: self.number,
            from,
            first,
            bytes: bytes.to_vec(),
        });
    }

    /// Ends the connection on both sides.
    fn cut(&self) -> io::Error {
        for socket in &self.sockets {
            // Fails when the other side has closed it already.
            socket.shutdown(Shutdown::Both).unwrap_or_default();
        }
        io::ErrorKind::ConnectionAborted.into()
    }
}

impl Pump {
    fn run(mut self, mut source: TcpStream) {
        let link = Arc::clone(&self.link);
        let (splitter, out) = (&link.splitters[self.from as usize], &link.out[self.from as usize]);
        let mut buffer = vec![0; 64 * 1024];
        // Held from a response's first line to its last, so that no answer of ours lands within.
        let mut held: Option<MutexGuard<'_, TcpStream>> = None;
        loop {
            let read = source.read(&mut buffer).unwrap_or(0);
            lock(splitter).push(&buffer[..read]);
            loop {
                let piece = lock(splitter).next(read == 0);
                let Some(piece) = piece else { break };
                let out = held.get_or_insert_with(|| lock(out));
                if self.handle(out, &piece).is_err() {
                    link.cut();
                    return;
                }
                if self.from == Side::Client || matches!(piece, Piece::Line { last: true, .. }) {
                    held = None;
                }
            }
            if read == 0 {
                let out = held.take().unwrap_or_else(|| lock(out));
                out.shutdown(Shutdown::Write).unwrap_or_default();
                return;
            }
        }
    }

    fn handle(&mut self, out: &mut TcpStream, piece: &Piece) -> io::Result<()> {
        let (bytes, first, last) = match piece {
            Piece::Bytes(bytes) => (bytes, false, false),
            Piece::Line { bytes, first, last } => (bytes, *first, *last),
        };
        if self.from == Side::Client {
            self.link.record(Side::Client, first, bytes);
        }
        if self.skipping {
            self.skipping = !last;
            return Ok(());
        }
        if !first {
            return self.pass(out, false, bytes);
        }
        let edits = lock(&self.link.shared.plan).edits.clone();
        let line = edits
            .iter()
            .fold(bytes.clone(), |line, edit| edit(self.from, &line));
        match self.decide(&line, last) {
            None => self.pass(out, true, &line),
            Some(act) => self.act(out, &line, last, act),
        }
    }

    fn act(&mut self, out: &mut TcpStream, line: &[u8], last: bool, act: Act) -> io::Result<()> {
        match act {
            Act::Cut => Err(self.link.cut()),
            Act::CutWithin(length) => {
                self.pass(out, true, &line[..length.min(line.len())])?;
                Err(self.link.cut())
            }
            Act::CutAfter => {
                self.pass(out, true, line)?;
                Err(self.link.cut())
            }
            Act::Stall => {
                self.link.shared.pause(Duration::MAX);
                Err(self.link.cut())
            }
            Act::Slow(pace) => {
                self.pace = Some(pace);
                self.pass(out, true, line)
            }
            Act::Inject(bytes) => {
                self.pass(out, true, &bytes)?;
                self.pass(out, true, line)
            }
            Act::Replace(bytes) => self.pass(out, true, &bytes),
            Act::Answer(text) => self.answer(line, last, text),
        }
    }

    /// Answers a command in the server's stead.
    fn answer(&mut self, line: &[u8], last: bool, text: &str) -> io::Result<()> {
        let synchronizing = !last && !line.ends_with(b"+}\r\n");
        if synchronizing {
            lock(&self.link.splitters[Side::Client as usize]).forget_literal();
        }
        self.skipping = !last && !synchronizing;
        let line = String::from_utf8_lossy(line);
        let (tag, _) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = format!("{tag} {text}\r\n");
        let mut client = lock(&self.link.out[Side::Server as usize]);
        self.link.record(Side::Server, true, answer.as_bytes());
        client.write_all(answer.as_bytes())
    }

    /// What the plan says about this line; notes which commands are open.
    fn decide(&self, line: &[u8], last: bool) -> Option<Act> {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\r', '\n']);
        let (tag, text) = line.split_once(' ').unwrap_or(("", line));
        let mut pending = lock(&self.link.pending);
        let oldest = pending.first().filter(|command| !command.responded);
        let finished = pending.iter().position(|command| command.tag == tag);
        let finished = finished.filter(|_| self.from == Side::Server);
        let act = self.meet(|when| match when {
            When::Command(prefix) => self.from == Side::Client && begins(text, prefix),
            When::Line(side, prefix) => self.from == *side && begins(line, prefix),
            When::Response(prefix) => {
                self.from == Side::Server && oldest.is_some_and(|command| begins(&command.text, prefix))
            }
            When::Tagged(prefix) => finished.is_some_and(|i| begins(&pending[i].text, prefix)),
        });
        match self.from {
            Side::Client if tag.is_empty() || matches!(act, Some(Act::Answer(_))) => {}
            Side::Client => pending.push(Pending {
                tag: tag.to_owned(),
                text: text.to_owned(),
                responded: false,
                waits_for_literal: !last && !line.ends_with("+}"),
            }),
            Side::Server => {
                if let Some(command) = pending.first_mut() {
                    command.responded = true;
                }
                if let Some(waiting) = pending.iter_mut().find(|command| command.waits_for_literal) {
                    waiting.waits_for_literal = !line.starts_with('+');
                }
                if let Some(i) = finished {
                    self.finish(&pending.remove(i), text);
                }
            }
        }
        act
    }

    /// Draws the consequences of a tagged line.
    fn finish(&self, command: &Pending, status: &str) {
        if command.waits_for_literal {
            lock(&self.link.splitters[Side::Client as usize]).forget_literal();
        }
        if begins(&command.text, "STARTTLS") && begins(status, "OK") {
            self.link.make_opaque();
        }
    }

    fn meet(&self, met: impl Fn(&When) -> bool) -> Option<Act> {
        let mut plan = lock(&self.link.shared.plan);
        let mut act = None;
        for rule in plan.rules.iter_mut().filter(|rule| met(&rule.when)) {
            rule.met += 1;
            if act.is_none() && rule.nth.is_none_or(|nth| nth == rule.met) {
                act = Some(rule.act.clone());
            }
        }
        act
    }

    /// Sends bytes on, up to where the plan cuts.
    fn pass(&self, out: &mut TcpStream, first: bool, bytes: &[u8]) -> io::Result<()> {
        let (length, cut, split) = self.allowance(bytes.len());
        let bytes = &bytes[..length];
        if self.from == Side::Server {
            self.link.record(Side::Server, first, bytes);
        }
        match self.pace {
            None if !split => out.write_all(bytes)?,
            pace => {
                for byte in bytes.chunks(1) {
                    out.write_all(byte)?;
                    self.link.shared.pause(pace.unwrap_or_default());
                }
            }
        }
        if cut { Err(self.link.cut()) } else { Ok(()) }
    }

    /// How many of the next `length` bytes may pass, whether the connection ends there, and whether each goes alone.
    fn allowance(&self, length: usize) -> (usize, bool, bool) {
        let mut plan = lock(&self.link.shared.plan);
        let mut passed = lock(&self.link.shared.passed);
        let passed = &mut passed[self.from as usize];
        let end = *passed + length as u64;
        let due = |(from, at): &(Side, u64)| *from == self.from && *at <= end;
        let cut = plan.cuts.iter().position(due).map(|i| plan.cuts.remove(i).1);
        let allowed = cut.map_or(length, |at| at.saturating_sub(*passed) as usize);
        *passed += allowed as u64;
        (allowed, cut.is_some(), plan.split)
    }
}
