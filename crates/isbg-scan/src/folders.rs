//! Finds the folders that people mean: names as they type them, the spam folder, the trash. Creates nothing but a spam
//! folder, and only where none is named and none is found.

use isbg_imap::protocol::mailbox::{self, Encoding};
use isbg_imap::transfer::{self, Outcome};
use isbg_imap::{Client, Folder, SpecialUse};
use isbg_types::FolderName;

use crate::error::{Error, Result};

/// Folders that isbg 2.x and 0.99 and common clients put spam into.
const SPAM_NAMES: [&str; 4] = ["INBOX.Spam", "INBOX.spam", "Junk", "Spam"];

/// At most so many names are suggested.
const SUGGESTIONS: usize = 5;

/// The account's folders.
#[derive(Debug, Clone)]
pub struct Folders {
    all: Vec<Folder>,
    /// What the names of the user's own folders begin with, where INBOX is all there is and cannot show it.
    prefix: String,
}

/// The spam folder, and how it was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpamFolder {
    /// It was there.
    Found(FolderName),
    /// There was none, so this one is to be created.
    ToCreate(FolderName),
}

impl Folders {
    /// Asks the server for its folders.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn of(client: &mut Client) -> Result<Self> {
        let all = client.list(false).await?;
        let prefix = match all.iter().all(|folder| folder.name.is_inbox()) {
            true => client.namespaces().await?.personal.into_iter().next(),
            false => None,
        };
        let prefix = prefix.map(|namespace| namespace.prefix).unwrap_or_default();
        Ok(Self { all, prefix })
    }

    /// All of them.
    pub fn all(&self) -> &[Folder] {
        &self.all
    }

    /// The folder that is meant by a name as people type it: the name itself; in quotes or in modified UTF-7, as isbg 2.x
    /// had to be given it; with another hierarchy separator; or without the personal namespace's prefix.
    ///
    /// # Errors
    /// [`Error::NoFolder`] with the names that may have been meant.
    pub fn find(&self, typed: &str) -> Result<FolderName> {
        if typed.eq_ignore_ascii_case("INBOX") {
            return Ok(FolderName::new("INBOX"));
        }
        let bare = typed
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(typed);
        let decoded = mailbox::decode(bare.as_bytes(), Encoding::Utf7);
        for name in [typed, bare, decoded.as_str()] {
            for form in self.forms(name) {
                if let Some(folder) = self
                    .all
                    .iter()
                    .find(|folder| folder.name == form && folder.selectable)
                {
                    return Ok(folder.name.clone());
                }
            }
        }
        Err(Error::NoFolder {
            folder: FolderName::new(typed),
            likely: self.likely(bare),
        })
    }

    /// The name as it is, with the server's separator, and below INBOX where all folders are there.
    fn forms(&self, name: &str) -> Vec<FolderName> {
        let mut forms = vec![FolderName::new(name)];
        let Some(separator) = self.separator() else {
            return forms;
        };
        let own = name.replace(['/', '.'], &separator.to_string());
        forms.push(FolderName::new(own.as_str()));
        if self.all_below_inbox() {
            forms.push(FolderName::new(format!("INBOX{separator}{name}")));
            forms.push(FolderName::new(format!("INBOX{separator}{own}")));
        }
        forms
    }

    fn separator(&self) -> Option<char> {
        self.all.iter().find_map(|folder| folder.separator)
    }

    fn all_below_inbox(&self) -> bool {
        let Some(separator) = self.separator() else {
            return false;
        };
        let prefix = format!("INBOX{separator}");
        self.all.len() > 1
            && self
                .all
                .iter()
                .all(|folder| folder.name.is_inbox() || folder.name.as_str().starts_with(&prefix))
    }

    /// Names that contain the wanted one or are contained in it, letter case aside; and what is meant for spam.
    fn likely(&self, wanted: &str) -> Vec<FolderName> {
        let last = |name: &str| name.rsplit(['/', '.']).next().unwrap_or(name).to_lowercase();
        let wanted = last(wanted);
        let alike = |folder: &&Folder| {
            let own = last(folder.name.as_str());
            !own.is_empty() && (own.contains(&wanted) || wanted.contains(&own))
                || folder.special_use == Some(SpecialUse::Junk)
        };
        self.all
            .iter()
            .filter(alike)
            .take(SUGGESTIONS)
            .map(|folder| folder.name.clone())
            .collect()
    }

    /// The folder that the server says is meant for this.
    pub fn special(&self, wanted: SpecialUse) -> Option<FolderName> {
        self.all
            .iter()
            .find(|folder| folder.special_use == Some(wanted) && folder.selectable)
            .map(|folder| folder.name.clone())
    }

    /// The spam folder where none is named: the one meant for it, else one with a usual name, else a new one.
    pub fn spam(&self) -> SpamFolder {
        if let Some(junk) = self.special(SpecialUse::Junk) {
            return SpamFolder::Found(junk);
        }
        let usual = SPAM_NAMES.iter().find_map(|name| {
            self.all
                .iter()
                .find(|folder| folder.name == FolderName::new(*name) && folder.selectable)
        });
        match usual {
            Some(folder) => SpamFolder::Found(folder.name.clone()),
            None => match self.separator().filter(|_| self.all_below_inbox()) {
                Some(separator) => SpamFolder::ToCreate(FolderName::new(format!("INBOX{separator}Spam"))),
                None => SpamFolder::ToCreate(FolderName::new(format!("{}Spam", self.prefix))),
            },
        }
    }

    /// The trash, where the server says which it is, or where it has a usual name.
    pub fn trash(&self) -> Option<FolderName> {
        self.special(SpecialUse::Trash).or_else(|| {
            ["[Gmail]/Trash", "Trash", "INBOX.Trash"]
                .iter()
                .find_map(|name| self.find(name).ok())
        })
    }
}

/// Creates a folder that [`Folders::spam`] proposed.
///
/// # Errors
/// When the server refuses, or the connection fails.
pub async fn create_folder(client: &mut Client, folder: &FolderName) -> Result<()> {
    match transfer::create(client, folder).await {
        Outcome::Done(()) => Ok(()),
        Outcome::Refused(refusal) => Err(isbg_imap::Error::Refused(refusal).into()),
        Outcome::NotSent(error) | Outcome::Unknown(error) => Err(error.into()),
    }
}
