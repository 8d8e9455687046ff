//! One simulated mailbox: its user on the server, the proxy before it, its scorer, the mail that ever came. Does not know
//! the other mailboxes.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use isbg_testkit::Home;
use isbg_testkit::conservation::{Conservation, Fault, changes_in, dangers_in};
use isbg_testkit::dovecot::Dovecot;
use isbg_testkit::mail::{Numbers, SPAM_PHRASE, ham, spam};
use isbg_testkit::mailbox::{Mailbox, Message};
use isbg_testkit::maildir::Maildir;
use isbg_testkit::proxy::{Plan, Proxy};
use isbg_testkit::spamd_stub::{Answer, Request, SpamdStub};
use isbg_testkit::wire::Wire;

use super::forms::{Form, is_spam};
use super::mishap::{KINDS, Mishap, Mood};
use crate::program::{Ended, at_home, run};

/// Of all users. It is in the file `pw`.
pub const PASSWORD: &str = "secret";

/// No run may take longer, so that a hang is a failure.
const DEADLINE: Duration = Duration::from_secs(180);

/// The INTERNALDATE of the first message, in seconds since 1970.
const FIRST: i64 = 1_780_000_000;

/// A mailbox and all that belongs to it.
pub struct Post {
    /// How it is kept.
    pub form: &'static Form,
    server: SocketAddr,
    maildir: Maildir,
    proxy: Proxy,
    scorer: SpamdStub,
    mood: Arc<Mutex<Mood>>,
    numbers: Numbers,
    /// What makes each message another one.
    next: u64,
    /// All mail that ever arrived, where it arrived.
    pub before: Mailbox,
    /// How long a run usually takes.
    usual: Duration,
    /// Runs by kind of mishap.
    pub runs: [usize; KINDS.len()],
}

