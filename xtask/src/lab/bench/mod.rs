//! `cargo xtask bench`: speed and memory, as ratios in one run against the peer named. Judges nothing by itself; but
//! for the native engine's processor time it knows no way to the program than its command line.

mod ground;
mod growth;
mod idle;
mod learn;
mod moving;
mod native;
mod peers;
mod run;
mod scan;
mod spamd;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::program;

/// Measures one thing and prints its rows.
type Part = fn(&ground::Mail, &Path) -> Result<()>;

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Bench {
    /// Parts to run: scan, memory, spamd, peers, idle, moving, growth. All these, if none is named. Or
    /// learn alone, whose corpus is a folder of streams, each with an `index`; or native alone, whose corpus is a folder
    /// of collections.
    parts: Vec<String>,
    /// A folder of messages (`*.eml`, in name order) to measure with, instead of generated ones.
    #[arg(long)]
    corpus: Option<PathBuf>,
    /// The program, if it is not to be built first.
    #[arg(long)]
    isbg: Option<PathBuf>,
}

impl Bench {
    /// Runs the parts and prints their tables.
    ///
    /// # Errors
    /// When a server cannot be started, or the program fails.
    pub fn run(&self) -> Result<()> {
        if self.parts == ["learn"] {
            return learn::learn(self.corpus.as_deref());
        }
        let isbg = program::or_built(self.isbg.as_deref())?;
        if self.parts == ["native"] {
            return native::native(self.corpus.as_deref(), &isbg);
        }
        let mail = ground::Mail::load(self.corpus.as_deref())?;
        println!(
            "messages from {}; median (least to most) of the runs named; two cores shared with the servers",
            mail.source
        );
        let parts: [(&str, Part); 7] = [
            ("scan", scan::speed),
            ("memory", scan::memory),
            ("idle", idle::idle),
            ("moving", moving::moving),
            ("growth", growth::growth),
            ("spamd", spamd::spamd),
            ("peers", peers::peers),
        ];
        for (name, part) in parts {
            if self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == name) {
                println!("\n{name}");
                part(&mail, &isbg)?;
            }
        }
        Ok(())
    }
}
