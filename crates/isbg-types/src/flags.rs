//! Message flags and keywords (RFC 9051 §2.3.2). Does not know which of them a server accepts.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One flag or keyword as the server spells it. System flags compare without regard to letter case.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flag(String);

impl Flag {
    /// `\Seen`
    pub const SEEN: &'static str = "\\Seen";
    /// `\Answered`
    pub const ANSWERED: &'static str = "\\Answered";
    /// `\Flagged`
    pub const FLAGGED: &'static str = "\\Flagged";
    /// `\Deleted`
    pub const DELETED: &'static str = "\\Deleted";
    /// `\Draft`
    pub const DRAFT: &'static str = "\\Draft";
    /// `\Recent`, which only the server can set.
    pub const RECENT: &'static str = "\\Recent";
    /// `$Junk`
    pub const JUNK: &'static str = "$Junk";
    /// `$NotJunk`
    pub const NOT_JUNK: &'static str = "$NotJunk";

    /// A flag of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as the server spelled it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl PartialEq for Flag {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Flag {}

impl PartialOrd for Flag {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Flag {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of flags, in a fixed order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flags(BTreeSet<Flag>);

impl Flags {
    /// Whether a flag of this name is in the set.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|flag| flag.as_str().eq_ignore_ascii_case(name))
    }

    /// Puts a flag in.
    pub fn insert(&mut self, flag: Flag) {
        self.0.insert(flag);
    }

    /// Takes a flag out.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(&Flag::new(name));
    }

    /// The flags in order.
    pub fn iter(&self) -> impl Iterator<Item = &Flag> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The set without `\Recent`, which says something about a session and nothing about the message.
    pub fn without_recent(&self) -> Self {
        self.iter()
            .filter(|flag| *flag != &Flag::new(Flag::RECENT))
            .cloned()
            .collect()
    }
}

impl FromIterator<Flag> for Flags {
    fn from_iter<I: IntoIterator<Item = Flag>>(flags: I) -> Self {
        Self(flags.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_does_not_count() {
        let flags: Flags = [Flag::new("\\SEEN"), Flag::new("\\Seen"), Flag::new("\\Recent")]
            .into_iter()
            .collect();
        assert_eq!(flags.iter().count(), 2);
        assert!(flags.has(Flag::SEEN));
        assert!(!flags.without_recent().has(Flag::RECENT));
    }
}
