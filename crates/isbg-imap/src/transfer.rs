//! The only code that changes a mailbox: STORE, COPY, MOVE, UID EXPUNGE, APPEND, CREATE, SUBSCRIBE. There is no command
//! here that touches messages which were not named. Does not know why anything is changed.

use isbg_spool::Spool;
use isbg_types::{Flag, Flags, FolderName, ModSeq, Uid, UidSet, UidValidity};

use crate::client::Client;
use crate::error::{Error, Refusal};
use crate::fetch::Facts;
use crate::protocol::code::{Code, Status};
use crate::protocol::command::{Command, CommandError, is_flag};
use crate::protocol::fetch::InternalDate;
use crate::protocol::response::{Kind, Response};
use crate::protocol::set::CopyUid;

/// What became of a change.
#[must_use = "a change that was not confirmed may have happened or not"]
#[derive(Debug)]
pub enum Outcome<T> {
    /// The server confirmed it.
    Done(T),
    /// The server said NO or BAD, and nothing shows that it did part of it.
    Refused(Refusal),
    /// It was never sent.
    NotSent(Error),
    /// It was sent, and there is no definite answer. Only looking can tell.
    Unknown(Error),
}

impl<T> Outcome<T> {
    fn map<U>(self, done: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Done(value) => Outcome::Done(done(value)),
            Self::Refused(refusal) => Outcome::Refused(refusal),
            Self::NotSent(error) => Outcome::NotSent(error),
            Self::Unknown(error) => Outcome::Unknown(error),
        }
    }
}

/// Why a folder was not opened for changes.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// The server lets us look at it only.
    #[error("the folder is read-only")]
    ReadOnly,
    /// The UIDs that are known no longer mean the same messages.
    #[error("the folder has been made anew: its UIDVALIDITY was {}, now it is {}", .wanted.0, .found.map_or(0, |found| found.0))]
    ValidityChanged {
        /// The UIDVALIDITY that was asked for.
        wanted: UidValidity,
        /// The folder's own, if it has one.
        found: Option<UidValidity>,
    },
    /// It could not be opened at all.
    #[error("{0}")]
    Failed(#[from] Error),
}

/// What a STORE did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// Messages that were left alone because they had changed in the meantime (RFC 7162 §3.1.3).
    pub modified: UidSet,
}

/// The server's receipt for copied or moved messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The target's UIDVALIDITY.
    pub validity: UidValidity,
    /// Source and target UIDs. Each source was asked for.
    pub pairs: Vec<(Uid, Uid)>,
}

/// Whether flags are set or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Set.
    Add,
    /// Removed.
    Remove,
}

/// A folder that is open for changes. It exists only after a SELECT that was READ-WRITE and whose UIDVALIDITY is the
/// one asked for, and it stops sending as soon as that no longer holds.
#[derive(Debug)]
pub struct Changing<'a> {
    client: &'a mut Client,
    validity: UidValidity,
}

/// Opens a folder for changes, if it still has this UIDVALIDITY.
///
/// # Errors
/// See [`SelectError`]. Nothing was changed.
pub async fn select<'a>(
    client: &'a mut Client,
    folder: &FolderName,
    validity: UidValidity,
) -> Result<Changing<'a>, SelectError> {
    let mailbox = client.open("SELECT", folder, None).await?;
    if mailbox.uid_validity != Some(validity) {
        return Err(SelectError::ValidityChanged {
            wanted: validity,
            found: mailbox.uid_validity,
        });
    }
    if mailbox.read_only {
        return Err(SelectError::ReadOnly);
    }
    Ok(Changing { client, validity })
}

