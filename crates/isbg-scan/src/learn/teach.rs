//! What a message teaches, and teaching it. Remembers what was learned; does not know what is done with a message then.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use isbg_engine::{Consequence, Scorer, Taught, Unknown, consequence};
use isbg_imap::Fetched;
use isbg_message::{fingerprint_of, forwarded, strip_markup, unwrap_report};
use isbg_spool::Spool;
use isbg_types::{Class, Fingerprint, Uid};
use tokio::sync::mpsc;

use crate::error::Result;
use crate::event::Event;
use crate::fetch::fetch;
use crate::judge::{Known, asked, known};
use crate::pass::Pass;

/// So many messages forwarded within one are learned.
const FORWARDED: usize = 50;

/// A message with what became of teaching it.
pub(crate) struct Lesson {
    pub known: Known,
    pub answer: std::result::Result<Taught, Unknown>,
}

/// What came of teaching some messages.
#[derive(Default)]
pub(crate) struct Lessons {
    pub given: Vec<Lesson>,
    /// The scorer cannot be taught: it was not asked to learn the messages after that.
    pub outage: Option<Unknown>,
    /// Messages that the server would not give whole, or that are larger than anything that is read.
    pub not_read: Vec<Uid>,
    /// The connection failed while fetching. What was taught before holds.
    pub broken: Option<isbg_imap::Error>,
}

/// Fetches these messages and teaches each, one after the other.
pub(crate) async fn fetch_and_teach(
    pass: &mut Pass<'_>,
    scorer: &Arc<dyn Scorer>,
    class: Class,
    uids: &[Uid],
) -> Result<Lessons> {
    let (sender, mut arriving) = mpsc::channel(2);
    let (account, scorer) = (pass.account, Arc::clone(scorer));
    let (stop, observer) = (Arc::clone(&pass.stop), pass.observer);
    let (client, store, budget) = (&mut *pass.client, &mut *pass.store, &pass.budget);
    let fetching = fetch(client, uids, sender, budget);
    let teaching = async move {
        let (mut lessons, mut learned) = (Lessons::default(), Vec::new());
        while let Some(fetched) = arriving.recv().await {
            if lessons.outage.is_some() || stop.load(Ordering::Relaxed) {
                continue;
            }
            let known = known(&fetched, |print| store.our_copy(account, print))?;
            let mails = lesson_of(&fetched, class, known.report_around.is_some())?;
            let prints: Vec<Fingerprint> =
                mails.iter().map(fingerprint_of).collect::<std::io::Result<_>>()?;
            let before = store.learned(account, scorer.name(), &prints)?;
            let new = mails
                .iter()
                .zip(prints)
                .zip(before)
                .filter(|(_, before)| *before != Some(class));
            // A scorer that hangs does not keep the run from ending; this message's turn comes again.
            let answer = tokio::select! {
                answer = teach(&*scorer, new.map(|(mail, _)| mail).collect(), class) => answer,
                () = asked(&stop) => continue,
            };
            observer.event(Event::Answered);
            let answer = match answer {
                Ok((answer, new)) => {
                    learned.extend(new.into_iter().map(|print| (print, class)));
                    Ok(answer)
                }
                Err(why) => match consequence(&*scorer, &why).await {
                    Consequence::Stop(outage) => {
                        lessons.outage = Some(outage);
                        continue;
                    }
                    Consequence::SetAside => Err(why),
                },
            };
            lessons.given.push(Lesson { known, answer });
        }
        match scorer.settle().await {
            Ok(()) => store.note_learned(account, scorer.name(), &learned, SystemTime::now().into())?,
            Err(why) => {
                // What may be lost with this process counts as not learned.
                lessons.given.retain(|lesson| lesson.answer.is_err());
                lessons.outage = Some(why);
            }
        }
        Result::Ok(lessons)
    };
    let (fetched, lessons) = tokio::join!(fetching, teaching);
    let (not_read, broken) = match fetched {
        Ok(not_read) => (not_read, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    Ok(Lessons {
        not_read,
        broken,
        ..lessons?
    })
}

/// What a message teaches: itself; the original in a report of ours; for spam, what was forwarded within it. Ham loses
/// the marks that a scorer left on it.
fn lesson_of(fetched: &Fetched, class: Class, our_report: bool) -> Result<Vec<Spool>> {
    let mut mail = fetched.body.clone();
    if our_report && let Some(original) = unwrap_report(&mail)? {
        mail = original;
    }
    if class == Class::Ham {
        return Ok(vec![strip_markup(&mail)?]);
    }
    let inner: Vec<Spool> = forwarded(&mail)?
        .take(FORWARDED)
        .collect::<std::io::Result<_>>()?;
    Ok(if inner.is_empty() { vec![mail] } else { inner })
}

/// Teaches what is new of what a message holds. Learned if any of it was; gives the identities of what was.
async fn teach(
    scorer: &dyn Scorer,
    new: Vec<(&Spool, Fingerprint)>,
    class: Class,
) -> std::result::Result<(Taught, Vec<Fingerprint>), Unknown> {
    let (mut result, mut taught) = (Taught::AlreadyKnown, Vec::new());
    for (mail, print) in new {
        match scorer.teach(mail, class).await? {
            Taught::Learned => result = Taught::Learned,
            Taught::AlreadyKnown => {}
            Taught::TooLarge => {
                result = if result == Taught::Learned {
                    result
                } else {
                    Taught::TooLarge
                };
                continue;
            }
        }
        taught.push(print);
    }
    Ok((result, taught))
}
