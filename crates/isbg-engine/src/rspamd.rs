//! rspamd as a scorer. Does not know the protocol.

use futures_util::future::BoxFuture;
use isbg_lookups::rspamd::{Client, Settings};
use isbg_spool::Spool;
use isbg_types::Class;

use crate::report::wrapped;
use crate::{PROBE, Scored, Scorer, Taught, Unknown, Wish, taught};

/// A running rspamd.
#[derive(Debug)]
pub struct Rspamd(Client);

impl Rspamd {
    /// Does not connect yet.
    ///
    /// # Errors
    /// When the user name in the settings cannot be sent.
    pub fn new(settings: Settings) -> Result<Self, Unknown> {
        Client::new(settings).map(Self)
    }
}

impl Scorer for Rspamd {
    fn name(&self) -> &'static str {
        "rspamd"
    }

    fn score<'a>(&'a self, mail: &'a Spool, wish: Wish) -> BoxFuture<'a, Result<Scored, Unknown>> {
        Box::pin(async move {
            let scored = self.0.check(mail).await?.into();
            match wish {
                Wish::Verdict => Ok(scored),
                Wish::Report => wrapped(scored, mail, self.name()).await,
            }
        })
    }

    fn teach<'a>(&'a self, mail: &'a Spool, lesson: Class) -> BoxFuture<'a, Result<Taught, Unknown>> {
        Box::pin(async move { taught(self.0.learn(mail, lesson).await) })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Unknown>> {
        Box::pin(async move { self.0.check(&PROBE.to_vec().into()).await.map(drop) })
    }
}
