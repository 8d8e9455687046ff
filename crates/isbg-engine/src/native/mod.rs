//! The native scorer: rules, what the user taught and whom the user knows, in this process on threads of its own. Does not
//! know where any of them come from.

mod memory;
mod network;
mod people;
mod pool;
mod total;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use isbg_classifier::{Explanation, Judgement, Lesson};
use isbg_lookups::dns::Resolver;
use isbg_message::views::Views;
use isbg_rules::matcher::{Matcher, Outcome};
use isbg_rules::network::Found;
use isbg_spool::Spool;
use isbg_types::{Class, RuleHit, Score, Verdict};

use crate::report::wrapped;
use crate::{Learned, PROBE, Scored, Scorer, Taught, Unknown, UnknownKind, Wish};

pub use memory::{Change, Memory, ModelHome, Stamp};
use network::Network;
pub use people::{NotSenders, People, Senders, Standing};
use pool::Pool;
pub use total::{Total, total};

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
    /// Whether the classifier's part in a verdict comes with its reasons.
    pub explain: bool,
}

impl Default for NativeSettings {
    fn default() -> Self {
        Self {
            at_once: NonZeroUsize::MIN,
            deadline: Duration::from_secs(60),
            sub_rules: false,
            explain: false,
        }
    }
}

/// What the native scorer judges by.
#[derive(Debug, Clone)]
pub struct Grounds {
    /// The rules.
    pub matcher: Arc<Matcher>,
    /// What the user taught. Without it nothing can be taught.
    pub memory: Option<Memory>,
    /// Whom the user knows.
    pub people: People,
}

/// The rules alone.
impl From<Arc<Matcher>> for Grounds {
    fn from(matcher: Arc<Matcher>) -> Self {
        Self {
            matcher,
            memory: None,
            people: People::default(),
        }
    }
}

/// Judges by rules, lessons and people; learns.
#[derive(Debug)]
pub struct Native {
    pool: Pool<(Spool, Found), Result<Scored, Unknown>>,
    judge: Arc<Judge>,
    settings: NativeSettings,
    network: Option<Network>,
}

/// What all threads share.
#[derive(Debug)]
struct Judge {
    grounds: Grounds,
    sub_rules: bool,
    explain: bool,
    /// Rules whose pattern used up its steps, with the number of messages.
    limited: Mutex<BTreeMap<usize, u64>>,
}

impl Native {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(grounds: impl Into<Grounds>, settings: NativeSettings) -> Result<Self, Unknown> {
        let judge = Arc::new(Judge {
            grounds: grounds.into(),
            sub_rules: settings.sub_rules,
            explain: settings.explain,
            limited: Mutex::default(),
        });
        let work = Arc::clone(&judge);
        let pool = Pool::start(settings.at_once, move |(mail, found)| work.scored(mail, found))
            .map_err(no_thread)?;
        Ok(Self {
            pool,
            judge,
            settings,
            network: None,
        })
    }

    /// Has the network rules' questions answered by this resolver, where the rules were made ready for the network. Without
    /// this nobody is asked anything.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn asking(mut self, resolver: Resolver) -> Result<Self, Unknown> {
        let matcher = Arc::clone(&self.judge.grounds.matcher);
        let NativeSettings {
            at_once, deadline, ..
        } = self.settings;
        self.network = Some(Network::new(matcher, resolver, at_once, deadline).map_err(no_thread)?);
        Ok(self)
    }

    async fn scored(&self, mail: &Spool) -> Result<Scored, Unknown> {
        let found = match &self.network {
            Some(network) => network.find_out(mail).await?,
            None => Found::default(),
        };
        self.scored_with(mail, found).await
    }

    async fn scored_with(&self, mail: &Spool, found: Found) -> Result<Scored, Unknown> {
        self.pool
            .run((mail.clone(), found), self.settings.deadline)
            .await?
    }

    /// Does what changes the model, or waits for another process, off the threads that judge.
    async fn remembering<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Memory) -> Result<T, Unknown> + Send + 'static,
    ) -> Result<T, Unknown> {
        let Some(memory) = self.judge.grounds.memory.clone() else {
            return Err(Unknown::new(
                UnknownKind::Refused,
                "the native scorer learns nothing with --no-classifier; leave that out, or name another scorer with --engine",
            ));
        };
        tokio::task::spawn_blocking(move || work(&memory))
            .await
            .unwrap_or_else(|_| {
                Err(Unknown::new(
                    UnknownKind::BadAnswer,
                    "a lesson failed (an internal error)",
                ))
            })
    }
}

impl Judge {
    fn scored(&self, mail: &Spool, found: &Found) -> Result<Scored, Unknown> {
        let message = whole(mail)?;
        let matcher = &self.grounds.matcher;
        let outcome = matcher.check_with(&Views::new(&message, matcher.view_settings()), found);
        self.note(&outcome);
        let (judgement, explanation) = self.judged(&message);
        let standing = self.grounds.people.standing(&message);
        let (mut hits, by_rules) = self.hits(&outcome, judgement.is_some());
        let total = total(by_rules, judgement.as_ref(), standing);
        hits.extend(standing.map(|standing| RuleHit {
            name: standing.name().to_owned(),
            score: Some(standing.points()),
            description: Some(standing.description().to_owned()),
        }));
        hits.extend(
            judgement
                .iter()
                .flat_map(|judgement| bayes_hits(judgement, total.learned)),
        );
        let required = matcher.rules().settings.required_score;
        Ok(Scored {
            learned: judgement.map(|judgement| Learned {
                probability: judgement.probability,
                points: total.learned,
                explanation,
            }),
            ..Scored::from(Verdict {
                score: total.score,
                required,
                spam: total.score >= required,
                hits,
            })
        })
    }

