//! Opening folders for looking only: EXAMINE, with CONDSTORE and QRESYNC (RFC 9051 §6.3.3, RFC 7162). Does not read
//! messages.

use isbg_types::{FolderName, ModSeq, UidSet, UidValidity};

use crate::client::Client;
use crate::error::Error;
use crate::fetch::Facts;
use crate::protocol::response::{Kind, Response};
use crate::protocol::set;
use crate::session::Mailbox;

/// What is known of a folder from an earlier visit, so that the server need only tell what changed since.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The UIDVALIDITY then.
    pub validity: UidValidity,
    /// The highest modification sequence then.
    pub modseq: ModSeq,
    /// The UIDs of interest.
    pub uids: &'a UidSet,
}

impl Client {
    /// Opens a folder for looking only. With `known`, and where the server has QRESYNC, the answer tells what has
    /// changed and vanished since.
    ///
    /// # Errors
    /// [`Error::Refused`] if it cannot be opened; no folder is open then.
    pub async fn examine(&mut self, folder: &FolderName, known: Option<Known<'_>>) -> Result<Mailbox, Error> {
        self.open("EXAMINE", folder, known).await
    }

    pub(crate) async fn open(
        &mut self,
        verb: &'static str,
        folder: &FolderName,
        known: Option<Known<'_>>,
    ) -> Result<Mailbox, Error> {
        let mut command = self.named(self.command(verb), folder)?;
        let limit = self.settings.limits.command;
        let quick = self.session.enabled.contains("QRESYNC");
        // A known set too long for one command is left out, which widens the answer to all UIDs.
        match known.filter(|known| quick && known.modseq.0 > 0 && known.validity.0 > 0) {
            Some(known) => {
                command = command
                    .word("(QRESYNC (")
                    .digits(u64::from(known.validity.0))
                    .number(known.modseq.0);
                let short = set::write(known.uids, limit).len() == 1;
                command = if short { command.set(known.uids)? } else { command };
                command = command.glue("))");
            }
            None if self.offers("CONDSTORE") || quick => command = command.word("(CONDSTORE)"),
            None => {}
        }
        self.session.selecting(folder);
        let mut changed: Vec<Facts> = Vec::new();
        let mut vanished = UidSet::new();
        let claim = |response: &Response| match &response.kind {
            Kind::Vanished(uids, true) => {
                uids.add_to(&mut vanished);
                true
            }
            Kind::Fetch(data) => match Facts::read(data) {
                Some(facts) => {
                    changed.push(facts);
                    true
                }
                None => false,
            },
            Kind::Flags(_) | Kind::Exists(_) | Kind::Recent(_) | Kind::Status(_) => true,
            _ => false,
        };
        if let Err(error) = self.ask(command, claim).await {
            self.session.selected = None;
            return Err(error);
        }
        let Some(mailbox) = &mut self.session.selected else {
            return Err(Error::protocol("no folder is open"));
        };
        mailbox.read_only |= verb == "EXAMINE";
        Ok(Mailbox {
            changed,
            vanished,
            ..mailbox.clone()
        })
    }

    /// Closes the open folder without removing anything from it (RFC 3691). Does nothing where the server has no
    /// UNSELECT: opening another folder or logging out does the same.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn unselect(&mut self) -> Result<(), Error> {
        if self.session.selected.is_some() && self.offers("UNSELECT") {
            self.run(self.command("UNSELECT"), |_| false).await?;
            self.session.selected = None;
        }
        Ok(())
    }
}
