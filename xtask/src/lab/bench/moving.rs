//! A thousand spams moved, journal and verification included. Does not measure the judging apart.

use std::path::Path;

use anyhow::{Result, ensure};
use isbg_testkit::Home;

use super::ground::{Mail, dovecot, instant_scorer, isbg};
use super::run::{Figures, row, run};

const RUNS: usize = 3;

/// 1,000 messages, all called spam, moved by MOVE.
pub fn moving(mail: &Mail, program: &Path) -> Result<()> {
    let (mut moved, mut judged) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let server = dovecot(mail.first(1_000))?;
        let (ham, spam) = (instant_scorer(false)?, instant_scorer(true)?);
        let command = |scorer: std::net::SocketAddr, home: &Home| -> Result<std::process::Command> {
            let mut command = isbg(program, home, server.address(), &server)?;
            command.args([
                "--noreport",
                "--delete",
                "--expunge",
                "--maxsize",
                "100000000",
                "--spaminbox",
                "Junk",
            ]);
            command.arg("--spamd").arg(scorer.to_string());
            Ok(command)
        };
        let without = run(&mut command(ham, &Home::new()?)?)?;
        let with = run(&mut command(spam, &Home::new()?)?)?;
        let there = server.mailbox()?.get("Junk").map_or(0, Vec::len);
        ensure!(
            with.status == Some(0) && there == 1_000,
            "{there} messages in Junk: {}",
            with.stderr
        );
        judged.push(without.wall.as_secs_f64());
        moved.push(with.wall.as_secs_f64());
    }
    row(
        "1,000 messages judged ham, whole process, s",
        &Figures::from_iter(judged).to_string(),
        "",
    );
    row(
        "1,000 messages judged spam and moved, whole process, s",
        &Figures::from_iter(moved).to_string(),
        "at most 2",
    );
    Ok(())
}