    fn judged(&self, message: &[u8]) -> (Option<Judgement>, Option<Box<Explanation>>) {
        let memory = self.grounds.memory.as_ref();
        if !self.explain {
            return (memory.and_then(|memory| memory.judge(message)), None);
        }
        let explained = memory.and_then(|memory| memory.explain(message));
        let judgement = explained.as_ref().map(|explained| explained.judgement.clone());
        (judgement, explained.map(Box::new))
    }

    /// The rules that hit, and the sum of their points. Rules that ask for another Bayes give way to what was learned here.
    fn hits(&self, outcome: &Outcome, learned: bool) -> (Vec<RuleHit>, Score) {
        let (matcher, mut score) = (&self.grounds.matcher, outcome.score);
        let rules = &matcher.rules().rules;
        let mut hits = Vec::with_capacity(outcome.hits.len());
        for hit in &outcome.hits {
            let Some(rule) = rules.get(hit.rule) else { continue };
            let sub_rule = rule.name.starts_with("__");
            let points = Score::from_points(matcher.points(hit.rule) * f64::from(hit.times));
            if learned && total::is_bayes(&rule.name) {
                score += Score(-points.unwrap_or_default().0);
            } else if self.sub_rules || !sub_rule {
                hits.push(RuleHit {
                    name: rule.name.clone(),
                    score: if sub_rule { Some(Score(0)) } else { points },
                    description: rule.description.clone(),
                });
            }
        }
        (hits, score)
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
        let matcher = &self.grounds.matcher;
        let off = matcher.switched_off();
        let limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
        let remark = |(rule, messages): (&usize, &u64)| {
            let name = &matcher.rules().rules.get(*rule)?.name;
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
        let trouble = self.grounds.memory.as_ref().and_then(Memory::trouble);
        let without =
            trouble.map(|why| format!("judged by the rules alone, without what was learned: {why}"));
        without
            .into_iter()
            .chain(limited.iter().filter_map(remark))
            .collect()
    }
}

fn no_thread(error: std::io::Error) -> Unknown {
    Unknown::new(UnknownKind::Outage, format!("cannot start a thread: {error}"))
}

/// As much of a message as is judged and learned.
fn whole(mail: &Spool) -> Result<bytes::Bytes, Unknown> {
    mail.prefix(MOST_BYTES).map_err(|error| {
        Unknown::new(
            UnknownKind::Outage,
            format!("a temporary file cannot be read: {error}"),
        )
    })
}

/// What was learned as SpamAssassin names it: the first name has the points.
fn bayes_hits(judgement: &Judgement, points: Score) -> impl Iterator<Item = RuleHit> {
    let description = format!(
        "Learned from {} ham and {} spam: {:.1} % spam",
        judgement.ham,
        judgement.spam,
        100.0 * judgement.probability
    );
    let points = std::iter::once(points).chain(std::iter::repeat(Score(0)));
    total::bayes_names(judgement.probability)
        .zip(points)
        .map(move |(name, points)| RuleHit {
            name: name.to_owned(),
            score: Some(points),
            description: Some(description.clone()),
        })
}

impl Scorer for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn score<'a>(&'a self, mail: &'a Spool, wish: Wish) -> BoxFuture<'a, Result<Scored, Unknown>> {
        Box::pin(async move {
            let scored = self.scored(mail).await?;
            match wish {
                Wish::Verdict => Ok(scored),
                Wish::Report => wrapped(scored, mail, self.name()).await,
            }
        })
    }

    fn teach<'a>(&'a self, mail: &'a Spool, class: Class) -> BoxFuture<'a, Result<Taught, Unknown>> {
        let mail = mail.clone();
        Box::pin(self.remembering(move |memory| {
            Ok(match memory.learn(&whole(&mail)?, class)? {
                Lesson::Learned | Lesson::Corrected => Taught::Learned,
                Lesson::AlreadyKnown => Taught::AlreadyKnown,
            })
        }))
    }

    fn settle(&self) -> BoxFuture<'_, Result<(), Unknown>> {
        Box::pin(async move {
            match self.judge.grounds.memory {
                Some(_) => self.remembering(Memory::save).await,
                None => Ok(()),
            }
        })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Unknown>> {
        // Whether others answer is another question.
        Box::pin(async move {
            let probe = PROBE.to_vec().into();
            self.scored_with(&probe, Found::default()).await.map(drop)
        })
    }

    fn remarks(&self) -> Vec<String> {
        let asked = self.network.iter().flat_map(Network::remarks);
        self.judge.remarks().into_iter().chain(asked).collect()
    }
}
