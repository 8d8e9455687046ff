//! What every part of a run needs at hand. Does not do anything by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use isbg_imap::{ByteBudget, Client};
use isbg_store::{AccountId, RunId, Store, Timestamp};

use crate::error::{Error, Result};
use crate::event::Observer;

/// Whether a run changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    Act,
    /// It judges, remembers what it has judged, and says what it would do.
    Observe,
    /// It judges and says what it would do. The store must be a rehearsal
    /// ([`Store::rehearsal`](isbg_store::Store::rehearsal)), so that nothing is remembered either.
    DryRun,
}

/// One run over one account: the connection and the state it works with. The caller holds the account's
/// lock.
pub struct Pass<'a> {
    /// The connection, logged in.
    pub client: &'a mut Client,
    /// The state.
    pub store: &'a mut Store,
    /// The account in the store.
    pub account: AccountId,
    /// The run in the store.
    pub run: RunId,
    /// Whether anything is changed.
    pub mode: Mode,
    /// Who is told.
    pub observer: &'a dyn Observer,
    /// Bounds the message bytes held at once.
    pub budget: ByteBudget,
    /// Set from outside to end the run in good order.
    pub stop: Arc<AtomicBool>,
}

impl Pass<'_> {
    /// The time, for the store.
    pub(crate) fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    /// Ends the run here if somebody asked for it.
    pub(crate) fn go_on(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            Err(Error::Stopped)
        } else {
            Ok(())
        }
    }

    pub(crate) fn warn(&self, text: &str) {
        self.observer.event(crate::event::Event::Warning(text));
    }
}
