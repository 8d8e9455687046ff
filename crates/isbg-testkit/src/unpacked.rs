//! Where the servers lie that were unpacked and not installed, because Debian lets only one IMAP server be installed at a
//! time. Does not unpack them: `cargo xtask test` and `cargo xtask servers` do.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use anyhow::{Result, ensure};

/// The folder with one server's files, laid out as they would be under `/`. Outside of the home folder and of the
/// target folder, which the user without privileges that servers run as may not be able to enter.
///
/// # Errors
/// When the server was not unpacked, or by somebody else.
pub(crate) fn unpacked(server: &str) -> Result<PathBuf> {
    let us = rustix::process::geteuid().as_raw();
    let folder = PathBuf::from(format!("/var/tmp/isbg-testkit-{us}/{server}"));
    let owner = folder.metadata().map(|metadata| metadata.uid());
    ensure!(
        owner.is_ok_and(|owner| owner == us),
        "{} is not there; `cargo xtask servers` brings it",
        folder.display()
    );
    Ok(folder)
}

/// The value of `LD_LIBRARY_PATH` with which an unpacked program finds the libraries that came with it.
pub(crate) fn library_path(root: &std::path::Path) -> String {
    let multiarch = format!("{}-linux-gnu", std::env::consts::ARCH);
    let folders = [root.join("usr/lib").join(multiarch), root.join("usr/lib")];
    folders.map(|folder| folder.display().to_string()).join(":")
}
