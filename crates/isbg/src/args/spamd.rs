//! The options of `isbg spamd`, exactly as typed. Does not listen to anybody.

use std::path::PathBuf;

use clap::Args;

use super::shared::{ScorerOptions, StateOptions};
use super::values;

/// Where to listen, for whom, and who judges. What spamd has too is called as there.
#[derive(Debug, Clone, Args)]
#[command(after_help = AFTER)]
pub struct Spamd {
    /// Listen for TCP here (repeatable) [default: 127.0.0.1:783, or nowhere with --socketpath]
    #[arg(long, short = 'i', value_name = "HOST[:PORT]")]
    pub listen: Vec<String>,
    /// Listen on a Unix socket with this path
    #[arg(long, value_name = "PATH")]
    pub socketpath: Option<PathBuf>,
    /// Who may connect to that socket, as chmod takes it
    #[arg(long, value_name = "MODE", value_parser = values::mode, default_value = "666", requires = "socketpath")]
    pub socketmode: u32,
    /// Let these machines connect besides this one: addresses or networks, with commas between (repeatable). Listening where
    /// others can connect needs it. Mail and verdicts are not encrypted on their way
    #[arg(
        long,
        short = 'A',
        visible_alias = "allowed-ips",
        value_name = "NETWORKS",
        value_delimiter = ','
    )]
    pub allow_ip: Vec<String>,
    /// Let clients teach the scorer (spamc -L)
    #[arg(long, short = 'l')]
    pub allow_tell: bool,
    /// Refuse larger messages
    #[arg(long, value_name = "BYTES", value_parser = values::at_least_one, default_value_t = 64 << 20)]
    pub max_size: u64,
    /// How many clients are served at once; more wait
    #[arg(long, value_name = "N", value_parser = values::at_least_one, default_value_t = 64)]
    pub max_connections: u64,
    /// How long a client may take to say what it wants
    #[arg(long, value_name = "SECONDS", value_parser = values::at_least_one, default_value_t = 30)]
    pub timeout_tcp: u64,
    /// How long a message may take to arrive, to be judged, and to be taken back, each
    #[arg(long, value_name = "SECONDS", value_parser = values::at_least_one, default_value_t = 300)]
    pub timeout_child: u64,
    /// Trust the certificates in this PEM file besides the system's, where another scorer is asked over TLS
    #[arg(long, value_name = "FILE")]
    pub cafile: Option<PathBuf>,
    #[command(flatten)]
    pub scorer: ScorerOptions,
    #[command(flatten)]
    pub state: StateOptions,
}

const AFTER: &str = "\
Speaks the protocol of SpamAssassin's spamd (SPAMC/1.0 to 1.5) with spamc and other clients. Stays in the foreground; each \
message is a line on standard error. SIGHUP reads the rules anew, SIGTERM ends what was begun and then the server.

Exit status: 0 it was told to end; 10 wrong arguments; 12 there is no scorer; 255 it cannot listen there.";
