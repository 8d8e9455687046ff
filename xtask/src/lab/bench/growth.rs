//! Whether time grows with the number of messages and no faster. Does not say why.

use std::path::Path;

use anyhow::Result;
use isbg_testkit::Home;
use isbg_testkit::mail;

use super::ground::{Mail, dovecot, instant_scorer, isbg};
use super::run::{row, run};
use super::scan::judged;

/// Scans of 1,000, 10,000 and 100,000 messages of the same size.
pub fn growth(_: &Mail, program: &Path) -> Result<()> {
    let messages: Vec<Vec<u8>> = (0..1_000).map(|n| mail::sized(n, 2_000)).collect();
    let scorer = instant_scorer(false)?;
    for count in [1_000, 10_000, 100_000] {
        let server = dovecot(messages.iter().cycle().take(count).map(Vec::as_slice))?;
        let home = Home::new()?;
        let mut command = isbg(program, &home, server.address(), &server)?;
        let finished = run(command.args(["--noreport", "--spamd"]).arg(scorer.to_string()))?;
        judged(&finished, count)?;
        let each = finished.wall.as_secs_f64() * 1e6 / count as f64;
        row(
            &format!("{count} messages: s, and microseconds a message"),
            &format!("{:.2}, {each:.0}", finished.wall.as_secs_f64()),
            "",
        );
    }
    Ok(())
}
