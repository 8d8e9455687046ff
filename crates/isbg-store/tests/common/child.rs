//! A test started again as a process of its own, so that it can be killed. Does not know what the child does.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

const CHILD: &str = "ISBG_STORE_TEST_CHILD";

/// The directory handed to this process, if it is a child.
pub fn directory() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// In a child: tells the parent a line.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n#{line}").unwrap();
    out.flush().unwrap();
}

/// In a child: waits to be killed, or for the parent's end.
pub fn wait() {
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// The command that runs only this test, as a child.
pub fn command(test: &str, directory: &Path) -> Command {
    command_of(&std::env::current_exe().unwrap(), test, directory)
}

/// The same, of a copy of these tests.
pub fn command_of(tests: &Path, test: &str, directory: &Path) -> Command {
    let mut command = Command::new(tests);
    let arguments = ["--exact", test, "--nocapture", "--test-threads=1"];
    command
        .args(arguments.map(OsString::from))
        .env(CHILD, directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

pub struct Running {
    pub process: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    pub fn start(test: &str, directory: &Path) -> Self {
        Self::of(command(test, directory))
    }

    pub fn of(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        Self { process, out }
    }

    /// The next line that the child says; `None` when it has ended.
    pub fn line(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.out.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(said) = line.trim_end().strip_prefix('#') {
                return Some(said.to_owned());
            }
        }
    }

    /// SIGKILL, and all that it had said before.
    pub fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::iter::from_fn(|| self.line()).collect()
    }
}
