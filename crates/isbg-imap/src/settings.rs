//! What can be chosen about a connection. Does not know where the choices come from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::Limits;
use crate::protocol::response::Response;
use crate::transcript::Transcript;

/// Takes every untagged response that no command asked for, after login.
pub type Observer = Arc<dyn Fn(&Response) + Send + Sync>;

/// The choices.
#[derive(Clone)]
pub struct Settings {
    /// Whether a login over an unencrypted connection is allowed.
    pub allow_plaintext: bool,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// How much to take.
    pub limits: Limits,
    /// What to tell in ID (RFC 2971): names and values.
    pub identity: Vec<(String, String)>,
    /// How many messages one FETCH command asks for.
    pub batch: usize,
    /// How many FETCH commands are under way at a time.
    pub in_flight: usize,
    /// Who is told of what nobody asked for.
    pub observer: Option<Observer>,
    /// Where the conversation is written down.
    pub transcript: Option<Transcript>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_plaintext: false,
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            identity: vec![
                ("name".to_owned(), "isbg".to_owned()),
                ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ],
            batch: 100,
            in_flight: 3,
            observer: None,
            transcript: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("allow_plaintext", &self.allow_plaintext)
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .field("identity", &self.identity)
            .field("batch", &self.batch)
            .field("in_flight", &self.in_flight)
            .finish_non_exhaustive()
    }
}

/// How long to wait. Time in which we ourselves do not read counts for none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// For the greeting, and for the TLS handshake of STARTTLS.
    pub greeting: Duration,
    /// For the next byte from the server, and for the server to take the next of ours.
    pub silence: Duration,
    /// For a whole command that transfers no message.
    pub command: Duration,
    /// For a whole command that transfers messages.
    pub transfer: Duration,
    /// After how long IDLE is begun anew. Servers give up after 30 minutes (RFC 2177), routers often earlier.
    pub idle: Duration,
    /// How often to ask for news where the server has no IDLE.
    pub poll: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            greeting: Duration::from_secs(30),
            silence: Duration::from_secs(60),
            command: Duration::from_secs(300),
            transfer: Duration::from_secs(3600),
            idle: Duration::from_secs(9 * 60),
            poll: Duration::from_secs(60),
        }
    }
}
