//! `cargo xtask demo`: the program's main job, once, on a mailbox of mail that we wrote; then what it did, and why. Knows of
//! the program only what its users know: command line, history, exit status.

mod history;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use isbg_testkit::Home;
use isbg_testkit::conservation::{Conservation, Wrong};
use isbg_testkit::dovecot::{Dovecot, Settings};
use isbg_testkit::mail::{SAMPLES, Sample, odd};
use isbg_testkit::mailbox::{Mailbox, Message};

use crate::program;
use history::Entry;

/// The folder that spam goes to.
const JUNK: &str = "Junk";

/// The file with the password, in the home folder.
const PASSWORD: &str = "password";

/// The piece of odd mail that is among the rest.
const MALFORMED: &str = "broken base64";

/// How to run the demo.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// The program, if it is not to be built first.
    #[arg(long)]
    isbg: Option<PathBuf>,
}

impl Demo {
    /// Shows it all. Its last line is a contract: `demo: N messages, M moved, 0 lost`.
    ///
    /// # Errors
    /// When a server cannot be started, the program fails, or the check finds a message that is not as it must be.
    pub fn run(&self) -> Result<()> {
        let program = program::or_built(self.isbg.as_deref())?;
        let dovecot = Dovecot::start(Settings::default())?;
        fill(&dovecot)?;
        let before = mailbox(&dovecot)?;
        introduce(&before, &dovecot);
        let home = Home::new()?;
        clean(&program, &home, &dovecot)?;
        let entries = history::read(&program, &home)?;
        let after = mailbox(&dovecot)?;
        println!("\nMoved from INBOX to {JUNK}, and why (from `isbg history`):\n");
        history::show(&entries);
        stayed(&after);
        verdict(&before, &after, &entries)
    }
}

/// Puts in everything that was written by hand, wanted and unwanted in turns, and something malformed.
fn fill(dovecot: &Dovecot) -> Result<()> {
    let (spam, ham): (Vec<&Sample>, Vec<&Sample>) = SAMPLES.iter().partition(|sample| sample.spam);
    let mut mail: Vec<Vec<u8>> = Vec::new();
    for i in 0..spam.len().max(ham.len()) {
        let pair = [ham.get(i), spam.get(i)].into_iter().flatten();
        mail.extend(pair.map(|sample| sample.bytes()));
    }
    let malformed = odd().into_iter().filter(|(name, _)| *name == MALFORMED);
    mail.extend(malformed.map(|(_, bytes)| bytes));
    for (n, bytes) in (0..).zip(&mail) {
        dovecot.deliver("INBOX", bytes, &[], 1_779_000_000 + 1800 * n)?;
    }
    Ok(())
}

fn mailbox(dovecot: &Dovecot) -> Result<Mailbox> {
    dovecot.wire()?.mailbox()
}

fn introduce(before: &Mailbox, dovecot: &Dovecot) {
    let count = before.values().map(Vec::len).sum::<usize>();
    let spam = SAMPLES.iter().filter(|sample| sample.spam).count();
    let rest = count - SAMPLES.len();
    println!(
        "\nA mailbox with {count} messages that we wrote: {} wanted, {spam} spam, {rest} malformed.",
        SAMPLES.len() - spam
    );
    println!("Dovecot serves it at {}.", dovecot.address());
    println!(
        "isbg judges by itself, with the rule files of the distribution's spamassassin package, without training.\n"
    );
}

/// Runs the program as one would by hand.
fn clean(program: &Path, home: &Home, dovecot: &Dovecot) -> Result<()> {
    let (user, password) = dovecot.credentials();
    program::keep_password(home, PASSWORD, password)?;
    let server = dovecot.address();
    let mailbox = [
        format!("--imaphost {} --imapport {} --nossl", server.ip(), server.port()),
        format!("--imapuser {user} --passwdfilename {PASSWORD}"),
    ];
    let rest = [format!("--spaminbox {JUNK} --noreport --delete --expunge")];
    println!("$ isbg {} \\\n       {}", mailbox.join(" "), rest.join(" "));
    let status = program::at_home(program, home)
        .args(mailbox.iter().chain(&rest).flat_map(|words| words.split(' ')))
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(status.success(), "isbg ended with {status}");
    Ok(())
}

/// What is still in the inbox, and what of it its recipient would have called spam.
fn stayed(after: &Mailbox) {
    let inbox = after.get("INBOX").map_or(&[][..], Vec::as_slice);
    let is_spam = |message: &&Message| {
        let mut spam = SAMPLES.iter().filter(|sample| sample.spam);
        spam.any(|sample| sample.bytes() == message.bytes)
    };
    let missed = inbox.iter().filter(is_spam).count();
    println!(
        "\nIn INBOX are {} messages, {missed} of them spam that this scorer gives too few points.",
        inbox.len()
    );
}

/// Compares what is on the server with what was there, says how to go on, and ends with the contract's line.
fn verdict(before: &Mailbox, after: &Mailbox, entries: &[Entry]) -> Result<()> {
    let was_moved = |message: &Message| entries.iter().any(|entry| Some(entry.uid) == message.uid);
    let faults = Conservation::of(before)
        .may_move("INBOX", JUNK, was_moved)
        .faults_when_settled(after);
    let count = before.values().map(Vec::len).sum::<usize>();
    let moved = after.get(JUNK).map_or(0, Vec::len);
    if faults.is_empty() {
        println!(
            "Each of the {count} is there exactly once, byte by byte, with its date and its flags: checked on the \
             server,\nby code that shares nothing with isbg."
        );
    }
    for fault in &faults {
        println!("  {}", fault.text);
    }
    println!(
        "
On your own mailbox (the second line judges and changes nothing, the third moves what is spam):
  cargo install --path crates/isbg
  isbg --imaphost imap.example.org --imapuser me@example.org --spaminbox Spam --dryrun --verbose
  isbg --imaphost imap.example.org --imapuser me@example.org --spaminbox Spam --noreport --delete --expunge
"
    );
    let lost = faults.iter().filter(|fault| fault.wrong == Wrong::Lost).count();
    println!("demo: {count} messages, {moved} moved, {lost} lost");
    ensure!(
        faults.is_empty(),
        "{} messages are not as they must be",
        faults.len()
    );
    ensure!(moved == entries.len(), "the history has {} moves", entries.len());
    Ok(())
}
