//! One scan of one folder, start to end: plan, judge, decide, carry out, remember. Does not know how any of it is done.

mod outcome;

use std::sync::Arc;

use isbg_engine::{Scored, Scorer, Wish};
use isbg_message::{fingerprint_of, summary};
use isbg_spool::Spool;
use isbg_store::Purpose;
use isbg_types::{FolderName, Tier, Uid, UidSet};

use crate::carry_out::Todo;
use crate::decide::{Decision, Spared, decide};
use crate::error::{Error, Result};
use crate::event::{Event, Phase};
use crate::fetch::still_unread;
use crate::judge::{Judged, Known, Window, judge};
use crate::pass::{Mode, Pass};
use crate::plan::{Imported, Plan, Wanted, plan};
use crate::policy::{BlastLimit, Bounds, Form, Policy, Treatment};
use crate::report::ScanCounts;
use outcome::seen;

/// So many messages are fetched and judged before anything is done about them.
const WINDOW: usize = 500;

/// The same where spam is copied with its report, which is held until then.
const WINDOW_WITH_REPORTS: usize = 100;

/// So many too-large messages are named; the others are only counted.
const NAMED: usize = 20;

/// What to scan, and what to do about it.
#[derive(Debug, Clone)]
pub struct ScanJob {
    /// The folder.
    pub folder: FolderName,
    /// The user's wishes.
    pub policy: Policy,
    /// The bounds of this pass.
    pub bounds: Bounds,
    /// What an older isbg had seen of the folder.
    pub imported: Option<Imported>,
}

/// Scans one folder and has its messages judged by `scorer`.
///
/// # Errors
/// [`Error::Outage`] when the scorer does not work, and those of the server and the state file. What was judged and done
/// before is kept, and counted in `counts`.
pub async fn scan(
    pass: &mut Pass<'_>,
    scorer: &Arc<dyn Scorer>,
    job: &ScanJob,
    counts: &mut ScanCounts,
) -> Result<()> {
    let wanted = Wanted {
        folder: &job.folder,
        purpose: Purpose::Scan,
        search: Vec::new(),
        by_flags: false,
        smaller_than: Some(job.bounds.max_size),
        at_most: job.bounds.at_most,
        imported: job.imported.as_ref(),
    };
    let plan = plan(pass, &wanted).await?;
    counts.left_for_later = plan.left_for_later;
    counts.too_large = plan.too_large.len() as u64;
    pass.observer.event(Event::Planned {
        phase: Phase::Scan,
        folder: &job.folder,
        messages: plan.messages(),
    });
    name_too_large(pass, &plan).await?;
    let mut scan = Scan {
        job,
        plan: &plan,
        counts,
        scorer,
        held: Vec::new(),
        held_back: 0,
        lowest_undone: None,
    };
    let ended = scan.all(pass).await;
    let undone = scan.lowest_undone;
    // What was begun and not dealt with is not to be taken for something that killed the process.
    let begun: Vec<Uid> = pass
        .store
        .attempts(plan.id, plan.purpose)?
        .iter()
        .map(|attempt| attempt.uid)
        .collect();
    pass.store.withdraw_attempts(plan.id, plan.purpose, &begun)?;
    if ended.is_ok()
        && let Some(mark) = plan.mark(undone)
    {
        pass.store.set_mark(plan.id, plan.purpose, &mark)?;
    }
    ended
}

/// The state of one scan.
struct Scan<'a> {
    job: &'a ScanJob,
    plan: &'a Plan,
    counts: &'a mut ScanCounts,
    scorer: &'a Arc<dyn Scorer>,
    /// Decided and held until the whole round is judged.
    held: Vec<Todo>,
    /// How many of these there were, once it is certain that nothing will be done with them.
    held_back: u64,
    /// The lowest message that is not dealt with.
    lowest_undone: Option<Uid>,
}

