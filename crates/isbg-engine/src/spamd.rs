//! spamd as a scorer. Does not know the protocol.

use futures_util::future::BoxFuture;
use isbg_lookups::spamd::{Client, Lesson, Settings, Verb};
use isbg_spool::Spool;
use isbg_types::Class;

use crate::report::{own_names, whole, wrapped};
use crate::{PROBE, Scored, Scorer, Taught, Unknown, Wish, taught};

/// spamd 4.0.1 breaks off answers over TLS after 160 KiB. Larger messages are not asked back over TLS.
const MOST_OVER_TLS: u64 = 100 * 1024;

/// A running spamd.
#[derive(Debug)]
pub struct Spamd {
    client: Client,
    tls: bool,
}

impl Spamd {
    /// Does not connect yet.
    ///
    /// # Errors
    /// When the user name in the settings cannot be sent.
    pub fn new(settings: Settings) -> Result<Self, Unknown> {
        let tls = settings.endpoint.tls.is_some();
        Client::new(settings).map(|client| Self { client, tls })
    }

    async fn verdict(&self, mail: &Spool) -> Result<Scored, Unknown> {
        Ok(self.client.ask(Verb::Symbols, mail).await?.verdict.into())
    }

    /// The message as spamd rewrites it. Its header is spamd's own, so the rules are read there: PROCESS lists none.
    async fn report(&self, mail: &Spool) -> Result<Scored, Unknown> {
        let answer = self.client.ask(Verb::Process, mail).await?;
        let mut verdict = answer.verdict;
        verdict.hits = own_names(&answer.body);
        let rewritten = verdict.spam.then_some(answer.body);
        let scored = Scored {
            rewritten,
            ..verdict.into()
        };
        whole(scored, mail, self.name()).await
    }
}

impl Scorer for Spamd {
    fn name(&self) -> &'static str {
        "spamd"
    }

    fn score<'a>(&'a self, mail: &'a Spool, wish: Wish) -> BoxFuture<'a, Result<Scored, Unknown>> {
        Box::pin(async move {
            match wish {
                Wish::Verdict => self.verdict(mail).await,
                Wish::Report if self.tls && mail.len() > MOST_OVER_TLS => {
                    wrapped(self.verdict(mail).await?, mail, self.name()).await
                }
                Wish::Report => self.report(mail).await,
            }
        })
    }

    fn teach<'a>(&'a self, mail: &'a Spool, lesson: Class) -> BoxFuture<'a, Result<Taught, Unknown>> {
        Box::pin(async move { taught(self.client.tell(mail, Lesson::Learn(lesson)).await) })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Unknown>> {
        Box::pin(async move {
            self.client
                .ask(Verb::Check, &PROBE.to_vec().into())
                .await
                .map(drop)
        })
    }
}
