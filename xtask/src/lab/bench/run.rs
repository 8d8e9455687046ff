//! Runs a program as a whole process and tells its time and memory. Does not know what the program does.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// One finished run.
#[derive(Debug, Clone)]
pub struct Finished {
    pub wall: Duration,
    /// The most memory it had at once, in MiB.
    pub peak: f64,
    pub stderr: String,
    pub status: Option<i32>,
}

/// Runs the command to its end.
pub fn run(command: &mut Command) -> Result<Finished> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let status_file = PathBuf::from(format!("/proc/{}/status", child.id()));
    let stderr = child.stderr.take().context("no stderr")?;
    let reading = std::thread::spawn(move || std::io::read_to_string(stderr).unwrap_or_default());
    let mut peak = 0.0;
    let status = loop {
        peak = high_water(&status_file).unwrap_or(peak);
        match child.try_wait()? {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let wall = begun.elapsed();
    let stderr = reading.join().unwrap_or_default();
    Ok(Finished {
        wall,
        peak,
        stderr,
        status: status.code(),
    })
}

/// The kernel's own account of the most memory the process had (VmHWM).
fn high_water(status: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// Figures of several runs.
#[derive(Debug, Clone)]
pub struct Figures(Vec<f64>);

impl FromIterator<f64> for Figures {
    fn from_iter<I: IntoIterator<Item = f64>>(figures: I) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        Self(figures)
    }
}

impl Figures {
    /// The middle one.
    pub fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (least, most) = (
            self.0.first().copied().unwrap_or(f64::NAN),
            self.0.last().copied().unwrap_or(f64::NAN),
        );
        write!(f, "{:.3} ({least:.3} to {most:.3})", self.median())
    }
}

/// One row of a table: a name, a figure, and what it must reach where that is laid down.
pub fn row(name: &str, figure: &str, must: &str) {
    println!("  {name:<58} {figure:>32}  {must}");
}