impl Scan<'_> {
    async fn all(&mut self, pass: &mut Pass<'_>) -> Result<()> {
        let reports = self.wish() == Wish::Report;
        let size = if reports { WINDOW_WITH_REPORTS } else { WINDOW };
        let windows = self.plan.suspects.chunks(1).chain(self.plan.todo.chunks(size));
        for window in windows {
            pass.go_on()?;
            self.window(pass, window).await?;
        }
        let held = std::mem::take(&mut self.held);
        if self.held_back > 0 {
            self.say_why(pass);
            self.counts.held_back += self.held_back;
        }
        self.act(pass, held).await
    }

    /// Reports are only wanted where they will be put somewhere.
    fn wish(&self) -> Wish {
        let policy = &self.job.policy;
        let with_report = [&policy.unsure, &policy.spam, &policy.certain]
            .into_iter()
            .any(|treatment| matches!(treatment.copy, Some((_, Form::WithReport))));
        if with_report { Wish::Report } else { Wish::Verdict }
    }

    /// Whether what is to be done waits until the whole round is judged.
    fn waits(&self) -> bool {
        self.job.policy.blast_limit != BlastLimit::Off || self.reports_only()
    }

    fn reports_only(&self) -> bool {
        self.plan.first_time && self.job.policy.first_run_reports
    }

    /// Whether it is certain that nothing will be done with what is held.
    fn holds_back(&self) -> bool {
        let held = self.held.len() as u64;
        match self.job.policy.blast_limit {
            _ if self.reports_only() || self.held_back > 0 => true,
            BlastLimit::Messages(limit) => held > limit,
            BlastLimit::Off => false,
        }
    }

    fn say_why(&self, pass: &Pass<'_>) {
        match self.job.policy.blast_limit {
            BlastLimit::Messages(limit) if !self.reports_only() => pass.warn(&format!(
                "{} messages of this round would be moved, more than the blast limit of {limit}: nothing was moved. \
                 Look at what was judged, and if it is right run again with --blast-limit off",
                self.held_back
            )),
            _ => pass.warn("this is the first run over this folder: it only reports, the next one acts"),
        }
    }

    async fn window(&mut self, pass: &mut Pass<'_>, uids: &[Uid]) -> Result<()> {
        let now = pass.now();
        pass.store
            .begin_attempts(self.plan.id, self.plan.purpose, uids, now)?;
        let mut ascending = uids.to_vec();
        ascending.sort_unstable();
        let wish = if pass.mode == Mode::Act {
            self.wish()
        } else {
            Wish::Verdict
        };
        self.plan.reopen(pass).await?;
        let window = judge(pass, self.scorer, &ascending, self.job.bounds.jobs, wish).await?;
        let Window {
            judged,
            outage,
            broken,
            not_read,
        } = window;
        let answered: UidSet = judged.iter().map(|judged| judged.known.uid).collect();
        let todos = self.sort(pass, judged)?;
        self.not_read(pass, not_read).await?;
        let rest: Vec<Uid> = ascending
            .into_iter()
            .filter(|uid| !answered.contains(*uid))
            .collect();
        let stopped = pass.go_on().is_err() && !rest.is_empty();
        // Where a whole window was fetched and these did not come, they are gone. Otherwise their turn had not come.
        if outage.is_some() || broken.is_some() || stopped {
            rest.iter().for_each(|uid| self.undone(*uid));
        }
        if let Some(error) = broken {
            return Err(error.into());
        }
        self.act_or_hold(pass, todos).await?;
        match outage {
            Some(unknown) => Err(Error::Outage {
                scorer: self.scorer.name(),
                unknown,
            }),
            None if stopped => Err(Error::Stopped),
            None => Ok(()),
        }
    }

    /// Messages that were not given whole: those that are still there are tried again later.
    async fn not_read(&mut self, pass: &mut Pass<'_>, uids: Vec<Uid>) -> Result<()> {
        let failures = still_unread(pass, &self.plan.folder, &uids).await?;
        self.counts.unknown += failures.len() as u64;
        self.retry(pass, failures)
    }

    async fn act_or_hold(&mut self, pass: &mut Pass<'_>, todos: Vec<Todo>) -> Result<()> {
        match pass.mode {
            Mode::Act if self.waits() => self.hold(todos),
            Mode::Act => self.act(pass, todos).await?,
            Mode::Observe | Mode::DryRun => {
                self.counts.held_back += todos.len() as u64;
                self.remember(pass, todos.iter().map(seen).collect())?;
            }
        }
        Ok(())
    }

    /// Keeps what was decided until the whole round is judged. Once it is certain that nothing will be done, only how many
    /// there are, and the lowest of them.
    fn hold(&mut self, todos: Vec<Todo>) {
        self.held.extend(todos);
        if self.holds_back() {
            let held = std::mem::take(&mut self.held);
            self.held_back += held.len() as u64;
            held.iter().for_each(|todo| self.undone(todo.known.uid));
        }
    }

    /// Decides about each judged message, remembers those that are left where they are, and gives the others.
    fn sort(&mut self, pass: &mut Pass<'_>, judged: Vec<Judged>) -> Result<Vec<Todo>> {
        let (mut left, mut todos, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        for Judged { known, answer } in judged {
            match answer {
                Ok(scored) => {
                    let todo = self.decided(pass, known, scored)?;
                    if todo.treatment.is_leave() {
                        left.push(seen(&todo))
                    } else {
                        todos.push(todo)
                    }
                }
                Err(unknown) => {
                    let event = Event::Unknown {
                        folder: &self.plan.folder,
                        uid: known.uid,
                        detail: &unknown.detail,
                    };
                    pass.observer.event(event);
                    self.counts.unknown += 1;
                    failures.push((known.uid, unknown.detail));
                }
            }
        }
        self.remember(pass, left)?;
        self.retry(pass, failures)?;
        Ok(todos)
    }

    fn decided(&mut self, pass: &mut Pass<'_>, known: Known, scored: Scored) -> Result<Todo> {
        let Scored {
            verdict, rewritten, ..
        } = scored;
        let policy = &self.job.policy;
        let acts = !policy.treatment(verdict.tier(&policy.thresholds)).is_leave();
        let put_back = acts
            && (known.report_around.is_some() || pass.store.dealt_with(pass.account, known.fingerprint)?);
        let decision = decide(&verdict, policy, &known.flags, put_back);
        self.count(&decision);
        pass.observer.event(Event::Judged {
            folder: &self.plan.folder,
            uid: known.uid,
            summary: &known.summary,
            verdict: &verdict,
            decision: &decision,
        });
        let (treatment, rewritten) =
            with_rewritten(decision.treatment.clone().within(&self.plan.folder), rewritten)?;
        Ok(Todo {
            known,
            treatment,
            decision: Some((verdict, decision)),
            rewritten,
        })
    }

    fn count(&mut self, decision: &Decision) {
        let counts = &mut *self.counts;
        counts.judged += 1;
        match decision.tier {
            Tier::Ham => counts.ham += 1,
            Tier::Unsure => counts.unsure += 1,
            Tier::Spam => counts.spam += 1,
            Tier::Certain => {
                counts.spam += 1;
                counts.certain += 1;
            }
        }
        counts.spared += u64::from(matches!(decision.spared, Some(Spared::Flagged | Spared::PutBack)));
    }
}

