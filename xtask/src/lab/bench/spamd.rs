//! Scans through a real spamd against bare connections that feed it the same mail. Does not measure spamd's judgement.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use isbg_testkit::Home;
use isbg_testkit::mailbox::with_crlf;
use isbg_testkit::spamd::{Settings, Spamd};

use super::ground::{Mail, dovecot, isbg};
use super::run::{Figures, row, run};
use super::scan::judged;

const PAIRS: usize = 5;
const MESSAGES: usize = 100;
const CHILDREN: usize = 2;

/// N children, N jobs, N bare connections, in turn.
pub fn spamd(mail: &Mail, program: &Path) -> Result<()> {
    // The very bytes that the server hands out: with CRLF, which SpamAssassin takes longer for.
    let small: Vec<Vec<u8>> = mail
        .messages
        .iter()
        .filter(|message| message.len() < 100_000)
        .take(MESSAGES)
        .map(|message| with_crlf(message))
        .collect();
    let server = dovecot(small.iter().map(Vec::as_slice))?;
    let spamd = Spamd::start(&Settings {
        children: CHILDREN,
        ..Settings::default()
    })?;
    feed(spamd.address(), &small)?;
    let (mut bare, mut ours, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let begun = Instant::now();
        feed(spamd.address(), &small)?;
        let alone = begun.elapsed().as_secs_f64();
        let home = Home::new()?;
        let mut command = isbg(program, &home, server.address(), &server)?;
        command
            .args(["--noreport", "--dryrun", "--jobs"])
            .arg(CHILDREN.to_string());
        let finished = run(command.arg("--spamd").arg(spamd.address().to_string()))?;
        judged(&finished, small.len())?;
        bare.push(alone);
        ours.push(finished.wall.as_secs_f64());
        shares.push(alone / finished.wall.as_secs_f64());
    }
    let rate = |figures: &[f64]| MESSAGES as f64 / Figures::from_iter(figures.iter().copied()).median();
    row(
        &format!("{CHILDREN} bare connections to spamd -L, messages a second"),
        &format!("{:.1}", rate(&bare)),
        "",
    );
    row(
        &format!("isbg with {CHILDREN} jobs, whole process, messages a second"),
        &format!("{:.1}", rate(&ours)),
        "",
    );
    row(
        "isbg's rate / the bare rate",
        &Figures::from_iter(shares).to_string(),
        "at least 0.9",
    );
    Ok(())
}

/// N connections that send the messages one after the other.
fn feed(spamd: SocketAddr, messages: &[Vec<u8>]) -> Result<()> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let feeders: Vec<_> = (0..CHILDREN)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some(message) = messages.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let mut socket = TcpStream::connect(spamd)?;
                        write!(
                            socket,
                            "SYMBOLS SPAMC/1.5\r\nContent-length: {}\r\n\r\n",
                            message.len()
                        )?;
                        socket.write_all(message)?;
                        socket.shutdown(Shutdown::Write)?;
                        let mut answer = String::new();
                        socket.read_to_string(&mut answer)?;
                        ensure!(answer.contains("Spam: "), "spamd said {answer}");
                    }
                    Ok(())
                })
            })
            .collect();
        feeders
            .into_iter()
            .try_for_each(|feeder| feeder.join().map_err(|_| anyhow!("a feeder failed"))?)
    })
}
