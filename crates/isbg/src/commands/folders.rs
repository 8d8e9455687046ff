//! The folders of one account: listed for people, and found by the names people type. Does not open any.

use isbg_imap::{Client, Folder, SpecialUse};
use isbg_scan::{Folders, Mode, SpamFolder, create_folder};
use isbg_types::{FolderName, Untrusted};
use unicode_width::UnicodeWidthStr;

use crate::exit::{Failure, Status};
use crate::policy::Places;
use crate::report::{Record, Terminal};
use crate::settled::{self, Access, Account, Manner, Task};

use super::failures::of_pass;
use super::print;

/// Prints all folders with their uses and counts.
///
/// # Errors
/// Those of the connection.
pub async fn list(
    client: &mut Client,
    access: &Access,
    json: bool,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let folders = client
        .list(true)
        .await
        .map_err(|error| of_pass(&error.into(), &access.server))?;
    let width = folders
        .iter()
        .map(|folder| shown(folder).width())
        .max()
        .unwrap_or_default();
    for folder in &folders {
        let counts = folder.counts.clone().unwrap_or_default();
        if json {
            terminal.record(&Record::Folder {
                account: &access.name,
                name: folder.name.as_str(),
                special_use: folder.special_use.map(word),
                selectable: folder.selectable,
                messages: counts.messages,
                unseen: counts.unseen,
            });
            continue;
        }
        let numbers = match (counts.messages, counts.unseen) {
            (Some(messages), Some(unseen)) => format!("{messages} messages, {unseen} unseen"),
            (Some(messages), None) => format!("{messages} messages"),
            _ if !folder.selectable => "holds no messages".to_owned(),
            _ => String::new(),
        };
        let name = shown(folder);
        let special = folder.special_use.map_or("", word);
        let gap = " ".repeat(width.saturating_sub(name.width()));
        let line = format!("{name}{gap}  {special:9}  {numbers}");
        // Whoever reads the list may stop reading.
        drop(print(&format!("{}\n", line.trim_end())));
    }
    Ok(())
}

fn shown(folder: &Folder) -> String {
    Untrusted(folder.name.as_str()).to_string()
}

/// The attribute of RFC 6154, without its backslash and in small letters.
fn word(special: SpecialUse) -> &'static str {
    match special {
        SpecialUse::All => "all",
        SpecialUse::Archive => "archive",
        SpecialUse::Drafts => "drafts",
        SpecialUse::Flagged => "flagged",
        SpecialUse::Important => "important",
        SpecialUse::Inbox => "inbox",
        SpecialUse::Junk => "junk",
        SpecialUse::Sent => "sent",
        SpecialUse::Trash => "trash",
    }
}

/// The folders that an account's wishes name, as the server names them.
#[derive(Debug)]
pub struct Found {
    /// The folder to scan.
    pub inbox: FolderName,
    /// The folder of spam to learn from.
    pub learn_spam: Option<FolderName>,
    /// The folder of ham to learn from.
    pub learn_ham: Option<FolderName>,
    scans: bool,
    spam: SpamFolder,
    places: Places,
}

impl Found {
    /// Asks the server and finds them all, or none.
    ///
    /// # Errors
    /// With status 11 when one is missing, with the names that may have been meant.
    pub async fn of(client: &mut Client, account: &Account, task: Task) -> Result<Self, Failure> {
        let server = &account.access.server;
        let failed = |error: isbg_scan::Error| of_pass(&error, server);
        let all = Folders::of(client).await.map_err(failed)?;
        let find = |name: &Option<String>| {
            name.as_deref()
                .map(|name| all.find(name))
                .transpose()
                .map_err(failed)
        };
        let scans = task == Task::LearnAndScan;
        let spam = match find(&account.spam_folder)? {
            Some(named) => SpamFolder::Found(named),
            None => all.spam(),
        };
        let (gmail, certain) = match &account.manner {
            Manner::Classic(wish) => (wish.gmail, None),
            Manner::Configured(wish) => (client.offers("X-GM-EXT-1"), find(&wish.certain_folder)?),
        };
        let trash = match all.trash() {
            _ if !gmail => None,
            Some(trash) => Some(trash),
            None => {
                return Err(
                    Failure::new(Status::Imap, "the server does not say which folder is its trash")
                        .hint("without --gmail, deleted messages are marked as deleted"),
                );
            }
        };
        let (SpamFolder::Found(name) | SpamFolder::ToCreate(name)) = &spam;
        let places = Places {
            spam: name.clone(),
            unsure: find(&account.unsure_folder)?,
            certain,
            trash,
            learned_spam: find(&account.learning.move_spam_to)?,
            learned_ham: find(&account.learning.move_ham_to)?,
        };
        Ok(Self {
            inbox: if scans || account.learning.moves_after.is_some() {
                all.find(&account.inbox).map_err(failed)?
            } else {
                FolderName::new("INBOX")
            },
            learn_spam: find(&account.learning.spam)?,
            learn_ham: find(&account.learning.ham)?,
            scans,
            spam,
            places,
        })
    }
}

impl Found {
    /// The folders messages may be put into. A spam folder that is missing is created if spam may be put there, and said
    /// so.
    ///
    /// # Errors
    /// With status 11 when it cannot be created.
    pub async fn places(
        &self,
        client: &mut Client,
        account: &Account,
        mode: Mode,
        terminal: &Terminal,
    ) -> Result<Places, Failure> {
        if let (SpamFolder::ToCreate(folder), true, Mode::Act) =
            (&self.spam, self.scans && puts_spam_away(account), mode)
        {
            create_folder(client, folder)
                .await
                .map_err(|error| of_pass(&error, &account.access.server))?;
            terminal.say(&format!(
                "isbg: there was no folder for spam; made {}",
                Untrusted(folder.as_str())
            ));
        }
        Ok(self.places.clone())
    }
}

fn puts_spam_away(account: &Account) -> bool {
    match &account.manner {
        Manner::Classic(_) => true,
        Manner::Configured(wish) => wish.mode == settled::Mode::Move,
    }
}
