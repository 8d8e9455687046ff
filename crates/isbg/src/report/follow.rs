//! Follows one account's run and tells of it: progress, a line or record for every message, warnings. Does not change
//! the run's course.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;
use isbg_message::Summary;
use isbg_scan::{Decision, Event, Observer, Phase};
use isbg_types::{Class, FolderName, Uid, Untrusted, Verdict};

use super::json::Message;
use super::{Record, Terminal, lines, progress};
use crate::settled::Output;

/// More kinds of trouble are not told of in one run.
const TROUBLES: usize = 20;

/// Tells of one account's run.
pub struct Follower<'a> {
    terminal: &'a Terminal,
    account: &'a str,
    output: Output,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bar: Option<ProgressBar>,
    /// Judged messages of which it is not known yet what was done, by folder and UID.
    pending: BTreeMap<(FolderName, Uid), Pending>,
    /// Troubles told of already: one line is enough for a thousand messages.
    told: BTreeSet<String>,
}

struct Pending {
    summary: Summary,
    verdict: Verdict,
    decision: Decision,
}

impl<'a> Follower<'a> {
    /// Follows the run of the account of this name.
    pub fn new(terminal: &'a Terminal, account: &'a str, output: Output) -> Self {
        Self {
            terminal,
            account,
            output,
            state: Mutex::default(),
        }
    }

    /// A line or record for every message is wanted.
    fn tells_messages(&self) -> bool {
        self.output.verbose || self.output.json
    }

