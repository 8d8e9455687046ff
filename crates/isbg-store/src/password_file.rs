//! The password file of `--savepw` and `--passwdfilename`, in isbg 2.x's form: a JSON object with the key `password`. Does
//! not know where else a password may come from.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::import::{ImportError, read_password};
use crate::private;

/// More than a password file of any version holds, in bytes.
const LARGEST: u64 = 64 * 1024;

/// A password. `Debug` does not show it; its memory is overwritten when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password.
    pub fn new(password: impl Into<Zeroizing<String>>) -> Self {
        Self(password.into())
    }

    /// The password in clear, to be handed to the server and to nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// A password read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPassword {
    /// The password.
    pub password: Password,
    /// Others than the file's owner may read the file: the user should be told.
    pub open_to_others: bool,
}

/// Reads the password file of any isbg version, this one included: host, user and port as they were given to isbg.
/// `Ok(None)` if there is no file.
///
/// # Errors
/// [`ImportError`] if it cannot be read, no isbg wrote it, or it was written for another account.
pub fn load_password(
    path: &Path,
    host: &str,
    user: &str,
    port: u16,
) -> std::result::Result<Option<StoredPassword>, ImportError> {
    let (bytes, found) = match private::read_capped(path, LARGEST) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(ImportError::Io {
                path: path.to_owned(),
                source,
            });
        }
    };
    let bytes = Zeroizing::new(bytes.ok_or(ImportError::TooLarge(found.len()))?);
    Ok(Some(StoredPassword {
        password: read_password(&bytes, host, user, port)?,
        open_to_others: private::is_open_to_others(&found),
    }))
}

/// Writes the password file: mode 0600 from its first byte, and whole or not at all. A file of isbg's at this path is
/// replaced, other keys in it are kept.
///
/// # Errors
/// [`Error::Link`] if there is anything but a plain file at the path, [`Error::NotAPasswordFile`] if there is a file that
/// no isbg wrote, which is left as it is, and the errors of the disk.
pub fn save_password(path: &Path, password: &Password) -> Result<()> {
    let mut keys = other_keys(path)?;
    keys.insert("password".to_owned(), Value::String(password.expose().to_owned()));
    let text = Zeroizing::new(Value::Object(keys).to_string());
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let fresh = directory.join(name);
    let written = private::options()
        .write(true)
        .create_new(true)
        .open(&fresh)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&fresh, path));
    if let Err(error) = written {
        if error.kind() != io::ErrorKind::AlreadyExists {
            // Ours, and of no use to anybody; the error that matters is the first.
            drop(std::fs::remove_file(&fresh));
        }
        return Err(Error::io(path, error));
    }
    private::sync_directory(directory)
}

/// What stands in the file beside the password.
fn other_keys(path: &Path) -> Result<Map<String, Value>> {
    let Some(found) = private::plain(path)?.filter(|found| found.len() > 0) else {
        return Ok(Map::new());
    };
    let foreign = || Error::NotAPasswordFile {
        path: path.to_owned(),
    };
    if found.len() > LARGEST {
        return Err(foreign());
    }
    let (bytes, _) = private::read_capped(path, LARGEST).map_err(|error| Error::io(path, error))?;
    let bytes = Zeroizing::new(bytes.ok_or_else(foreign)?);
    let obfuscated = bytes.trim_ascii();
    if obfuscated.len() == 512 && obfuscated.iter().all(u8::is_ascii_hexdigit) {
        return Ok(Map::new());
    }
    serde_json::from_slice(&bytes).map_err(|_| foreign())
}
