//! Searching the open folder (RFC 9051 §6.4.4). Does not read messages.

use isbg_types::UidSet;

use crate::client::Client;
use crate::error::Error;
use crate::protocol::response::{Kind, Response};
use crate::protocol::search::Key;
use crate::protocol::set::{self, Ranges};

impl Client {
    /// The UIDs in the open folder that all criteria hold for.
    ///
    /// # Errors
    /// [`Error::Refused`] if the server cannot search so.
    pub async fn search(&mut self, keys: &[Key]) -> Result<UidSet, Error> {
        let charset = keys.iter().any(Key::needs_charset) && !self.session.enabled.contains("UTF8=ACCEPT");
        let mut found = self.search_once(keys, charset).await;
        if charset && matches!(&found, Err(Error::Refused(_))) {
            // Outlook refuses every charset and takes UTF-8 without being told, Gmail wants to be told.
            found = self.search_once(keys, false).await;
        }
        let found = found?;
        let from = keys
            .iter()
            .filter_map(|key| {
                if let Key::From(uid) = key {
                    Some(*uid)
                } else {
                    None
                }
            })
            .max();
        Ok(match from {
            Some(from) => set::from_on(&found, from),
            None => found,
        })
    }

    async fn search_once(&mut self, keys: &[Key], charset: bool) -> Result<UidSet, Error> {
        let mut command = self.command("UID SEARCH");
        if self.offers("ESEARCH") {
            command = command.word("RETURN (ALL)");
        }
        if charset {
            command = command.word("CHARSET UTF-8");
        }
        for key in keys {
            command = key.write(command)?;
        }
        if keys.is_empty() {
            command = Key::All.write(command)?;
        }
        let mut found = UidSet::new();
        let mut unreadable = false;
        let claim = |response: &Response| match &response.kind {
            Kind::Search(uids) => {
                found = uids.clone();
                true
            }
            Kind::ESearch(answer) => {
                found = answer.all.as_ref().map(Ranges::to_set).unwrap_or_default();
                true
            }
            Kind::Other(name) if name == "SEARCH" || name == "ESEARCH" => {
                unreadable = true;
                true
            }
            _ => false,
        };
        self.ask(command, claim).await?;
        if unreadable {
            return Err(Error::protocol("a SEARCH answer that cannot be read"));
        }
        Ok(found)
    }
}
