//! What the rules say of every message, worked out on several threads before the learner, which takes one message after
//! another, begins. Does not know any message's class.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use anyhow::Result;
use futures_util::stream::{self, StreamExt as _};
use isbg_engine::{Native, NativeSettings, Scorer as _, Wish};
use isbg_types::{Score, Untrusted, Verdict};
use tokio::runtime::Runtime;

use crate::args::Backtest;
use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::report::{Terminal, counting};
use crate::rules;

use super::index::Index;

/// Rules, ready to judge.
pub struct Rules {
    native: Native,
    runtime: Runtime,
    at_once: NonZeroUsize,
    required: Score,
}

/// The rules' points for each message, and how many make spam.
#[derive(Debug)]
pub struct Points {
    /// In the order of the index.
    pub of: Vec<Score>,
    /// The score from which mail is spam.
    pub required: Score,
}

impl Rules {
    /// Reads the rules that are wanted.
    ///
    /// # Errors
    /// With status 12 when there are none, with status 10 when they are named wrongly.
    pub fn ready(typed: &Backtest, around: &Environment, terminal: &Terminal) -> Result<Self> {
        let wish = rules::Wish {
            paths: typed.files.rules.clone(),
            prefs: typed.files.prefs.clone(),
        };
        let loaded = rules::find(&wish, around)?.load()?;
        if let Some(remark) = loaded.remark() {
            terminal.warn(&remark);
        }
        let asked = typed
            .jobs
            .and_then(|jobs| NonZeroUsize::new(usize::try_from(jobs).ok()?));
        let at_once = asked
            .or_else(|| thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN);
        let settings = NativeSettings {
            at_once,
            ..NativeSettings::default()
        };
        let by_rules = loaded.matcher.rules().settings.required_score;
        let native = Native::new(Arc::new(loaded.matcher), settings)
            .map_err(|why| Failure::new(Status::Scorer, why.to_string()))?;
        Ok(Self {
            native,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            at_once,
            required: typed.required_score.unwrap_or(by_rules),
        })
    }

    /// Has all messages judged. One without a verdict has no points, and the user is told.
    ///
    /// # Errors
    /// When a message cannot be read.
    pub fn points(&self, index: &Index, terminal: &Terminal) -> Result<Points> {
        let messages = index.entries().len();
        let bar = counting(terminal, "running the rules".to_owned(), messages as u64);
        let judged = stream::iter(0..messages)
            .map(|number| async move {
                let mail = index.mail(number)?.into();
                anyhow::Ok(self.native.score(&mail, Wish::Verdict).await)
            })
            // As many again wait, so that no thread has to.
            .buffered(self.at_once.get().saturating_mul(2))
            .inspect(|_| bar.iter().for_each(|bar| bar.inc(1)));
        let (mut of, mut unknown) = (Vec::with_capacity(messages), Vec::new());
        self.runtime.block_on(async {
            let mut judged = std::pin::pin!(judged);
            while let Some(answer) = judged.next().await {
                of.push(match answer? {
                    Ok(scored) => scored.verdict.score,
                    Err(why) => {
                        unknown.push((of.len(), why));
                        Score(0)
                    }
                });
            }
            anyhow::Ok(())
        })?;
        if let Some(bar) = &bar {
            bar.finish_and_clear();
        }
        if let Some((number, why)) = unknown.first() {
            terminal.warn(&format!(
                "the rules have no verdict on {} messages, which count as 0 points; the first is {}: {why}",
                unknown.len(),
                Untrusted(&index.entries()[*number].path)
            ));
        }
        self.native
            .remarks()
            .iter()
            .for_each(|remark| terminal.warn(remark));
        Ok(Points {
            of,
            required: self.required,
        })
    }

    /// The rules' whole verdict on one message; `None` where they have none.
    ///
    /// # Errors
    /// When the message cannot be read.
    pub fn verdict(&self, index: &Index, number: usize) -> Result<Option<Verdict>> {
        let mail = index.mail(number)?.into();
        let answer = self.runtime.block_on(self.native.score(&mail, Wish::Verdict));
        Ok(answer.ok().map(|scored| scored.verdict))
    }
}