impl Changing<'_> {
    /// What is known about these messages; see [`Client::look`].
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn look(&mut self, uids: &UidSet, with_header: bool) -> Result<Vec<Facts>, Error> {
        self.client.look(uids, with_header).await
    }

    /// Sets or removes flags. With `unchanged_since` (needs CONDSTORE), messages that have changed since are left alone.
    /// `\Recent` is left out: only the server can set it.
    pub async fn store(
        &mut self,
        uids: &UidSet,
        change: Change,
        flags: &Flags,
        unchanged_since: Option<ModSeq>,
    ) -> Outcome<Stored> {
        if unchanged_since.is_some() && !(self.client.offers("CONDSTORE") || self.client.offers("QRESYNC")) {
            return Outcome::NotSent(Error::Unsupported("CONDSTORE"));
        }
        let written = self.client.command("UID STORE").set(uids).and_then(|command| {
            let command = match unchanged_since {
                Some(modseq) => command.word("(UNCHANGEDSINCE").number(modseq.0).glue(")"),
                None => command,
            };
            let command = command.word(match change {
                Change::Add => "+FLAGS.SILENT ",
                Change::Remove => "-FLAGS.SILENT ",
            });
            write_flags(command, &flags.without_recent())
        });
        match self.change(written, |_| false).await {
            Outcome::Done(status) => Outcome::Done(Stored {
                modified: modified(status.code),
            }),
            // Some servers call it a NO if every message had changed.
            Outcome::Refused(Refusal {
                code: code @ Some(Code::Modified(_)),
                ..
            }) => Outcome::Done(Stored {
                modified: modified(code),
            }),
            other => other.map(|_| Stored::default()),
        }
    }

    /// Copies messages. Without a receipt (`None`: no UIDPLUS, or one that makes no sense) the copies must be looked for.
    pub async fn copy(&mut self, uids: &UidSet, target: &FolderName) -> Outcome<Option<Copied>> {
        let written = self.client.command("UID COPY").set(uids);
        let written = written.and_then(|command| self.client.named(command, target));
        let mut receipts = Vec::new();
        let done = self
            .change(written, |response| take_receipt(response, &mut receipts))
            .await;
        done.map(|status| receipt(receipts, &status, uids))
    }

    /// Moves messages (RFC 6851). Each is either still here or there.
    pub async fn move_messages(&mut self, uids: &UidSet, target: &FolderName) -> Outcome<Option<Copied>> {
        if !self.client.offers("MOVE") {
            return Outcome::NotSent(Error::Unsupported("MOVE"));
        }
        let written = self.client.command("UID MOVE").set(uids);
        let written = written.and_then(|command| self.client.named(command, target));
        let mut receipts = Vec::new();
        match self
            .change(written, |response| take_receipt(response, &mut receipts))
            .await
        {
            // Part of the messages may have gone before the server gave up.
            Outcome::Refused(refusal) if !receipts.is_empty() => Outcome::Unknown(Error::Refused(refusal)),
            other => other.map(|status| receipt(receipts, &status, uids)),
        }
    }

    /// Removes those of these messages that are marked `\Deleted`, and no others (RFC 4315). Needs UIDPLUS; without it
    /// nothing is sent, for the plain command would remove what others have marked.
    pub async fn expunge(&mut self, uids: &UidSet) -> Outcome<()> {
        if !self.client.offers("UIDPLUS") {
            return Outcome::NotSent(Error::Unsupported("UIDPLUS"));
        }
        let written = self.client.command("UID EXPUNGE").set(uids);
        self.change(written, |_| false).await.map(drop)
    }

    async fn change(
        &mut self,
        written: Result<Command, CommandError>,
        claim: impl FnMut(&Response) -> bool,
    ) -> Outcome<Status> {
        let mailbox = self.client.mailbox();
        if mailbox.is_none_or(|open| open.uid_validity != Some(self.validity) || open.read_only) {
            return Outcome::NotSent(
                self.client
                    .broken("the folder was made anew or closed under us".to_owned()),
            );
        }
        change(self.client, written, claim).await
    }
}

/// Puts a message into a folder, with these flags (`\Recent` left out) and this date. The receipt tells where it is,
/// where the server has UIDPLUS.
pub async fn append(
    client: &mut Client,
    target: &FolderName,
    message: &Spool,
    flags: &Flags,
    date: Option<&InternalDate>,
) -> Outcome<Option<(UidValidity, Uid)>> {
    let size = message.len();
    if let Some(limit) = client.capabilities().append_limit().filter(|limit| size > *limit) {
        return Outcome::NotSent(Error::MessageTooLarge { size, limit });
    }
    let written = client
        .named(client.command("APPEND"), target)
        .and_then(|command| {
            let command = write_flags(command.glue(" "), &flags.without_recent())?;
            match date {
                Some(date) => command.quoted("a date", date.as_str().as_bytes()),
                None => Ok(command),
            }
        });
    // Only a literal8 may hold NUL (RFC 3516 §4.4).
    let binary = match client.offers("BINARY").then(|| has_nul(message)).transpose() {
        Ok(nul) => nul.unwrap_or(false),
        Err(error) => return Outcome::NotSent(Error::Spool(error)),
    };
    let written = written.map(|command| command.message(message, binary));
    change(client, written, |_| false)
        .await
        .map(|status| match status.code {
            Some(Code::AppendUid(validity, uids)) if uids.len() == 1 => {
                uids.iter().next().map(|uid| (validity, uid))
            }
            _ => None,
        })
}

