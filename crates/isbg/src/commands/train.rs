//! `isbg train`: teaches the native scorer from mail that is here, takes lessons back, and rolls the model back. Touches
//! no mailbox; does not know how a model learns.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use indicatif::ProgressBar;
use isbg_classifier::{Lesson, Model};
use isbg_engine::{MOST_BYTES, Memory, Unknown};
use isbg_message::{header, recipients};
use isbg_store::Store;
use isbg_types::{Class, Untrusted};
use jiff::Timestamp;
use serde::Serialize;

use crate::args::Train;
use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::model;
use crate::report::{Terminal, bytes_bar};
use crate::settled;

use super::sources::{Message, Sources};
use super::{failures, print};

/// So many lessons are saved at once.
const LESSONS: u64 = 1_000;

/// So many messages that could not be read are named.
const NAMED: u64 = 10;

/// What came of it. The keys are a contract, listed in `docs/json.md`.
#[derive(Debug, Default, Serialize)]
struct Counts {
    model: String,
    /// Learned just now.
    learned_ham: u64,
    learned_spam: u64,
    /// Of these, learned as the other class before.
    corrected: u64,
    already_known: u64,
    forgotten: u64,
    unreadable: u64,
    correspondents: usize,
    rolled_back_to: Option<String>,
    /// Known to the model now.
    ham: u32,
    spam: u32,
}

/// Does what is asked for, and tells the counts.
///
/// # Errors
/// With status 12 when there is a model that cannot be used; else when it, or the state, cannot be saved.
pub fn train(typed: &Train, around: &Environment, terminal: &Terminal) -> Result<Status> {
    let state_dir = settled::state_dir(&typed.state, around)?;
    let name = typed.model.as_deref().unwrap_or(model::DEFAULT);
    let mut counts = Counts {
        model: name.to_owned(),
        ..Counts::default()
    };
    if typed.rollback {
        counts.rolled_back_to = Some(roll_back(&state_dir, name)?);
    }
    let memory = usable(&state_dir, name)?;
    let mut lessons = Lessons {
        memory: &memory,
        terminal,
        bar: None,
        counts: &mut counts,
        unsaved: 0,
    };
    lessons.forget(&expanded(&typed.forget, around))?;
    lessons.learn(&expanded(&typed.spam, around), &expanded(&typed.ham, around))?;
    lessons.save()?;
    let sent = expanded(&typed.sent, around);
    if !sent.is_empty() {
        counts.correspondents = note_sent(&sent, &state_dir, terminal, &mut counts.unreadable)?;
    }
    [counts.ham, counts.spam] = memory.labels();
    let status = match counts.unreadable {
        0 => Status::Fine,
        _ => Status::Other,
    };
    match typed.json {
        true => print(&(serde_json::to_string(&counts)? + "\n"))?,
        false => print(&counts.text())?,
    };
    Ok(status)
}

fn expanded(paths: &[PathBuf], around: &Environment) -> Vec<PathBuf> {
    paths.iter().map(|path| around.expanded(path.clone())).collect()
}

/// The model, or that there is none yet.
fn usable(state_dir: &Path, name: &str) -> Result<Memory, Failure> {
    let memory = model::memory(state_dir, name)
        .ok_or_else(|| Failure::new(Status::BadArguments, "there is no folder to keep a model in"))?;
    match memory.trouble() {
        None => Ok(memory),
        Some(why) => {
            Err(Failure::new(Status::Scorer, why).hint("isbg train --rollback goes back to a snapshot"))
        }
    }
}

/// Puts the newest sound snapshot in the model's place. Gives its time.
fn roll_back(state_dir: &Path, name: &str) -> Result<String, Failure> {
    let nothing = || {
        Failure::new(
            Status::Other,
            format!("there is no snapshot of the model {name} to go back to"),
        )
    };
    let file = model::file(state_dir, name).ok_or_else(nothing)?;
    let locked = file.lock(model::PATIENCE).map_err(failures::of_store)?;
    loop {
        let time = locked
            .roll_back()
            .map_err(failures::of_store)?
            .ok_or_else(nothing)?;
        let bytes = locked.read().map_err(failures::of_store)?.unwrap_or_default();
        if Model::from_bytes(&bytes).is_ok() {
            return Ok(Timestamp::from_second(time.0).map_or_else(|_| String::new(), |time| time.to_string()));
        }
    }
}

struct Lessons<'a> {
    memory: &'a Memory,
    terminal: &'a Terminal,
    bar: Option<ProgressBar>,
    counts: &'a mut Counts,
    unsaved: u64,
}

