//! One pass over a folder whose messages the user wants learned. Teaches, remembers, treats; does not judge.

use std::sync::Arc;

use isbg_engine::{Consequence, Scorer, Taught, Unknown, consequence};
use isbg_imap::{Fetched, Key};
use isbg_message::{forwarded, strip_markup, unwrap_report};
use isbg_spool::Spool;
use isbg_store::{NoVerdict, Purpose, Seen};
use isbg_types::{Class, Fingerprint, Flag, FolderName, Uid};
use tokio::sync::mpsc;

use crate::carry_out::{Ending, Todo, carry_out};
use crate::error::{Error, Result};
use crate::event::{Event, Phase};
use crate::judge::{Known, known};
use crate::pass::{Mode, Pass};
use crate::plan::{Imported, Plan, Wanted, plan};
use crate::policy::Treatment;
use crate::report::LearnCounts;
use crate::scan::wait;

/// So many messages are fetched and taught before anything is done with them.
const WINDOW: usize = 100;

/// So many messages forwarded within one are learned.
const FORWARDED: usize = 50;

/// Which messages of a learn folder are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those that are not flagged (`--learnunflagged`).
    Unflagged,
    /// Those that are flagged (`--learnflagged`).
    Flagged,
}

/// What to learn from, and what to do with it afterwards.
#[derive(Debug, Clone)]
pub struct LearnJob {
    /// The folder.
    pub folder: FolderName,
    /// What its messages are.
    pub class: Class,
    /// Which of them.
    pub which: Which,
    /// At most so many, the newest first; `None` for all.
    pub at_most: Option<u64>,
    /// What is done with a learned message.
    pub treatment: Treatment,
    /// What an older isbg had learned of the folder.
    pub imported: Option<Imported>,
}

/// Learns from one folder.
///
/// # Errors
/// [`Error::Outage`] when the scorer cannot be taught, and those of the server and the state file. What was learned before
/// is kept, and counted in `counts`.
pub async fn learn(pass: &mut Pass<'_>, job: &LearnJob, counts: &mut LearnCounts) -> Result<()> {
    let (purpose, phase) = match job.class {
        Class::Spam => (Purpose::LearnSpam, Phase::LearnSpam),
        Class::Ham => (Purpose::LearnHam, Phase::LearnHam),
    };
    let search = match job.which {
        Which::All => Vec::new(),
        Which::Unflagged => vec![Key::Without(Flag::new(Flag::FLAGGED))],
        Which::Flagged => vec![Key::With(Flag::new(Flag::FLAGGED))],
    };
    let wanted = Wanted {
        folder: &job.folder,
        purpose,
        search,
        by_flags: job.which != Which::All,
        smaller_than: None,
        at_most: job.at_most,
        imported: job.imported.as_ref(),
    };
    let plan = plan(pass, &wanted).await?;
    counts.to_learn = plan.messages();
    pass.observer.event(Event::Planned {
        phase,
        folder: &job.folder,
        messages: plan.messages(),
    });
    if pass.mode != Mode::Act {
        return Ok(());
    }
    let mut lowest = None;
    for window in plan.suspects.chunks(1).chain(plan.todo.chunks(WINDOW)) {
        pass.go_on()?;
        let undone = one_window(pass, job, &plan, window, counts).await?;
        lowest = lowest.into_iter().chain(undone).min();
    }
    if let Some(mark) = plan.mark(lowest) {
        pass.store.set_mark(plan.id, plan.purpose, &mark)?;
    }
    Ok(())
}

