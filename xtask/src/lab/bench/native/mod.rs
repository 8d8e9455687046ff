//! The native engine against spamd and rspamd, message by message in one run. Does not judge how well they judge.

mod mixed;
mod peer;
mod whole;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use isbg_message::views::Views;
use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};
use rustix::time::{ClockId, clock_gettime};

use super::run::row;
use mixed::Message;
use peer::Peer;

const MESSAGES: usize = 500;
/// So many are judged before the peers are measured.
const WARM_UP: usize = 50;
/// So many are judged by one before the next has its turn: real scans find the processor's caches warm.
const BLOCK: usize = 50;
/// Debian's rules.
const RULES: [&str; 2] = ["/usr/share/spamassassin", "/etc/spamassassin"];

/// Processor time a message, the worst message, and whole processes.
///
/// # Errors
/// When a peer is missing or the program fails.
pub fn native(corpus: Option<&Path>, program: &Path) -> Result<()> {
    let corpus = corpus.context("name a folder of collections of mail with --corpus")?;
    let messages = mixed::real(corpus, MESSAGES)?;
    let bytes: usize = messages.iter().map(|message| message.bytes.len()).sum();
    println!(
        "{} messages, {:.1} MB; Debian's rules, offline",
        messages.len(),
        bytes as f64 / 1e6
    );
    processor_time(&messages)?;
    worst(&mixed::hostile(corpus)?)?;
    whole::alone(&messages, program)?;
    whole::scans(corpus, program)
}

fn ready() -> Result<Matcher> {
    let rules = load(&Sources::of(RULES.map(PathBuf::from).into()))?;
    Ok(Matcher::new(rules, Mode::default())?)
}

/// What this thread has taken so far.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

fn judge(matcher: &Matcher, message: &Message) -> Duration {
    let before = thread_time();
    std::hint::black_box(matcher.check(&Views::new(&message.bytes, matcher.view_settings())));
    thread_time() - before
}

/// Figures in milliseconds.
struct Times(Vec<f64>);

impl Times {
    fn of(times: &[Duration]) -> Self {
        let mut times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    fn worst(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let median = self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN);
        write!(f, "{:.3}, {median:.3}, {:.1}", self.mean(), self.worst())
    }
}

/// The messages are judged by all three in turn, block by block, by processes that have judged others before.
fn processor_time(messages: &[Message]) -> Result<()> {
    let matcher = ready()?;
    let first = messages.iter().map(|message| judge(&matcher, message));
    let first = Times::of(&first.collect::<Vec<_>>());
    let (spamd, rspamd) = (Peer::spamd()?, Peer::rspamd()?);
    for message in messages.iter().take(WARM_UP) {
        spamd.judge(&message.bytes)?;
        rspamd.judge(&message.bytes)?;
    }
    let (mut ours, mut by_spamd, mut by_rspamd) = (Vec::new(), Vec::new(), Vec::new());
    for block in messages.chunks(BLOCK) {
        for message in block {
            by_spamd.push(spamd.judge(&message.bytes)?);
        }
        for message in block {
            by_rspamd.push(rspamd.judge(&message.bytes)?);
        }
        ours.extend(block.iter().map(|message| judge(&matcher, message)));
    }
    let slowest = ours.iter().zip(messages).max_by_key(|(time, _)| **time);
    let (ours, by_spamd, by_rspamd) = (Times::of(&ours), Times::of(&by_spamd), Times::of(&by_rspamd));
    let what = "ms of processor time a message (mean, median, worst)";
    row(&format!("native, {what}"), &ours.to_string(), "worst at most 50");
    row(
        "  the first time, patterns being compiled",
        &first.to_string(),
        "",
    );
    row("  spamd -L, one child", &by_spamd.to_string(), "");
    row(
        "  rspamd as packaged, DNS off, one worker",
        &by_rspamd.to_string(),
        "",
    );
    let ratio = |peer: &Times| format!("{:.1}", peer.mean() / ours.mean());
    row(
        "spamd / native (means)",
        &ratio(&by_spamd),
        "at least 50; aim 100",
    );
    row("rspamd / native (means)", &ratio(&by_rspamd), "more than 1");
    if let Some((time, message)) = slowest {
        row(
            "the slowest, ms, bytes",
            &format!("{:.1}, {}", time.as_secs_f64() * 1e3, message.bytes.len()),
            "",
        );
        println!("    {}", message.path.display());
    }
    Ok(())
}

/// The slowest of the hostile messages, the first time and again.
fn worst(messages: &[Message]) -> Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let matcher = ready()?;
    let first = messages.iter().map(|message| judge(&matcher, message));
    let first = Times::of(&first.collect::<Vec<_>>());
    let times: Vec<Duration> = messages.iter().map(|message| judge(&matcher, message)).collect();
    row(
        &format!("{} hostile messages: worst, ms (the first time)", messages.len()),
        &format!("{:.1} ({:.1})", Times::of(&times).worst(), first.worst()),
        "at most 50",
    );
    if let Some((_, message)) = times.iter().zip(messages).max_by_key(|(time, _)| **time) {
        println!("    {}", message.path.display());
    }
    Ok(())
}
