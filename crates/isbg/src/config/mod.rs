//! The config file: found, read, and checked as far as it says nothing about the world. Does not fill in defaults;
//! [`crate::settled`] does.

mod keys;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use isbg_types::Untrusted;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::exit::{Failure, Status};

pub use keys::{CertainAction, DOCUMENTED, Keys, Mode, SenderList, band};

/// A larger config file is refused: nobody wrote it by hand.
const MAX_BYTES: u64 = 1024 * 1024;

/// A config file's accounts, in the order of their names, with the defaults taken over.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where it was read.
    pub path: PathBuf,
    /// The accounts by name.
    pub accounts: BTreeMap<String, Keys>,
}

/// What the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    defaults: Keys,
    account: BTreeMap<String, Keys>,
}

/// Reads a config file.
///
/// # Errors
/// With status 10 when it is missing, cannot be read, is not TOML, has an unknown key or a value of the wrong kind, or
/// holds a password that other users of the machine can read.
pub fn read(path: &Path) -> Result<Config, Failure> {
    let fail = |what: String| Failure::new(Status::BadArguments, what);
    let shown = path.display().to_string();
    let shown = Untrusted(&shown);
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => fail(format!("there is no config file {shown}"))
            .hint("write one, or name the mailbox with --imaphost and --imapuser"),
        _ => fail(format!("cannot read the config file {shown}: {error}")),
    })?;
    if metadata.len() > MAX_BYTES {
        return Err(fail(format!(
            "{shown} is larger than {MAX_BYTES} bytes; that cannot be a config file"
        )));
    }
    let text = fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| fail(format!("cannot read the config file {shown}: {error}")))?;
    let config = parse(&text, path)?;
    let literal = config.accounts.values().any(|keys| keys.password.is_some());
    if literal && readable_by_others(&metadata) {
        return Err(
            fail(format!("{shown} holds a password and other users can read it"))
                .hint(format!("run: chmod 600 {shown}")),
        );
    }
    Ok(config)
}

/// Reads a config file's text; `path` is only named in errors.
///
/// # Errors
/// As [`read`], apart from those about the file itself.
pub fn parse(text: &str, path: &Path) -> Result<Config, Failure> {
    let written: Written = toml::from_str(text).map_err(|error| explained(&error, text, path))?;
    let Written { defaults, account } = written;
    let fail = |what: String| Failure::new(Status::BadArguments, format!("{}: {what}", path.display()));
    for (name, given) in [
        ("host", defaults.host.is_some()),
        ("user", defaults.user.is_some()),
        ("password", defaults.password.is_some()),
    ] {
        if given {
            return Err(fail(format!("{name} belongs to one account, not to [defaults]")));
        }
    }
    for name in account.keys() {
        if !is_account_name(name) {
            return Err(fail(format!("account name {:?} is not usable", Untrusted(name)))
                .hint("letters, digits and . _ - + @ make a name of 64 at most"));
        }
    }
    let accounts = account
        .into_iter()
        .map(|(name, keys)| (name, keys.or(&defaults)))
        .collect();
    Ok(Config {
        path: path.to_owned(),
        accounts,
    })
}

fn is_account_name(name: &str) -> bool {
    (1..=64).contains(&name.chars().count())
        && !name.starts_with(['.', '-'])
        && name.chars().all(|c| c.is_alphanumeric() || "._-+@".contains(c))
}

/// An error of the TOML reader as one line: where, what, and the line itself (only its key where the file holds a
/// password).
fn explained(error: &toml::de::Error, text: &str, path: &Path) -> Failure {
    let message = match error.message().trim().split_once(", expected one of") {
        Some((unknown, _)) if unknown.starts_with("unknown field") => unknown.replacen("field", "key", 1),
        _ => error
            .message()
            .trim()
            .replace('\n', "; ")
            .replace("expected u16", "expected a number"),
    };
    let mut what = path.display().to_string();
    if let Some(span) = error.span() {
        let before = text.get(..span.start).unwrap_or(text);
        let number = before.matches('\n').count() + 1;
        let line = text.lines().nth(number - 1).unwrap_or_default();
        let shown = match line.split_once('=') {
            _ if !text.contains("password") => line,
            Some((key, _)) => key,
            None => "",
        };
        what = format!("{what}, line {number}: {}", Untrusted(shown.trim()).clipped(60));
    }
    Failure::new(
        Status::BadArguments,
        format!("{what}: {}", Untrusted(&message).clipped(200)),
    )
    .hint("the keys are listed in the manual page isbg-config(5)")
}

/// Whether users other than the file's owner may read it. On systems without such modes it cannot be told: no.
pub fn readable_by_others(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        metadata.permissions().mode() & 0o077 != 0
    }
    #[cfg(not(unix))]
    {
        let _unused = metadata;
        false
    }
}
