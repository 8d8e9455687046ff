//! Server processes: a private folder, a user without privileges, a log, readiness with a deadline, and a sure end.
//! Does not know what the servers serve.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use tempfile::TempDir;

/// How long a server may take to come up. Generous: the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// `nobody`, the user servers run as when the tests run as root, since several of them refuse to serve mail as root.
const NOBODY: u32 = 65_534;

/// Runs `"$@"`, in whose process group waits a second process that kills the group once our end of its standard input
/// is closed: by [`Server`]'s drop, or by the system when the test process dies in whatever way.
const GUARDED: &str = r#"exec 3<&0; (read -r _ <&3; kill -KILL 0) & exec "$@" 3<&- </dev/null"#;

/// The user that servers run as, where it differs from ours.
pub(crate) fn lesser_user() -> Option<u32> {
    rustix::process::geteuid().is_root().then_some(NOBODY)
}

/// A temporary folder that belongs to the user the servers run as.
#[derive(Debug)]
pub struct Home(TempDir);

impl Home {
    /// Makes the folder. Its path is short enough for Unix sockets within.
    ///
    /// # Errors
    /// When the temporary folder cannot be made.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("isbg-").tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let home = Self(folder);
        give(home.path())?;
        Ok(home)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A path within.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file that the server may read and change.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.join(name);
        if let Some(parent) = path.parent() {
            self.create_dir(parent)?;
        }
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        give(&path)?;
        Ok(path)
    }

    /// Makes a folder, and those above it, that belong to the server.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create_dir(&self, name: impl AsRef<Path>) -> Result<PathBuf> {
        let path = self.join(name);
        let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(error).with_context(|| format!("cannot make {}", folder.display()));
                }
                _ => give(folder)?,
            }
        }
        Ok(path)
    }
}

/// Makes the user that servers run as the owner of `path`.
pub(crate) fn give(path: &Path) -> Result<()> {
    if let Some(user) = lesser_user() {
        std::os::unix::fs::lchown(path, Some(user), Some(user))
            .with_context(|| format!("cannot give away {}", path.display()))?;
    }
    Ok(())
}

/// The name and group name of the user that servers run as.
///
/// # Errors
/// When the system does not tell.
pub(crate) fn user_and_group() -> Result<(String, String)> {
    let id = |option: &str| -> Result<String> {
        let mut command = Command::new("id");
        command.arg(option).arg("-n");
        if let Some(user) = lesser_user() {
            command.arg(user.to_string());
        }
        let output = command.output().context("cannot run id")?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    Ok((id("-u")?, id("-g")?))
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `program` from within `home`; what it prints goes to the file `log` there.
    ///
    /// # Errors
    /// When the program is not installed (the error names `package`) or cannot be started.
    pub fn start<A: AsRef<OsStr>>(
        home: &Home,
        package: &str,
        program: impl AsRef<Path>,
        arguments: impl IntoIterator<Item = A>,
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        let program = program.as_ref();
        let Some(found) = find(program) else {
            bail!(
                "{} is not there; it comes with Debian's package {package} (`cargo xtask test` brings it)",
                program.display()
            );
        };
        let log = home.write("log", "")?;
        let output = File::options().append(true).open(&log)?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", GUARDED, "guard"])
            .arg(&found)
            .args(arguments)
            .current_dir(home.path())
            .env("HOME", home.path())
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0);
        if let Some(user) = lesser_user() {
            command.uid(user).gid(user);
        }
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", found.display()))?;
        Ok(Self {
            name: program.display().to_string(),
            child,
            log,
        })
    }

    /// Waits until `ready` says yes.
    ///
    /// # Errors
    /// When the server ends or a minute passes before that; the error carries the server's log.
    pub fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                return Err(self.with_log(&format!("ended at once with {status}")));
            }
            if Instant::now() > deadline {
                return Err(self.with_log(&format!("was not ready after {} s", PATIENCE.as_secs())));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The id of the server's main process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// An error that says what went wrong and shows the log.
    pub fn with_log(&self, what: &str) -> anyhow::Error {
        anyhow!("{} {what}; its log says:\n{}", self.name, self.log())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            // Fails when the group is gone already, which is just as well.
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap_or_default();
        }
        drop(self.child.wait());
    }
}

/// Asks a process to end, as `kill` does. One that has ended already is as good.
///
/// # Errors
/// When it belongs to somebody else.
pub fn terminate(child: &Child) -> io::Result<()> {
    let Some(process) = rustix::process::Pid::from_raw(child.id() as i32) else {
        return Ok(());
    };
    match rustix::process::kill_process(process, rustix::process::Signal::TERM) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The program itself, or what `PATH` and the folders of system programs have under its name.
pub(crate) fn find(program: &Path) -> Option<PathBuf> {
    if program.is_absolute() {
        return program.exists().then(|| program.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alive(id: u32) -> bool {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        !status.is_empty() && !status.contains("State:\tZ")
    }

    #[test]
    fn a_server_that_ends_at_once_shows_its_log() {
        let home = Home::new().unwrap();
        let mut server = Server::start(&home, "dash", "sh", ["-c", "echo port taken; exit 3"], &[]).unwrap();
        let error = server.wait_until(|| false).unwrap_err().to_string();
        assert!(
            error.contains("port taken") && error.contains("status: 3"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let home = Home::new().unwrap();
        let error = Server::start(&home, "frobnitz-imapd", "frobnitzd", [""], &[]).unwrap_err();
        assert!(error.to_string().contains("frobnitz-imapd"), "{error}");
    }

    #[test]
    fn the_whole_group_ends_with_the_value() {
        let home = Home::new().unwrap();
        let script = "sleep 1000 & echo $! > child; sleep 1000";
        let mut server = Server::start(&home, "dash", "sh", ["-c", script], &[]).unwrap();
        let child = || fs::read_to_string(home.join("child")).ok()?.trim().parse().ok();
        server.wait_until(|| child().is_some()).unwrap();
        let (parent, child) = (server.id(), child().unwrap());
        assert!(alive(parent) && alive(child));
        drop(server);
        assert!(!alive(parent));
        // Whoever inherits the orphan takes a moment to bury it.
        while alive(child) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
