//! A day of cron use: several mailboxes, each kept in its own way, mail that arrives, runs that are killed, cut off and
//! without a scorer; and the reckoning at its end. Does not know what a mailbox's way is.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, ensure};
use isbg_testkit::Home;
use isbg_testkit::conservation::Wrong;
use isbg_testkit::dovecot::{Dovecot, Settings};

use super::forms::{FOLDERS, FORMS};
use super::mishap::KINDS;
use super::post::{PASSWORD, Post};
use crate::program::keep_password;

const MINUTES_OF_A_DAY: u64 = 24 * 60;

/// Lives through such a day.
///
/// # Errors
/// When a run hangs or shows a defect, or a message is not there exactly once.
pub fn day(program: &Path, seed: u64, rounds: u64) -> Result<()> {
    ensure!(rounds > 0, "a day needs a round");
    let users = FORMS
        .iter()
        .map(|form| (form.user.to_owned(), PASSWORD.to_owned()))
        .collect();
    let folders = FOLDERS.iter().map(|name| (*name, None));
    let folders = [("Junk", Some("\\Junk"))].into_iter().chain(folders).collect();
    let dovecot = Dovecot::start(Settings {
        users,
        folders,
        ..Settings::default()
    })?;
    let home = Home::new()?;
    keep_password(&home, "pw", PASSWORD)?;
    let mut posts = (0..)
        .zip(&FORMS)
        .map(|(number, form)| Post::new(form, number, seed, &dovecot))
        .collect::<Result<Vec<_>>>()?;
    let configured = posts.iter().filter(|post| post.form.configured);
    home.write(
        ".config/isbg/config.toml",
        configured.map(Post::configuration).collect::<String>(),
    )?;
    plan(seed, rounds);
    let minutes = (MINUTES_OF_A_DAY / rounds).max(1);
    for round in 0..rounds {
        passes(&home, minutes * 60)?;
        each(&mut posts, |post| post.live(program, &home))
            .with_context(|| format!("seed {seed}, round {round}"))?;
        if (round + 1) * 8 % rounds < 8 {
            progress((round + 1) * minutes, &posts);
        }
    }
    settle(program, &home, &mut posts).with_context(|| format!("seed {seed}, at the end"))?;
    reckon(seed, rounds, &posts)
}

fn plan(seed: u64, rounds: u64) {
    println!("seed {seed}: {rounds} rounds over a day, in each of them one run for each of these mailboxes:");
    for form in &FORMS {
        println!("  {:<10} isbg {}", form.user, form.calls.join("  or  isbg "));
    }
    println!(
        "of 20 runs about 4 are killed, 4 cut off, 2 without a scorer, 1 stopped while the scorer hangs"
    );
}

/// Does it for all mailboxes at once.
fn each(posts: &mut [Post], act: impl Fn(&mut Post) -> Result<()> + Sync) -> Result<()> {
    std::thread::scope(|scope| {
        let acting: Vec<_> = posts.iter_mut().map(|post| scope.spawn(|| act(post))).collect();
        let ended: Vec<Result<()>> = acting
            .into_iter()
            .map(|acting| acting.join().map_err(|_| anyhow!("a thread failed"))?)
            .collect();
        ended.into_iter().collect()
    })
}

/// Lets time pass: whatever waits for its next try has waited so many seconds longer. No run may be under way.
fn passes(home: &Home, seconds: u64) -> Result<()> {
    let state = home.join(".local/state/isbg/isbg.db");
    if state.exists() {
        let state = rusqlite::Connection::open(state)?;
        state.execute(
            "UPDATE attempt SET next_try = next_try - ?1",
            [i64::try_from(seconds)?],
        )?;
    }
    Ok(())
}

fn progress(minutes: u64, posts: &[Post]) {
    println!("  {:02}:{:02}  {}", minutes / 60, minutes % 60, counts(posts));
}

fn counts(posts: &[Post]) -> String {
    let messages: usize = posts
        .iter()
        .flat_map(|post| post.before.values())
        .map(Vec::len)
        .sum();
    let runs: usize = posts.iter().flat_map(|post| post.runs).sum();
    let kinds = KINDS.iter().enumerate().map(|(kind, name)| {
        let count: usize = posts.iter().map(|post| post.runs[kind]).sum();
        format!("{count} {name}")
    });
    format!(
        "{messages} messages arrived; {runs} runs: {}",
        kinds.collect::<Vec<_>>().join(", ")
    )
}

/// Two runs to which nothing happens, a day apart, and a third that has nothing to do.
fn settle(program: &Path, home: &Home, posts: &mut [Post]) -> Result<()> {
    for _ in 0..2 {
        passes(home, MINUTES_OF_A_DAY * 60)?;
        each(posts, |post| post.undisturbed(program, home).map(drop))?;
    }
    each(posts, |post| post.idle(program, home))
}

/// Counts what is wrong.
fn reckon(seed: u64, rounds: u64, posts: &[Post]) -> Result<()> {
    println!("{}", counts(posts));
    let (mut faults, mut untreated) = (Vec::new(), 0);
    for post in posts {
        let (own, left) = post.faults()?;
        let arrived: usize = post.before.values().map(Vec::len).sum();
        println!(
            "  {:<10} {arrived} messages, {} faults, {left} spam left alone",
            post.form.user,
            own.len()
        );
        for fault in &own {
            println!("    {}", fault.text);
        }
        faults.extend(own);
        untreated += left;
    }
    let number = |wrong| faults.iter().filter(|fault| fault.wrong == wrong).count();
    println!(
        "soak: seed {seed}, {rounds} rounds, {untreated} left alone, {} changed, {} lost, {} doubled",
        number(Wrong::Changed),
        number(Wrong::Lost),
        number(Wrong::Doubled)
    );
    ensure!(
        faults.is_empty(),
        "{} messages are not as they must be",
        faults.len()
    );
    Ok(())
}
