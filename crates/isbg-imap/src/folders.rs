//! Which folders there are: NAMESPACE, LIST, STATUS (RFC 9051 §6.3). Does not open any.

use std::collections::{HashMap, HashSet};

use isbg_types::FolderName;

use crate::client::Client;
use crate::error::Error;
use crate::protocol::command::Command;
use crate::protocol::data::{Counts, Listed, Namespaces};
use crate::protocol::response::{Kind, Response};

/// A use that a folder is meant for (RFC 6154; older servers tell it by XLIST).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpecialUse {
    /// `\All`, `\AllMail`
    All,
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Flagged`, `\Starred`
    Flagged,
    /// `\Important`
    Important,
    /// `\Inbox`
    Inbox,
    /// `\Junk`, `\Spam`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

/// A folder that LIST showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its name.
    pub name: FolderName,
    /// The hierarchy separator in its name, where it has a hierarchy.
    pub separator: Option<char>,
    /// The server's attributes, such as `\HasNoChildren`.
    pub attributes: Vec<String>,
    /// What it is meant for, where the server says so.
    pub special_use: Option<SpecialUse>,
    /// Whether it can be opened.
    pub selectable: bool,
    /// Its counts, where they were asked for and it has some.
    pub counts: Option<Counts>,
}

impl Folder {
    fn new(listed: Listed) -> Self {
        let has = |name: &str| listed.attributes.iter().any(|own| own.eq_ignore_ascii_case(name));
        let uses = [
            (SpecialUse::All, "\\All"),
            (SpecialUse::All, "\\AllMail"),
            (SpecialUse::Archive, "\\Archive"),
            (SpecialUse::Drafts, "\\Drafts"),
            (SpecialUse::Flagged, "\\Flagged"),
            (SpecialUse::Flagged, "\\Starred"),
            (SpecialUse::Important, "\\Important"),
            (SpecialUse::Inbox, "\\Inbox"),
            (SpecialUse::Junk, "\\Junk"),
            (SpecialUse::Junk, "\\Spam"),
            (SpecialUse::Sent, "\\Sent"),
            (SpecialUse::Trash, "\\Trash"),
        ];
        Self {
            special_use: uses
                .iter()
                .find(|(_, name)| has(name))
                .map(|(special, _)| *special),
            selectable: !has("\\Noselect") && !has("\\NonExistent"),
            name: listed.name,
            separator: listed.separator,
            attributes: listed.attributes,
            counts: None,
        }
    }
}

impl Client {
    /// The namespaces. Where the server has no NAMESPACE, an empty answer.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn namespaces(&mut self) -> Result<Namespaces, Error> {
        let mut found = Namespaces::default();
        if self.offers("NAMESPACE") {
            let claim = |response: &Response| match &response.kind {
                Kind::Namespace(namespaces) => {
                    found = namespaces.clone();
                    true
                }
                _ => false,
            };
            self.ask(self.command("NAMESPACE"), claim).await?;
        }
        Ok(found)
    }

    /// All folders, in the server's order, with special uses, and with their counts where wanted.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list(&mut self, counts: bool) -> Result<Vec<Folder>, Error> {
        let together = counts && self.offers("LIST-STATUS") && self.offers("LIST-EXTENDED");
        let mut listed: Vec<Listed> = Vec::new();
        let mut counted = Vec::new();
        let claim = |response: &Response| match &response.kind {
            Kind::List(entry) => {
                listed.push(entry.clone());
                true
            }
            Kind::Counts(wire, counts) => {
                counted.push((wire.clone(), counts.clone()));
                true
            }
            _ => false,
        };
        self.ask(self.list_command(together), claim).await?;
        let listed = self.distinct(listed);
        for entry in &listed {
            self.session.remember_name(&entry.name, &entry.wire);
        }
        let mut folders: Vec<Folder> = Vec::with_capacity(listed.len());
        let mut counted: HashMap<Vec<u8>, Counts> = counted.into_iter().collect();
        for entry in listed {
            let own = counted.remove(&entry.wire);
            folders.push(Folder {
                counts: own,
                ..Folder::new(entry)
            });
        }
        for folder in folders
            .iter_mut()
            .filter(|folder| counts && folder.selectable && folder.counts.is_none())
        {
            match self.status(&folder.name).await {
                Ok(counts) => folder.counts = Some(counts),
                Err(Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(folders)
    }

    /// One folder a name. Where the server's names break the rules, two of them may read alike; a command with such a
    /// name reaches the one that follows the rules, so the others are left out.
    fn distinct(&self, listed: Vec<Listed>) -> Vec<Listed> {
        let odd = |entry: &Listed| self.session.is_odd(&entry.name, &entry.wire);
        let proper: HashSet<FolderName> = listed
            .iter()
            .filter(|entry| !odd(entry))
            .map(|entry| entry.name.clone())
            .collect();
        let mut seen = HashSet::new();
        let keep = |entry: &Listed| {
            (!odd(entry) || !proper.contains(&entry.name)) && seen.insert(entry.name.clone())
        };
        listed.into_iter().filter(keep).collect()
    }

    fn list_command(&self, counts: bool) -> Command {
        if self.offers("LIST-EXTENDED") {
            let command = self.command("LIST").word("\"\" \"*\" RETURN (");
            let command = if self.offers("SPECIAL-USE") {
                command.glue("SPECIAL-USE")
            } else {
                command
            };
            if !counts {
                return command.glue(")");
            }
            let command = command.glue(if self.offers("SPECIAL-USE") {
                " STATUS"
            } else {
                "STATUS"
            });
            return self.counts_wanted(command).glue(")");
        }
        let xlist = self.offers("XLIST") && !self.offers("SPECIAL-USE");
        self.command(if xlist { "XLIST" } else { "LIST" })
            .word("\"\" \"*\"")
    }

    /// The items that STATUS is asked for, as far as the server has them. MAILBOXID is none of them: Cyrus 3.6 answers
    /// it from memory that it has freed, line ends included.
    fn counts_wanted(&self, command: Command) -> Command {
        let mut command = command.word("(MESSAGES UNSEEN UIDNEXT UIDVALIDITY");
        let condstore = self.offers("CONDSTORE") || self.offers("QRESYNC");
        for (there, item) in [
            (condstore, "HIGHESTMODSEQ"),
            (self.offers("STATUS=SIZE"), "SIZE"),
            (self.offers("APPENDLIMIT"), "APPENDLIMIT"),
        ] {
            if there {
                command = command.word(item);
            }
        }
        command.glue(")")
    }

    /// A folder's counts. It should not be the one that is open (RFC 9051 §6.3.11).
    ///
    /// # Errors
    /// [`Error::Refused`] if there is no such folder.
    pub async fn status(&mut self, folder: &FolderName) -> Result<Counts, Error> {
        let command = self.counts_wanted(self.named(self.command("STATUS"), folder)?);
        let encoding = self.session.encoding();
        let mut found: Option<(bool, Counts)> = None;
        let claim = |response: &Response| match &response.kind {
            Kind::Counts(wire, counts) => {
                let same = &crate::protocol::mailbox::decode(wire, encoding) == folder;
                if same || !found.as_ref().is_some_and(|(same, _)| *same) {
                    found = Some((same, counts.clone()));
                }
                true
            }
            _ => false,
        };
        self.ask(command, claim).await?;
        found
            .map(|(_, counts)| counts)
            .ok_or_else(|| Error::protocol("STATUS without an answer"))
    }
}
