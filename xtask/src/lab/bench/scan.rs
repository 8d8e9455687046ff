//! A whole scan of a large folder against a bare fetch of it, and the memory that takes. Does not measure scorers.

use std::path::Path;

use anyhow::{Result, ensure};
use isbg_testkit::Home;
use isbg_testkit::mail;

use super::ground::{Mail, bare_fetch, dovecot, instant_scorer, isbg};
use super::run::{Figures, Finished, row, run};

const RUNS: usize = 5;

/// 5,000 messages, judged ham at once.
pub fn speed(mail: &Mail, program: &Path) -> Result<()> {
    let server = dovecot(mail.first(5_000))?;
    let scorer = instant_scorer(false)?;
    let (mut bare, mut ours, mut over, mut peaks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut bytes = 0;
    for _ in 0..RUNS {
        let (time, read) = bare_fetch(server.address(), &server)?;
        let home = Home::new()?;
        let mut command = isbg(program, &home, server.address(), &server)?;
        let finished = run(command
            .args(["--noreport", "--maxsize", "100000000", "--spamd"])
            .arg(scorer.to_string()))?;
        judged(&finished, 5_000)?;
        bytes = read;
        bare.push(time.as_secs_f64());
        ours.push(finished.wall.as_secs_f64());
        over.push((finished.wall.as_secs_f64() - 0.3) / time.as_secs_f64());
        peaks.push(finished.peak);
    }
    row(
        "bare UID FETCH 1:* of the same mail, s",
        &Figures::from_iter(bare).to_string(),
        "",
    );
    row(
        "whole scan, from start to end of the process, s",
        &Figures::from_iter(ours.clone()).to_string(),
        "",
    );
    row(
        "(scan - 0.3 s) / bare fetch",
        &Figures::from_iter(over).to_string(),
        "at most 2.5",
    );
    let rate = bytes as f64 / 1e6 / Figures::from_iter(ours).median();
    row("that is, MB a second", &format!("{rate:.0}"), "");
    row(
        "most memory, MiB",
        &Figures::from_iter(peaks).to_string(),
        "at most 64",
    );
    Ok(())
}

/// A message of 100 MB among a hundred others.
pub fn memory(mail: &Mail, program: &Path) -> Result<()> {
    let large = mail::sized(1, 100_000_000);
    let server = dovecot(mail.first(100).chain([large.as_slice()]))?;
    let scorer = instant_scorer(false)?;
    let home = Home::new()?;
    let mut command = isbg(program, &home, server.address(), &server)?;
    command
        .args([
            "--noreport",
            "--engine",
            "spamd",
            "--maxsize",
            "200000000",
            "--spamd",
        ])
        .arg(scorer.to_string());
    let finished = run(&mut command)?;
    judged(&finished, 101)?;
    row(
        "most memory with one message of 100 MB, MiB",
        &format!("{:.1}", finished.peak),
        "at most 64",
    );
    Ok(())
}

/// The run did what it was to do.
pub fn judged(finished: &Finished, messages: usize) -> Result<()> {
    let done = finished
        .stderr
        .contains(&format!("spams found in {messages} messages"));
    ensure!(
        finished.status == Some(0) && done,
        "status {:?}: {}",
        finished.status,
        finished.stderr
    );
    Ok(())
}
