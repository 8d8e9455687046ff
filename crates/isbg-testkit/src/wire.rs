//! A bare IMAP conversation for filling and reading mailboxes in tests. Trusts the server, blocks, and deliberately shares
//! no line with the client under test.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use crate::mailbox::{Mailbox, Message};
use crate::mutf7;

/// How long to wait for the server's next bytes.
const PATIENCE: Duration = Duration::from_secs(60);

/// One logged-in conversation.
#[derive(Debug)]
pub struct Wire {
    reader: BufReader<TcpStream>,
    greeting: String,
    next_tag: u32,
}

/// One line from the server. Its literals are taken out of the text, where `{N}` stands in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The line without its end.
    pub text: String,
    /// The literals in order.
    pub literals: Vec<Vec<u8>>,
}

/// The whole answer to one command.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What came before the tagged line.
    pub untagged: Vec<Line>,
    /// The tagged line without its tag: `OK …`, `NO …` or `BAD …`.
    pub status: String,
}

impl Reply {
    /// Whether the server said OK.
    pub fn is_ok(&self) -> bool {
        self.status.starts_with("OK")
    }
}

impl Wire {
    /// Connects and reads the greeting.
    ///
    /// # Errors
    /// When there is no server, or it does not greet with OK or PREAUTH.
    pub fn connect(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut wire = Self {
            reader: BufReader::with_capacity(256 * 1024, stream),
            greeting: String::new(),
            next_tag: 1,
        };
        wire.greeting = wire.line()?.text;
        ensure!(
            wire.greeting.starts_with("* OK") || wire.greeting.starts_with("* PREAUTH"),
            "not greeted: {}",
            wire.greeting
        );
        Ok(wire)
    }

    /// Connects and logs in with LOGIN, unless the greeting was PREAUTH.
    ///
    /// # Errors
    /// When there is no server or it refuses.
    pub fn login(server: SocketAddr, user: &str, password: &str) -> Result<Self> {
        let mut wire = Self::connect(server)?;
        if !wire.greeting.starts_with("* PREAUTH") {
            wire.command(&format!("LOGIN {} {}", quote(user), quote(password)))?;
        }
        Ok(wire)
    }

