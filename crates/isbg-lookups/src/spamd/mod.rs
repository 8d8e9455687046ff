//! A client of spamd, SpamAssassin's daemon, and of the servers that imitate it. Does not start or configure one.
//!
//! spamd answers one request a connection. A verdict comes from the protocol's `Spam:` line and from nowhere else.

mod answer;
mod talk;

use std::time::Duration;

use isbg_spool::Spool;
use isbg_types::{Class, RuleHit, Verdict};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::endpoint::connect;
use crate::{Endpoint, Unknown, UnknownKind};

use answer::{Head, bad};
use talk::Request;

/// The port that spamd listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 783;

/// How and where to ask.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where spamd listens.
    pub endpoint: Endpoint,
    /// Whose preferences and learning spamd is to use.
    pub user: Option<String>,
    /// Compress what is sent. Pays over a slow network only.
    pub compress: bool,
    /// So many requests at once; more wait here. As a rule the number of spamd's children.
    pub at_once: usize,
    /// For one request from connecting to the end of the answer.
    pub deadline: Duration,
}

impl Settings {
    /// For this endpoint: no user, not compressed, five at once (spamd's default number of children), and a
    /// deadline a little beyond the 300 s after which spamd gives up by itself.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            user: None,
            compress: false,
            at_once: 5,
            deadline: Duration::from_secs(310),
        }
    }
}

/// What is wanted of spamd for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// The verdict alone.
    Check,
    /// The verdict with the rules that hit.
    Symbols,
    /// The verdict and the report for people.
    Report,
    /// The verdict and the message as spamd rewrites it.
    Process,
    /// The verdict and the rewritten message's header.
    Headers,
}

/// spamd's answer about a message.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The verdict. Rules are listed for [`Verb::Symbols`] only, by name alone.
    pub verdict: Verdict,
    /// Report, rewritten message or its header, for the verbs that ask for one.
    pub body: Spool,
}

/// What spamd is to do with its Bayes database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lesson {
    /// Learn the message, in the other class's place where it was learned as that.
    Learn(Class),
    /// Forget that it ever learned the message.
    Forget,
}

/// A client. One for all requests; its methods may run at the same time.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    limit: Semaphore,
}

impl Client {
    /// A client that has not connected yet.
    ///
    /// # Errors
    /// When the user name holds something that spamd refuses.
    pub fn new(settings: Settings) -> Result<Self, Unknown> {
        if settings
            .user
            .as_ref()
            .is_some_and(|user| user.is_empty() || user.chars().any(char::is_control))
        {
            let detail = "the user name for spamd is empty or has control characters";
            return Err(Unknown::new(UnknownKind::Refused, detail));
        }
        let limit = Semaphore::new(settings.at_once.clamp(1, Semaphore::MAX_PERMITS));
        Ok(Self { settings, limit })
    }

    /// Whether spamd answers at all. Scores nothing, and does not wait for other requests.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), Unknown> {
        let request = Request::new("PING");
        self.ask_within_deadline(&request, 0).await.map(|_| ())
    }

    /// Has a message scored.
    ///
    /// # Errors
    /// When there is no verdict.
    pub async fn ask(&self, verb: Verb, mail: &Spool) -> Result<Answer, Unknown> {
        // spamd puts a report and the original into a message of its own; no header or report is larger than this.
        let (name, most) = match verb {
            Verb::Check => ("CHECK", 0),
            Verb::Symbols => ("SYMBOLS", 256 * 1024),
            Verb::Report => ("REPORT", 1024 * 1024),
            Verb::Process => (
                "PROCESS",
                mail.len().saturating_mul(2).saturating_add(1024 * 1024),
            ),
            Verb::Headers => ("HEADERS", 4 * 1024 * 1024),
        };
        let (head, body) = self.send(Request::new(name), mail, most).await?;
        let mut verdict = head
            .verdict
            .ok_or_else(|| bad("there is no verdict in it".into()))?;
        if verb == Verb::Symbols {
            let text = body.prefix(usize::MAX).map_err(|error| temporary(&error))?;
            verdict.hits = rules(&String::from_utf8_lossy(&text));
        }
        Ok(Answer { verdict, body })
    }

    /// Teaches spamd. Whether that changed anything; if not, it had the message in that class already, or could
    /// learn nothing from it.
    ///
    /// # Errors
    /// When it is not certain that the lesson was taken in; [`UnknownKind::Refused`] where spamd runs without
    /// `--allow-tell`.
    pub async fn tell(&self, mail: &Spool, lesson: Lesson) -> Result<bool, Unknown> {
        let mut request = Request::new("TELL");
        match lesson {
            Lesson::Learn(class) => {
                request.header("Message-class", if class == Class::Spam { "spam" } else { "ham" });
                request.header("Set", "local");
            }
            Lesson::Forget => request.header("Remove", "local"),
        }
        let (head, _) = self.send(request, mail, 0).await?;
        Ok(match lesson {
            Lesson::Learn(_) => head.did_set,
            Lesson::Forget => head.did_remove,
        })
    }

    async fn send(&self, mut request: Request, mail: &Spool, most: u64) -> Result<(Head, Spool), Unknown> {
        if let Some(user) = &self.settings.user {
            request.header("User", user);
        }
        request
            .attach(mail, self.settings.compress)
            .await
            .map_err(|error| temporary(&error))?;
        let _turn = self.limit.acquire().await;
        self.ask_within_deadline(&request, most).await
    }

    async fn ask_within_deadline(&self, request: &Request, most: u64) -> Result<(Head, Spool), Unknown> {
        let conversation = async {
            let stream = connect(&self.settings.endpoint, "spamd").await?;
            talk::converse(stream, request, most).await
        };
        timeout(self.settings.deadline, conversation)
            .await
            .unwrap_or_else(|_| {
                let seconds = self.settings.deadline.as_secs();
                Err(Unknown::new(
                    UnknownKind::Timeout,
                    format!("spamd did not answer within {seconds} s"),
                ))
            })
    }
}

/// The names that SYMBOLS lists, with commas between them.
fn rules(text: &str) -> Vec<RuleHit> {
    text.split([',', '\r', '\n'])
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| RuleHit {
            name: name.to_owned(),
            score: None,
            description: None,
        })
        .collect()
}

fn temporary(error: &std::io::Error) -> Unknown {
    Unknown::new(UnknownKind::Outage, format!("a temporary file failed: {error}"))
}
