//! Passwords in files: isbg's own form or one plain line. Does not know where the files are.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use isbg_store::import::{ImportError, read_password};
use zeroize::Zeroizing;

use super::{Secret, shown};
use crate::config::readable_by_others;
use crate::exit::{Failure, Status};
use crate::settled::Access;

/// No password file is larger.
const MAX_BYTES: u64 = 64 * 1024;

/// The password in a file that was named: isbg's own forms (those of earlier versions only for the `access` they were
/// written for), or one plain line. `None` if there is no file.
///
/// # Errors
/// With status 20 when it cannot be read, other users can read it, or it is neither.
pub fn read(path: &Path, access: Option<&Access>) -> Result<Option<Secret>, Failure> {
    let Some((bytes, file)) = contents(path)? else {
        return Ok(None);
    };
    let metadata = file
        .metadata()
        .map_err(|error| unusable(path, &error.to_string()))?;
    if readable_by_others(&metadata) {
        return Err(unusable(path, "other users can read it").hint(format!("run: chmod 600 {}", shown(path))));
    }
    let Some(access) = access else {
        return line(&bytes, path).map(Some);
    };
    match read_password(&bytes, &access.server.host, &access.user, access.server.port) {
        Ok(password) => Ok(Some(Secret::from(password.expose().to_owned()))),
        Err(ImportError::Garbage(_)) => line(&bytes, path).map(Some),
        Err(error) => Err(unusable(path, &error.to_string())),
    }
}

/// The only line of a file that somebody else has secured. `None` if there is no file.
///
/// # Errors
/// With status 20 when it cannot be read or has more than one line.
pub fn one_line(path: &Path) -> Result<Option<Secret>, Failure> {
    match contents(path)? {
        Some((bytes, _)) => line(&bytes, path).map(Some),
        None => Ok(None),
    }
}

/// A file's bytes, and the file itself.
type Contents = (Zeroizing<Vec<u8>>, File);

fn contents(path: &Path) -> Result<Option<Contents>, Failure> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(path, &error.to_string())),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
    let got = (&mut file).take(MAX_BYTES + 1).read_to_end(&mut bytes);
    match got {
        Ok(length) if length as u64 > MAX_BYTES => Err(unusable(path, "it is too large")),
        Ok(_) => Ok(Some((bytes, file))),
        Err(error) => Err(unusable(path, &error.to_string())),
    }
}

fn line(bytes: &[u8], path: &Path) -> Result<Secret, Failure> {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.contains(&b'\n') {
        return Err(unusable(path, "it has more than one line"));
    }
    Ok(Secret::from(text.to_vec()))
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(
        Status::NeedsTerminal,
        format!("the password file {} cannot be used: {why}", shown(path)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_plain_line() {
        let line = |bytes: &[u8]| line(bytes, Path::new("f")).map(|secret| secret.expose().to_vec());
        for (bytes, password) in [
            (&b"secret\n"[..], &b"secret"[..]),
            (b"secret\r\n", b"secret"),
            (b" spaced out ", b" spaced out "),
            (b"\xff\xfe\n", b"\xff\xfe"),
            (b"", b""),
        ] {
            assert_eq!(line(bytes).unwrap(), password);
        }
        assert!(line(b"one\ntwo\n").is_err());
    }
}
