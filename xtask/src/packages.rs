//! Debian's packages of mail servers and scorers: finds out what is missing and installs it. Does not start any service.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::run::{output, run};

/// One IMAP server and one scorer.
pub const DOVECOT_AND_SPAMD: &[&str] = &["dovecot-imapd", "spamassassin", "spamd"];

/// What the tests need besides: other scorers, GnuPG, the isbg that ours takes the place of, and the libraries of those servers that are unpacked and not installed
/// (Debian 12).
pub const FURTHER: &[&str] = &[
    "gnupg",
    "isbg",
    "libio-socket-ssl-perl",
    "rspamd",
    "spamc",
    // Cyrus
    "libcom-err2",
    "libgssapi-krb5-2",
    "libical3",
    "libicu72",
    "libjansson4",
    "libldap-2.5-0",
    "libpcre3",
    "libpq5",
    "libsasl2-2",
    "libsasl2-modules",
    "libsasl2-modules-db",
    "libsqlite3-0",
    "libwrap0",
    "libxapian30",
    "libxml2",
    // Courier
    "libgamin0",
    "libgdbm6",
    "libidn12",
];

/// Installs what is missing of these, if we are root.
///
/// # Errors
/// When something is missing and cannot be installed; the error names it.
pub fn install(wanted: &[&'static str]) -> Result<()> {
    let missing: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|package| !is_installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    ensure!(
        output("apt-get", &["--version"]).is_some(),
        "real mail servers are needed; they come from Debian 12's packages: {names}"
    );
    ensure!(
        is_root(),
        "packages are missing; as root: apt-get install --no-install-recommends {names}"
    );
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    run("apt-get", &["-q", "update"], &quiet)?;
    let mut arguments = vec!["-q", "-y", "install", "--no-install-recommends"];
    arguments.extend(missing);
    let _calm = Calm::new()?;
    run("apt-get", &arguments, &quiet).with_context(|| format!("cannot install {names}"))
}

fn is_installed(package: &str) -> bool {
    output("dpkg-query", &["-W", "-f=${db:Status-Status}\n", package])
        .is_some_and(|status| status.lines().any(|line| line == "installed"))
}

fn is_root() -> bool {
    output("id", &["-u"]).is_some_and(|id| id.trim() == "0")
}

/// While it lives, packages start no service: the tests start their own, and the machine is to stay as it was.
struct Calm {
    ours: bool,
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl Calm {
    fn new() -> Result<Self> {
        let ours = !Path::new(POLICY).exists();
        if ours {
            fs::write(POLICY, "#!/bin/sh\nexit 101\n").with_context(|| POLICY.to_owned())?;
            fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for Calm {
    fn drop(&mut self) {
        if self.ours {
            fs::remove_file(POLICY).unwrap_or_default();
        }
    }
}
