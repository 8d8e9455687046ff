//! One connection: sends commands, reads up to their ends, and hands what nobody asked for to the observer. Does not
//! know what any command is for.

use std::fmt;

use isbg_types::FolderName;

use crate::budget::{ByteBudget, Permit};
use crate::error::{Error, Refusal, RefusalKind};
use crate::protocol::code::{Status, StatusKind};
use crate::protocol::command::{Command, CommandError, Piece};
use crate::protocol::data::Capabilities;
use crate::protocol::response::{Kind, Response};
use crate::sasl::ChannelBinding;
use crate::session::{Mailbox, Session};
use crate::settings::Settings;
use crate::wire::{Patience, Wire};

/// A connection to a server.
///
/// A failure that leaves it unclear where the next response begins makes the connection unusable, and so does
/// dropping a future in the middle of a command: everything after it is then
/// [`Error::Unusable`].
pub struct Client {
    pub(crate) wire: Wire,
    pub(crate) session: Session,
    pub(crate) settings: Settings,
    pub(crate) binding: Option<ChannelBinding>,
    pub(crate) secured: bool,
    /// Set while a login is under way.
    pub(crate) hush: bool,
    usable: bool,
    /// Whether something of the current command's answer was left out.
    cut: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("session", &self.session)
            .field("secured", &self.secured)
            .finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(
        wire: Wire,
        settings: Settings,
        secured: bool,
        binding: Option<ChannelBinding>,
    ) -> Self {
        Self {
            wire,
            session: Session::default(),
            settings,
            binding,
            secured,
            hush: false,
            usable: true,
            cut: false,
        }
    }

    /// What the server says it can do, after the latest change of state (TLS, login).
    pub fn capabilities(&self) -> &Capabilities {
        &self.session.capabilities
    }

    /// Whether the server offers this extension, be it as part of IMAP4rev2.
    pub fn offers(&self, extension: &str) -> bool {
        self.session.offers(extension)
    }

