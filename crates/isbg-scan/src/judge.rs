//! Fetches a window of messages and has them judged, several at once, while the next ones arrive. Changes nothing on
//! the server; does not know what follows from a verdict.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use isbg_engine::{Consequence, Scored, Scorer, Unknown, UnknownKind, Wish, consequence};
use isbg_imap::Fetched;
use isbg_message::{Summary, fingerprint, header, summary};
use isbg_spool::Spool;
use isbg_types::{Fingerprint, Flags, ModSeq, Uid};
use tokio::sync::mpsc;

use crate::error::Result;
use crate::event::{Event, Observer};
use crate::fetch::fetch;
use crate::pass::Pass;

/// So much of a message's beginning is looked at for its header.
const HEADER_LIMIT: usize = 256 * 1024;

/// How often it is looked whether the run is to end, while a scorer is waited for.
const STOP_IS_LOOKED_AT: Duration = Duration::from_millis(100);

/// What is known of a fetched message without its body.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub uid: Uid,
    pub flags: Flags,
    pub modseq: Option<ModSeq>,
    /// In the server's own text; empty where it told none.
    pub internal_date: String,
    pub size: u64,
    pub fingerprint: Fingerprint,
    pub summary: Summary,
    /// It is a report that isbg made and put somewhere else, around this original.
    pub report_around: Option<Fingerprint>,
}

/// A message with the scorer's answer.
#[derive(Debug)]
pub(crate) struct Judged {
    pub known: Known,
    pub answer: std::result::Result<Scored, Unknown>,
}

/// What came of a window.
#[derive(Debug, Default)]
pub(crate) struct Window {
    pub judged: Vec<Judged>,
    /// The scorer does not work: the messages after that were not given to it.
    pub outage: Option<Unknown>,
    /// Messages that the server would not give whole, or that are larger than anything that is read.
    pub not_read: Vec<Uid>,
    /// The connection failed while fetching. What was judged before holds.
    pub broken: Option<isbg_imap::Error>,
}

/// Fetches these messages and has each judged. Ends early, with what was judged until then, on an outage, a broken
/// connection, or when the run is to stop.
pub(crate) async fn judge(
    pass: &mut Pass<'_>,
    scorer: &Arc<dyn Scorer>,
    uids: &[Uid],
    jobs: usize,
    wish: Wish,
) -> Result<Window> {
    let (sender, receiver) = mpsc::channel(jobs);
    let account = pass.account;
    let (client, store, budget) = (&mut *pass.client, &mut *pass.store, &pass.budget);
    let fetching = fetch(client, uids, sender, budget);
    let mut scoring = Scoring::new(Arc::clone(scorer), wish, Arc::clone(&pass.stop), pass.observer);
    let ours = move |print: Fingerprint| store.our_copy(account, print);
    let (fetched, judged) = tokio::join!(fetching, scoring.work(receiver, jobs, ours));
    judged?;
    let mut window = Window {
        judged: scoring.judged,
        outage: scoring.outage,
        ..Window::default()
    };
    window.judged.sort_by_key(|judged| judged.known.uid);
    match fetched {
        Ok(not_read) => window.not_read = not_read,
        Err(error) => window.broken = Some(error),
    }
    Ok(window)
}

/// A message's answer, once the scorer has it.
type Pending = BoxFuture<'static, Judged>;

/// The messages with the scorer. They are asked about from this one task: a scorer that is not waited for but computes
/// has threads of its own.
struct Scoring<'a> {
    scorer: Arc<dyn Scorer>,
    wish: Wish,
    stop: Arc<AtomicBool>,
    pending: FuturesUnordered<Pending>,
    judged: Vec<Judged>,
    outage: Option<Unknown>,
    observer: &'a dyn Observer,
}

impl<'a> Scoring<'a> {
    fn new(scorer: Arc<dyn Scorer>, wish: Wish, stop: Arc<AtomicBool>, observer: &'a dyn Observer) -> Self {
        let pending = FuturesUnordered::new();
        Self {
            scorer,
            wish,
            stop,
            pending,
            judged: Vec::new(),
            outage: None,
            observer,
        }
    }

