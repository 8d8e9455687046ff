//! `cargo xtask demo`, `bench`, `soak`: what runs the program against real servers. Does not test: that is `cargo xtask test`.

#![allow(clippy::print_stdout, reason = "this program talks to whoever runs it")]

mod bench;

use std::process::ExitCode;

use clap::Parser;

/// What runs the program against real servers.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Lab {
    /// Speed and memory, as ratios in one run against the peer named.
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    let outcome = match Lab::parse() {
        Lab::Bench(bench) => bench.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
