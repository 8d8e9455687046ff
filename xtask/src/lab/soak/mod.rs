//! `cargo xtask soak`: what takes too long for a test. Every file of a folder through the whole program, or a day of cron
//! use with kills, cuts and outages. Counts what went wrong; decides nothing else.

mod corpus;
mod day;
mod forms;
mod mishap;
mod post;

use std::path::PathBuf;

use anyhow::Result;

use crate::program;

/// What to run.
#[derive(Debug, clap::Args)]
pub struct Soak {
    /// Send every file below this folder through the whole program.
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "day",
        conflicts_with = "day"
    )]
    corpus: Option<PathBuf>,
    /// Simulate a day of cron use.
    #[arg(long)]
    day: bool,
    /// What decides everything that is left to chance in that day.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "day")]
    seed: u64,
    /// How often cron starts the program in that day, for each mailbox.
    #[arg(long, value_name = "N", default_value_t = 288, requires = "day")]
    rounds: u64,
    /// The program, if it is not to be built first.
    #[arg(long)]
    isbg: Option<PathBuf>,
}

impl Soak {
    /// Runs it. The last line begins with `soak:` and has the counts.
    ///
    /// # Errors
    /// When a server cannot be started, or anything went wrong.
    pub fn run(&self) -> Result<()> {
        let program = program::or_built(self.isbg.as_deref())?;
        match &self.corpus {
            Some(folder) => corpus::corpus(&program, folder),
            None => day::day(&program, self.seed, self.rounds),
        }
    }
}