    /// The end of the run: what was decided and not carried out was held back.
    pub fn finish(&self) {
        let mut state = self.state();
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        for ((folder, uid), pending) in std::mem::take(&mut state.pending) {
            let would = format!("would {}", lines::intended(&pending.decision.treatment));
            self.message(&folder, uid, &pending, "held_back", None, Some(&would));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, text: &str) {
        if self.output.verbose {
            self.terminal.say(text);
        }
    }

    /// Something that went wrong with a message, where no line of its own tells it.
    fn trouble(&self, why: Option<&str>) {
        let Some(why) = why.filter(|_| !self.output.verbose) else {
            return;
        };
        let mut state = self.state();
        if state.told.len() < TROUBLES && state.told.insert(why.to_owned()) {
            drop(state);
            self.terminal.warn(&Untrusted(why).to_string());
        }
    }

    fn record(&self, record: Record<'_>) {
        if self.output.json {
            self.terminal.record(&record);
        }
    }

    fn message(
        &self,
        folder: &FolderName,
        uid: Uid,
        known: &Pending,
        action: &'static str,
        to: Option<&FolderName>,
        why: Option<&str>,
    ) {
        let to = to.map(FolderName::as_str);
        let tier = known.decision.tier;
        let told = lines::outcome(action, to, why);
        let place = lines::place(folder.as_str(), uid.get());
        self.line(&lines::judged(
            &place,
            &known.summary,
            &known.verdict,
            tier,
            &told,
        ));
        self.record(Record::Message(Message {
            account: self.account,
            folder: folder.as_str(),
            uid: uid.get(),
            from: &known.summary.from,
            subject: &known.summary.subject,
            date: &known.summary.date,
            message_id: &known.summary.message_id,
            verdict: tier.as_str(),
            score: known.verdict.score,
            required: known.verdict.required,
            rules: &known.verdict.hits,
            action,
            to,
            why,
        }));
    }

    fn planned(&self, phase: Phase, folder: &FolderName, messages: u64) {
        let mut state = self.state();
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        state.bar = progress::bar(self.terminal, phase, folder, messages);
    }

    fn tick(&self) {
        if let Some(bar) = &self.state().bar {
            bar.inc(1);
        }
    }

    fn judged(&self, folder: &FolderName, uid: Uid, known: Pending) {
        if !self.tells_messages() {
            return;
        }
        if known.decision.treatment.is_leave() {
            let why = known.decision.spared.map(lines::spared);
            self.message(folder, uid, &known, "left", None, why);
        } else {
            self.state().pending.insert((folder.clone(), uid), known);
        }
    }

    fn settled(
        &self,
        folder: &FolderName,
        uid: Uid,
        action: &'static str,
        to: Option<&FolderName>,
        why: Option<&str>,
    ) {
        let known = self.state().pending.remove(&(folder.clone(), uid));
        match known {
            Some(known) => self.message(folder, uid, &known, action, to, why),
            None => {
                let to = to.map(FolderName::as_str);
                let told = lines::outcome(action, to, why);
                self.line(&format!("{}  {told}", lines::place(folder.as_str(), uid.get())));
                let (account, folder, uid) = (self.account, folder.as_str(), uid.get());
                self.record(Record::Treated {
                    account,
                    folder,
                    uid,
                    action,
                    to,
                    why,
                });
            }
        }
    }
}

impl Observer for Follower<'_> {
    fn event(&self, event: Event<'_>) {
        let account = self.account;
        match event {
            Event::Planned {
                phase,
                folder,
                messages,
            } => self.planned(phase, folder, messages),
            Event::Answered => self.tick(),
            Event::TooLarge {
                folder,
                uid,
                size,
                summary,
            } => {
                let (name, number) = (folder.as_str(), uid.get());
                self.line(&lines::too_large(&lines::place(name, number), summary, size));
                let (from, subject) = (&summary.from, &summary.subject);
                self.record(Record::TooLarge {
                    account,
                    folder: name,
                    uid: number,
                    from,
                    subject,
                    size,
                });
            }
            Event::Judged {
                folder,
                uid,
                summary,
                verdict,
                decision,
            } => {
                let (summary, verdict, decision) = (summary.clone(), verdict.clone(), decision.clone());
                self.judged(
                    folder,
                    uid,
                    Pending {
                        summary,
                        verdict,
                        decision,
                    },
                );
            }
            Event::Unknown { folder, uid, detail } => {
                let (name, number) = (folder.as_str(), uid.get());
                self.line(&format!(
                    "{}  unknown: {}",
                    lines::place(name, number),
                    Untrusted(detail)
                ));
                self.record(Record::Unknown {
                    account,
                    folder: name,
                    uid: number,
                    why: detail,
                });
            }
            Event::Learned { folder, uid, new } => {
                let (name, number) = (folder.as_str(), uid.get());
                let what = if new { "learned" } else { "known already" };
                self.line(&format!("{}  {what}", lines::place(name, number)));
                self.record(Record::Learned {
                    account,
                    folder: name,
                    uid: number,
                    new,
                });
            }
            Event::Corrected {
                folder,
                uid,
                class,
                taught,
            } => {
                let (name, number) = (folder.as_str(), uid.get());
                let action = lines::taught(taught);
                self.line(&format!(
                    "{}  moved by you, so {}: {}",
                    lines::place(name, number),
                    if class == Class::Ham { "ham" } else { "spam" },
                    action.replace('_', " ")
                ));
                self.record(Record::Corrected {
                    account,
                    folder: name,
                    uid: number,
                    class,
                    action,
                });
            }
            Event::Done {
                folder,
                uid,
                what,
                to,
                note,
            } => {
                self.trouble(note);
                self.settled(folder, uid, what, to, note);
            }
            Event::Yielded { folder, uid, why } => self.settled(folder, uid, "left", None, Some(why)),
            Event::NotDone { folder, uid, why } => {
                self.trouble(Some(why));
                self.settled(folder, uid, "failed", None, Some(why));
            }
            Event::Recovered { dropped, settled } => {
                let text = lines::recovered(dropped, settled);
                self.terminal.warn(&text);
                self.record(Record::Warning { account, text: &text });
            }
            Event::Warning(text) => {
                self.terminal.warn(&Untrusted(text).to_string());
                self.record(Record::Warning { account, text });
            }
        }
    }
}
