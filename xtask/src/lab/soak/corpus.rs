//! Every file of a folder, whatever it is, as a message in a real mailbox: fetched, judged, moved. Does not look into the
//! files.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use isbg_testkit::Home;
use isbg_testkit::conservation::Conservation;
use isbg_testkit::dovecot::{Dovecot, Settings};
use isbg_testkit::mailbox::{Mailbox, Message, with_crlf};
use isbg_testkit::spamd::{self, Spamd};
use isbg_testkit::spamd_stub::{Answer, SpamdStub};
use serde_json::Value;

use crate::program::{self, Fate, at_home};

/// The INTERNALDATE of the first file, in seconds since 1970; each has a date of its own, by which it is known again.
const FIRST: i64 = 1_700_000_000;

/// No run may take longer, so that a hang is a failure. A real spamd needs a tenth of a second a message.
const DEADLINE: Duration = Duration::from_secs(3600);

/// As many names of a kind are printed.
const NAMES: usize = 20;

/// A file and its bytes.
struct Sample {
    name: String,
    bytes: Vec<u8>,
}

/// One way through the program.
struct Pass<'a> {
    name: &'a str,
    scorer: SocketAddr,
    options: &'a [&'a str],
    /// What the scorer calls spam, where that is known beforehand.
    spam: Option<fn(&Message) -> bool>,
}

/// All passes over all files below `folder`.
pub fn corpus(program: &Path, folder: &Path) -> Result<()> {
    let samples = read(folder)?;
    ensure!(!samples.is_empty(), "no files in {}", folder.display());
    let stub = SpamdStub::start(|request| match request.method.as_str() {
        "PING" => Answer::ham(),
        _ if is_spam(&request.mail) => Answer::spam(),
        _ => Answer::ham(),
    })?;
    let spamd = Spamd::start(&spamd::Settings {
        children: 2,
        lines: vec!["required_score 1"],
        ..spamd::Settings::default()
    })?;
    let by_hash = Some((|message| is_spam(&message.bytes)) as fn(&Message) -> bool);
    let untouched = &["--noreport", "--delete", "--expunge"][..];
    let reported = &["--delete", "--expunge"][..];
    let pass = |name, scorer, options, spam| Pass {
        name,
        scorer,
        options,
        spam,
    };
    let passes = [
        pass(
            "stub, untouched originals moved",
            stub.address(),
            untouched,
            by_hash,
        ),
        pass("stub, reports in their place", stub.address(), reported, by_hash),
        pass("spamd, reports in their place", spamd.address(), reported, None),
    ];
    let mut failures = 0;
    for pass in &passes {
        println!("\n{}", pass.name);
        failures += pass.run(program, &samples)?;
    }
    println!("\nsoak: {} files, {failures} failures", samples.len());
    ensure!(failures == 0, "there were failures");
    Ok(())
}

/// A judgement that knows nothing of mail and calls half of it spam (FNV-1a).
fn is_spam(bytes: &[u8]) -> bool {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step) >> 32 & 1 == 1
}

fn read(folder: &Path) -> Result<Vec<Sample>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path: PathBuf = entry?.path();
            let list = if path.is_dir() { &mut folders } else { &mut files };
            list.push(path);
        }
    }
    files.sort();
    let sample = |path: &PathBuf| -> Result<Sample> {
        Ok(Sample {
            name: path.strip_prefix(folder)?.display().to_string(),
            bytes: std::fs::read(path).with_context(|| path.display().to_string())?,
        })
    };
    files.iter().map(sample).collect()
}

