//! Questions about one message after another: remembered for a while, limited in number and time, and none to lists
//! that refuse to answer. Does not know what is asked for which rule.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use isbg_types::dns::{Answer, Answers, Data, Question, Reply};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::{DnsError, Resolver};

/// One message may have so many questions.
const MOST_QUESTIONS: usize = 400;

/// All answers about one message are waited for so long, and the less the more of them are there.
const PATIENCE: Duration = Duration::from_secs(15);
/// So long at least.
const LEAST_PATIENCE: Duration = Duration::from_secs(3);

/// So many answers are remembered, and none that is larger than so many bytes.
const MOST_REMEMBERED: usize = 20_000;
const LARGEST_REMEMBERED: usize = 4_096;

/// How long an answer is remembered, whatever its server says.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(3_600);
/// That there was no answer is remembered for so long: others need not wait for the same dead server.
const SILENCE: Duration = Duration::from_secs(60);

/// Asks for many messages at once. What one of them has learned serves all.
#[derive(Debug)]
pub struct Asker {
    resolver: Resolver,
    remembered: Mutex<HashMap<Question, (Instant, Answer)>>,
    refusing: Mutex<BTreeMap<String, Refusing>>,
}

#[derive(Debug, Clone, Copy)]
struct Refusing {
    until: Instant,
    times: u64,
}

impl Asker {
    /// Asks by way of this resolver.
    pub fn new(resolver: Resolver) -> Self {
        Self {
            resolver,
            remembered: Mutex::default(),
            refusing: Mutex::default(),
        }
    }

    /// Begins with a message: from now on its time runs.
    pub fn begin(&self) -> Session<'_> {
        Session {
            asker: self,
            started: Instant::now(),
            asked: 0,
            answered: 0,
            left: MOST_QUESTIONS,
        }
    }

    /// Leaves a list alone, and all names below it, for a while: it has said that it does not answer.
    pub fn leave_alone(&self, list: &str, how_long: Duration) {
        let mut refusing = lock(&self.refusing);
        let now = Instant::now();
        let entry = refusing
            .entry(list.to_owned())
            .or_insert(Refusing { until: now, times: 0 });
        if entry.until <= now {
            entry.times += 1;
        }
        entry.until = now + how_long;
    }

    /// What the user should know about lists that refused, a sentence each.
    pub fn remarks(&self) -> Vec<String> {
        let refusing = lock(&self.refusing);
        let lists = refusing.keys();
        lists
            .map(|list| {
                format!(
                    "the list {list} refuses to answer this machine's DNS server and was left alone for a while; whether \
                     its rules hit is not known"
                )
            })
            .collect()
    }

    /// What is known without asking.
    fn recall(&self, question: &Question) -> Option<Answer> {
        let now = Instant::now();
        let refusing = lock(&self.refusing);
        let refused = |domain: &str| refusing.get(domain).is_some_and(|refusing| refusing.until > now);
        if !refusing.is_empty() && question.domains().any(refused) {
            return Some(Answer::Silence);
        }
        drop(refusing);
        let remembered = lock(&self.remembered);
        let (until, answer) = remembered.get(question)?;
        (*until > now).then(|| answer.clone())
    }

    fn remember(&self, question: Question, answer: &Answer, how_long: Duration) {
        if size(answer) > LARGEST_REMEMBERED {
            return;
        }
        let now = Instant::now();
        let mut remembered = lock(&self.remembered);
        if remembered.len() >= MOST_REMEMBERED {
            remembered.retain(|_, (until, _)| *until > now);
            if remembered.len() >= MOST_REMEMBERED {
                remembered.clear();
            }
        }
        remembered.insert(question, (now + how_long, answer.clone()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn size(answer: &Answer) -> usize {
    let record = |record: &Data| match record {
        Data::A(_) | Data::Aaaa(_) => 16,
        Data::Mx { exchange: text, .. } | Data::Name(text) => text.len(),
        Data::Txt(text) => text.len(),
    };
    match answer {
        Answer::Reply(reply) => reply.records.iter().map(record).sum(),
        Answer::Silence | Answer::Denied => 0,
    }
}

/// How long is waited once these many of the questions have been answered: the more, the shorter.
fn patience(answered: usize, asked: usize) -> Duration {
    if asked == 0 {
        return PATIENCE;
    }
    let share = answered as f64 / asked as f64;
    LEAST_PATIENCE + (PATIENCE - LEAST_PATIENCE).mul_f64((1.0 - share * share).clamp(0.0, 1.0))
}

/// The questions about one message.
#[derive(Debug)]
pub struct Session<'a> {
    asker: &'a Asker,
    started: Instant,
    asked: usize,
    answered: usize,
    left: usize,
}

impl Session<'_> {
    /// Settles all of these questions: with replies, or with silence where none comes in time or too much is asked.
    pub async fn settle(&mut self, wanted: BTreeSet<Question>, answers: &mut Answers) {
        let mut under_way = JoinSet::new();
        for question in wanted {
            if let Some(answer) = self.asker.recall(&question) {
                answers.insert(question, answer);
                continue;
            }
            answers.insert(question.clone(), Answer::Silence);
            if self.left == 0 {
                continue;
            }
            self.left -= 1;
            self.asked += 1;
            let resolver = self.asker.resolver.clone();
            under_way.spawn(async move {
                let result = resolver.lookup(question.name(), question.kind()).await;
                (question, result)
            });
        }
        while !under_way.is_empty() {
            let deadline = self.started + patience(self.answered, self.asked);
            let Ok(next) = timeout_at(deadline, under_way.join_next()).await else {
                // Who has not answered by now will not be waited for by the next message either.
                return self.give_up(answers);
            };
            if let Some(Ok((question, result))) = next {
                self.answered += 1;
                let (answer, how_long) = read(result);
                self.asker.remember(question.clone(), &answer, how_long);
                answers.insert(question, answer);
            }
        }
    }

    fn give_up(&self, answers: &Answers) {
        let silent = answers.iter().filter(|(_, answer)| **answer == Answer::Silence);
        for (question, answer) in silent {
            if self.asker.recall(question).is_none() {
                self.asker.remember(question.clone(), answer, SILENCE);
            }
        }
    }
}

fn read(result: Result<super::Answer, DnsError>) -> (Answer, Duration) {
    match result {
        Ok(answer) => {
            let reply = Reply {
                exists: answer.exists,
                records: answer.records,
            };
            (Answer::Reply(reply), answer.ttl.clamp(SHORTEST, LONGEST))
        }
        Err(_) => (Answer::Silence, SILENCE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_answers_the_less_patience() {
        assert_eq!(patience(0, 10), PATIENCE);
        assert_eq!(patience(10, 10), LEAST_PATIENCE);
        assert!(patience(9, 10) < patience(5, 10) && patience(5, 10) < patience(1, 10));
        assert_eq!(patience(0, 0), PATIENCE);
    }
}
