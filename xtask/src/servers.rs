//! Brings the mail servers that the tests talk to. Debian lets only one IMAP server be installed at a time: Dovecot is,
//! Cyrus and Courier are unpacked into a folder of their own. Does not start any.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::packages::{self, DOVECOT_AND_SPAMD, FURTHER};

/// Each server with the packages it is made of. `isbg-testkit` looks for it under this name.
const UNPACKED: [(&str, &[&str]); 2] = [
    ("cyrus", &["cyrus-common", "cyrus-imapd", "sasl2-bin"]),
    (
        "courier",
        &["courier-authlib", "courier-imap", "libcourier-unicode4"],
    ),
];

/// Installs one IMAP server and one scorer, if they are missing: what begins with these begins soon.
///
/// # Errors
/// When something is missing and cannot be had.
pub fn prepare_few() -> Result<()> {
    packages::install(DOVECOT_AND_SPAMD)
}

/// Installs and unpacks whatever is missing.
///
/// # Errors
/// When something is missing and cannot be had.
pub fn prepare() -> Result<()> {
    packages::install(&[DOVECOT_AND_SPAMD, FURTHER].concat())?;
    let cache = cache()?;
    for (server, packages) in UNPACKED {
        let target = cache.join(server);
        if !target.exists() {
            unpack(&cache, packages, &target).with_context(|| format!("cannot unpack {server}"))?;
        }
    }
    Ok(())
}

/// A folder that the servers' user without privileges can enter, wherever the checkout is.
fn cache() -> Result<PathBuf> {
    let us = fs::metadata("/proc/self")?.uid();
    let folder = PathBuf::from(format!("/var/tmp/isbg-testkit-{us}"));
    if !folder.exists() {
        fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
    }
    ensure!(
        folder.metadata()?.uid() == us,
        "{} belongs to somebody else",
        folder.display()
    );
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

fn unpack(cache: &Path, packages: &[&str], target: &Path) -> Result<()> {
    let draft = cache.join(format!("draft-{}", std::process::id()));
    let root = draft.join("root");
    fs::create_dir_all(&root)?;
    fs::set_permissions(&root, fs::Permissions::from_mode(0o755))?;
    println!("fetching {}", packages.join(", "));
    let mut download = Command::new("apt-get");
    download
        .args(["-q", "-o", "APT::Sandbox::User=root", "download"])
        .args(packages)
        .current_dir(&draft);
    finish(&mut download)?;
    for entry in fs::read_dir(&draft)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            finish(Command::new("dpkg").arg("-x").arg(file).arg(&root))?;
        }
    }
    fs::rename(&root, target)?;
    Ok(fs::remove_dir_all(draft)?)
}

fn finish(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} failed");
    Ok(())
}
