//! The native scorer: SpamAssassin's rules, run in this process on threads of its own. Does not know where the rules
//! come from.

mod pool;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use isbg_message::views::Views;
use isbg_rules::matcher::{Matcher, Outcome};
use isbg_spool::Spool;
use isbg_types::{Class, RuleHit, Score, Verdict};

use crate::report::wrapped;
use crate::{PROBE, Scored, Scorer, Taught, Unknown, UnknownKind, Wish};

use pool::Pool;

/// A longer message is judged by its first so many bytes: 16 MiB. Rules look at a small part of each text as it is, and
/// a judge that refused what is longer would let mail through for its size.
pub const MOST_BYTES: usize = 16 << 20;

/// How the native scorer works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NativeSettings {
    /// How many messages are judged at once: the number of threads.
    pub at_once: NonZeroUsize,
    /// What takes longer has no verdict. Default: 60 seconds.
    pub deadline: Duration,
    /// Whether a verdict lists the sub-rules as well, whose names begin with two underscores. They have no points.
    pub sub_rules: bool,
}

impl Default for NativeSettings {
    fn default() -> Self {
        Self {
            at_once: NonZeroUsize::MIN,
            deadline: Duration::from_secs(60),
            sub_rules: false,
        }
    }
}

/// Judges by a set of rules.
#[derive(Debug)]
pub struct Native {
    pool: Pool<Spool, Result<Verdict, Unknown>>,
    judge: Arc<Judge>,
    deadline: Duration,
}

/// What all threads share.
#[derive(Debug)]
struct Judge {
    matcher: Arc<Matcher>,
    sub_rules: bool,
    /// Rules whose pattern used up its steps, with the number of messages.
    limited: Mutex<BTreeMap<usize, u64>>,
}

impl Native {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(matcher: Arc<Matcher>, settings: NativeSettings) -> Result<Self, Unknown> {
        let judge = Arc::new(Judge {
            matcher,
            sub_rules: settings.sub_rules,
            limited: Mutex::default(),
        });
        let work = Arc::clone(&judge);
        let pool = Pool::start(settings.at_once, move |mail: &Spool| work.verdict(mail))
            .map_err(|error| Unknown::new(UnknownKind::Outage, format!("cannot start a thread: {error}")))?;
        Ok(Self {
            pool,
            judge,
            deadline: settings.deadline,
        })
    }

    async fn verdict(&self, mail: &Spool) -> Result<Verdict, Unknown> {
        self.pool.run(mail.clone(), self.deadline).await?
    }
}

impl Judge {
    fn verdict(&self, mail: &Spool) -> Result<Verdict, Unknown> {
        let message = mail.prefix(MOST_BYTES).map_err(|error| {
            Unknown::new(
                UnknownKind::Outage,
                format!("a temporary file cannot be read: {error}"),
            )
        })?;
        let outcome = self
            .matcher
            .check(&Views::new(&message, self.matcher.view_settings()));
        self.note(&outcome);
        let required = self.matcher.rules().settings.required_score;
        Ok(Verdict {
            score: outcome.score,
            required,
            spam: outcome.score >= required,
            hits: self.hits(&outcome),
        })
    }

    fn hits(&self, outcome: &Outcome) -> Vec<RuleHit> {
        let rules = &self.matcher.rules().rules;
        outcome
            .hits
            .iter()
            .filter_map(|hit| {
                let rule = rules.get(hit.rule)?;
                let sub_rule = rule.name.starts_with("__");
                let points = self.matcher.points(hit.rule) * f64::from(hit.times);
                (self.sub_rules || !sub_rule).then(|| RuleHit {
                    name: rule.name.clone(),
                    score: if sub_rule {
                        Some(Score(0))
                    } else {
                        Score::from_points(points)
                    },
                    description: rule.description.clone(),
                })
            })
            .collect()
    }

    fn note(&self, outcome: &Outcome) {
        if outcome.limited.is_empty() {
            return;
        }
        let mut limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
        for rule in &outcome.limited {
            *limited.entry(*rule).or_default() += 1;
        }
    }

    fn remarks(&self) -> Vec<String> {
        let off = self.matcher.switched_off();
        let limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
        let remark = |(rule, messages): (&usize, &u64)| {
            let name = &self.matcher.rules().rules.get(*rule)?.name;
            let then = if off.contains(rule) {
                " and is not used any more"
            } else {
                ""
            };
            Some(format!(
                "the pattern of rule {name} took too many steps on {messages} messages{then}; whether it hits them is not \
                 known"
            ))
        };
        limited.iter().filter_map(remark).collect()
    }
}

impl Scorer for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn score<'a>(&'a self, mail: &'a Spool, wish: Wish) -> BoxFuture<'a, Result<Scored, Unknown>> {
        Box::pin(async move {
            let scored = self.verdict(mail).await?.into();
            match wish {
                Wish::Verdict => Ok(scored),
                Wish::Report => wrapped(scored, mail, self.name()).await,
            }
        })
    }

    fn teach<'a>(&'a self, _: &'a Spool, _: Class) -> BoxFuture<'a, Result<Taught, Unknown>> {
        Box::pin(async {
            Err(Unknown::new(
                UnknownKind::Refused,
                "the native scorer does not learn; name one that does with --engine spamd, spamassassin or rspamd",
            ))
        })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Unknown>> {
        Box::pin(async move { self.verdict(&PROBE.to_vec().into()).await.map(drop) })
    }

    fn remarks(&self) -> Vec<String> {
        self.judge.remarks()
    }
}
