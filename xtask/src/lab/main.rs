//! `cargo xtask demo`, `bench`, `soak`, `oracle`: what runs the program, or a part of it, against real servers. Does not test: that is `cargo xtask test`.

#![allow(clippy::print_stdout, reason = "this program talks to whoever runs it")]

mod bench;
mod demo;
mod oracle;
mod program;
mod soak;

use std::process::ExitCode;

use clap::Parser;

/// What runs the program against real servers.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Lab {
    /// Speed and memory, as ratios in one run against the peer named.
    Bench(bench::Bench),
    /// The main job on a real IMAP server on this machine, with mail we wrote.
    Demo(demo::Demo),
    /// Views, hits and scores of the rules, against the SpamAssassin on this machine.
    Oracle(oracle::Oracle),
    /// Long runs: every file of a folder, or a day of cron with kills and outages.
    Soak(soak::Soak),
}

fn main() -> ExitCode {
    let outcome = match Lab::parse() {
        Lab::Bench(bench) => bench.run(),
        Lab::Demo(demo) => demo.run(),
        Lab::Oracle(oracle) => oracle.run(),
        Lab::Soak(soak) => soak.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
