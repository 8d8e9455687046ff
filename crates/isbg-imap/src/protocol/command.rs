//! Writes commands (RFC 9051 §6). Whatever comes from outside goes through one encoder that cannot yield a second
//! command. Does not know which commands there are.

use std::fmt;

use isbg_spool::Spool;
use isbg_types::{FolderName, UidSet};
use zeroize::Zeroizing;

use super::mailbox::{self, Encoding};

/// Why something cannot be written as a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// A NUL, CR or LF, which no IMAP string of ours carries.
    #[error("{0} has a line break or a NUL in it, which cannot be sent to a server")]
    Control(&'static str),
    /// Characters that the grammar does not allow there.
    #[error("{0} has a character in it that cannot be sent to a server")]
    Syntax(&'static str),
}

/// Whether the server takes literals without being asked first (RFC 7888).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Literals {
    /// No: each one waits for a `+`.
    #[default]
    Synchronising,
    /// LITERAL-: those of up to 4096 bytes.
    Minus,
    /// LITERAL+: all.
    Plus,
}

impl Literals {
    fn waits(self, size: u64) -> bool {
        match self {
            Self::Synchronising => true,
            Self::Minus => size > 4096,
            Self::Plus => false,
        }
    }
}

/// How a connection wants its commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Literals.
    pub literals: Literals,
    /// Mailbox names.
    pub encoding: Encoding,
    /// Whether quoted strings may hold UTF-8 (RFC 6855 §3).
    pub utf8_quoted: bool,
}

/// What is to be sent, in order.
pub enum Piece {
    /// These bytes.
    Bytes(Zeroizing<Vec<u8>>),
    /// Nothing before the server's `+` has come.
    Await,
    /// A message.
    Message(Spool),
}

#[derive(Clone)]
enum Part {
    Text(Zeroizing<Vec<u8>>),
    Literal(Zeroizing<Vec<u8>>),
    Message { spool: Spool, binary: bool },
}

/// A command without its tag. Its `Debug` shows its name alone, for the rest may be secret.
#[derive(Clone)]
pub struct Command {
    verb: &'static str,
    secret: bool,
    style: Style,
    parts: Vec<Part>,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({})", self.verb)
    }
}

impl Command {
    /// A command of that name, which may have several words.
    pub fn new(verb: &'static str, style: Style) -> Self {
        let text = Zeroizing::new(verb.as_bytes().to_vec());
        Self {
            verb,
            secret: false,
            style,
            parts: vec![Part::Text(text)],
        }
    }

