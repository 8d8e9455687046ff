//! A folder of 100,000 messages in which nothing is new. Does not measure how it was scanned before.

use std::path::Path;

use anyhow::{Result, ensure};
use isbg_testkit::Home;
use isbg_testkit::mail;
use isbg_testkit::proxy::{Plan, Proxy};

use super::ground::{Mail, dovecot, instant_scorer, isbg};
use super::run::{Figures, row, run};
use super::scan::judged;

const RUNS: usize = 9;

/// Runs again over what has been seen.
pub fn idle(_: &Mail, program: &Path) -> Result<()> {
    let small: Vec<Vec<u8>> = (0..1_000).map(|n| mail::sized(n, 500)).collect();
    let server = dovecot(small.iter().cycle().take(100_000).map(Vec::as_slice))?;
    let scorer = instant_scorer(false)?;
    let home = Home::new()?;
    let command = |address| -> Result<std::process::Command> {
        let mut command = isbg(program, &home, address, &server)?;
        command.args(["--noreport", "--spamd"]).arg(scorer.to_string());
        Ok(command)
    };
    let first = run(&mut command(server.address())?)?;
    judged(&first, 100_000)?;
    row(
        "first scan of 100,000 messages, s",
        &format!("{:.2}", first.wall.as_secs_f64()),
        "",
    );
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let again = run(&mut command(server.address())?)?;
        judged(&again, 0)?;
        times.push(again.wall.as_secs_f64() * 1000.0);
    }
    row(
        "again, nothing new, whole process, ms",
        &Figures::from_iter(times).to_string(),
        "at most 100",
    );
    // Another port is another account, which has to see everything first.
    let proxy = Proxy::start(server.address(), Plan::new())?;
    judged(&run(&mut command(proxy.address())?)?, 100_000)?;
    proxy.forget();
    judged(&run(&mut command(proxy.address())?)?, 0)?;
    let commands: Vec<String> = proxy
        .transcript()
        .commands()
        .into_iter()
        .map(|command| command.text)
        .collect();
    let login = commands
        .iter()
        .rposition(|text| text.starts_with("AUTHENTICATE") || text.starts_with("LOGIN"));
    ensure!(login.is_some(), "no login in {commands:?}");
    let after: Vec<&str> = commands
        .iter()
        .skip(login.map_or(0, |at| at + 1))
        .map(|text| text.split(' ').next().unwrap_or(""))
        .collect();
    row(
        &format!("commands after login: {}", after.join(" ")),
        &after.len().to_string(),
        "at most 6",
    );
    Ok(())
}
