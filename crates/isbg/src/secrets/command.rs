//! Secrets that a command prints. Does not know what they are for.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::Secret;
use crate::exit::{Failure, Status};

/// Long enough for somebody to unlock a password store.
const DEADLINE: Duration = Duration::from_secs(120);

/// More output is no secret.
const MAX_BYTES: u64 = 64 * 1024;

/// The first line that a shell command prints. Its standard error goes where ours goes. `what` names the secret in
/// errors; the command itself may hold secrets and is not shown.
///
/// # Errors
/// With status 20 when it cannot be run, fails, takes longer than two minutes or prints nothing.
pub async fn first_line(command: &str, what: &str) -> Result<Secret, Failure> {
    let fail = |why: &str| Failure::new(Status::NeedsTerminal, format!("the command for {what} {why}"));
    let mut child = shell(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| fail(&format!("cannot be run: {error}")))?;
    let Some(stdout) = child.stdout.take() else {
        return Err(fail("has no output"));
    };
    let work = async {
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        stdout.take(MAX_BYTES).read_to_end(&mut bytes).await?;
        Ok::<_, std::io::Error>((child.wait().await?, bytes))
    };
    match timeout(DEADLINE, work).await {
        Err(_) => Err(fail(&format!("did not end within {} s", DEADLINE.as_secs()))),
        Ok(Err(error)) => Err(fail(&format!("failed: {error}"))),
        Ok(Ok((status, _))) if !status.success() => Err(fail(&format!("failed ({status})"))),
        Ok(Ok((_, bytes))) => {
            let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                Err(fail("printed nothing"))
            } else {
                Ok(Secret::from(line.to_vec()))
            }
        }
    }
}

#[cfg(not(windows))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").raw_arg(command);
    shell
}
