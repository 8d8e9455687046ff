//! Runs a program over a message with caps and a deadline. Does not know what the program does.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use isbg_spool::{CHUNK, Spool, Writer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use crate::text::foreign;
use crate::{Unknown, UnknownKind};

/// So much of what the program complains about is kept.
const MAX_COMPLAINT: usize = 4096;

/// What to run.
pub(super) struct Job<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: Vec<OsString>,
    pub(super) input: &'a Spool,
    /// A program that prints more than this is killed.
    pub(super) most_output: u64,
    pub(super) deadline: Duration,
}

/// How it ended.
pub(super) struct Done {
    pub(super) status: ExitStatus,
    pub(super) output: Spool,
    /// The first it wrote to standard error.
    pub(super) complaint: String,
}

impl Done {
    /// The status and the complaint for people.
    pub(super) fn story(&self) -> String {
        match foreign(&self.complaint) {
            complaint if complaint.is_empty() => self.status.to_string(),
            complaint => format!("{}, {complaint}", self.status),
        }
    }
}

impl Job<'_> {
    /// The program's name without its folder.
    fn name(&self) -> String {
        self.program
            .file_name()
            .unwrap_or(OsStr::new("the program"))
            .to_string_lossy()
            .into_owned()
    }

    /// Runs it to its end, and no longer than until the deadline: then it is killed with all its children.
    pub(super) async fn run(&self) -> Result<Done, Unknown> {
        let mut child = self.spawn()?;
        // Dropped before `child`, while the process id still is its.
        let mut group = Group::of(&child);
        let work = async {
            let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
            let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
                return Err(io::Error::other("it has no standard streams"));
            };
            let ((), output, complaint) = tokio::try_join!(
                feed(stdin, self.input),
                collect(stdout, self.most_output),
                overhear(stderr)
            )?;
            let status = child.wait().await?;
            Ok(Done {
                status,
                output,
                complaint,
            })
        };
        let name = self.name();
        match timeout(self.deadline, work).await {
            Ok(Ok(done)) => {
                group.ended();
                Ok(done)
            }
            Ok(Err(error)) => Err(Unknown::new(
                UnknownKind::BadAnswer,
                format!("{name} was stopped: {error}"),
            )),
            Err(_) => {
                let seconds = self.deadline.as_secs();
                let detail = format!("{name} did not end within {seconds} s and was killed");
                Err(Unknown::new(UnknownKind::Timeout, detail))
            }
        }
    }

    fn spawn(&self) -> Result<Child, Unknown> {
        let mut command = Command::new(self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command.spawn().map_err(|error| {
            let name = self.name();
            let detail = if error.kind() == io::ErrorKind::NotFound {
                format!(
                    "{name} is not installed; install SpamAssassin, or choose another scorer with --engine"
                )
            } else {
                format!("{name} cannot be started: {error}")
            };
            Unknown::new(UnknownKind::Outage, detail)
        })
    }
}

/// The process group of a child that may still run. Kills it when dropped.
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self {
            leader: id.and_then(rustix::process::Pid::from_raw),
        }
    }

    fn ended(&mut self) {
        self.leader = None;
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // Fails when the group is gone already, which is just as well.
            rustix::process::kill_process_group(leader, rustix::process::Signal::KILL).unwrap_or_default();
        }
    }
}

/// Elsewhere the child alone is killed, by `kill_on_drop`.
#[cfg(not(unix))]
impl Group {
    fn of(_child: &Child) -> Self {
        Self {}
    }

    fn ended(&mut self) {}
}

/// Writes the message to the program. One that does not read to the end is free not to.
async fn feed(mut stdin: ChildStdin, mail: &Spool) -> io::Result<()> {
    let mut offset = 0;
    while offset < mail.len() {
        let chunk = mail.chunk(offset)?;
        match stdin.write_all(&chunk).await {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            result => result?,
        }
        offset += chunk.len() as u64;
    }
    Ok(())
}

async fn collect(mut stdout: impl AsyncRead + Unpin, most: u64) -> io::Result<Spool> {
    let mut out = Writer::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        let got = stdout.read(&mut buffer).await?;
        if got == 0 {
            return out.finish();
        }
        out.write_all(&buffer[..got])?;
        if out.len() > most {
            return Err(io::Error::other(format!("it prints more than {most} bytes")));
        }
    }
}

/// Reads to the end, so that the program never waits for us, and keeps the beginning.
async fn overhear(mut stderr: impl AsyncRead + Unpin) -> io::Result<String> {
    let mut kept = Vec::new();
    let mut buffer = vec![0; MAX_COMPLAINT];
    loop {
        let got = stderr.read(&mut buffer).await?;
        if got == 0 {
            return Ok(String::from_utf8_lossy(&kept).into_owned());
        }
        let room = MAX_COMPLAINT - kept.len();
        kept.extend_from_slice(&buffer[..got.min(room)]);
    }
}
