//! The program as its users have it: built for release, started with a home of its own, ended at a deadline. Does not know
//! what it is asked to do.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use isbg_testkit::Home;

/// The program at this path, else built as it is shipped, without link-time optimisation.
///
/// # Errors
/// When it does not build.
pub fn or_built(path: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = path {
        return path.canonicalize().with_context(|| path.display().to_string());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--package", "isbg"])
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()?;
    if !built.status.success() {
        bail!("the program does not build");
    }
    let lines = String::from_utf8_lossy(&built.stdout).into_owned();
    lines
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .context("cargo did not say where the program is")
}

/// The program within this home: state, configuration and relative paths are there.
pub fn at_home(program: &Path, home: &Home) -> Command {
    let mut command = Command::new(program);
    command.current_dir(home.path()).env("HOME", home.path());
    for variable in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
        command.env_remove(variable);
    }
    command
}

/// Writes the password into a file that the program takes.
///
/// # Errors
/// When it cannot be written.
pub fn keep_password(home: &Home, file: &str, password: &str) -> Result<()> {
    let file = home.write(file, format!("{password}\n"))?;
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

/// A finished run.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// What a defect of the program shows itself by: a panic, a signal that nobody sent.
    pub fn defect(&self) -> Option<String> {
        let signs = ["panicked", "defect in isbg"];
        let shown = signs.iter().any(|sign| self.stderr.contains(sign));
        (shown || self.status.code().is_none()).then(|| format!("{}: {}", self.status, self.stderr))
    }
}

/// What is done to a run while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing.
    Left,
    /// It is killed after this time, if it still runs.
    Killed(Duration),
    /// It is asked to end (SIGTERM) after this time.
    Stopped(Duration),
}

/// Runs the command to its end, which must come before the deadline.
///
/// # Errors
/// When it cannot be started, or hangs.
pub fn run(command: &mut Command, fate: Fate, deadline: Duration) -> Result<Ended> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let mut fate = fate;
    let mut late = false;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        let passed = begun.elapsed();
        match fate {
            Fate::Killed(after) if passed >= after => {
                child.kill()?;
                fate = Fate::Left;
            }
            Fate::Stopped(after) if passed >= after => {
                isbg_testkit::terminate(&child)?;
                fate = Fate::Left;
            }
            _ if passed > deadline && !late => {
                late = true;
                child.kill()?;
            }
            _ => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let text = |reading: std::thread::JoinHandle<String>| reading.join().unwrap_or_default();
    let (stdout, stderr) = (text(stdout), text(stderr));
    if late {
        bail!(
            "a run did not end within {} s; it said: {stderr}",
            deadline.as_secs()
        );
    }
    Ok(Ended {
        status,
        stdout,
        stderr,
    })
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read up to a broken pipe is all there is.
            pipe.read_to_end(&mut bytes).unwrap_or_default();
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
