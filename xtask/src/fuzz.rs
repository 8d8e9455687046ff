//! `cargo xtask fuzz`: builds the fuzz targets and runs them one after another under libFuzzer. Does not know what a target
//! checks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::run;

/// The targets, and whether messages are a start for them.
const TARGETS: [(&str, bool); 15] = [
    ("views", true),
    ("html", false),
    ("uris", false),
    ("received", false),
    ("mime", true),
    ("unwrap", true),
    ("rules", false),
    ("pattern", false),
    ("evals", true),
    ("imap", false),
    ("imap-words", false),
    ("classifier", true),
    ("model-file", false),
    ("spamd-client", false),
    ("spamd-server", false),
];

/// Coverage for libFuzzer, which the stable compiler can insert as well.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=4";

/// Per input: more time is a finding (seconds), and more memory in all or at once (MiB). Inputs are not made longer than that
/// (bytes).
const LIMITS: [&str; 4] = [
    "-timeout=20",
    "-rss_limit_mb=1500",
    "-malloc_limit_mb=512",
    "-max_len=16384",
];

/// Seconds a target runs unless told otherwise.
const SECONDS: u64 = 600;

/// Runs the named targets, or all of them.
///
/// # Errors
/// When the arguments are wrong, the targets cannot be built, or one found something.
pub fn fuzz(arguments: &[&str]) -> Result<()> {
    let mut seconds = SECONDS;
    let mut wanted = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--seconds" => {
                let number = rest.next().context("--seconds needs a number")?;
                seconds = number.parse().context("--seconds needs a number")?;
            }
            name => match TARGETS.iter().find(|(known, _)| *known == name) {
                Some(target) => wanted.push(*target),
                None => bail!(
                    "there is no target {name}; there are: {}",
                    TARGETS.map(|(known, _)| known).join(", ")
                ),
            },
        }
    }
    if wanted.is_empty() {
        wanted = TARGETS.to_vec();
    }
    let binary = build()?;
    let found: Vec<&str> = wanted
        .into_iter()
        .filter_map(
            |(name, messages)| match target(&binary, name, messages, seconds) {
                Ok(()) => None,
                Err(error) => {
                    println!("xtask: {error:#}");
                    Some(name)
                }
            },
        )
        .collect();
    ensure!(found.is_empty(), "found something: {}", found.join(", "));
    Ok(())
}

fn build() -> Result<PathBuf> {
    let root = run::workspace();
    let host =
        run::output("rustc", &["--print", "host-tuple"]).context("rustc does not say where it runs")?;
    let host = host.trim();
    // What is fuzzed is what is shipped: the same versions, and libFuzzer added.
    fs::copy(root.join("Cargo.lock"), root.join("fuzz/Cargo.lock"))?;
    let target_dir = root.join("target/fuzz");
    let folder = target_dir.to_str().context("the target folder has an odd name")?;
    let build = [
        "build",
        "--release",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--target",
        host,
        "--target-dir",
        folder,
    ];
    // With --target the flags do not concern what runs while building.
    run::run(&run::cargo(), &build, &[("RUSTFLAGS", FLAGS)])?;
    Ok(target_dir.join(host).join("release/isbg-fuzz"))
}

/// Runs one target. What it learns stays in `target/fuzz/corpus` for the next time; what it finds is in `target/fuzz/found`.
fn target(binary: &Path, name: &str, messages: bool, seconds: u64) -> Result<()> {
    let root = run::workspace();
    let corpus = root.join("target/fuzz/corpus").join(name);
    let found = root.join("target/fuzz/found").join(name);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&found)?;
    let mail = [
        "fuzz/seeds/message",
        "crates/isbg-testkit/mail/ham",
        "crates/isbg-testkit/mail/spam",
    ];
    let own = format!("fuzz/seeds/{name}");
    let seeds = [own.as_str()]
        .into_iter()
        .chain(mail.into_iter().filter(|_| messages));
    let seeds = seeds
        .map(|folder| root.join(folder))
        .filter(|folder| folder.is_dir());
    println!("\n{name}: {seconds} s");
    let status = Command::new(binary)
        .arg(&corpus)
        .args(seeds)
        .args(LIMITS)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .arg("-print_final_stats=1")
        .arg("-verbosity=0")
        .env("ISBG_FUZZ", name)
        .status()
        .with_context(|| format!("cannot run {}", binary.display()))?;
    ensure!(
        status.success(),
        "{name} found something; the input is in {}",
        found.display()
    );
    Ok(())
}