/// Makes a folder and subscribes to it. One that is there already is as good.
pub async fn create(client: &mut Client, folder: &FolderName) -> Outcome<()> {
    let written = client.named(client.command("CREATE"), folder);
    match change(client, written, |_| false).await {
        Outcome::Done(_) => {}
        Outcome::Refused(refusal) if refusal.has("ALREADYEXISTS") => {}
        other => return other.map(drop),
    }
    let written = client.named(client.command("SUBSCRIBE"), folder);
    match change(client, written, |_| false).await {
        // The folder is there, which is what counts.
        Outcome::Done(_) | Outcome::Refused(_) | Outcome::NotSent(_) => Outcome::Done(()),
        Outcome::Unknown(error) => Outcome::Unknown(error),
    }
}

async fn change(
    client: &mut Client,
    written: Result<Command, CommandError>,
    claim: impl FnMut(&Response) -> bool,
) -> Outcome<Status> {
    let command = match written {
        Ok(command) => command,
        Err(error) => return Outcome::NotSent(error.into()),
    };
    match client.run(command, claim).await {
        Ok(status) => Outcome::Done(status),
        Err(Error::Refused(refusal)) => Outcome::Refused(refusal),
        Err(error) if error.is_definite() => Outcome::NotSent(error),
        Err(error) => Outcome::Unknown(error),
    }
}

/// A list of flags. One that cannot be written is left out rather than losing the others with it.
fn write_flags(command: Command, flags: &Flags) -> Result<Command, CommandError> {
    let mut command = command.glue("(");
    let sendable = flags.iter().map(Flag::as_str).filter(|flag| is_flag(flag));
    for (number, flag) in sendable.enumerate() {
        command = if number > 0 { command.glue(" ") } else { command };
        command = command.flag(flag)?;
    }
    Ok(command.glue(")"))
}

fn modified(code: Option<Code>) -> UidSet {
    match code {
        Some(Code::Modified(uids)) => uids,
        _ => UidSet::new(),
    }
}

/// MOVE's receipt comes before its end (RFC 6851 §4.3), perhaps in parts.
fn take_receipt(response: &Response, receipts: &mut Vec<CopyUid>) -> bool {
    match &response.kind {
        Kind::Status(Status {
            code: Some(Code::CopyUid(copied)),
            ..
        }) => {
            receipts.push(copied.clone());
            true
        }
        _ => false,
    }
}

/// All parts together, unless one of them proves nothing or they contradict each other.
fn receipt(mut parts: Vec<CopyUid>, status: &Status, asked: &UidSet) -> Option<Copied> {
    if let Some(Code::CopyUid(last)) = &status.code {
        // Some servers send the same receipt both ways.
        if !parts.contains(last) {
            parts.push(last.clone());
        }
    }
    let validity = parts.first()?.validity;
    let mut pairs = Vec::new();
    let mut sources = UidSet::new();
    for part in &parts {
        if part.validity != validity {
            return None;
        }
        for (source, target) in part.pairs(asked)? {
            if sources.contains(source) {
                return None;
            }
            sources.insert(source);
            pairs.push((source, target));
        }
    }
    Some(Copied { validity, pairs })
}

fn has_nul(message: &Spool) -> std::io::Result<bool> {
    let mut offset = 0;
    while offset < message.len() {
        let chunk = message.chunk(offset)?;
        if memchr::memchr(0, &chunk).is_some() {
            return Ok(true);
        }
        offset += chunk.len() as u64;
    }
    Ok(false)
}
