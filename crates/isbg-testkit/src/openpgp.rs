//! OpenPGP keys and signatures, made by GnuPG in a folder of its own. Does not know who checks them.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// A key pair. It is gone, with the agent that holds it, when dropped.
#[derive(Debug)]
pub struct Signer {
    home: tempfile::TempDir,
    /// What the clock says while signing; the real time if it says nothing.
    clock: Option<&'static str>,
}

impl Signer {
    /// A key that signs and does not expire.
    ///
    /// # Errors
    /// When gpg is not installed or fails.
    pub fn new() -> Result<Self> {
        Self::generate("ed25519", "sign", "never", None)
    }

    /// An RSA key that only certifies, with an RSA subkey that signs.
    ///
    /// # Errors
    /// When gpg is not installed or fails.
    pub fn with_subkey() -> Result<Self> {
        let signer = Self::generate("rsa2048", "cert", "never", None)?;
        let fingerprint = signer.fingerprint()?;
        signer.gpg(
            &["--quick-add-key", &fingerprint, "rsa2048", "sign", "never"],
            b"",
        )?;
        Ok(signer)
    }

    /// A key that was good in 2020, and signs as if it were still that year.
    ///
    /// # Errors
    /// When gpg is not installed or fails.
    pub fn expired() -> Result<Self> {
        Self::generate("ed25519", "sign", "1y", Some("20200301T000000!"))
    }

    fn generate(kind: &str, usage: &str, life: &str, clock: Option<&'static str>) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let signer = Self { home, clock };
        signer.gpg(
            &["--quick-generate-key", "channel@example.org", kind, usage, life],
            b"",
        )?;
        Ok(signer)
    }

    /// The public key, as text.
    ///
    /// # Errors
    /// When gpg fails.
    pub fn public(&self) -> Result<Vec<u8>> {
        self.gpg(&["--armor", "--export"], b"")
    }

    /// The fingerprint of the primary key.
    ///
    /// # Errors
    /// When gpg fails.
    pub fn fingerprint(&self) -> Result<String> {
        let list = self.gpg(&["--with-colons", "--list-keys"], b"")?;
        let list = String::from_utf8(list)?;
        let line = list.lines().find(|line| line.starts_with("fpr:"));
        let fingerprint = line.and_then(|line| line.split(':').nth(9));
        Ok(fingerprint.context("gpg lists no key")?.to_owned())
    }

    /// A detached signature as text.
    ///
    /// # Errors
    /// When gpg fails.
    pub fn sign(&self, data: &[u8]) -> Result<Vec<u8>> {
        self.gpg(&["--armor", "--detach-sign"], data)
    }

    /// A detached signature as text that rests on this digest, such as `MD5`.
    ///
    /// # Errors
    /// When gpg fails.
    pub fn sign_with(&self, digest: &str, data: &[u8]) -> Result<Vec<u8>> {
        let allowed = "--allow-weak-digest-algos";
        self.gpg(
            &["--armor", allowed, "--digest-algo", digest, "--detach-sign"],
            data,
        )
    }

    /// Revokes the key: what [`Self::public`] gives then says so.
    ///
    /// # Errors
    /// When gpg fails.
    pub fn revoke(&self) -> Result<()> {
        let file = format!("{}.rev", self.fingerprint()?);
        let path = self.home.path().join("openpgp-revocs.d").join(file);
        // GnuPG puts a colon in front, so that nobody imports it by mistake.
        let text = std::fs::read_to_string(path)?.replace(":-----BEGIN", "-----BEGIN");
        self.gpg(&["--import"], text.as_bytes())?;
        Ok(())
    }

    fn gpg<S: AsRef<OsStr>>(&self, arguments: &[S], input: &[u8]) -> Result<Vec<u8>> {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(self.home.path());
        command.args([
            "--batch",
            "--quiet",
            "--no-tty",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ]);
        if let Some(clock) = self.clock {
            command.args(["--faked-system-time", clock]);
        }
        command.args(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .context("gpg cannot be started; it comes with Debian's package gnupg")?;
        // Small enough for the pipe, and gpg reads it all before it answers.
        child
            .stdin
            .take()
            .context("no standard input")?
            .write_all(input)?;
        let output = child.wait_with_output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "gpg fails: {error}");
        Ok(output.stdout)
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let mut command = Command::new("gpgconf");
        command
            .arg("--homedir")
            .arg(self.home.path())
            .args(["--kill", "all"]);
        // Without, the agent ends by itself once it sees that its folder is gone.
        drop(command.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}
