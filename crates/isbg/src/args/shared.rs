//! Options that the classic form and the subcommands share, exactly as typed. Does not touch the world: `--help` and
//! `--version` can never fail.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use isbg_tls::Pin;
use isbg_types::Score;
use serde::Deserialize;

use super::values::{self, Band, BlastLimit};

/// Which program judges the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// SpamAssassin's rules and what you taught, in isbg itself
    Native,
    /// A running spamd
    Spamd,
    /// The spamassassin program, started once per message
    Spamassassin,
    /// A running rspamd
    Rspamd,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// TLS from the first byte on (port 993)
    Implicit,
    /// TLS after the STARTTLS command (port 143)
    Starttls,
    /// No TLS at all (port 143)
    None,
}

/// Options about the scorer.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Scorer")]
pub struct ScorerOptions {
    /// Which scorer judges the mail [default: native; with --spamd-user spamd if one answers on this machine, else
    /// spamassassin]
    #[arg(long, value_name = "ENGINE", value_enum)]
    pub engine: Option<Engine>,
    /// Score with a running spamd; the same as --engine spamd
    #[arg(long)]
    pub spamc: bool,
    /// Where spamd listens: HOST:PORT, or the path of its socket [default: 127.0.0.1:783]
    #[arg(long, value_name = "HOST:PORT|PATH")]
    pub spamd: Option<String>,
    /// Speak TLS with spamd, which must show a certificate that is trusted
    #[arg(long)]
    pub spamd_tls: bool,
    /// The user whose preferences and learning spamd applies [default: who runs isbg]
    #[arg(long, value_name = "USER")]
    pub spamd_user: Option<String>,
    /// Where rspamd answers [default: http://127.0.0.1:11334]
    #[arg(long, value_name = "URL")]
    pub rspamd: Option<String>,
    /// File that holds rspamd's password
    #[arg(long, value_name = "FILE", conflicts_with = "rspamd_password_command")]
    pub rspamd_password_file: Option<PathBuf>,
    /// Command that prints rspamd's password
    #[arg(long, value_name = "COMMAND")]
    pub rspamd_password_command: Option<String>,
    /// Score from which mail is spam [default: what the scorer says]
    #[arg(long, value_name = "POINTS", value_parser = values::score, allow_hyphen_values = true)]
    pub required_score: Option<Score>,
    /// Rules for the native scorer: a folder with rule files, or a rule file (repeatable)
    /// [default: the built-in rules with SpamAssassin's on this machine and those of its administrator]
    #[arg(long, value_name = "PATH|builtin")]
    pub rules: Vec<PathBuf>,
    /// Preferences for the native scorer, read after the rules [default: ~/.spamassassin/user_prefs if it exists]
    #[arg(long, value_name = "FILE|none")]
    pub prefs: Option<PathBuf>,
    /// The native scorer's network rules ask DNS lists about relays, links and senders, which tells these whom you hear
    /// from; SPF, DKIM and DMARC are checked
    #[arg(long, conflicts_with = "no_network")]
    pub network: bool,
    /// DNS server that network rules ask (repeatable) [default: what the rules name, else those of this machine]
    #[arg(long, value_name = "IP[:PORT]", value_parser = values::dns_server)]
    pub dns_server: Vec<SocketAddr>,
    /// The native scorer asks nobody [default]
    #[arg(long)]
    pub no_network: bool,
    /// The native scorer uses its rules alone, and learns nothing
    #[arg(long)]
    pub no_classifier: bool,
    /// The model in which the native scorer keeps what it was taught [default: default]
    #[arg(long, value_name = "NAME", value_parser = values::model, conflicts_with = "no_classifier")]
    pub model: Option<String>,
    /// How many messages are scored at once [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = values::at_least_one)]
    pub jobs: Option<u64>,
}

/// Options about how much is looked at and which score means what.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Judging")]
pub struct JudgingOptions {
    /// Skip larger messages; they are counted and named [default: 120000; accounts of the config file: 10000000]
    #[arg(long, value_name = "BYTES", value_parser = values::at_least_one, allow_hyphen_values = true)]
    pub maxsize: Option<u64>,
    /// Look at this many new messages at most in each folder, the newest first; 0 for no limit [default: 50]
    #[arg(long, value_name = "N", value_parser = values::count, allow_hyphen_values = true)]
    pub partialrun: Option<u64>,
    /// Remove spam that scores higher than this, without a copy in the spam folder
    #[arg(
        long,
        value_name = "POINTS",
        value_parser = values::removal_score,
        alias = "deletehigherthen",
        allow_hyphen_values = true
    )]
    pub deletehigherthan: Option<Score>,
    /// Mail whose score lies in this band is unsure: neither ham nor spam [default: no band]
    #[arg(long, value_name = "LOW,HIGH", allow_hyphen_values = true)]
    pub unsure_band: Option<Band>,
    /// Folder for unsure mail [default: it stays where it is]
    #[arg(long, value_name = "FOLDER", requires = "unsure_band")]
    pub unsureinbox: Option<String>,
    /// Move nothing when more than this many messages of a run look like spam
    /// [default: off; accounts of the config file: 100]
    #[arg(long, value_name = "N|off")]
    pub blast_limit: Option<BlastLimit>,
}

/// Options about what is printed and returned.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// Score for real, but change nothing anywhere: no mailbox, no state, no learning
    #[arg(long, visible_alias = "dry-run")]
    pub dryrun: bool,
    /// Print one line for every message
    #[arg(long)]
    pub verbose: bool,
    /// The same as --verbose: the text of messages is never printed
    #[arg(long)]
    pub verbose_mails: bool,
    /// Print one JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
    /// Do not print the statistics
    #[arg(long)]
    pub nostats: bool,
    /// Exit with 1 for new mail without spam, 2 for nothing but spam, 3 for both
    #[arg(long)]
    pub exitcodes: bool,
    /// Never ask for a password
    #[arg(long)]
    pub noninteractive: bool,
}

/// Options about how the server is reached.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionOptions {
    /// How the connection is protected [default: implicit]
    #[arg(long, value_name = "MODE", value_enum)]
    pub tls: Option<TlsMode>,
    /// No TLS; the same as --tls none
    #[arg(long, conflicts_with = "tls")]
    pub nossl: bool,
    /// TLS is the default; accepted so that old command lines go on working
    #[arg(long, hide = true)]
    pub ssl: bool,
    /// Allow a connection without TLS to another machine, which shows the password to everybody on the way
    #[arg(long)]
    pub insecure_plaintext: bool,
    /// Trust the certificates in this PEM file besides the system's
    #[arg(long, value_name = "FILE")]
    pub cafile: Option<PathBuf>,
    /// Trust the server whose key or certificate has this SHA-256 fingerprint, and no other (repeatable)
    #[arg(long, value_name = "SHA256")]
    pub pin: Vec<Pin>,
    /// Client certificate chain, a PEM file
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    /// Key of the client certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
}

/// Options about where isbg keeps what it knows.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "State")]
pub struct StateOptions {
    /// Folder for isbg's own state [default: $XDG_STATE_HOME/isbg]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

/// Which config file is read.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigOptions {
    /// Config file [default: $XDG_CONFIG_HOME/isbg/config.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
