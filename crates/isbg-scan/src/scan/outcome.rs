//! What became of judged messages: done and remembered, or to be tried again. Does not judge or decide.

use isbg_store::Seen;
use isbg_types::{Tier, Uid, Verdict};

use super::Scan;
use crate::carry_out::{Ending, Todo, carry_out};
use crate::decide::Decision;
use crate::error::Result;
use crate::pass::Pass;
use crate::policy::Original;
use crate::retry::retry_later;

impl Scan<'_> {
    /// Carries out what was decided, and remembers what was done.
    pub(super) async fn act(&mut self, pass: &mut Pass<'_>, todos: Vec<Todo>) -> Result<()> {
        if todos.is_empty() {
            return Ok(());
        }
        let mut ended = Vec::new();
        let outcome = carry_out(pass, self.plan, todos, &mut ended).await;
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
                Ending::NotBegun => self.undone(todo.known.uid),
            }
        }
        self.remember(pass, done)?;
        self.retry(pass, failures)?;
        outcome
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
        failures.iter().for_each(|(uid, _)| self.undone(*uid));
        retry_later(pass, self.plan, failures)
    }

    pub(super) fn undone(&mut self, uid: Uid) {
        self.lowest_undone = Some(self.lowest_undone.map_or(uid, |lowest| lowest.min(uid)));
    }
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