    /// The greeting.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// Sends a command (without tag and line end) and takes its whole answer, whatever it says.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn say(&mut self, command: &str) -> Result<Reply> {
        let tag = self.send(command)?;
        self.reply(&tag)
    }

    /// Like [`Wire::say`], and the server must agree.
    ///
    /// # Errors
    /// When the connection breaks, or the server says NO or BAD.
    pub fn command(&mut self, command: &str) -> Result<Reply> {
        let reply = self.say(command)?;
        ensure!(reply.is_ok(), "{command}: {}", reply.status);
        Ok(reply)
    }

    /// Sends a command and waits for nothing; its tag.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn send(&mut self, command: &str) -> Result<String> {
        let tag = format!("w{}", self.next_tag);
        self.next_tag += 1;
        self.reader
            .get_mut()
            .write_all(format!("{tag} {command}\r\n").as_bytes())?;
        Ok(tag)
    }

    /// Takes the answer to the command with this tag.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn reply(&mut self, tag: &str) -> Result<Reply> {
        let mut untagged = Vec::new();
        loop {
            let line = self.line()?;
            match line
                .text
                .strip_prefix(tag)
                .and_then(|rest| rest.strip_prefix(' '))
            {
                Some(status) => {
                    let status = status.to_owned();
                    return Ok(Reply { untagged, status });
                }
                None => untagged.push(line),
            }
        }
    }

    /// The next line, with its literals.
    ///
    /// # Errors
    /// When the connection breaks or ends.
    pub fn line(&mut self) -> Result<Line> {
        let mut text = String::new();
        let mut literals = Vec::new();
        loop {
            let mut bytes = Vec::new();
            self.reader.read_until(b'\n', &mut bytes)?;
            ensure!(bytes.ends_with(b"\r\n"), "the server hung up");
            bytes.truncate(bytes.len() - 2);
            text.push_str(&String::from_utf8_lossy(&bytes));
            let Some(size) = literal_size(&text) else {
                return Ok(Line { text, literals });
            };
            let mut literal = vec![0; size];
            self.reader.read_exact(&mut literal)?;
            literals.push(literal);
        }
    }

    /// Puts a message into a folder with these flags and this date (seconds since 1970).
    ///
    /// # Errors
    /// When the connection breaks or the server refuses.
    pub fn append(&mut self, folder: &str, flags: &[&str], date: i64, bytes: &[u8]) -> Result<()> {
        let date = jiff::Timestamp::from_second(date)?.strftime("%d-%b-%Y %H:%M:%S +0000");
        let folder = name(folder);
        let flags = flags.join(" ");
        let tag = self.send(&format!(
            "APPEND {folder} ({flags}) \"{date}\" {{{}}}",
            bytes.len()
        ))?;
        loop {
            let line = self.line()?;
            if line.text.starts_with('+') {
                break;
            }
            ensure!(line.text.starts_with('*'), "APPEND: {}", line.text);
        }
        self.reader.get_mut().write_all(bytes)?;
        self.reader.get_mut().write_all(b"\r\n")?;
        let reply = self.reply(&tag)?;
        ensure!(reply.is_ok(), "APPEND: {}", reply.status);
        Ok(())
    }

    /// All folders that can be opened, by their names as people read them.
    ///
    /// # Errors
    /// When the connection breaks or the server refuses.
    pub fn folders(&mut self) -> Result<Vec<String>> {
        let mut folders = Vec::new();
        for line in self.command("LIST \"\" \"*\"")?.untagged {
            let Some(rest) = line.text.strip_prefix("* LIST (") else {
                continue;
            };
            let (attributes, rest) = rest.split_once(") ").context("LIST without attributes")?;
            if attributes.to_ascii_lowercase().contains("\\noselect") {
                continue;
            }
            let (_, wire_name) = rest.split_once(' ').context("LIST without a name")?;
            let wire_name = match line.literals.first() {
                Some(literal) => String::from_utf8_lossy(literal).into_owned(),
                None => unquote(wire_name),
            };
            folders.push(mutf7::decode(&wire_name)?);
        }
        folders.sort();
        Ok(folders)
    }

    /// All messages of a folder, read without a trace.
    ///
    /// # Errors
    /// When the connection breaks, the server refuses, or it answers with something odd.
    pub fn messages(&mut self, folder: &str) -> Result<Vec<Message>> {
        self.command(&format!("EXAMINE {}", name(folder)))?;
        let reply = self.command("UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])")?;
        reply
            .untagged
            .iter()
            .filter(|line| line.text.contains(" FETCH ("))
            .map(fetched)
            .collect()
    }

    /// Everything that lies in the mailbox, read without a trace.
    ///
    /// # Errors
    /// When the connection breaks, the server refuses, or it answers with something odd.
    pub fn mailbox(&mut self) -> Result<Mailbox> {
        let mut mailbox = Mailbox::new();
        for folder in self.folders()? {
            let messages = self.messages(&folder)?;
            mailbox.insert(folder, messages);
        }
        Ok(mailbox)
    }
}

fn fetched(line: &Line) -> Result<Message> {
    let text = &line.text;
    let after = |item: &str| -> Result<&str> {
        let start = text.find(item).with_context(|| format!("no {item} in {text}"))?;
        Ok(&text[start + item.len()..])
    };
    let uid = after("UID ")?
        .split([' ', ')'])
        .next()
        .unwrap_or_default()
        .parse()?;
    let (flags, _) = after("FLAGS (")?
        .split_once(')')
        .context("FLAGS without an end")?;
    let (date, _) = after("INTERNALDATE \"")?
        .split_once('"')
        .context("a date without an end")?;
    let bytes = match line.literals.as_slice() {
        [bytes] => bytes.clone(),
        [] if text.contains("BODY[] \"\"") => Vec::new(),
        _ => bail!("not one body in {text}"),
    };
    Ok(Message {
        uid: Some(uid),
        flags: flags
            .split_whitespace()
            .filter(|flag| *flag != "\\Recent")
            .map(str::to_owned)
            .collect(),
        date: internal_date(date)?,
        bytes,
    })
}

fn internal_date(text: &str) -> Result<i64> {
    let date = jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", text.trim_start())
        .and_then(|parsed| parsed.to_timestamp())
        .map_err(|error| anyhow!("INTERNALDATE {text}: {error}"))?;
    Ok(date.as_second())
}

/// A folder's name as it goes into a command.
pub fn name(folder: &str) -> String {
    quote(&mutf7::encode(folder))
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn unquote(text: &str) -> String {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => text.to_owned(),
    }
}

/// The size of the literal that `line` announces at its end: `{5}`, `{5+}` or `~{5}`.
pub(crate) fn literal_size(line: &str) -> Option<usize> {
    let (_, size) = line.strip_suffix('}')?.rsplit_once('{')?;
    size.strip_suffix('+').unwrap_or(size).parse().ok()
}
