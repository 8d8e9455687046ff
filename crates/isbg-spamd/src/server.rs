//! Listening, who may connect, how many at once, and an end in good order. Does not know what is said.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use isbg_engine::Scorer;
use isbg_message::views::Networks;
use isbg_types::Score;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::Markup;
use crate::conversation::converse;

/// Where the server's lines go; each is safe to print.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// A system that has run out of something is asked again after this.
const BREATH: Duration = Duration::from_millis(100);

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether clients may teach the scorer.
    pub allow_tell: bool,
    /// Bytes of a message, unpacked. Default 64 MiB.
    pub max_size: u64,
    /// Connections at once; more wait. Default 64.
    pub most_connections: usize,
    /// For a request's first line and headers. Default 30 s, spamd's.
    pub head_timeout: Duration,
    /// For the message to arrive, for its verdict, and for the answer to be taken, each. Default 300 s, spamd's.
    pub timeout: Duration,
    /// The networks whose machines may connect; this machine may always.
    pub allowed: Networks,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_tell: false,
            max_size: 64 << 20,
            most_connections: 64,
            head_timeout: Duration::from_secs(30),
            timeout: Duration::from_secs(300),
            allowed: Networks::default(),
        }
    }
}

/// Who answers.
pub struct Judge {
    /// Who scores and learns.
    pub scorer: Arc<dyn Scorer>,
    /// How reports and rewritten messages look.
    pub markup: Markup,
    /// The score from which mail is spam, where it is not the scorer's.
    pub required: Option<Score>,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge")
            .field("scorer", &self.scorer.name())
            .finish_non_exhaustive()
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The machine's name, as far as it is known.
    pub name: String,
    /// Its address.
    pub address: String,
}

impl Peer {
    /// A program on this machine.
    pub fn here() -> Self {
        Self {
            name: "localhost".to_owned(),
            address: "127.0.0.1".to_owned(),
        }
    }

    fn at(address: IpAddr) -> Self {
        if address.is_loopback() {
            return Self {
                address: address.to_string(),
                ..Self::here()
            };
        }
        Self {
            name: address.to_string(),
            address: address.to_string(),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.name, self.address)
    }
}

/// The server: one for all its listeners.
pub struct Server {
    settings: Settings,
    judge: RwLock<Arc<Judge>>,
    free: Arc<Semaphore>,
    log: Log,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// A server that does not listen yet.
    pub fn new(judge: Judge, settings: Settings, log: Log) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(
            settings.most_connections.clamp(1, Semaphore::MAX_PERMITS),
        ));
        Arc::new(Self {
            settings,
            judge: RwLock::new(Arc::new(judge)),
            free,
            log,
        })
    }

    /// Takes another judge for all requests from now on. Those that have begun end with the former one.
    pub fn replace(&self, judge: Judge) {
        *self.judge.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(judge);
    }

    pub(crate) fn judge(&self) -> Arc<Judge> {
        Arc::clone(&self.judge.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn log(&self, line: &str) {
        (self.log)(line);
    }

    /// Whether a machine may connect.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_loopback() || self.settings.allowed.contains(address.to_string().as_bytes())
    }

    /// One conversation over a connection that stands. For listeners, and for whoever has a connection of another kind.
    pub async fn serve(&self, stream: impl AsyncRead + AsyncWrite, peer: &Peer) {
        converse(stream, peer, self).await;
    }

    /// Listens for TCP until the future is dropped.
    pub async fn listen(self: &Arc<Self>, listener: TcpListener) {
        self.accept(|| async {
            let (stream, from): (_, SocketAddr) = listener.accept().await?;
            if !self.allows(from.ip()) {
                self.log(&format!("spamd: refused a connection from {}", from.ip()));
                return Ok(None);
            }
            // An answer is small and written at once; waiting for more to send would only delay it.
            stream.set_nodelay(true).unwrap_or_default();
            Ok(Some((stream, Peer::at(from.ip()))))
        })
        .await;
    }

    /// Listens on a Unix socket until the future is dropped.
    #[cfg(unix)]
    pub async fn listen_unix(self: &Arc<Self>, listener: tokio::net::UnixListener) {
        self.accept(|| async {
            let (stream, _) = listener.accept().await?;
            Ok(Some((stream, Peer::here())))
        })
        .await;
    }

    /// Takes connections; as many at once as there are turns are answered, whichever listener they come from. A defect in
    /// one does not touch the others.
    async fn accept<S, F>(self: &Arc<Self>, next: impl Fn() -> F)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
        F: Future<Output = io::Result<Option<(S, Peer)>>>,
    {
        loop {
            let (stream, peer) = match next().await {
                Ok(Some(connection)) => connection,
                Ok(None) => continue,
                Err(error) => {
                    self.log(&format!("spamd: cannot take a connection: {error}"));
                    sleep(BREATH).await;
                    continue;
                }
            };
            // Not before: a listener that nobody connects to must not keep a turn from the others.
            let Ok(turn) = Arc::clone(&self.free).acquire_owned().await else {
                return;
            };
            let server = Arc::clone(self);
            tokio::spawn(async move {
                server.serve(stream, &peer).await;
                drop(turn);
            });
        }
    }

    /// Waits until all conversations have ended, at most so long. Nobody may be listening any more. Whether they have.
    pub async fn finish(&self, patience: Duration) -> bool {
        let all = u32::try_from(self.settings.most_connections.max(1)).unwrap_or(u32::MAX);
        timeout(patience, self.free.acquire_many(all)).await.is_ok()
    }
}

/// What this machine calls itself.
#[cfg(unix)]
pub fn hostname() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    tidy(&name)
}

/// What this machine calls itself.
#[cfg(not(unix))]
pub fn hostname() -> String {
    tidy(&std::env::var("COMPUTERNAME").unwrap_or_default())
}

/// A name that can stand in a header.
fn tidy(name: &str) -> String {
    let name: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        .collect();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name
    }
}
