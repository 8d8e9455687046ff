//! Where a message lies: folder, UIDVALIDITY, UID. Does not know how a folder name is written on the wire.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A folder's name as people write it: decoded, in UTF-8, with the server's own hierarchy separator.
///
/// It is data from a server or a user: never a path, never printed without [`Untrusted`](crate::Untrusted).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FolderName(String);

impl FolderName {
    /// Takes the name as it is; `INBOX` in any letter case becomes `INBOX` (RFC 9051 §5.1).
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        if name.eq_ignore_ascii_case("INBOX") {
            Self("INBOX".to_owned())
        } else {
            Self(name)
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the user's INBOX.
    pub fn is_inbox(&self) -> bool {
        self.0 == "INBOX"
    }
}

impl From<&str> for FolderName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

/// A folder's UIDVALIDITY (RFC 9051 §2.3.1.1). While it stands, a UID names one message for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UidValidity(pub u32);

/// A message's unique identifier within a folder (RFC 9051 §2.3.1.1). Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uid(std::num::NonZeroU32);

impl Uid {
    /// The UID, or `None` for zero, which no message can have.
    pub fn new(number: u32) -> Option<Self> {
        std::num::NonZeroU32::new(number).map(Self)
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A modification sequence (RFC 7162). Zero where the server keeps none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModSeq(pub u64);

/// One message's place on a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The folder.
    pub folder: FolderName,
    /// The folder's UIDVALIDITY when the message was seen there.
    pub validity: UidValidity,
    /// The message's UID.
    pub uid: Uid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inbox_has_one_spelling() {
        assert_eq!(FolderName::new("inBox"), FolderName::new("INBOX"));
        assert_ne!(FolderName::new("Inbox.Spam"), FolderName::new("INBOX.Spam"));
    }
}
