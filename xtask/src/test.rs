//! Everything that must hold before a change may land. Does not know what the tests test.

use anyhow::Result;

use crate::run::{cargo, output, run};
use crate::{servers, tidy};

/// Runs it all: the quick checks first, so that a slip shows before the long wait.
///
/// # Errors
/// When anything does not hold.
pub fn test() -> Result<()> {
    tidy::tidy()?;
    let cargo = cargo();
    let cargo = |arguments: &[&str], environment: &[(&str, &str)]| run(&cargo, arguments, environment);
    cargo(&["fmt", "--all", "--check"], &[])?;
    servers::prepare()?;
    cargo(
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
        &[],
    )?;
    let documented = [("RUSTDOCFLAGS", "-D warnings")];
    cargo(
        &["doc", "--workspace", "--no-deps", "--locked", "--quiet"],
        &documented,
    )?;
    cargo(&["test", "--workspace", "--doc", "--locked", "--quiet"], &[])?;
    // nextest stops a test that hangs and runs each in a process of its own; without it cargo's own runner does.
    if output("cargo-nextest", &["nextest", "--version"]).is_some() {
        cargo(
            &["nextest", "run", "--workspace", "--locked", "--no-fail-fast"],
            &[],
        )
    } else {
        cargo(
            &[
                "test",
                "--workspace",
                "--all-targets",
                "--locked",
                "--no-fail-fast",
            ],
            &[],
        )
    }
}
