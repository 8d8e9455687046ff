//! The fault proxy: stands between a client and a real server, and cuts, stalls, slows, changes or answers the traffic
//! according to a plan, keeping a transcript. Does not know which client or server it stands between.

mod plan;
mod pump;
mod split;
mod transcript;

use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use anyhow::Result;

use crate::acceptor::{Acceptor, lock};
use pump::Link;

pub use plan::{Act, Plan, Side, When};
pub use transcript::{Command, Event, Transcript};

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    acceptor: Acceptor,
    shared: Arc<Shared>,
}

/// What all connections of a proxy share.
#[derive(Debug)]
struct Shared {
    plan: Mutex<plan::Plan>,
    transcript: Mutex<Transcript>,
    /// How many bytes of each side have passed under this plan: client, server.
    passed: Mutex<[u64; 2]>,
    sockets: Mutex<Vec<[TcpStream; 2]>>,
    stopped: AtomicBool,
    stopping: Condvar,
    sleep: Mutex<()>,
}

impl Proxy {
    /// Stands before `server` from now on.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub fn start(server: SocketAddr, plan: Plan) -> Result<Self> {
        let shared = Arc::new(Shared {
            plan: Mutex::new(plan),
            transcript: Mutex::default(),
            passed: Mutex::default(),
            sockets: Mutex::default(),
            stopped: AtomicBool::new(false),
            stopping: Condvar::new(),
            sleep: Mutex::default(),
        });
        let own = Arc::clone(&shared);
        let acceptor = Acceptor::start(move |number, client| {
            if lock(&own.plan).refusing {
                return;
            }
            // A server that is gone shows to the client as a connection that closes at once.
            let opened =
                TcpStream::connect(server).and_then(|server| Link::open(client, server, number, &own));
            opened.unwrap_or_default();
        })?;
        Ok(Self { acceptor, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.acceptor.address()
    }

    /// Goes on by another plan, on open connections too. All counts begin anew.
    pub fn set(&self, plan: Plan) {
        let mut current = lock(&self.shared.plan);
        *current = plan;
        *lock(&self.shared.passed) = [0, 0];
    }

    /// Closes all connections.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// What went through so far.
    pub fn transcript(&self) -> Transcript {
        lock(&self.shared.transcript).clone()
    }

    /// Forgets what went through so far.
    pub fn forget(&self) {
        lock(&self.shared.transcript).events.clear();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        drop(lock(&self.shared.sleep));
        self.shared.stopping.notify_all();
        self.acceptor.stop();
        self.shared.cut();
    }
}

impl Shared {
    fn cut(&self) {
        for sockets in lock(&self.sockets).drain(..) {
            for socket in sockets {
                // Fails when the other side has closed it already.
                socket.shutdown(Shutdown::Both).unwrap_or_default();
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Sleeps so long, or until the proxy stops.
    fn pause(&self, time: Duration) {
        let asleep = lock(&self.sleep);
        drop(
            self.stopping
                .wait_timeout_while(asleep, time, |()| !self.is_stopped()),
        );
    }
}