impl Post {
    /// An empty mailbox; `number` tells it from the others.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub fn new(form: &'static Form, number: u64, seed: u64, dovecot: &Dovecot) -> Result<Self> {
        let mood = Arc::new(Mutex::new(Mood::Well));
        let own = Arc::clone(&mood);
        let scorer = SpamdStub::start(move |request| answer(request, *lock(&own)))?;
        let folders = ["INBOX", "Junk"].iter().chain(&super::forms::FOLDERS);
        Ok(Self {
            form,
            server: dovecot.address(),
            maildir: dovecot.maildir(form.user),
            proxy: Proxy::start(dovecot.address(), Plan::new())?,
            scorer,
            mood,
            numbers: Numbers(seed.wrapping_mul(1_000).wrapping_add(number)),
            next: (seed % 1_000_000) * 1_000_000_000 + number * 1_000_000,
            before: folders.map(|folder| ((*folder).to_owned(), Vec::new())).collect(),
            usual: Duration::from_millis(300),
            runs: [0; KINDS.len()],
        })
    }

    /// The account's part of the config file.
    pub fn configuration(&self) -> String {
        format!(
            "[account.{user}]\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{user}\"\ntls = \"none\"\npassword-file = \"~/pw\"\n\
             spamd = \"{}\"\nmode = \"move\"\nfirst-run-reports = false\n",
            self.proxy.address().port(),
            self.scorer.address(),
            user = self.form.user,
        )
    }

    /// Mail arrives, the program is started and something may happen to it, and meanwhile more mail arrives.
    ///
    /// # Errors
    /// When the run hangs or shows a defect, or the mailbox is not as it may be.
    pub fn live(&mut self, program: &Path, home: &Home) -> Result<()> {
        self.mail_arrives()?;
        self.somebody_reads()?;
        let mishap = Mishap::draw(&mut self.numbers, self.usual);
        let (kind, begun) = (mishap.kind, Instant::now());
        self.call(program, home, mishap)?;
        if kind == 0 {
            self.usual = (self.usual * 3 + begun.elapsed()) / 4;
        }
        let problems = self.form.allowed(&self.before).problems(&self.mailbox()?);
        ensure!(problems.is_empty(), "{}: {}", self.form.user, problems.join("\n"));
        Ok(())
    }

    /// A run to which nothing happens.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn undisturbed(&mut self, program: &Path, home: &Home) -> Result<Ended> {
        let ended = self.call(program, home, Mishap::none())?;
        ensure!(
            ended.status.success(),
            "{}: an undisturbed run ended with {}: {}",
            self.form.user,
            ended.status,
            ended.stderr
        );
        Ok(ended)
    }

    /// Such a run, which must change nothing.
    ///
    /// # Errors
    /// When it does.
    pub fn idle(&mut self, program: &Path, home: &Home) -> Result<()> {
        let before = self.mailbox()?;
        self.proxy.forget();
        let command = self.command(program, home);
        self.guarded(command, Mishap::none(), |_| Ok(()))?;
        let changes = changes_in(&self.proxy.transcript());
        ensure!(
            changes.is_empty(),
            "{}: a further run changed something: {changes:?}",
            self.form.user
        );
        ensure!(
            self.mailbox()? == before,
            "{}: a further run changed the mailbox",
            self.form.user
        );
        Ok(())
    }

    fn call(&mut self, program: &Path, home: &Home, mishap: Mishap) -> Result<Ended> {
        self.runs[mishap.kind] += 1;
        let command = self.command(program, home);
        self.proxy.forget();
        let ended = self.guarded(command, mishap, Self::mail_arrives)?;
        let dangers = dangers_in(&self.proxy.transcript());
        ensure!(dangers.is_empty(), "{}: {dangers:?}", self.form.user);
        Ok(ended)
    }

    /// Runs it under this mishap, and does something else meanwhile.
    fn guarded(
        &mut self,
        mut command: Command,
        mishap: Mishap,
        meanwhile: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<Ended> {
        *lock(&self.mood) = mishap.mood;
        self.proxy.set(mishap.plan);
        let violent = matches!(mishap.fate, crate::program::Fate::Killed(_));
        let ended = std::thread::scope(|scope| {
            let running = scope.spawn(|| run(&mut command, mishap.fate, DEADLINE));
            meanwhile(self)?;
            running
                .join()
                .map_err(|_| anyhow::anyhow!("the watcher failed"))?
        })
        .with_context(|| self.form.user)?;
        let defect = ended
            .defect()
            .filter(|_| !(violent && ended.status.code().is_none()));
        ensure!(
            defect.is_none(),
            "{}: {}",
            self.form.user,
            defect.unwrap_or_default()
        );
        Ok(ended)
    }

    fn command(&mut self, program: &Path, home: &Home) -> Command {
        let call = self.form.calls[self.numbers.below(self.form.calls.len())];
        let mut command = at_home(program, home);
        command.args(call.split_whitespace());
        if !self.form.configured {
            command
                .args([
                    "--imaphost",
                    "127.0.0.1",
                    "--imapport",
                    &self.proxy.address().port().to_string(),
                ])
                .args(["--imapuser", self.form.user, "--nossl", "--passwdfilename", "pw"])
                .args(["--spamd", &self.scorer.address().to_string()]);
        }
        command.arg("--noninteractive");
        command
    }

    fn mail_arrives(&mut self) -> Result<()> {
        let folders: &[&'static str] = if self.form.learns {
            &["INBOX", "INBOX", "LearnSpam", "LearnHam"]
        } else {
            &["INBOX"]
        };
        for _ in 0..self.numbers.below(3) {
            let folder = folders[self.numbers.below(folders.len())];
            let unwanted = match folder {
                "LearnSpam" => true,
                "LearnHam" => false,
                _ => self.numbers.below(2) == 0,
            };
            self.next += 1;
            let bytes = if unwanted { spam(self.next) } else { ham(self.next) };
            let date = FIRST + 60 * (self.next % 1_000_000) as i64;
            self.maildir.deliver(folder, &bytes, &[], date)?;
            let flags = [].into();
            self.before.entry(folder.to_owned()).or_default().push(Message {
                uid: None,
                flags,
                date,
                bytes,
            });
        }
        Ok(())
    }

    /// Another client marks a message in the inbox as read: not spam that is on its way elsewhere, since what its user
    /// has changed meanwhile is left, and a copy of it may be there already.
    fn somebody_reads(&mut self) -> Result<()> {
        if self.numbers.below(4) != 0 {
            return Ok(());
        }
        let mut wire = self.wire()?;
        let unread = |message: &Message| !message.has("\\Seen") && (self.form.keeps || !is_spam(message));
        let found = wire.messages("INBOX")?.into_iter().rev().find(unread);
        if let Some(found) = found {
            let uid = found.uid.context("a message without a UID")?;
            wire.command("SELECT INBOX")?;
            wire.command(&format!("UID STORE {uid} +FLAGS.SILENT (\\Seen)"))?;
            let same = |message: &&mut Message| message.date == found.date && message.bytes == found.bytes;
            for message in self.before.values_mut().flatten().filter(same) {
                message.flags.insert("\\Seen".to_owned());
            }
        }
        Ok(())
    }

    fn wire(&self) -> Result<Wire> {
        Wire::login(self.server, self.form.user, PASSWORD)
    }

    fn mailbox(&self) -> Result<Mailbox> {
        self.wire()?.mailbox()
    }

    /// What is wrong at the end of the day, and how much spam is untreated.
    ///
    /// # Errors
    /// When the mailbox cannot be read.
    pub fn faults(&self) -> Result<(Vec<Fault>, usize)> {
        let after = self.mailbox()?;
        if !self.form.keeps {
            let untreated = after["INBOX"].iter().filter(|message| is_spam(message)).count();
            return Ok((
                self.form.allowed(&self.before).faults_when_settled(&after),
                untreated,
            ));
        }
        // Originals stay, and each spam has one report: two mailboxes, as it were.
        let (mut originals, mut reports) = (after.clone(), after);
        let reports = Mailbox::from([("Junk".to_owned(), reports.remove("Junk").unwrap_or_default())]);
        originals.insert("Junk".to_owned(), Vec::new());
        let mut faults = Conservation::of(&self.before)
            .may_flag("INBOX", &["\\Flagged"], is_spam)
            .faults_when_settled(&originals);
        let has_report = |message: &Message| reports["Junk"].iter().any(|report| report.date == message.date);
        let spam = || self.before["INBOX"].iter().filter(|message| is_spam(message));
        let reported: Vec<Message> = spam().filter(|message| has_report(message)).cloned().collect();
        let untreated = spam().count() - reported.len();
        let reported = Mailbox::from([("INBOX".to_owned(), reported)]);
        faults.extend(
            Conservation::of(&reported)
                .may_wrap("INBOX", "Junk", |_| true)
                .may_flag("INBOX", &["\\Seen"], |_| true)
                .moved_may_bear(&["\\Flagged"])
                .faults_when_settled(&reports),
        );
        Ok((faults, untreated))
    }
}

fn answer(request: &Request, mood: Mood) -> Answer {
    match mood {
        Mood::Down => Answer::Close,
        Mood::Hanging if request.method != "PING" => Answer::Hang,
        _ if request.mentions(SPAM_PHRASE) => Answer::spam(),
        _ => Answer::ham(),
    }
}

/// The value, whatever became of the thread that held it last.
fn lock(mood: &Mutex<Mood>) -> std::sync::MutexGuard<'_, Mood> {
    mood.lock().unwrap_or_else(PoisonError::into_inner)
}