/// The rewritten message with its fingerprint, where one is wanted. Where the scorer rewrote nothing (the user's own
/// threshold calls spam what the scorer does not), the untouched original is copied.
fn with_rewritten(
    treatment: Treatment,
    rewritten: Option<Spool>,
) -> Result<(Treatment, Option<(Spool, isbg_types::Fingerprint)>)> {
    match (treatment.copy, rewritten) {
        (Some((folder, Form::WithReport)), Some(rewritten)) => {
            let print = fingerprint_of(&rewritten)?;
            Ok((
                Treatment {
                    copy: Some((folder, Form::WithReport)),
                    ..treatment
                },
                Some((rewritten, print)),
            ))
        }
        (Some((folder, _)), _) => Ok((
            Treatment {
                copy: Some((folder, Form::AsIs)),
                ..treatment
            },
            None,
        )),
        (None, _) => Ok((
            Treatment {
                copy: None,
                ..treatment
            },
            None,
        )),
    }
}

/// Names the first few messages that are too large to be judged.
async fn name_too_large(pass: &mut Pass<'_>, plan: &Plan) -> Result<()> {
    let named: UidSet = plan.too_large.iter().rev().take(NAMED).copied().collect();
    if named.is_empty() {
        return Ok(());
    }
    for facts in pass.client.look(&named, true).await? {
        pass.observer.event(Event::TooLarge {
            folder: &plan.folder,
            uid: facts.uid,
            size: facts.size.unwrap_or(0),
            summary: &summary(facts.header.as_deref().unwrap_or_default()),
        });
    }
    Ok(())
}