impl Lessons<'_> {
    fn forget(&mut self, paths: &[PathBuf]) -> Result<()> {
        for message in messages(paths).into_iter().flatten() {
            if let Some(mail) = self.read(&message)
                && self.memory.unlearn(&mail).map_err(|why| failed(&why))?.is_some()
            {
                self.counts.forgotten += 1;
                self.another()?;
            }
        }
        Ok(())
    }

    /// Learns both classes in turn, the surplus of spam before and that of ham after. A model that was taught one class
    /// after the other believes the last too much, and spam that comes last makes it mistake ham.
    fn learn(&mut self, spam: &[PathBuf], ham: &[PathBuf]) -> Result<()> {
        let [mut spam, mut ham] = [Waiting::new(Class::Spam, spam), Waiting::new(Class::Ham, ham)];
        self.bar = bytes_bar(self.terminal, spam.bytes() + ham.bytes());
        loop {
            let turn = if spam.left >= ham.left {
                [&mut spam, &mut ham]
            } else {
                [&mut ham, &mut spam]
            };
            let Some((class, message)) = turn.into_iter().find_map(Waiting::next) else {
                break;
            };
            self.one(class, &message)?;
        }
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        Ok(())
    }

    fn one(&mut self, class: Class, message: &Message) -> Result<()> {
        let Some(mail) = self.read(message) else {
            return Ok(());
        };
        if let Some(bar) = &self.bar {
            bar.inc(mail.len() as u64);
        }
        let lesson = self.memory.learn(&mail, class).map_err(|why| failed(&why))?;
        match lesson {
            Lesson::AlreadyKnown => {
                self.counts.already_known += 1;
                return Ok(());
            }
            Lesson::Corrected => self.counts.corrected += 1,
            Lesson::Learned => {}
        }
        match class {
            Class::Ham => self.counts.learned_ham += 1,
            Class::Spam => self.counts.learned_spam += 1,
        }
        self.another()
    }

    /// As much of a message as is learned; `None`, and the user is told, where it cannot be read.
    fn read(&mut self, message: &Message) -> Option<Vec<u8>> {
        let bytes = message.mail.as_ref().map_err(ToString::to_string);
        match bytes.and_then(|mail| mail.prefix(MOST_BYTES).map_err(|error| error.to_string())) {
            Ok(bytes) => Some(bytes.to_vec()),
            Err(why) => {
                unreadable(message, &why, self.terminal, &mut self.counts.unreadable);
                None
            }
        }
    }

    fn another(&mut self) -> Result<()> {
        self.unsaved += 1;
        if self.unsaved < LESSONS {
            Ok(())
        } else {
            self.save()
        }
    }

    fn save(&mut self) -> Result<()> {
        self.unsaved = 0;
        Ok(self
            .memory
            .save()
            .map_err(|why| Failure::new(Status::Other, why.to_string()))?)
    }
}

/// The messages of one class that are still to come.
struct Waiting {
    class: Class,
    from: Option<Sources>,
    left: u64,
}

impl Waiting {
    fn new(class: Class, paths: &[PathBuf]) -> Self {
        let from = messages(paths);
        Self {
            class,
            left: from.as_ref().map_or(0, Sources::count),
            from,
        }
    }

    fn bytes(&self) -> u64 {
        self.from.as_ref().map_or(0, |from| from.bytes)
    }

    fn next(&mut self) -> Option<(Class, Message)> {
        self.left = self.left.saturating_sub(1);
        Some((self.class, self.from.as_mut()?.next()?))
    }
}

/// No path is no mail: standard input has to be named here.
fn messages(paths: &[PathBuf]) -> Option<Sources> {
    (!paths.is_empty()).then(|| Sources::of(paths))
}

/// Notes whom these messages were written to; gives how many are known for the first time.
fn note_sent(paths: &[PathBuf], state_dir: &Path, terminal: &Terminal, failed: &mut u64) -> Result<usize> {
    let mut addresses = BTreeSet::new();
    for message in messages(paths).into_iter().flatten() {
        let start = message.mail.as_ref().map_err(ToString::to_string);
        match start.and_then(|mail| mail.prefix(MOST_BYTES).map_err(|error| error.to_string())) {
            Ok(start) => addresses.extend(recipients(header::split(&start).0)),
            Err(why) => unreadable(&message, &why, terminal, failed),
        }
    }
    let mut store = Store::open(state_dir).map_err(failures::of_store)?;
    let added = store.add_correspondents(addresses.iter().map(String::as_str), SystemTime::now().into());
    Ok(added.map_err(failures::of_store)?)
}

fn unreadable(message: &Message, why: &str, terminal: &Terminal, count: &mut u64) {
    *count += 1;
    if *count <= NAMED {
        terminal.warn(&format!(
            "{}: cannot be read: {}",
            Untrusted(&message.path),
            Untrusted(why)
        ));
    }
}

fn failed(why: &Unknown) -> Failure {
    Failure::new(Status::Scorer, why.to_string())
}

impl Counts {
    fn text(&self) -> String {
        let mut lines = Vec::new();
        if let Some(time) = &self.rolled_back_to {
            lines.push(format!("the model {} is again as it was at {time}", self.model));
        }
        if self.forgotten > 0 {
            lines.push(format!("lessons taken back: {}", self.forgotten));
        }
        if self.learned_spam + self.learned_ham + self.already_known > 0 {
            let mut line = format!("learned {} spam and {} ham", self.learned_spam, self.learned_ham);
            let aside = [
                (self.corrected, "learned as the other class before"),
                (self.already_known, "known already"),
            ];
            for (count, what) in aside.into_iter().filter(|(count, _)| *count > 0) {
                line.push_str(&format!("; {count} {what}"));
            }
            lines.push(line);
        }
        if self.correspondents > 0 {
            lines.push(format!(
                "correspondents known for the first time: {}",
                self.correspondents
            ));
        }
        if self.unreadable > 0 {
            lines.push(format!("messages that could not be read: {}", self.unreadable));
        }
        lines.push(format!(
            "the model {} knows {} spam and {} ham",
            self.model, self.spam, self.ham
        ));
        lines.join("\n") + "\n"
    }
}
