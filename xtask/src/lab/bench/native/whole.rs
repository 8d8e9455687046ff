//! The native engine as whole processes: its start, its memory, two threads, and scans against isbg 2.3.1. Does not know
//! the engine but by its command line.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use isbg_testkit::Home;
use isbg_testkit::spamd::{Settings, Spamd};

use super::super::ground::{dovecot, isbg};
use super::super::peers::theirs;
use super::super::run::{Figures, Finished, row, run};
use super::super::scan::judged;
use super::RULES;
use super::mixed::{self, Message};

const RUNS: usize = 5;
/// The mailbox of the scans.
const MAILBOX: usize = 5_000;
/// So many of them isbg 2.3.1 judges.
const THEIRS: usize = 20;

/// Runs that need no server.
pub fn alone(messages: &[Message], program: &Path) -> Result<()> {
    let home = Home::new()?;
    for (number, message) in messages.iter().enumerate() {
        home.write(format!("mail/{number:05}"), &message.bytes)?;
    }
    let small = messages
        .iter()
        .min_by_key(|message| message.bytes.len().abs_diff(2_000));
    let small = home.write("small", small.map_or(&b""[..], |message| &message.bytes))?;
    let begun = (0..RUNS).map(|_| check(program, &home, "1", &small));
    let start = begun.collect::<Result<Vec<_>>>()?;
    let wall = |runs: &[Finished]| runs.iter().map(|run| run.wall.as_secs_f64()).collect::<Figures>();
    row(
        "isbg check, one small message, whole process, s",
        &wall(&start).to_string(),
        "at most 0.3; aim 0.15",
    );
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        one.push(check(program, &home, "1", &home.join("mail"))?);
        two.push(check(program, &home, "2", &home.join("mail"))?);
    }
    row(
        "isbg check --jobs 1, all messages, s",
        &wall(&one).to_string(),
        "",
    );
    row(
        "isbg check --jobs 2, all messages, s",
        &wall(&two).to_string(),
        "",
    );
    let judging = |runs: &[Finished]| wall(runs).median() - wall(&start).median();
    row(
        "so, less the start, two jobs are faster by",
        &format!("{:.2}", judging(&one) / judging(&two)),
        "at least 1.8",
    );
    let peak = |runs: &[Finished]| runs.iter().map(|run| run.peak).collect::<Figures>();
    row("most memory, --jobs 1, MiB", &peak(&one).to_string(), "");
    row(
        "most memory, --jobs 2, MiB",
        &peak(&two).to_string(),
        "at most 150",
    );
    Ok(())
}

fn options(command: &mut Command) {
    for rules in RULES {
        command.args(["--rules", rules]);
    }
    command.args(["--prefs", "none", "--no-classifier", "--no-network"]);
}

fn check(program: &Path, home: &Home, jobs: &str, path: &Path) -> Result<Finished> {
    let mut command = Command::new(program);
    command.env("HOME", home.path()).args(["check", "--jobs", jobs]);
    for (variable, folder) in [
        ("XDG_STATE_HOME", "state"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_CACHE_HOME", "cache"),
    ] {
        command.env(variable, home.join(folder));
    }
    options(&mut command);
    let finished = run(command.arg(path))?;
    ensure!(
        matches!(finished.status, Some(0 | 1)),
        "status {:?}: {}",
        finished.status,
        finished.stderr
    );
    Ok(finished)
}

/// Scans of one mailbox: ours of all of it, those of isbg 2.3.1 of a part.
pub fn scans(corpus: &Path, program: &Path) -> Result<()> {
    let messages = mixed::real(corpus, MAILBOX)?;
    // What is larger than 120,000 bytes isbg 2.3.1 does not judge.
    let small = messages
        .iter()
        .map(|message| &message.bytes[..])
        .filter(|bytes| bytes.len() < 100_000);
    let small: Vec<&[u8]> = small.collect();
    let server = dovecot(small.iter().copied())?;
    let mut ours = Vec::new();
    for _ in 0..RUNS {
        let home = Home::new()?;
        let mut command = isbg(program, &home, server.address(), &server)?;
        command.args(["--noreport", "--dryrun", "--jobs", "2"]);
        options(&mut command);
        let finished = run(&mut command)?;
        judged(&finished, small.len())?;
        ours.push(finished.wall.as_secs_f64() * 1000.0 / small.len() as f64);
    }
    let ours = ours.into_iter().collect::<Figures>();
    row(
        &format!(
            "native scan of {} messages, whole process, ms a message",
            small.len()
        ),
        &ours.to_string(),
        "",
    );
    let old = Path::new("/usr/bin/isbg");
    if !old.exists() {
        row("isbg 2.3.1 is not installed (Debian's package isbg)", "-", "");
        return Ok(());
    }
    let spamd = Spamd::start(&Settings {
        children: 2,
        ..Settings::default()
    })?;
    for (name, spamd, least) in [
        ("--spamc", Some(&spamd), "50"),
        ("with the program", None, "1000"),
    ] {
        let figure = theirs(old, &server, spamd, THEIRS)?;
        row(
            &format!("isbg 2.3.1 {name}, ms a message ({THEIRS} of them)"),
            &format!("{figure:.1}"),
            "",
        );
        row(
            &format!("isbg 2.3.1 {name} / native"),
            &format!("{:.0}", figure / ours.median()),
            &format!("at least {least}"),
        );
    }
    Ok(())
}