/// Teaches one window's messages and treats them. Gives the lowest that is not dealt with.
async fn one_window(
    pass: &mut Pass<'_>,
    job: &LearnJob,
    plan: &Plan,
    uids: &[Uid],
    counts: &mut LearnCounts,
) -> Result<Option<Uid>> {
    let now = pass.now();
    pass.store.begin_attempts(plan.id, plan.purpose, uids, now)?;
    let mut ascending = uids.to_vec();
    ascending.sort_unstable();
    plan.reopen(pass).await?;
    let (lessons, broken) = fetch_and_teach(pass, job.class, &ascending).await?;
    let (mut todos, mut done, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    let mut outage = None;
    for Lesson { known, answer } in lessons {
        match answer {
            Ok(taught) => {
                counts.count(taught);
                pass.observer.event(Event::Learned {
                    folder: &job.folder,
                    uid: known.uid,
                    new: taught == Taught::Learned,
                });
                match job.treatment.is_leave() {
                    true => done.push(seen(&known)),
                    false => todos.push(Todo {
                        known,
                        decision: None,
                        treatment: job.treatment.clone(),
                        rewritten: None,
                    }),
                }
            }
            // Its turn comes once the scorer works.
            Err(_) if outage.is_some() => {}
            Err(unknown) => match consequence(&*pass.scorer, &unknown).await {
                Consequence::Stop(why) => outage = Some(why),
                Consequence::SetAside => {
                    counts.unknown += 1;
                    let event = Event::Unknown {
                        folder: &job.folder,
                        uid: known.uid,
                        detail: &unknown.detail,
                    };
                    pass.observer.event(event);
                    failures.push((known.uid, unknown.detail));
                }
            },
        }
    }
    for (todo, ending) in carry_out(pass, plan, todos).await? {
        match ending {
            Ending::Done { .. } => {
                counts.treated += 1;
                done.push(seen(&todo.known));
            }
            Ending::Yielded(why) => {
                counts.yielded += 1;
                failures.push((todo.known.uid, why));
            }
            Ending::Failed(why) => {
                counts.not_done += 1;
                failures.push((todo.known.uid, why));
            }
        }
    }
    remember(pass, plan, &done, failures)?;
    let dealt: Vec<Uid> = done.iter().map(|seen| seen.uid).collect();
    let rest: Vec<Uid> = ascending
        .iter()
        .copied()
        .filter(|uid| !dealt.contains(uid))
        .collect();
    pass.store.withdraw_attempts(plan.id, plan.purpose, &rest)?;
    match (broken, outage) {
        (Some(error), _) => Err(error.into()),
        (None, Some(unknown)) => Err(Error::Outage {
            scorer: pass.scorer.name(),
            unknown,
        }),
        (None, None) => Ok(rest.first().copied()),
    }
}

fn remember(pass: &mut Pass<'_>, plan: &Plan, done: &[Seen], failures: Vec<(Uid, String)>) -> Result<()> {
    let now = pass.now();
    pass.store.commit_seen(plan.id, plan.purpose, done, now)?;
    let tries = pass.store.attempts(plan.id, plan.purpose)?;
    let tries = |uid: Uid| {
        tries
            .iter()
            .find(|attempt| attempt.uid == uid)
            .map_or(1, |attempt| attempt.tries)
    };
    let failures: Vec<NoVerdict> = failures
        .into_iter()
        .map(|(uid, error)| NoVerdict {
            uid,
            next_try: now.plus(wait(tries(uid))),
            error,
        })
        .collect();
    Ok(pass
        .store
        .end_without_verdict(plan.id, plan.purpose, &failures, now)?)
}

/// A message with what became of teaching it.
struct Lesson {
    known: Known,
    answer: std::result::Result<Taught, Unknown>,
}

async fn fetch_and_teach(
    pass: &mut Pass<'_>,
    class: Class,
    uids: &[Uid],
) -> Result<(Vec<Lesson>, Option<isbg_imap::Error>)> {
    let (sender, mut arriving) = mpsc::channel(2);
    let (account, scorer) = (pass.account, Arc::clone(&pass.scorer));
    let stop = Arc::clone(&pass.stop);
    let (client, store, budget) = (&mut *pass.client, &mut *pass.store, &pass.budget);
    let fetching = async move {
        let fetched = client.fetch(uids, &sender, budget).await;
        drop(sender);
        fetched
    };
    let teaching = async move {
        let mut lessons = Vec::new();
        while let Some(fetched) = arriving.recv().await {
            if stop.load(std::sync::atomic::Ordering::Relaxed) {
                continue;
            }
            let known = known(&fetched, |print| store.our_copy(account, print))?;
            let mails = lesson_of(&fetched, class, known.report_around.is_some())?;
            let prints: Vec<Fingerprint> = mails
                .iter()
                .map(isbg_message::fingerprint_of)
                .collect::<std::io::Result<_>>()?;
            let before = store.learned(account, scorer.name(), &prints)?;
            let new = mails
                .iter()
                .zip(prints)
                .zip(before)
                .filter(|(_, before)| *before != Some(class));
            let answer = teach(&*scorer, new.map(|(mail, _)| mail).collect(), class).await;
            if let Ok((_, new)) = &answer {
                let taught: Vec<(Fingerprint, Class)> = new.iter().map(|print| (*print, class)).collect();
                let now = std::time::SystemTime::now().into();
                store.note_learned(account, scorer.name(), &taught, now)?;
            }
            lessons.push(Lesson {
                known,
                answer: answer.map(|(taught, _)| taught),
            });
        }
        Result::Ok(lessons)
    };
    let (fetched, lessons) = tokio::join!(fetching, teaching);
    Ok((lessons?, fetched.err()))
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

impl LearnCounts {
    fn count(&mut self, taught: Taught) {
        match taught {
            Taught::Learned => self.learned += 1,
            Taught::AlreadyKnown => self.already_known += 1,
            Taught::TooLarge => self.too_large += 1,
        }
    }
}

fn seen(known: &Known) -> Seen {
    Seen {
        uid: known.uid,
        fingerprint: known.fingerprint,
        tier: None,
        score: None,
    }
}
