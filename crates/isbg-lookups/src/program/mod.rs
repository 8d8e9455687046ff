//! The programs `spamassassin` and `sa-learn`, started anew for each message. Does not configure SpamAssassin beyond
//! one header field by which it tells the verdict.

mod answer;
mod process;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use isbg_spool::Spool;
use isbg_types::{Class, Verdict};
use tokio::sync::Semaphore;

use crate::{Unknown, UnknownKind};
use answer::{Field, learned};
use process::Job;

/// The status by which `spamassassin --exit-code` says spam.
const SPAM_STATUS: i32 = 5;

/// Which programs, and how they are run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program that scores: a path, or a name to be found in `PATH`.
    pub spamassassin: PathBuf,
    /// The program that learns, likewise.
    pub sa_learn: PathBuf,
    /// Further arguments for both, such as `--local` or `--prefspath=FILE`.
    pub arguments: Vec<OsString>,
    /// So many messages are scored at once. Learning is done one by one, as the programs lock their database.
    pub at_once: usize,
    /// For one message. A program that takes longer is killed with all its children.
    pub deadline: Duration,
}

impl Default for Settings {
    /// The installed programs without further arguments, one message at a time for each processor, and a deadline a
    /// little beyond SpamAssassin's own `time_limit` of 300 s.
    fn default() -> Self {
        Self {
            spamassassin: "spamassassin".into(),
            sa_learn: "sa-learn".into(),
            arguments: Vec::new(),
            at_once: std::thread::available_parallelism().map_or(1, Into::into),
            deadline: Duration::from_secs(310),
        }
    }
}

impl Settings {
    /// Whether the program that scores is there.
    pub fn installed(&self) -> bool {
        if self.spamassassin.components().count() > 1 {
            return self.spamassassin.is_file();
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| {
            let mut program = folder.join(&self.spamassassin).into_os_string();
            program.push(std::env::consts::EXE_SUFFIX);
            PathBuf::from(program).is_file()
        })
    }
}

/// SpamAssassin's answer about a message.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The verdict, with each rule's score.
    pub verdict: Verdict,
    /// The message as SpamAssassin rewrites it.
    pub rewritten: Spool,
}

/// A way to the programs. One for all messages; its methods may run at the same time.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    scoring: Semaphore,
    learning: Semaphore,
}

impl Client {
    /// Starts nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            scoring: Semaphore::new(settings.at_once.clamp(1, Semaphore::MAX_PERMITS)),
            learning: Semaphore::new(1),
            settings,
        }
    }

    /// Has a message scored.
    ///
    /// The verdict needs two witnesses: the exit status, and a field that the program was told to add to the header,
    /// under a name that nobody outside can know. Nothing that the message itself says about scores is looked at.
    ///
    /// # Errors
    /// When there is no verdict: the program is missing, crashed, ran into the deadline, or its witnesses disagree.
    pub async fn check(&self, mail: &Spool) -> Result<Answer, Unknown> {
        let field = Field::new();
        let mut arguments: Vec<OsString> = vec![
            "--exit-code".into(),
            format!("--cf={}", field.configuration()).into(),
        ];
        arguments.extend_from_slice(&self.settings.arguments);
        let job = Job {
            program: &self.settings.spamassassin,
            arguments,
            input: mail,
            most_output: mail.len().saturating_mul(2).saturating_add(1024 * 1024),
            deadline: self.settings.deadline,
        };
        let done = {
            let _turn = self.scoring.acquire().await;
            job.run().await?
        };
        let spam = match done.status.code() {
            Some(0) => false,
            Some(SPAM_STATUS) => true,
            _ => {
                return Err(bad(format!(
                    "spamassassin failed on this message ({})",
                    done.story()
                )));
            }
        };
        let answer = field.take(&done.output).map_err(|error| {
            Unknown::new(UnknownKind::Outage, format!("a temporary file failed: {error}"))
        })?;
        match answer {
            Some((verdict, rewritten)) if verdict.spam == spam => Ok(Answer { verdict, rewritten }),
            Some(_) => Err(bad(
                "spamassassin's exit status and its header field disagree".into()
            )),
            None => Err(bad(format!(
                "spamassassin did not add the header field that it was told to ({}); see whether `spamassassin --lint` \
                 complains",
                done.story()
            ))),
        }
    }

    /// Teaches SpamAssassin's Bayes database. Whether that changed anything; if not, it had the message in that class
    /// already, or could learn nothing from it.
    ///
    /// # Errors
    /// When it is not certain that the lesson was taken in.
    pub async fn learn(&self, mail: &Spool, class: Class) -> Result<bool, Unknown> {
        let mut arguments: Vec<OsString> = vec![
            if class == Class::Spam { "--spam" } else { "--ham" }.into(),
            "--max-size=0".into(),
        ];
        arguments.extend_from_slice(&self.settings.arguments);
        let job = Job {
            program: &self.settings.sa_learn,
            arguments,
            input: mail,
            most_output: 64 * 1024,
            deadline: self.settings.deadline,
        };
        let done = {
            let _turn = self.learning.acquire().await;
            job.run().await?
        };
        if done.status.success() {
            let output = done.output.prefix(usize::MAX).unwrap_or_default();
            if let Some(learned) = learned(&String::from_utf8_lossy(&output)) {
                return Ok(learned);
            }
        }
        let off = done.complaint.contains("use_bayes 0");
        let kind = if off {
            UnknownKind::Refused
        } else {
            UnknownKind::BadAnswer
        };
        Err(Unknown::new(
            kind,
            format!("sa-learn did not learn this message ({})", done.story()),
        ))
    }
}

fn bad(detail: String) -> Unknown {
    Unknown::new(UnknownKind::BadAnswer, detail)
}
