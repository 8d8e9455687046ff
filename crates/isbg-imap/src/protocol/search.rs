//! Search criteria (RFC 9051 §6.4.4). Does not send them.

use isbg_types::{Flag, ModSeq, Uid, UidSet};

use super::command::{Command, CommandError};

/// One criterion. Several in a row must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Every message.
    All,
    /// Messages with this flag or keyword.
    With(Flag),
    /// Messages without it.
    Without(Flag),
    /// Messages with these UIDs.
    Uids(UidSet),
    /// Messages with this UID or a larger one. (A bare `n:*` also finds the last message when its UID is smaller; here
    /// it does not.)
    From(Uid),
    /// Messages of more bytes than this.
    Larger(u32),
    /// Messages of fewer bytes than this.
    Smaller(u32),
    /// Messages with this text in that header field, letter case aside.
    Header(String, String),
    /// Messages changed since this modification sequence, itself included. Needs CONDSTORE.
    Changed(ModSeq),
    /// The message with this identifier. Needs OBJECTID.
    EmailId(String),
    /// The message with this number. Needs X-GM-EXT-1.
    GmailMsgId(u64),
    /// Messages that the criterion does not hold for.
    Not(Box<Key>),
}

impl Key {
    /// Whether the criterion has characters beyond ASCII in it, for which the server must be told a charset.
    pub fn needs_charset(&self) -> bool {
        match self {
            Self::Header(name, text) => !name.is_ascii() || !text.is_ascii(),
            Self::Not(inner) => inner.needs_charset(),
            _ => false,
        }
    }

    /// Appends the criterion to a command.
    ///
    /// # Errors
    /// When part of it cannot be sent.
    pub fn write(&self, command: Command) -> Result<Command, CommandError> {
        let mut key = self;
        let mut command = command;
        while let Self::Not(inner) = key {
            command = command.word("NOT");
            key = inner;
        }
        match key {
            Self::All | Self::Not(_) => Ok(command.word("ALL")),
            Self::With(flag) => write_flag(command, flag, true),
            Self::Without(flag) => write_flag(command, flag, false),
            Self::Uids(set) => command.word("UID").set(set),
            Self::From(uid) => Ok(command.word("UID").number(u64::from(uid.get())).glue(":*")),
            Self::Larger(size) => Ok(command.word("LARGER").number(u64::from(*size))),
            Self::Smaller(size) => Ok(command.word("SMALLER").number(u64::from(*size))),
            Self::Header(name, text) => command
                .word("HEADER")
                .string("a header's name", name.as_bytes())?
                .quoted("a search text", text.as_bytes()),
            Self::Changed(modseq) => Ok(command.word("MODSEQ").number(modseq.0)),
            Self::EmailId(id) => command
                .word("EMAILID")
                .string("a message's identifier", id.as_bytes()),
            Self::GmailMsgId(id) => Ok(command.word("X-GM-MSGID").number(*id)),
        }
    }
}

fn write_flag(command: Command, flag: &Flag, with: bool) -> Result<Command, CommandError> {
    let system = [
        (Flag::SEEN, "SEEN", "UNSEEN"),
        (Flag::ANSWERED, "ANSWERED", "UNANSWERED"),
        (Flag::FLAGGED, "FLAGGED", "UNFLAGGED"),
        (Flag::DELETED, "DELETED", "UNDELETED"),
        (Flag::DRAFT, "DRAFT", "UNDRAFT"),
        (Flag::RECENT, "RECENT", "OLD"),
    ];
    match system.iter().find(|(name, ..)| flag == &Flag::new(*name)) {
        Some((_, set, _)) if with => Ok(command.word(set)),
        Some((_, _, unset)) => Ok(command.word(unset)),
        None => command
            .word(if with { "KEYWORD " } else { "UNKEYWORD " })
            .flag(flag.as_str()),
    }
}
