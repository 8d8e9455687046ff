//! One pass over a folder whose messages the user wants learned. Teaches, remembers, treats; does not judge.

mod teach;

use std::sync::Arc;

use isbg_imap::Key;
use isbg_store::{Purpose, Seen};
use isbg_types::{Class, Flag, FolderName, Uid, UidSet};

use crate::carry_out::{Ending, Todo, carry_out};
use crate::error::{Error, Result};
use crate::event::{Event, Phase};
use crate::fetch::still_unread;
use crate::judge::Known;
use crate::pass::{Mode, Pass};
use crate::plan::{Imported, Plan, Wanted, plan};
use crate::policy::Treatment;
use crate::report::LearnCounts;
use crate::retry::retry_later;
use isbg_engine::{Scorer, Taught};
pub(crate) use teach::{Lesson, Lessons, fetch_and_teach};

/// So many messages are fetched and taught before anything is done with them.
const WINDOW: usize = 100;

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

/// Teaches `scorer` the messages of one folder.
///
/// # Errors
/// [`Error::Outage`] when the scorer cannot be taught, and those of the server and the state file. What was learned before
/// is kept, and counted in `counts`.
pub async fn learn(
    pass: &mut Pass<'_>,
    scorer: &Arc<dyn Scorer>,
    job: &LearnJob,
    counts: &mut LearnCounts,
) -> Result<()> {
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
    let job = &LearnJob {
        treatment: job.treatment.clone().within(&job.folder),
        ..job.clone()
    };
    let mut lowest = None;
    for window in plan.suspects.chunks(1).chain(plan.todo.chunks(WINDOW)) {
        pass.go_on()?;
        let now = pass.now();
        pass.store.begin_attempts(plan.id, plan.purpose, window, now)?;
        let undone = one_window(pass, scorer, job, &plan, window, counts).await;
        // Whatever went wrong, it did not kill the process.
        pass.store.withdraw_attempts(plan.id, plan.purpose, window)?;
        lowest = lowest.into_iter().chain(undone?).min();
    }
    pass.go_on()?;
    if let Some(mark) = plan.mark(lowest) {
        pass.store.set_mark(plan.id, plan.purpose, &mark)?;
    }
    Ok(())
}

/// Teaches one window's messages and treats them. Gives the lowest that is not dealt with.
async fn one_window(
    pass: &mut Pass<'_>,
    scorer: &Arc<dyn Scorer>,
    job: &LearnJob,
    plan: &Plan,
    uids: &[Uid],
    counts: &mut LearnCounts,
) -> Result<Option<Uid>> {
    let mut ascending = uids.to_vec();
    ascending.sort_unstable();
    plan.reopen(pass).await?;
    let Lessons {
        given,
        outage,
        not_read,
        broken,
    } = fetch_and_teach(pass, scorer, job.class, &ascending).await?;
    let mut failures = still_unread(pass, &job.folder, &not_read).await?;
    counts.unknown += failures.len() as u64;
    let mut learned = Vec::new();
    for Lesson { known, answer } in given {
        match answer {
            Ok(taught) => {
                counts.count(taught);
                let new = taught == Taught::Learned;
                pass.observer.event(Event::Learned {
                    folder: &job.folder,
                    uid: known.uid,
                    new,
                });
                learned.push(known);
            }
            Err(unknown) => {
                counts.unknown += 1;
                let (folder, detail) = (&job.folder, unknown.detail.as_str());
                pass.observer.event(Event::Unknown {
                    folder,
                    uid: known.uid,
                    detail,
                });
                failures.push((known.uid, unknown.detail));
            }
        }
    }
    // What was learned is noted by fingerprint, so that what follows may wait for the next run.
    let (done, treated) = match (&broken, job.treatment.is_leave()) {
        (_, true) => (learned.iter().map(seen).collect(), Ok(())),
        (None, false) => treat(pass, job, plan, learned, &mut failures, counts).await,
        (Some(_), false) => (Vec::new(), Ok(())),
    };
    let now = pass.now();
    pass.store.commit_seen(plan.id, plan.purpose, &done, now)?;
    retry_later(pass, plan, failures)?;
    treated?;
    let dealt: UidSet = done.iter().map(|seen| seen.uid).collect();
    let rest: Vec<Uid> = ascending
        .into_iter()
        .filter(|uid| !dealt.contains(*uid))
        .collect();
    match (broken, outage) {
        (Some(error), _) => Err(error.into()),
        (None, Some(unknown)) => Err(Error::Outage {
            scorer: scorer.name(),
            unknown,
        }),
        (None, None) if rest.is_empty() => Ok(None),
        (None, None) => pass.go_on().map(|()| rest.first().copied()),
    }
}

/// Does with learned messages what the user wants done with them. Gives those that it was done with.
async fn treat(
    pass: &mut Pass<'_>,
    job: &LearnJob,
    plan: &Plan,
    learned: Vec<Known>,
    failures: &mut Vec<(Uid, String)>,
    counts: &mut LearnCounts,
) -> (Vec<Seen>, Result<()>) {
    let todos = learned
        .into_iter()
        .map(|known| Todo {
            known,
            decision: None,
            treatment: job.treatment.clone(),
            rewritten: None,
        })
        .collect();
    let (mut ended, mut done) = (Vec::new(), Vec::new());
    let outcome = carry_out(pass, plan, todos, &mut ended).await;
    for (todo, ending) in ended {
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
            Ending::NotBegun => {}
        }
    }
    (done, outcome)
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
