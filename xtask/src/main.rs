//! `cargo xtask NAME`: what cargo cannot say by itself. Does not know how any of it is done.

#![allow(clippy::print_stdout, reason = "this program talks to whoever runs it")]

mod fuzz;
#[cfg(unix)]
mod packages;
mod run;
#[cfg(unix)]
mod servers;
#[cfg(not(unix))]
mod servers {
    //! The counterpart where there are no Debian packages.

    /// Always fails.
    pub fn prepare_few() -> anyhow::Result<()> {
        prepare()
    }

    /// Always fails.
    pub fn prepare() -> anyhow::Result<()> {
        anyhow::bail!("real mail servers are needed; they come from Debian's packages")
    }
}
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;

const USAGE: &str = "\
cargo xtask demo      the main job on a real IMAP server on this machine, with mail we wrote
cargo xtask test      everything that must hold: tests, lints, layout, house rules; installs the servers the tests need
cargo xtask bench     speed and memory, against the peers named (--help tells more)
cargo xtask soak      long runs: every file of a folder, or a day of cron with kills and outages (--help tells more)
cargo xtask oracle    views, hits and scores of the rules, against the SpamAssassin on this machine (--help tells more)
cargo xtask fuzz      hostile inputs for every parser under libFuzzer; [TARGET...] [--seconds N]
cargo xtask servers   only installs and unpacks those servers
cargo xtask tidy      only the house rules that no compiler checks";

/// Builds and runs the part of this program that needs the test kit.
fn lab(arguments: &[&str]) -> Result<()> {
    let lab = [
        "--release",
        "--package",
        "xtask",
        "--features",
        "lab",
        "--bin",
        "lab",
    ];
    // By itself, since this takes minutes the first time: here cargo shows how far it is.
    run::run(&run::cargo(), &[&["build"], &lab[..]].concat(), &[])?;
    run::run(
        &run::cargo(),
        &[&["run", "--quiet"], &lab[..], &["--"], arguments].concat(),
        &[],
    )
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome: Result<()> = match arguments.as_slice() {
        ["test"] => test::test(),
        ["demo" | "oracle" | "soak", ..] => servers::prepare_few().and_then(|()| lab(&arguments)),
        ["bench", ..] => servers::prepare().and_then(|()| lab(&arguments)),
        ["fuzz", arguments @ ..] => fuzz::fuzz(arguments),
        ["servers"] => servers::prepare(),
        ["tidy"] => tidy::tidy(),
        _ => {
            println!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
