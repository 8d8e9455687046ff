//! What became of judged messages: done and remembered, or to be tried again. Does not judge or decide.

use isbg_store::{NoVerdict, Seen};
use isbg_types::{Tier, Uid, Verdict};

use super::Scan;
use crate::carry_out::{Ending, Todo, carry_out};
use crate::decide::Decision;
use crate::error::Result;
use crate::pass::Pass;
use crate::policy::Original;

/// The first wait before a message without a verdict is tried again, in seconds. It doubles each time.
const FIRST_WAIT: i64 = 600;

/// The longest wait, in seconds.
const LONGEST_WAIT: i64 = 86_400;

impl Scan<'_> {
    /// Carries out what was decided, and remembers what was done.
    pub(super) async fn act(&mut self, pass: &mut Pass<'_>, todos: Vec<Todo>) -> Result<()> {
        if todos.is_empty() {
            return Ok(());
        }
        let ended = carry_out(pass, self.plan, todos).await?;
        let (mut done, mut failures) = (Vec::new(), Vec::new());
        for (todo, ending) in ended {
            match ending {
                Ending::Done { original, .. } => {
                    self.count_done(&todo, original);
                    done.push(seen(&todo));
                }
                Ending::Yielded(_) => {
                    self.counts.yielded += 1;
                    self.undone(todo.known.uid);
                }
                Ending::Failed(why) => {
                    self.counts.not_done += 1;
                    failures.push((todo.known.uid, why));
                }
            }
        }
        self.remember(pass, done)?;
        self.retry(pass, failures)
    }

    fn count_done(&mut self, todo: &Todo, original: isbg_store::Original) {
        let tier = todo.decision.as_ref().map(|(_, decision)| decision.tier);
        let trashed =
            matches!(self.job.policy.certain.original, Original::ToTrash(_)) && tier == Some(Tier::Certain);
        let copy = todo.treatment.copy.is_some() && !trashed;
        match crate::carry_out::what(copy, original) {
            "copied" => self.counts.copied += 1,
            "moved" => self.counts.moved += 1,
            "flagged" => self.counts.flagged += 1,
            _ => self.counts.deleted += 1,
        }
    }

    pub(super) fn remember(&self, pass: &mut Pass<'_>, messages: Vec<Seen>) -> Result<()> {
        let now = pass.now();
        Ok(pass
            .store
            .commit_seen(self.plan.id, self.plan.purpose, &messages, now)?)
    }

    /// Messages without a verdict, or on which the server would not act, are tried again later, each by itself.
    pub(super) fn retry(&mut self, pass: &mut Pass<'_>, failures: Vec<(Uid, String)>) -> Result<()> {
        if failures.is_empty() {
            return Ok(());
        }
        let now = pass.now();
        let attempts = pass.store.attempts(self.plan.id, self.plan.purpose)?;
        let tries = |uid: Uid| {
            attempts
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
        failures.iter().for_each(|failure| self.undone(failure.uid));
        Ok(pass
            .store
            .end_without_verdict(self.plan.id, self.plan.purpose, &failures, now)?)
    }

    pub(super) fn undone(&mut self, uid: Uid) {
        self.lowest_undone = Some(self.lowest_undone.map_or(uid, |lowest| lowest.min(uid)));
    }
}

/// How long to wait after so many tries, in seconds.
pub(crate) fn wait(tries: u32) -> i64 {
    FIRST_WAIT
        .saturating_mul(1 << tries.saturating_sub(1).min(10))
        .min(LONGEST_WAIT)
}

pub(super) fn seen(todo: &Todo) -> Seen {
    let judged: Option<(&Verdict, &Decision)> = todo
        .decision
        .as_ref()
        .map(|(verdict, decision)| (verdict, decision));
    Seen {
        uid: todo.known.uid,
        fingerprint: todo.known.fingerprint,
        tier: judged.map(|(_, decision)| decision.tier),
        score: judged.map(|(verdict, _)| verdict.score),
    }
}