    async fn work(
        &mut self,
        mut arriving: mpsc::Receiver<Fetched>,
        jobs: usize,
        mut ours: impl FnMut(Fingerprint) -> isbg_store::Result<Option<Fingerprint>>,
    ) -> Result<()> {
        let stop = Arc::clone(&self.stop);
        let mut asked_to_stop = pin!(asked(&stop));
        let (mut open, mut waits) = (true, true);
        loop {
            tokio::select! {
                // A scorer that hangs does not keep the run from ending; these messages' turn comes again.
                () = &mut asked_to_stop, if waits && !self.pending.is_empty() => {
                    waits = false;
                    self.pending.clear();
                }
                Some(judged) = self.pending.next(), if !self.pending.is_empty() => self.finish(judged).await,
                next = arriving.recv(), if open && self.pending.len() < jobs => match next {
                    Some(fetched) if self.gives_up() => drop(fetched),
                    Some(fetched) => self.start(fetched, &mut ours)?,
                    None => open = false,
                },
                else => return Ok(()),
            }
        }
    }

    fn gives_up(&self) -> bool {
        self.outage.is_some() || self.stop.load(Ordering::Relaxed)
    }

    fn start(
        &mut self,
        fetched: Fetched,
        ours: impl FnMut(Fingerprint) -> isbg_store::Result<Option<Fingerprint>>,
    ) -> Result<()> {
        let known = known(&fetched, ours)?;
        let (scorer, wish) = (Arc::clone(&self.scorer), self.wish);
        let report = known.report_around.is_some();
        let scoring = async move {
            let mail = if report {
                unwrapped(&fetched.body)?
            } else {
                fetched.body.clone()
            };
            scorer.score(&mail, wish).await
        };
        // A message on which a scorer panics must not take the others with it.
        let answer = AssertUnwindSafe(scoring).catch_unwind().map(|answer| {
            answer.unwrap_or_else(|_| Err(unknown("the scorer failed on this message (an internal error)")))
        });
        self.pending
            .push(answer.map(|answer| Judged { known, answer }).boxed());
        Ok(())
    }

    async fn finish(&mut self, judged: Judged) {
        self.observer.event(Event::Answered);
        if let Err(why) = &judged.answer {
            if self.outage.is_none()
                && let Consequence::Stop(outage) = consequence(&*self.scorer, why).await
            {
                self.outage = Some(outage);
            }
            if self.outage.is_some() {
                return;
            }
        }
        self.judged.push(judged);
    }
}

/// Ends once somebody asked for the end of the run.
pub(crate) async fn asked(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(STOP_IS_LOOKED_AT).await;
    }
}

fn unknown(detail: &str) -> Unknown {
    Unknown {
        kind: UnknownKind::BadAnswer,
        detail: detail.to_owned(),
    }
}

fn unwrapped(message: &Spool) -> std::result::Result<Spool, Unknown> {
    match isbg_message::unwrap_report(message) {
        Ok(Some(original)) => Ok(original),
        Ok(None) => Ok(message.clone()),
        Err(error) => Err(unknown(&format!("a temporary file failed: {error}"))),
    }
}

/// What is known of a message from its header and the server's word.
pub(crate) fn known(
    fetched: &Fetched,
    mut ours: impl FnMut(Fingerprint) -> isbg_store::Result<Option<Fingerprint>>,
) -> Result<Known> {
    let facts = &fetched.facts;
    let start = fetched.body.prefix(HEADER_LIMIT)?;
    let block = &start[..header::block_len(&start)];
    let print = fingerprint(&start, fetched.body.len());
    // Only a report has this field on top, and a look into the store for each message would be a waste.
    let looks_like_report = header::first(block, "X-Spam-Status").is_some();
    Ok(Known {
        uid: facts.uid,
        flags: facts.flags.clone(),
        modseq: facts.modseq,
        internal_date: facts
            .internal_date
            .as_ref()
            .map(|date| date.as_str().to_owned())
            .unwrap_or_default(),
        size: fetched.body.len(),
        fingerprint: print,
        summary: summary(block),
        report_around: if looks_like_report { ours(print)? } else { None },
    })
}