    /// Marks the command as one whose arguments must never be shown.
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// The command's name.
    pub fn verb(&self) -> &'static str {
        self.verb
    }

    /// Whether the arguments must never be shown.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// Syntax of ours, after a space.
    pub fn word(self, word: &'static str) -> Self {
        self.raw(b" ").raw(word.as_bytes())
    }

    /// Syntax of ours, without a space.
    pub fn glue(self, syntax: &'static str) -> Self {
        self.raw(syntax.as_bytes())
    }

    /// A number, without a space.
    pub fn digits(self, number: u64) -> Self {
        self.raw(number.to_string().as_bytes())
    }

    /// A number, after a space.
    pub fn number(self, number: u64) -> Self {
        self.raw(b" ").raw(number.to_string().as_bytes())
    }

    /// A set of UIDs, after a space. The empty set, which has no form on the wire, is refused.
    ///
    /// # Errors
    /// When the set is empty.
    pub fn set(self, set: &UidSet) -> Result<Self, CommandError> {
        let pieces = super::set::write(set, usize::MAX);
        let text = pieces
            .first()
            .ok_or(CommandError::Syntax("an empty set of messages"))?;
        Ok(self.raw(b" ").raw(text.as_bytes()))
    }

    /// A mailbox name, after a space.
    ///
    /// # Errors
    /// When the name holds a NUL, CR or LF that its encoding does not hide.
    pub fn mailbox(self, name: &FolderName) -> Result<Self, CommandError> {
        let wire = mailbox::encode(name, self.style.encoding);
        self.raw(b" ").astring("a folder's name", wire.as_bytes())
    }

    /// A string after a space, as an atom where that is possible, else quoted, else as a literal. `what` names it in
    /// errors.
    ///
    /// # Errors
    /// When it holds a NUL, CR or LF.
    pub fn string(self, what: &'static str, bytes: &[u8]) -> Result<Self, CommandError> {
        self.raw(b" ").astring(what, bytes)
    }

    /// A string in quotes after a space, for places where no atom may stand. Not-ASCII becomes a literal.
    ///
    /// # Errors
    /// When it holds a NUL, CR or LF.
    pub fn quoted(self, what: &'static str, bytes: &[u8]) -> Result<Self, CommandError> {
        self.raw(b" ").nstring(what, bytes)
    }

    /// A list of strings after a space, such as ID's.
    ///
    /// # Errors
    /// When one holds a NUL, CR or LF.
    pub fn strings<'a>(
        self,
        what: &'static str,
        strings: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, CommandError> {
        let mut command = self.raw(b" (");
        for (number, string) in strings.into_iter().enumerate() {
            let separator: &[u8] = if number == 0 { b"" } else { b" " };
            command = command.raw(separator).nstring(what, string.as_bytes())?;
        }
        Ok(command.raw(b")"))
    }

    /// A flag or keyword, without a space before it (flags stand in lists).
    ///
    /// # Errors
    /// When it is no atom. Characters beyond ASCII pass: the server that sent them takes them back.
    pub fn flag(self, flag: &str) -> Result<Self, CommandError> {
        if is_flag(flag) {
            Ok(self.raw(flag.as_bytes()))
        } else {
            Err(CommandError::Syntax("a flag"))
        }
    }

    /// A secret that is base64 already, after a space. An empty one is written `=` (RFC 4959 §3).
    pub fn base64(self, encoded: &str) -> Self {
        debug_assert!(
            encoded
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
        );
        self.raw(b" ").raw(if encoded.is_empty() {
            b"="
        } else {
            encoded.as_bytes()
        })
    }

    /// A message as a literal, after a space; as a literal8 (RFC 3516) where `binary`.
    pub fn message(mut self, spool: &Spool, binary: bool) -> Self {
        self = self.raw(b" ");
        self.parts.push(Part::Message {
            spool: spool.clone(),
            binary,
        });
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => extend(text, bytes),
            _ => self.parts.push(Part::Text(Zeroizing::new(bytes.to_vec()))),
        }
        self
    }

    fn astring(self, what: &'static str, bytes: &[u8]) -> Result<Self, CommandError> {
        let atom = |byte: &u8| byte.is_ascii_graphic() && !b"(){%*\"\\[]".contains(byte);
        if !bytes.is_empty() && bytes.iter().all(atom) && !bytes.eq_ignore_ascii_case(b"NIL") {
            return Ok(self.raw(bytes));
        }
        self.nstring(what, bytes)
    }

    fn nstring(mut self, what: &'static str, bytes: &[u8]) -> Result<Self, CommandError> {
        if bytes.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
            return Err(CommandError::Control(what));
        }
        let utf8 = self.style.utf8_quoted && std::str::from_utf8(bytes).is_ok();
        if !(bytes.is_ascii() || utf8) || bytes.len() > 1000 {
            self.parts.push(Part::Literal(Zeroizing::new(bytes.to_vec())));
            return Ok(self);
        }
        let mut quoted = Zeroizing::new(Vec::with_capacity(2 * bytes.len() + 2));
        quoted.push(b'"');
        for &byte in bytes {
            if matches!(byte, b'"' | b'\\') {
                quoted.push(b'\\');
            }
            quoted.push(byte);
        }
        quoted.push(b'"');
        Ok(self.raw(&quoted))
    }

    /// The command behind its tag, ready to be sent.
    pub fn pieces(self, tag: &str) -> Vec<Piece> {
        let mut out = Vec::new();
        let mut bytes = Zeroizing::new(format!("{tag} ").into_bytes());
        for part in self.parts {
            let (size, binary) = match &part {
                Part::Text(text) => {
                    extend(&mut bytes, text);
                    continue;
                }
                Part::Literal(literal) => (literal.len() as u64, false),
                Part::Message { spool, binary } => (spool.len(), *binary),
            };
            let waits = self.style.literals.waits(size);
            let announcement = format!(
                "{}{{{size}{}}}\r\n",
                if binary { "~" } else { "" },
                if waits { "" } else { "+" }
            );
            extend(&mut bytes, announcement.as_bytes());
            if waits {
                out.push(Piece::Bytes(std::mem::take(&mut bytes)));
                out.push(Piece::Await);
            }
            match part {
                Part::Literal(literal) => extend(&mut bytes, &literal),
                Part::Message { spool, .. } => {
                    out.push(Piece::Bytes(std::mem::take(&mut bytes)));
                    out.push(Piece::Message(spool));
                }
                Part::Text(_) => {}
            }
        }
        extend(&mut bytes, b"\r\n");
        out.push(Piece::Bytes(bytes));
        out
    }
}

/// Appends without leaving the old bytes behind when the buffer moves.
fn extend(buffer: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    if buffer.capacity() - buffer.len() < bytes.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity(2 * (buffer.len() + bytes.len())));
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
    buffer.extend_from_slice(bytes);
}

/// Whether this can be sent as a flag: an atom, perhaps after a backslash. `]` is allowed, for servers have such
/// keywords.
pub fn is_flag(flag: &str) -> bool {
    let name = flag.strip_prefix('\\').unwrap_or(flag);
    let special = |c: char| c.is_control() || " (){%*\"\\".contains(c);
    !name.is_empty() && !name.contains(special)
}
