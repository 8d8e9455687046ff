//! Status lines and their response codes (RFC 9051 §7.1, RFC 5530). Does not know which command they answer.

use std::fmt;

use isbg_types::{ModSeq, UidSet, UidValidity};

use super::Limits;
use super::data::Capabilities;
use super::fetch::read_flags;
use super::raw::Raw;
use super::set::{CopyUid, Ranges};
use super::tree::Tree;

/// The word that a status line begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusKind {
    /// Done, or information.
    Ok,
    /// Refused, or a warning.
    No,
    /// Not understood.
    Bad,
    /// The server closes the connection. Untagged only.
    Bye,
    /// A greeting that needs no login. Untagged only.
    PreAuth,
}

impl StatusKind {
    /// The kind of that name, in any letter case.
    pub fn read(word: &[u8]) -> Option<Self> {
        [
            (&b"OK"[..], Self::Ok),
            (b"NO", Self::No),
            (b"BAD", Self::Bad),
            (b"BYE", Self::Bye),
            (b"PREAUTH", Self::PreAuth),
        ]
        .into_iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name))
        .map(|(_, kind)| kind)
    }
}

impl fmt::Display for StatusKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::Bye => "BYE",
            Self::PreAuth => "PREAUTH",
        })
    }
}

/// A status line without its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The first word.
    pub kind: StatusKind,
    /// The code in brackets, if there is one.
    pub code: Option<Code>,
    /// The text for people. The server's words: print them escaped only.
    pub text: String,
}

impl Status {
    /// Whether the code has that name.
    pub fn has(&self, name: &str) -> bool {
        self.code.as_ref().is_some_and(|code| code.is(name))
    }
}

/// A response code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// The server's capabilities.
    Capability(Capabilities),
    /// The flags that can be changed for good; `\*` means that new keywords can be made.
    PermanentFlags(isbg_types::Flags),
    /// The UID that the next new message will get at least.
    UidNext(u32),
    /// The folder's UIDVALIDITY.
    UidValidity(UidValidity),
    /// The folder's highest modification sequence (RFC 7162).
    HighestModSeq(ModSeq),
    /// Where an appended message went (RFC 4315).
    AppendUid(UidValidity, Ranges),
    /// Where copied messages went (RFC 4315).
    CopyUid(CopyUid),
    /// The messages that a conditional STORE left alone (RFC 7162 §3.1.3).
    Modified(UidSet),
    /// The folder's lasting identifier (RFC 8474).
    MailboxId(String),
    /// Any other, or one of the above whose arguments cannot be read.
    Other {
        /// Its name, in capitals.
        name: String,
        /// What follows the name.
        arguments: String,
    },
}

impl Code {
    /// Whether this is a code of that name (in capitals). Typed codes answer `false`.
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Other { name, .. } if name == wanted)
    }
}

/// Reads what follows a status line's first word: perhaps a code, perhaps text, perhaps nothing.
pub(super) fn read_status(kind: StatusKind, raw: &Raw, start: usize, limits: &Limits) -> Status {
    let rest = raw.text.get(start..).unwrap_or_default().trim_ascii_start();
    let split = rest
        .strip_prefix(b"[")
        .and_then(|inner| code_end(inner).map(|end| (inner, end)));
    let (code, text) = match split {
        Some((inner, end)) => (Some(read_code(&inner[..end], raw, limits)), &inner[end + 1..]),
        None => (None, rest),
    };
    let text = String::from_utf8_lossy(text.trim_ascii()).into_owned();
    Status { kind, code, text }
}

/// The offset of the bracket that closes the code: one outside of lists and strings, for keywords may contain one;
/// failing that, the first.
fn code_end(inner: &[u8]) -> Option<usize> {
    let mut depth = 0u32;
    let mut quoted = false;
    let mut escaped = false;
    for (at, &byte) in inner.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth = depth.saturating_sub(1),
            b']' if !quoted && depth == 0 => return Some(at),
            _ => {}
        }
    }
    memchr::memchr(b']', inner)
}

fn read_code(inner: &[u8], raw: &Raw, limits: &Limits) -> Code {
    let inner = inner.trim_ascii();
    let end = memchr::memchr(b' ', inner).unwrap_or(inner.len());
    let (name, arguments) = (&inner[..end], inner[end..].trim_ascii());
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    typed(&name, arguments, limits).unwrap_or_else(|| {
        let mut arguments = String::from_utf8_lossy(arguments).into_owned();
        // Literals within a code are rare enough to be shown after the text instead of inside it.
        for literal in &raw.literals {
            if let super::raw::Content::Stored(range) = &literal.content {
                arguments.push(' ');
                arguments.push_str(&String::from_utf8_lossy(&raw.store[range.clone()]));
            }
        }
        Code::Other { name, arguments }
    })
}

fn typed(name: &str, arguments: &[u8], limits: &Limits) -> Option<Code> {
    let number = || std::str::from_utf8(arguments).ok()?.parse::<u64>().ok();
    let number32 = || number().and_then(|number| u32::try_from(number).ok());
    Some(match name {
        "CAPABILITY" => Code::Capability(Capabilities::read(arguments)),
        "PERMANENTFLAGS" => {
            let raw = Raw {
                text: arguments.to_vec(),
                ..Raw::default()
            };
            Code::PermanentFlags(read_flags(Tree::read(raw, 0, limits).nodes().next()?)?)
        }
        "UIDNEXT" => Code::UidNext(number32()?),
        "UIDVALIDITY" => Code::UidValidity(UidValidity(number32()?)),
        "HIGHESTMODSEQ" => Code::HighestModSeq(ModSeq(number()?)),
        "APPENDUID" => {
            let (validity, uids) = arguments.split_at(memchr::memchr(b' ', arguments)?);
            let validity = std::str::from_utf8(validity).ok()?.parse().ok()?;
            Code::AppendUid(
                UidValidity(validity),
                Ranges::read(uids.trim_ascii(), limits.ranges).ok()?,
            )
        }
        "COPYUID" => Code::CopyUid(CopyUid::read(arguments, limits.ranges)?),
        "MODIFIED" => Code::Modified(Ranges::read(arguments, limits.ranges).ok()?.to_set()),
        "MAILBOXID" => {
            let id = arguments.strip_prefix(b"(")?.strip_suffix(b")")?;
            Code::MailboxId(String::from_utf8_lossy(id.trim_ascii()).into_owned())
        }
        _ => return None,
    })
}