    /// The folder that is open.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        self.session.selected.as_ref()
    }

    /// Warnings that the server wants the user to see, since the last call. Its words: print them escaped, and say
    /// whose they are.
    pub fn take_alerts(&mut self) -> Vec<String> {
        std::mem::take(&mut self.session.alerts)
    }

    /// Whether a command can still be sent.
    pub fn is_usable(&self) -> bool {
        self.usable && self.session.in_flight.is_empty() && self.session.bye.is_none()
    }

    pub(crate) fn patience(&self, doing: &'static str) -> Patience {
        let times = &self.settings.timeouts;
        Patience::new(doing, times.silence, times.command)
    }

    pub(crate) fn command(&self, verb: &'static str) -> Command {
        Command::new(verb, self.session.style())
    }

    /// Appends a folder's name as the server writes it.
    pub(crate) fn named(&self, command: Command, folder: &FolderName) -> Result<Command, CommandError> {
        match self.session.odd_name(folder) {
            Some(wire) => command.string("a folder's name", wire),
            None => command.mailbox(folder),
        }
    }

    /// Sends a command and waits for its end. `claim` says which responses are its data; the others are observed.
    ///
    /// # Errors
    /// [`Error::Refused`] for NO and BAD, [`Error::Unusable`] if nothing was sent; whatever else means that the
    /// command's fate is unknown.
    pub(crate) async fn run(
        &mut self,
        command: Command,
        claim: impl FnMut(&Response) -> bool,
    ) -> Result<Status, Error> {
        let mut patience = self.patience(command.verb());
        if !self.is_usable() {
            return Err(self.unusable());
        }
        self.cut = false;
        let verb = command.verb();
        let tag = self.send(command, &mut patience).await?;
        self.finish(&tag, verb, &mut patience, claim).await
    }

    /// Like [`Client::run`], for commands whose answer is of no use unless it is whole.
    pub(crate) async fn ask(
        &mut self,
        command: Command,
        claim: impl FnMut(&Response) -> bool,
    ) -> Result<Status, Error> {
        let status = self.run(command, claim).await?;
        self.whole()?;
        Ok(status)
    }

    /// Whether the latest answer came without omissions.
    pub(crate) fn whole(&self) -> Result<(), Error> {
        let limit = self.settings.limits.response as u64;
        if self.cut {
            Err(Error::TooLarge {
                what: "an answer",
                limit,
            })
        } else {
            Ok(())
        }
    }

    pub(crate) fn unusable(&self) -> Error {
        match &self.session.bye {
            Some(text) if self.usable => Error::Bye(text.clone()),
            _ => Error::Unusable,
        }
    }

    /// Sends a command without waiting for its end, which [`Client::finish`] must be called for.
    pub(crate) async fn send(&mut self, command: Command, patience: &mut Patience) -> Result<String, Error> {
        let tag = self.session.tag();
        let (verb, secret) = (command.verb(), command.is_secret());
        let pieces = command.pieces(&tag);
        if let Some(transcript) = &self.settings.transcript {
            transcript.sent(&tag, verb, secret, &pieces);
        }
        self.session.in_flight.push_back(tag.clone());
        for piece in pieces {
            let sent = match piece {
                Piece::Bytes(bytes) => self.wire.write(&bytes, patience).await,
                Piece::Message(spool) => self.wire.write_message(&spool, patience).await,
                Piece::Await => {
                    self.go_ahead(&tag, verb, patience).await?;
                    Ok(())
                }
            };
            if let Err(error) = sent {
                return Err(self.last_words(&tag, verb, error, patience).await);
            }
        }
        if let Err(error) = self.wire.flush(patience).await {
            return Err(self.last_words(&tag, verb, error, patience).await);
        }
        Ok(tag)
    }

    /// After a failed write: what the server said before it closed, for that may be a definite NO.
    async fn last_words(
        &mut self,
        tag: &str,
        verb: &'static str,
        error: Error,
        patience: &mut Patience,
    ) -> Error {
        let said = self.finish(tag, verb, patience, |_| false).await;
        self.usable = false;
        match said {
            Err(said @ (Error::Refused(_) | Error::Bye(_))) => said,
            _ => error,
        }
    }

    /// Waits for the server's `+`. Other responses may come first.
    async fn go_ahead(
        &mut self,
        tag: &str,
        verb: &'static str,
        patience: &mut Patience,
    ) -> Result<(), Error> {
        loop {
            let (response, _) = self.next(patience, None).await?;
            self.wire.flush(patience).await?;
            match response.kind {
                Kind::Continue(_) => return Ok(()),
                Kind::Tagged(ended, status) if ended == tag => {
                    settle(status, verb)?;
                    return Err(self.broken(format!("it said OK before {verb} was complete")));
                }
                _ => self.observe(&response),
            }
        }
    }

    /// Reads up to the end of the command with this tag.
    pub(crate) async fn finish(
        &mut self,
        tag: &str,
        verb: &'static str,
        patience: &mut Patience,
        mut claim: impl FnMut(&Response) -> bool,
    ) -> Result<Status, Error> {
        loop {
            let (response, _) = self.next(patience, None).await?;
            match response.kind {
                Kind::Tagged(ended, status) if ended == tag => return settle(status, verb),
                Kind::Continue(_) => {}
                _ => {
                    if !claim(&response) {
                        self.observe(&response);
                    }
                }
            }
        }
    }

    /// The next response, taken into account for the state of the connection. A tag that is not under way, garbage,
    /// and whatever fails below make the connection unusable.
    pub(crate) async fn next(
        &mut self,
        patience: &mut Patience,
        budget: Option<&ByteBudget>,
    ) -> Result<(Response, Option<Permit>), Error> {
        let (raw, permit) = match self.wire.next(patience, budget).await {
            Ok(next) => next,
            Err(error) => {
                self.usable = false;
                return Err(match (error, &self.session.bye) {
                    (Error::Closed(_) | Error::Io(_), Some(text)) => Error::Bye(text.clone()),
                    (error, _) => error,
                });
            }
        };
        if let Some(transcript) = &self.settings.transcript {
            transcript.received(&raw, self.hush);
        }
        self.cut |= raw.cut;
        let response = Response::read(raw, self.session.encoding(), &self.settings.limits);
        self.session.absorb(&response);
        match &response.kind {
            Kind::Tagged(tag, _) => match self.session.in_flight.iter().position(|own| own == tag) {
                Some(at) => {
                    self.session.in_flight.remove(at);
                }
                None => return Err(self.broken("it ended a command that was not under way".to_owned())),
            },
            Kind::Garbage if !response.tree.raw().text.is_empty() => {
                return Err(self.broken("a line that is no response".to_owned()));
            }
            _ => {}
        }
        Ok((response, permit))
    }

    /// Gives the connection up for the server's fault.
    pub(crate) fn broken(&mut self, text: String) -> Error {
        self.usable = false;
        Error::Protocol(text)
    }

    /// Gives the connection up.
    pub(crate) fn abandon(&mut self) {
        self.usable = false;
    }

    /// Hands on what nobody asked for, once it is certain whose words they are.
    pub(crate) fn observe(&self, response: &Response) {
        if let (true, Some(observer)) = (self.session.authenticated, &self.settings.observer) {
            observer(response);
        }
    }
}

/// NO and BAD are errors.
pub(crate) fn settle(status: Status, verb: &'static str) -> Result<Status, Error> {
    match status.kind {
        StatusKind::No => Err(Error::Refused(Refusal::new(RefusalKind::No, status, verb))),
        StatusKind::Bad => Err(Error::Refused(Refusal::new(RefusalKind::Bad, status, verb))),
        StatusKind::Ok | StatusKind::Bye | StatusKind::PreAuth => Ok(status),
    }
}
