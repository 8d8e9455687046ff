//! Passwords stored by older isbg versions. Does not ask who may read the file.
//!
//! isbg 2.x wrote a JSON object with the key `password`. 0.99 and 1.x wrote 256 bytes in hexadecimal: a stream made of
//! chained MD5 sums of host, user and port, its beginning XORed with the password, so that what follows the password
//! is the bare stream. That tells whether host, user and port are the right ones.

use md5::{Digest, Md5};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{ImportError, port_forms};
use crate::Password;

/// More than a password file of any version holds, in bytes.
const LARGEST: usize = 64 * 1024;

/// The length of the obfuscated form, in bytes.
const STREAM: usize = 256;

/// Reads a password file of any version: host, user and port as they were given to isbg.
///
/// # Errors
/// [`ImportError::Garbage`] if no isbg wrote it, [`ImportError::OtherAccount`] if it was written for another host, user
/// or port.
pub fn read_password(bytes: &[u8], host: &str, user: &str, port: u16) -> Result<Password, ImportError> {
    if bytes.len() > LARGEST {
        return Err(ImportError::TooLarge(bytes.len() as u64));
    }
    let text = bytes.trim_ascii();
    let mut hidden = Zeroizing::new([0; STREAM]);
    if hex::decode_to_slice(text, hidden.as_mut_slice()).is_ok() {
        return port_forms(port)
            .iter()
            .find_map(|port| reveal(&hidden, &stream(host, user, port)))
            .ok_or(ImportError::OtherAccount);
    }
    read_json(text)
}

#[derive(Deserialize)]
struct File {
    password: String,
}

fn read_json(text: &[u8]) -> Result<Password, ImportError> {
    let file: File = serde_json::from_slice(text).map_err(|_| {
        ImportError::Garbage("neither a JSON object with a password nor the obfuscated form of 0.99")
    })?;
    Ok(Password::new(file.password))
}

/// The first sum covers host, user and port, each followed by the sum so far; each further one covers all that went
/// before and the stream so far.
fn stream(host: &str, user: &str, port: &str) -> [u8; STREAM] {
    let mut hash = Md5::new();
    for part in [host, user, port] {
        hash.update(part);
        let sum = hash.clone().finalize();
        hash.update(sum);
    }
    let mut stream = [0; STREAM];
    let mut filled = 0;
    while let Some(room) = stream.get_mut(filled..filled + 16) {
        room.copy_from_slice(&hash.clone().finalize());
        filled += 16;
        hash.update(&stream[..filled]);
    }
    stream
}

/// The password, if all that follows it is the bare stream.
fn reveal(hidden: &[u8; STREAM], stream: &[u8; STREAM]) -> Option<Password> {
    let plain: Zeroizing<Vec<u8>> = Zeroizing::new(
        hidden
            .iter()
            .zip(stream)
            .map(|(one, other)| one ^ other)
            .collect(),
    );
    let length = plain.iter().position(|&byte| byte == 0).unwrap_or(STREAM);
    let (password, rest) = plain.split_at(length);
    if password.is_empty() || rest.iter().any(|&byte| byte != 0) {
        return None;
    }
    let password = std::str::from_utf8(password).ok()?;
    Some(Password::new(password.to_owned()))
}
