//! `cargo xtask NAME`: what cargo cannot say by itself. Does not know how any of it is done.

#![allow(clippy::print_stdout, reason = "this program talks to whoever runs it")]

#[cfg(unix)]
mod packages;
mod run;
#[cfg(unix)]
mod servers;
#[cfg(not(unix))]
mod servers {
    //! The counterpart where there are no Debian packages.

    /// Always fails.
    pub fn prepare() -> anyhow::Result<()> {
        anyhow::bail!("the tests need real mail servers, which come from Debian's packages")
    }
}
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;

const USAGE: &str = "\
cargo xtask test      everything that must hold: tests, lints, layout, house rules; installs the servers the tests need
cargo xtask bench     speed and memory, against the peers named (--help tells more)
cargo xtask servers   only installs and unpacks those servers
cargo xtask tidy      only the house rules that no compiler checks";

/// Builds and runs the part of this program that needs the test kit.
fn lab(arguments: &[&str]) -> Result<()> {
    servers::prepare()?;
    let own = [
        "run",
        "--quiet",
        "--release",
        "--package",
        "xtask",
        "--features",
        "lab",
        "--bin",
        "lab",
        "--",
    ];
    run::run(&run::cargo(), &[&own, arguments].concat(), &[])
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome: Result<()> = match arguments.as_slice() {
        ["test"] => test::test(),
        ["bench", ..] => lab(&arguments),
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
