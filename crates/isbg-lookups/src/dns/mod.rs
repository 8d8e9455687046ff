//! A DNS stub resolver: asks the system's servers, with a deadline. Does not know what the records are for, caches
//! nothing, and asks no root or authoritative servers.

mod answer;
mod asker;
mod system;
mod transport;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use isbg_types::Untrusted;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use transport::Question;

pub use answer::Answer;
pub use asker::{Asker, Session};
pub use isbg_types::dns::{Data, Kind};

/// The port that DNS servers listen on.
pub const PORT: u16 = 53;

/// A server that has not answered by then may have lost the question: the next one is asked.
const PATIENCE: Duration = Duration::from_secs(2);

/// Each server is asked this often.
const ROUNDS: usize = 2;

/// So many questions are under way at once; more wait.
const AT_ONCE: usize = 128;

/// Asks these servers. Cheap to clone; clones share the limit on what is under way at once.
#[derive(Debug, Clone)]
pub struct Resolver {
    servers: Arc<[SocketAddr]>,
    deadline: Duration,
    turns: Arc<Semaphore>,
}

/// Why there is no answer. That a name does not exist is an answer, not an error.
#[derive(Debug, thiserror::Error)]
pub enum DnsError {
    /// The system does not say which servers to ask.
    #[error("this system names no DNS server ({why}); name one")]
    NoServers {
        /// What was looked at.
        why: String,
    },
    /// The text cannot be a DNS name.
    #[error("not a DNS name: {}", Untrusted(name).clipped(80))]
    Name {
        /// The text.
        name: String,
    },
    /// Nobody answered in time.
    #[error("no DNS server has answered about {} within {} s", Untrusted(name), deadline.as_secs())]
    Timeout {
        /// The name asked about.
        name: String,
        /// How long was waited.
        deadline: Duration,
    },
    /// The servers answered, but not the question.
    #[error("the DNS server says about {}: {code}", Untrusted(name))]
    Failed {
        /// The name asked about.
        name: String,
        /// The response code, RFC 6895 section 2.3.
        code: String,
    },
    /// No server could be asked.
    #[error("the DNS server {server} cannot be asked: {source}")]
    Unreachable {
        /// The server asked last.
        server: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

impl Resolver {
    /// Asks these servers, in this order. A lookup that has no answer after `deadline` fails.
    pub fn with_servers(servers: Vec<SocketAddr>, deadline: Duration) -> Self {
        Self {
            servers: servers.into(),
            deadline,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Asks the servers that this machine is set up with.
    ///
    /// # Errors
    /// [`DnsError::NoServers`] when it is set up with none, or we do not know where its settings are.
    pub fn from_system(deadline: Duration) -> Result<Self, DnsError> {
        Ok(Self::with_servers(system::servers()?, deadline))
    }

    /// Asks for the records of one kind that a name has, following aliases (CNAME). `name` is ASCII, absolute with or
    /// without its last dot; names beyond ASCII are given in their A-label form.
    ///
    /// # Errors
    /// When there is no answer: see [`DnsError`]. A name that does not exist or has no such records is no error.
    pub async fn lookup(&self, name: &str, kind: Kind) -> Result<Answer, DnsError> {
        let mut wire_name = Name::from_ascii(name).map_err(|_| DnsError::Name { name: name.into() })?;
        wire_name.set_fqdn(true);
        let question = Question::new(wire_name, answer::record_type(kind));
        timeout(self.deadline, self.ask_around(&question, name))
            .await
            .unwrap_or_else(|_| {
                Err(DnsError::Timeout {
                    name: name.into(),
                    deadline: self.deadline,
                })
            })
    }

    async fn ask_around(&self, question: &Question, name: &str) -> Result<Answer, DnsError> {
        // The semaphore is never closed; should it be, nothing is limited.
        let _turn = self.turns.acquire().await.ok();
        let mut last = None;
        for server in self.servers.repeat(ROUNDS) {
            last = Some(match timeout(PATIENCE, question.ask(server)).await {
                Ok(Ok(message)) => match message.metadata.response_code {
                    ResponseCode::NoError | ResponseCode::NXDomain => {
                        return Ok(answer::read(&message, question));
                    }
                    code => DnsError::Failed {
                        name: name.into(),
                        code: code.to_string(),
                    },
                },
                Ok(Err(source)) => DnsError::Unreachable { server, source },
                Err(_) => DnsError::Timeout {
                    name: name.into(),
                    deadline: self.deadline,
                },
            });
        }
        Err(last.unwrap_or_else(|| DnsError::NoServers {
            why: "none was named".into(),
        }))
    }
}