impl Pass<'_> {
    /// One mailbox, two runs over it, and the check; how much went wrong.
    fn run(&self, program: &Path, samples: &[Sample]) -> Result<usize> {
        let dovecot = Dovecot::start(Settings::default())?;
        for (date, sample) in (FIRST..).zip(samples) {
            dovecot.deliver("INBOX", &sample.bytes, &[], date)?;
        }
        let before = dovecot.wire()?.mailbox()?;
        stored(&before, samples);
        let home = Home::new()?;
        program::keep_password(&home, "pw", dovecot.credentials().1)?;
        let begun = Instant::now();
        let (mut failures, told) = self.call(program, &home, &dovecot, &before, samples)?;
        let spent = begun.elapsed().as_secs_f64();
        let after = dovecot.wire()?.mailbox()?;
        failures += self.check(&before, &after, &told, samples);
        let (moved, left) = (count(&after, "Junk"), count(&after, "INBOX"));
        println!("  {spent:.1} s: {moved} moved, {left} left");
        failures += self.call(program, &home, &dovecot, &after, samples)?.0;
        if dovecot.wire()?.mailbox()? != after {
            println!("  FAILURE: a second run changed the mailbox");
            failures += 1;
        }
        Ok(failures)
    }

    /// One run of the program: failures, and the UIDs of what it says it has copied and left.
    fn call(
        &self,
        program: &Path,
        home: &Home,
        dovecot: &Dovecot,
        before: &Mailbox,
        samples: &[Sample],
    ) -> Result<(usize, BTreeSet<u32>)> {
        let server = dovecot.address();
        let mut command = at_home(program, home);
        command
            .args([
                "--imaphost",
                "127.0.0.1",
                "--imapport",
                &server.port().to_string(),
                "--nossl",
            ])
            .args([
                "--imapuser",
                dovecot.credentials().0,
                "--passwdfilename",
                "pw",
                "--noninteractive",
            ])
            .args([
                "--spamd",
                &self.scorer.to_string(),
                "--maxsize",
                "100000000",
                "--partialrun",
                "0",
            ])
            .args(["--json", "--nostats"])
            .args(self.options);
        let ended = program::run(&mut command, Fate::Left, DEADLINE)?;
        let told = tell(&ended.stdout, before, samples)?;
        for line in ended.stderr.lines().take(NAMES) {
            println!("  it said: {line}");
        }
        let defect = ended.defect();
        if let Some(defect) = &defect {
            println!("  FAILURE: {defect}");
        } else if !ended.status.success() {
            println!("  it ended with {}", ended.status);
        }
        Ok((usize::from(defect.is_some()), told))
    }

    /// Compares. Where the server has changed the copy, the program leaves the original and says so: that copy does not
    /// count.
    fn check(&self, before: &Mailbox, after: &Mailbox, told: &BTreeSet<u32>, samples: &[Sample]) -> usize {
        let left = |message: &&Message| message.uid.is_some_and(|uid| told.contains(&uid));
        let left: BTreeSet<i64> = before
            .values()
            .flatten()
            .filter(left)
            .map(|message| message.date)
            .collect();
        let mut counted = after.clone();
        if let Some(junk) = counted.get_mut("Junk") {
            junk.retain(|message| !left.contains(&message.date));
        }
        let may_move = |message: &Message| self.spam.is_none_or(|is_spam| is_spam(message));
        let allowed = Conservation::of(before);
        let allowed = if self.options.contains(&"--noreport") {
            allowed.may_move("INBOX", "Junk", may_move)
        } else {
            allowed.may_wrap("INBOX", "Junk", may_move)
        };
        let faults = allowed.faults_when_settled(&counted);
        for fault in &faults {
            println!("  FAILURE: {}", fault.text);
        }
        if let Some(is_spam) = self.spam {
            let left = after
                .get("INBOX")
                .into_iter()
                .flatten()
                .filter(|message| is_spam(message));
            list(
                "called spam and not moved",
                &left.map(|message| name(message, samples)).collect::<Vec<_>>(),
            );
        }
        faults.len()
    }
}

fn count(mailbox: &Mailbox, folder: &str) -> usize {
    mailbox.get(folder).map_or(0, Vec::len)
}

/// Which file a message is.
fn name<'a>(message: &Message, samples: &'a [Sample]) -> &'a str {
    let place = usize::try_from(message.date - FIRST).unwrap_or(usize::MAX);
    samples.get(place).map_or("?", |sample| &sample.name)
}

/// Names what Dovecot could not store, or stored as something else.
fn stored(before: &Mailbox, samples: &[Sample]) {
    let there: BTreeMap<&str, &Message> = before
        .values()
        .flatten()
        .map(|message| (name(message, samples), message))
        .collect();
    let (mut missing, mut different) = (Vec::new(), Vec::new());
    for sample in samples {
        match there.get(sample.name.as_str()) {
            None => missing.push(sample.name.as_str()),
            Some(message) if message.bytes != with_crlf(&sample.bytes) => {
                different.push(sample.name.as_str())
            }
            Some(_) => {}
        }
    }
    list("not stored by Dovecot", &missing);
    list("given out by Dovecot other than they were stored", &different);
}

/// Prints what the program reports besides verdicts: messages without one, or not treated as decided. The UIDs of those
/// that it has copied and left.
fn tell(stdout: &str, before: &Mailbox, samples: &[Sample]) -> Result<BTreeSet<u32>> {
    let inbox = before.get("INBOX").map_or(&[][..], Vec::as_slice);
    let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let (mut judged, mut copied) = (0, BTreeSet::new());
    for line in stdout.lines() {
        let record: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let uid = record["uid"].as_u64();
        let which = inbox.iter().find(|message| message.uid.map(u64::from) == uid);
        let which = which.map_or("?", |message| name(message, samples));
        let why = record["why"].as_str().unwrap_or_default();
        match record["event"].as_str().unwrap_or_default() {
            "message" => {
                judged += 1;
                if record["action"] == "copied" {
                    copied.extend(uid.and_then(|uid| u32::try_from(uid).ok()));
                }
                if !why.is_empty() {
                    kinds
                        .entry(format!("{}: {why}", record["action"]))
                        .or_default()
                        .push(which);
                }
            }
            "unknown" => kinds.entry(format!("no verdict: {why}")).or_default().push(which),
            "too_large" => kinds.entry("too large".to_owned()).or_default().push(which),
            "warning" | "error" => println!("  {line}"),
            _ => {}
        }
    }
    println!("  {judged} judged");
    for (what, names) in &kinds {
        list(what, names);
    }
    Ok(copied)
}

fn list(what: &str, names: &[&str]) {
    if names.is_empty() {
        return;
    }
    let more = if names.len() > NAMES { ", …" } else { "" };
    let shown = names.get(..NAMES).unwrap_or(names).join(", ");
    println!("  {} {what}: {shown}{more}", names.len());
}
