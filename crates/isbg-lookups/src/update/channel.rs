//! Update channels: their names, and what the domain name system says about their versions and mirrors. Fetches no rules.

use std::fmt;
use std::str::FromStr;

use isbg_types::Untrusted;

use super::UpdateError;
use super::mirrors::is_http;
use crate::dns::{Data, Kind, Resolver};

/// The channel of SpamAssassin's own rules.
pub const SPAMASSASSIN: &str = "updates.spamassassin.org";

/// A longer name leaves no room for the version in front of it.
const MAX_NAME: usize = 200;

/// So many addresses of lists of mirrors are looked at.
const MAX_LISTS: usize = 8;

/// The name of an update channel: a domain name in lower case, which also is safe as the name of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(String);

/// The text is no name of a channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an update channel, which looks like {SPAMASSASSIN}: {}", Untrusted(.0).clipped(100))]
pub struct NotAChannel(String);

impl Channel {
    /// The channel of SpamAssassin's own rules.
    pub fn of_spamassassin() -> Self {
        Self(SPAMASSASSIN.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The newest version that the channel has for an engine of this version, such as `4.0.1`; `None` if it has none.
    ///
    /// # Errors
    /// When the channel does not exist or nobody knows.
    pub async fn newest(&self, resolver: &Resolver, engine: &str) -> Result<Option<u64>, UpdateError> {
        let reversed: Vec<&str> = engine.split('.').rev().collect();
        let answer = self.texts(resolver, &reversed.join(".")).await?;
        let newest = answer.iter().filter_map(|text| version(text)).max();
        if newest.is_none() && self.texts(resolver, "mirrors").await?.is_empty() {
            return Err(UpdateError::NoChannel(self.clone()));
        }
        Ok(newest)
    }

    /// Where lists of the channel's mirrors are.
    ///
    /// # Errors
    /// When nobody knows.
    pub(super) async fn lists(&self, resolver: &Resolver) -> Result<Vec<String>, UpdateError> {
        let mut lists = self.texts(resolver, "mirrors").await?;
        lists.retain(|text| is_http(text));
        lists.truncate(MAX_LISTS);
        if lists.is_empty() {
            return Err(UpdateError::NoChannel(self.clone()));
        }
        Ok(lists)
    }

    async fn texts(&self, resolver: &Resolver, label: &str) -> Result<Vec<String>, UpdateError> {
        let answer = resolver.lookup(&format!("{label}.{self}"), Kind::Txt).await?;
        let texts = answer.records.into_iter().filter_map(|record| match record {
            Data::Txt(text) => Some(String::from_utf8_lossy(&text).trim().to_owned()),
            _ => None,
        });
        Ok(texts.collect())
    }
}

/// The digits that a text begins with.
fn version(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

impl FromStr for Channel {
    type Err = NotAChannel;

    fn from_str(text: &str) -> Result<Self, NotAChannel> {
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let is_label = |label: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            (1..64).contains(&label.len()) && label.bytes().all(plain)
        };
        if name.len() <= MAX_NAME && name.contains('.') && name.split('.').all(is_label) {
            Ok(Self(name))
        } else {
            Err(NotAChannel(text.to_owned()))
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (text, name) in [
            ("updates.spamassassin.org", SPAMASSASSIN),
            ("KAM.sa-channels.mcgrail.com.", "kam.sa-channels.mcgrail.com"),
        ] {
            assert_eq!(text.parse::<Channel>().unwrap().as_str(), name);
        }
        let long = format!("{}a", "a.".repeat(100));
        for text in [
            "", ".", "..", "../x.y", "a/b.c", "a\\b.c", "local", "a..b", ".a.b", "a b.c", "ä.de", "a.b\n",
            &long,
        ] {
            assert!(text.parse::<Channel>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn versions() {
        for (text, number) in [
            ("1914470", Some(1_914_470)),
            ("1914470 beta", Some(1_914_470)),
            ("", None),
            ("v1", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(version(text), number, "{text}");
        }
    }
}
