//! `isbg check`: judges mail that is here, in the order it is given. Touches no mailbox and changes no state.

use std::io;
use std::path::Path;

use anyhow::Result;
use futures_util::StreamExt;
use futures_util::stream;
use indicatif::ProgressBar;
use isbg_engine::{Consequence, Learned, Scored, Scorer, Unknown, UnknownKind, Wish, consequence};
use isbg_types::{RuleHit, Score, Thresholds, Tier, Untrusted};
use serde::Serialize;

use crate::args::Check;
use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::report::{Terminal, bytes_bar};
use crate::secrets::Keeper;
use crate::settled;

use super::explained;
use super::scorer::{self, Chosen, Detail};
use super::sources::{Message, Sources};

/// So many messages for each that is judged are read ahead: what is printed waits for its turn, the scorer need not.
const AHEAD: usize = 4;

/// Columns for a rule's description.
const DESCRIPTION: usize = 100;

/// Judges all messages and prints a line, or a record, for each.
///
/// # Errors
/// When the options contradict one another, or the scorer does not work.
pub fn check(typed: &Check, around: &Environment, terminal: &Terminal) -> Result<Status> {
    let limits = Thresholds {
        required: typed.scorer.required_score,
        unsure: typed.unsure_band.map(|band| (band.0, band.1)),
        certain_above: typed.deletehigherthan,
    };
    settled::check_thresholds(&limits)?;
    let wish = settled::scorer(&typed.scorer, typed.cafile.clone(), around)?;
    // Without a home there is no model, and mail is judged all the same.
    let state_dir = settled::state_dir(&typed.state, around).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let keeper = Keeper {
            around,
            state_dir: &state_dir,
        };
        let detail = Detail {
            sub_rules: typed.all_hits,
            explain: typed.verbose,
        };
        let chosen = scorer::chosen(&wish, detail, keeper).await?;
        if typed.all_hits && chosen.rule_set.is_none() {
            return Err(Failure::arguments("--all-hits needs the native scorer; others do not tell").into());
        }
        if let Some(remark) = &chosen.remark {
            terminal.warn(remark);
        }
        let sources = Sources::of(&typed.paths);
        let printer = Printer {
            terminal,
            bar: bytes_bar(terminal, sources.bytes),
            chosen: &chosen,
            limits,
            json: typed.json,
            verbose: typed.verbose || typed.all_hits,
        };
        printer.all(sources, wish.jobs.get().saturating_mul(AHEAD)).await
    })
}

/// What became of a message.
type Answer = std::result::Result<Scored, Unknown>;

struct Printer<'a> {
    terminal: &'a Terminal,
    bar: Option<ProgressBar>,
    chosen: &'a Chosen,
    limits: Thresholds,
    json: bool,
    verbose: bool,
}

/// A message's record. Its keys are a contract, listed in `docs/json.md`.
#[derive(Serialize)]
struct Record<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a Path>,
    verdict: &'static str,
    score: Option<Score>,
    required: Option<Score>,
    engine: &'static str,
    rules: &'a [RuleHit],
    classifier: Option<Classifier>,
    rule_set: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// The classifier's part in a verdict.
#[derive(Serialize)]
struct Classifier {
    probability: f64,
    points: Score,
}

impl From<&Learned> for Classifier {
    fn from(learned: &Learned) -> Self {
        Self {
            probability: learned.probability,
            points: learned.points,
        }
    }
}

impl Printer<'_> {
    async fn all(&self, sources: Sources, ahead: usize) -> Result<Status> {
        let scorer = &*self.chosen.scorer;
        let mut answers = stream::iter(sources)
            .map(|message| async move {
                let answer = judge(scorer, &message).await;
                (message, answer)
            })
            .buffered(ahead);
        let mut status = Status::Fine;
        while let Some((message, answer)) = answers.next().await {
            let (told, one) = match &answer {
                Ok(scored) => self.verdict(&message, scored),
                Err(why) => {
                    let status = if message.mail.is_ok() {
                        Status::Scorer
                    } else {
                        Status::Other
                    };
                    (self.unknown(&message, &why.detail), status)
                }
            };
            status = status.and(one);
            if let Some(bar) = &self.bar {
                bar.inc(message.mail.as_ref().map_or(0, isbg_spool::Spool::len));
            }
            match told {
                // Whoever reads has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(status),
                told => told?,
            }
            if let (Err(why), true) = (&answer, message.mail.is_ok())
                && let Consequence::Stop(outage) = consequence(scorer, why).await
            {
                return Err(Failure::new(Status::Scorer, outage.to_string()).into());
            }
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        for remark in scorer.remarks() {
            self.terminal.warn(&remark);
        }
        Ok(status)
    }

    fn verdict(&self, message: &Message, scored: &Scored) -> (io::Result<()>, Status) {
        let verdict = &scored.verdict;
        let tier = verdict.tier(&self.limits);
        let required = self.limits.required.unwrap_or(verdict.required);
        let status = match tier {
            Tier::Ham | Tier::Unsure => Status::Fine,
            Tier::Spam | Tier::Certain => Status::Found,
        };
        if self.json {
            let record = Record {
                verdict: tier.as_str(),
                score: Some(verdict.score),
                required: Some(required),
                rules: &verdict.hits,
                classifier: scored.learned.as_ref().map(Classifier::from),
                ..self.record(message)
            };
            return (self.json(&record), status);
        }
        let score = format!("{}/{required}", verdict.score);
        let mut text = format!("{:<7} {score:>12}  {}", tier.as_str(), name(message));
        for hit in verdict.hits.iter().filter(|_| self.verbose) {
            let points = hit.score.map(|score| score.to_string()).unwrap_or_default();
            let description = Untrusted(hit.description.as_deref().unwrap_or_default()).clipped(DESCRIPTION);
            let name = Untrusted(&hit.name).to_string();
            let line = format!("{points:>20}  {name:<28}  {description}");
            text.push('\n');
            text.push_str(line.trim_end());
        }
        if let Some(explanation) = scored
            .learned
            .as_ref()
            .and_then(|learned| learned.explanation.as_ref())
        {
            text.push_str(&explained::lines(explanation));
        }
        (self.terminal.print(&text), status)
    }

    fn unknown(&self, message: &Message, why: &str) -> io::Result<()> {
        if self.json {
            return self.json(&Record {
                why: Some(why),
                ..self.record(message)
            });
        }
        let text = format!("{:<20}  {}: {}", "unknown", name(message), Untrusted(why));
        self.terminal.print(&text)
    }

    fn record<'a>(&'a self, message: &'a Message) -> Record<'a> {
        Record {
            path: &message.path,
            file: message.file.as_deref(),
            verdict: "unknown",
            score: None,
            required: None,
            engine: self.chosen.scorer.name(),
            rules: &[],
            classifier: None,
            rule_set: self.chosen.rule_set.as_deref(),
            why: None,
        }
    }

    fn json(&self, record: &Record<'_>) -> io::Result<()> {
        self.terminal.print(&serde_json::to_string(record)?)
    }
}

async fn judge(scorer: &dyn Scorer, message: &Message) -> Answer {
    match &message.mail {
        Ok(mail) => scorer.score(mail, Wish::Verdict).await,
        Err(error) => Err(Unknown::new(
            UnknownKind::BadAnswer,
            format!("cannot be read: {error}"),
        )),
    }
}

/// A message's name for people: in a folder, its file's.
fn name(message: &Message) -> String {
    match &message.file {
        Some(file) => crate::secrets::shown(file),
        None => Untrusted(&message.path).to_string(),
    }
}
