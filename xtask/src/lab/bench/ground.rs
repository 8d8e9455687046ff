//! The servers and the mail that are measured with. Does not measure anything.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use isbg_testkit::Home;
use isbg_testkit::dovecot::{Dovecot, Settings};
use isbg_testkit::mail;

/// How many messages are used at most.
const MESSAGES: usize = 5_000;

/// The messages.
pub struct Mail {
    pub messages: Vec<Vec<u8>>,
    pub source: String,
}

impl Mail {
    /// From a folder, else made up, with the sizes that real mail has.
    pub fn load(folder: Option<&Path>) -> Result<Self> {
        let Some(folder) = folder else {
            let messages = (0..MESSAGES as u64).map(|n| mail::sized(n, size(n))).collect();
            return Ok(Self {
                messages,
                source: "the generator".to_owned(),
            });
        };
        let listed =
            std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut files: Vec<_> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        let messages: Vec<Vec<u8>> = files
            .iter()
            .take(MESSAGES)
            .map(std::fs::read)
            .collect::<std::io::Result<_>>()?;
        ensure!(!messages.is_empty(), "no messages in {}", folder.display());
        let name = folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        Ok(Self {
            messages,
            source: format!("the folder {name}"),
        })
    }

    /// The first so many, over again if there are not enough.
    pub fn first(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        self.messages.iter().cycle().take(count).map(Vec::as_slice)
    }
}

/// Sizes from 1 to 60 kB, most of them small.
fn size(n: u64) -> usize {
    let spread = (n.wrapping_mul(2_654_435_761) >> 7) % 1_000;
    1_000 + (spread * spread * 60 / 1_000) as usize
}

/// A Dovecot whose INBOX holds these messages.
pub fn dovecot<'a>(messages: impl Iterator<Item = &'a [u8]>) -> Result<Dovecot> {
    let dovecot = Dovecot::start(Settings::default())?;
    for (n, message) in messages.enumerate() {
        dovecot.deliver("INBOX", message, &[], 1_790_000_000 + n as i64)?;
    }
    // The server numbers and measures new mail at the first look; that is not what is measured.
    bare_fetch(dovecot.address(), &dovecot)?;
    Ok(dovecot)
}

/// The program's command line for this server, with a home and a state of its own.
pub fn isbg(isbg: &Path, home: &Home, server: SocketAddr, dovecot: &Dovecot) -> Result<Command> {
    let (user, password) = dovecot.credentials();
    let file = home.write("password", format!("{{\"password\": \"{password}\"}}"))?;
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let mut command = Command::new(isbg);
    command
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .args([
            "--imaphost",
            "127.0.0.1",
            "--imapuser",
            user,
            "--nossl",
            "--noninteractive",
            "--partialrun",
            "0",
        ])
        .arg("--imapport")
        .arg(server.port().to_string())
        .arg("--passwdfilename")
        .arg(file);
    Ok(command)
}

/// One `UID FETCH 1:* (BODY.PEEK[])` drained by a bare socket: the time, and the bytes that came.
pub fn bare_fetch(server: SocketAddr, dovecot: &Dovecot) -> Result<(Duration, u64)> {
    let (user, password) = dovecot.credentials();
    let mut socket = TcpStream::connect(server)?;
    socket.write_all(format!("a LOGIN {user} {password}\r\nb EXAMINE INBOX\r\n").as_bytes())?;
    let mut reader = BufReader::new(socket.try_clone()?);
    let mut line = String::new();
    while !line.starts_with("b ") {
        line.clear();
        ensure!(reader.read_line(&mut line)? > 0, "the server closed");
    }
    let begun = Instant::now();
    socket.write_all(b"c UID FETCH 1:* (BODY.PEEK[])\r\n")?;
    let mut buffer = vec![0; 256 * 1024];
    let (mut total, mut tail) = (0, Vec::new());
    loop {
        let read = reader.read(&mut buffer)?;
        ensure!(read > 0, "the server closed");
        total += read as u64;
        tail.extend_from_slice(&buffer[read.saturating_sub(80)..read]);
        tail.drain(..tail.len().saturating_sub(80));
        let end = String::from_utf8_lossy(&tail);
        if end.ends_with("\r\n") && end.contains("\r\nc OK") {
            return Ok((begun.elapsed(), total));
        }
    }
}

/// A scorer that reads a message and calls it ham, or spam, at once.
pub fn instant_scorer(spam: bool) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    for _ in 0..8 {
        let listener = listener.try_clone()?;
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                // A client that breaks off is its own affair.
                answer(&stream, spam).unwrap_or_default();
            }
        });
    }
    Ok(address)
}

fn answer(stream: &TcpStream, spam: bool) -> Result<()> {
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let (mut line, mut length) = (String::new(), 0_u64);
    let mut ping = false;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        ping |= line.starts_with("PING");
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse()?,
            _ if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    if ping {
        return Ok((&*stream).write_all(b"SPAMD/1.5 0 PONG\r\n")?);
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    let verdict = if spam {
        "True ; 20.0 / 5.0"
    } else {
        "False ; 0.0 / 5.0"
    };
    let text = format!("SPAMD/1.1 0 EX_OK\r\nContent-length: 6\r\nSpam: {verdict}\r\n\r\nBENCH\n");
    Ok((&*stream).write_all(text.as_bytes())?)
}
