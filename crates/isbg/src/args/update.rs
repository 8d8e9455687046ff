//! The options of `isbg rules update`, exactly as typed. Does not touch the world.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use isbg_lookups::update::{Channel, Fingerprint};

use super::values;

/// What to update, and how far.
#[derive(Debug, Clone, Args)]
#[command(after_help = AFTER_UPDATE)]
pub struct Update {
    /// Update this channel (repeatable) [default: updates.spamassassin.org, and what else was installed]
    #[arg(long, value_name = "NAME")]
    pub channel: Vec<Channel>,
    /// Trust these keys for the channels named, now and later: a file with OpenPGP public keys; or of the keys at hand only
    /// the one with this fingerprint (repeatable)
    #[arg(long, value_name = "FILE|FINGERPRINT", requires = "channel", value_parser = channel_key)]
    pub channel_key: Vec<ChannelKey>,
    /// List what is installed, and ask nobody
    #[arg(long, conflicts_with_all = ["dryrun", "rollback", "channel_key"])]
    pub list: bool,
    /// Say whether there are updates, and install none
    #[arg(long, visible_alias = "dry-run", conflicts_with = "rollback")]
    pub dryrun: bool,
    /// Go back to the version before, and do not install the later one again; a second time: return to it
    #[arg(long, conflicts_with = "channel_key")]
    pub rollback: bool,
    /// Trust the certificates in this PEM file besides the system's, where mirrors speak TLS
    #[arg(long, value_name = "FILE")]
    pub cafile: Option<PathBuf>,
    /// Ask this DNS server (repeatable) [default: those of the system]
    #[arg(long, value_name = "IP[:PORT]", value_parser = values::dns_server)]
    pub dns_server: Vec<SocketAddr>,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

const AFTER_UPDATE: &str = "\
A version is installed once its checksum and its signature are right and its rules can be used; until then, and whatever \
goes wrong, the rules that were in force stay so.

Exit status: 0 something was updated, or with --dryrun could be; 1 nothing is new; 3 some channels failed; 4 all that were \
not up to date failed; 10 wrong arguments.";

/// Whom to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelKey {
    /// The keys in this file.
    File(PathBuf),
    /// Of all keys at hand only those with this fingerprint.
    Only(Fingerprint),
}

fn channel_key(text: &str) -> Result<ChannelKey, std::convert::Infallible> {
    Ok(match text.parse() {
        Ok(fingerprint) => ChannelKey::Only(fingerprint),
        Err(_) => ChannelKey::File(text.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let digits = "5E541DC959CB8BAC7C78DFDC4056A61A5244EC45";
        assert_eq!(channel_key(digits), Ok(ChannelKey::Only(digits.parse().unwrap())));
        assert_eq!(channel_key("GPG.KEY"), Ok(ChannelKey::File("GPG.KEY".into())));
    }
}
