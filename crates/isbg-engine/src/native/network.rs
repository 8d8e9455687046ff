//! Has the questions of the network rules answered, round by round, until nothing more is to be asked. Does not know what
//! the rules ask, or how a name server is spoken to.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use isbg_lookups::auth::{Signatures, spf};
use isbg_lookups::dns::{Asker, Resolver};
use isbg_message::views::Views;
use isbg_rules::matcher::Matcher;
use isbg_rules::network::{Found, Plan, Subject};
use isbg_spool::Spool;
use isbg_types::auth::Authentication;
use isbg_types::dns::{Answer, Answers, Inquiry, Question};

use crate::Unknown;

use super::pool::Pool;
use super::whole;

/// More rounds than any honest message needs: a round follows one link in a chain of names, such as an SPF `include`.
const MOST_ROUNDS: usize = 64;

/// So many rules without an answer are named.
const MOST_NAMED: usize = 10;

/// Finds out what the network rules of a rule set have to say about messages.
#[derive(Debug)]
pub(super) struct Network {
    matcher: Arc<Matcher>,
    pool: Pool<Spool, Result<Option<Open>, Unknown>>,
    deadline: Duration,
    asker: Asker,
    /// Rules for which some answer was missing, with the number of messages.
    not_known: Mutex<BTreeMap<usize, u64>>,
}

/// What there is to find out about one message.
#[derive(Debug)]
struct Open {
    subject: Subject,
    signatures: Option<Signatures>,
}

impl Network {
    /// Starts threads of its own.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(
        matcher: Arc<Matcher>,
        resolver: Resolver,
        at_once: NonZeroUsize,
        deadline: Duration,
    ) -> std::io::Result<Self> {
        let reader = Arc::clone(&matcher);
        Ok(Self {
            pool: Pool::start(at_once, move |mail: &Spool| open(&reader, mail))?,
            matcher,
            deadline,
            asker: Asker::new(resolver),
            not_known: Mutex::default(),
        })
    }

    /// Finds out what the network rules say about a message, as far as answers come in time.
    ///
    /// # Errors
    /// When the message cannot be read.
    pub async fn find_out(&self, mail: &Spool) -> Result<Found, Unknown> {
        let open = self.pool.run(mail.clone(), self.deadline).await??;
        let (Some(open), Some(plan)) = (open, self.matcher.network()) else {
            return Ok(Found::default());
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let mut answers = Answers::new();
        let mut session = self.asker.begin();
        let mut rounds = 0;
        let found = loop {
            let (found, wanted) = self.round(&open, plan, now, &answers);
            rounds += 1;
            if wanted.is_empty() || rounds > MOST_ROUNDS {
                break found;
            }
            let (allowed, denied): (BTreeSet<Question>, BTreeSet<Question>) =
                wanted.into_iter().partition(|question| plan.allows(question));
            answers.extend(denied.into_iter().map(|question| (question, Answer::Denied)));
            session.settle(allowed, &mut answers).await;
        };
        for list in &found.refusing {
            self.asker.leave_alone(list, plan.block_time());
        }
        let mut not_known = self.not_known.lock().unwrap_or_else(PoisonError::into_inner);
        for rule in &found.not_known {
            *not_known.entry(*rule).or_default() += 1;
        }
        Ok(found)
    }

    fn round(&self, open: &Open, plan: &Plan, now: u64, answers: &Answers) -> (Found, BTreeSet<Question>) {
        let mut inquiry = Inquiry::new(answers);
        let mut authentication = Authentication::default();
        if plan.wants_spf() {
            let mut check = |request: Option<_>| request.and_then(|request| spf(&request, &mut inquiry));
            authentication.sender = check(open.subject.sender_request());
            authentication.helo = check(open.subject.helo_request());
        }
        if let Some(signatures) = &open.signatures {
            authentication.signatures = signatures.judge(now, &mut inquiry);
        }
        let found = self.matcher.ask(&open.subject, &authentication, &mut inquiry);
        (found, inquiry.wanted)
    }

    /// What the user should know, a sentence each.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = self.asker.remarks();
        let not_known = self.not_known.lock().unwrap_or_else(PoisonError::into_inner);
        let rules = &self.matcher.rules().rules;
        let named = not_known
            .iter()
            .filter_map(|(rule, messages)| Some((&rules.get(*rule)?.name, messages)));
        let mut named: Vec<(&String, &u64)> = named.filter(|(name, _)| !name.starts_with("__")).collect();
        named.sort_by_key(|(_, messages)| std::cmp::Reverse(**messages));
        if !named.is_empty() {
            let mut names: Vec<String> = named
                .iter()
                .map(|(name, messages)| format!("{name} ({messages})"))
                .collect();
            let more = names.len().saturating_sub(MOST_NAMED);
            names.truncate(MOST_NAMED);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            remarks.push(format!(
                "no answer came to what these network rules asked, on so many messages: {}{more}; whether they hit is not \
                 known",
                names.join(", ")
            ));
        }
        remarks
    }
}

fn open(matcher: &Matcher, mail: &Spool) -> Result<Option<Open>, Unknown> {
    let message = whole(mail)?;
    let views = Views::new(&message, matcher.view_settings());
    let wants_dkim = matcher.network().is_some_and(Plan::wants_dkim);
    let subject = matcher.subject(&views);
    Ok(subject.map(|subject| Open {
        subject,
        signatures: wants_dkim.then(|| Signatures::of(&message)),
    }))
}
