//! What lies in a mailbox, in whatever way it was found out. Does not know how.

use std::collections::{BTreeMap, BTreeSet};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its UID, if the server has given it one.
    pub uid: Option<u32>,
    /// Its flags, without `\Recent`.
    pub flags: BTreeSet<String>,
    /// Its INTERNALDATE, in seconds since 1970.
    pub date: i64,
    /// Its bytes as the server sends them, with CRLF.
    pub bytes: Vec<u8>,
}

impl Message {
    /// Whether it bears this flag, in whatever letter case.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own.eq_ignore_ascii_case(flag))
    }

    /// The value of the first `Subject:` line, for messages that tests made.
    pub fn subject(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let line = text
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with("subject:"));
        line.map_or("", |line| line["subject:".len()..].trim()).to_owned()
    }
}

/// All messages by folder, each folder in UID order. Folders have their names as people read them.
pub type Mailbox = BTreeMap<String, Vec<Message>>;

/// The bytes with every bare LF made CRLF, as servers hand them out.
pub fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 40);
    for (i, &byte) in bytes.iter().enumerate() {
        if byte == b'\n' && (i == 0 || bytes[i - 1] != b'\r') {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}

/// The bytes with every CRLF made LF, as most servers store them.
pub fn with_lf(bytes: &[u8]) -> Vec<u8> {
    let stays = |i: &usize| bytes[*i] != b'\r' || bytes.get(i + 1) != Some(&b'\n');
    (0..bytes.len()).filter(stays).map(|i| bytes[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_line_ends_change() {
        assert_eq!(with_crlf(b"\na\r\nb\nc\r"), b"\r\na\r\nb\r\nc\r");
        assert_eq!(with_lf(b"\na\r\nb\r\r\nc\r"), b"\na\nb\r\nc\r");
    }
}
