//! The `spamassassin` program as a scorer. Does not know how it is run.

use futures_util::future::BoxFuture;
use isbg_lookups::program::{Client, Settings};
use isbg_spool::Spool;
use isbg_types::Class;

use crate::report::whole;
use crate::{PROBE, Scored, Scorer, Taught, Unknown, Wish, taught};

/// The installed programs `spamassassin` and `sa-learn`.
#[derive(Debug)]
pub struct SpamAssassin(Client);

impl SpamAssassin {
    /// Starts nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self(Client::new(settings))
    }
}

impl Scorer for SpamAssassin {
    fn name(&self) -> &'static str {
        "spamassassin"
    }

    fn score<'a>(&'a self, mail: &'a Spool, wish: Wish) -> BoxFuture<'a, Result<Scored, Unknown>> {
        Box::pin(async move {
            let answer = self.0.check(mail).await?;
            let wanted = wish == Wish::Report && answer.verdict.spam;
            let scored = Scored {
                rewritten: wanted.then_some(answer.rewritten),
                ..answer.verdict.into()
            };
            whole(scored, mail, self.name()).await
        })
    }

    fn teach<'a>(&'a self, mail: &'a Spool, lesson: Class) -> BoxFuture<'a, Result<Taught, Unknown>> {
        Box::pin(async move { taught(self.0.learn(mail, lesson).await) })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Unknown>> {
        Box::pin(async move { self.0.check(&PROBE.to_vec().into()).await.map(drop) })
    }
}
