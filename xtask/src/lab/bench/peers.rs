//! isbg 2.3.1 on the same mailbox in the same run, where Debian's package is installed. Does not install it.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use isbg_testkit::Home;
use isbg_testkit::dovecot::Dovecot;
use isbg_testkit::spamd::{Settings, Spamd};

use super::ground::{Mail, dovecot, isbg};
use super::run::{Figures, row, run};
use super::scan::judged;

const MESSAGES: usize = 20;
const RUNS: usize = 3;

/// Per message: ours through spamd, theirs through spamc and through the program.
pub fn peers(mail: &Mail, program: &Path) -> Result<()> {
    let old = Path::new("/usr/bin/isbg");
    if !old.exists() {
        row("isbg 2.3.1 is not installed (Debian's package isbg)", "-", "");
        return Ok(());
    }
    let messages = mail
        .messages
        .iter()
        .map(Vec::as_slice)
        .filter(|message| message.len() < 100_000);
    let server = dovecot(messages.take(MESSAGES))?;
    let spamd = Spamd::start(&Settings {
        children: 2,
        ..Settings::default()
    })?;
    let (mut ours, mut spamc, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let home = Home::new()?;
        let mut command = isbg(program, &home, server.address(), &server)?;
        let finished = run(command
            .args(["--noreport", "--dryrun", "--jobs", "2", "--spamd"])
            .arg(spamd.address().to_string()))?;
        judged(&finished, MESSAGES)?;
        ours.push(finished.wall.as_secs_f64() * 1000.0 / MESSAGES as f64);
        spamc.push(theirs(old, &server, Some(&spamd), MESSAGES)?);
    }
    alone.push(theirs(old, &server, None, MESSAGES)?);
    let figures = |figures: &[f64]| Figures::from_iter(figures.iter().copied());
    let (ours, spamc, alone) = (figures(&ours), figures(&spamc), figures(&alone));
    row("ours, --spamd, 2 jobs, ms a message", &ours.to_string(), "");
    row("isbg 2.3.1 --spamc, ms a message", &spamc.to_string(), "");
    row(
        "isbg 2.3.1 with the program, ms a message",
        &alone.to_string(),
        "",
    );
    row(
        "isbg 2.3.1 --spamc / ours",
        &format!("{:.1}", spamc.median() / ours.median()),
        "",
    );
    row(
        "isbg 2.3.1 with the program / ours",
        &format!("{:.1}", alone.median() / ours.median()),
        "",
    );
    Ok(())
}

/// Milliseconds a message that isbg 2.3.1 takes for the last so many messages of a mailbox.
///
/// # Errors
/// When it fails, or judges another number of messages.
pub fn theirs(old: &Path, server: &Dovecot, spamd: Option<&Spamd>, messages: usize) -> Result<f64> {
    let home = Home::new()?;
    let (user, password) = server.credentials();
    let mut command = Command::new(old);
    command
        .env("HOME", home.path())
        .env("XDG_CACHE_HOME", home.join("cache"))
        .args([
            "--imaphost",
            "127.0.0.1",
            "--nossl",
            "--imapuser",
            user,
            "--imappasswd",
            password,
        ])
        .args(["--noninteractive", "--noreport", "--spaminbox", "Junk"])
        .arg("--partialrun")
        .arg(messages.to_string())
        .arg("--imapport")
        .arg(server.address().port().to_string());
    if let Some(spamd) = spamd {
        // Its spamc takes no address; one found earlier on the path gives it one.
        let address = spamd.address();
        let script = format!(
            "#!/bin/sh\nexec /usr/bin/spamc -d {} -p {} \"$@\"\n",
            address.ip(),
            address.port()
        );
        let wrapper = home.write("spamc", script)?;
        std::fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .arg("--spamc")
            .env("PATH", format!("{}:{path}", home.path().display()));
    }
    let finished = run(&mut command)?;
    ensure!(
        finished
            .stderr
            .contains(&format!("spams found in {messages} messages")),
        "isbg 2.3.1 failed: {}",
        finished.stderr
    );
    Ok(finished.wall.as_secs_f64() * 1000.0 / messages as f64)
}
