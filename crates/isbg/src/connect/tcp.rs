//! A TCP connection to a host by name, over whichever of its addresses answers first. Does not know what is spoken.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use isbg_types::Untrusted;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};

use crate::exit::{Failure, Status};

/// For resolving the name, and for one round over all addresses.
const DEADLINE: Duration = Duration::from_secs(30);

/// Head start of each address over the next one (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);

/// More addresses are not tried.
const MAX_ADDRESSES: usize = 16;

/// Waits before another try, where trying again may help.
const PAUSES: [Duration; 2] = [Duration::from_millis(600), Duration::from_secs(2)];

/// Connects, trying a few times when the failure may pass.
///
/// # Errors
/// With status 11.
pub async fn connect(host: &str, port: u16) -> Result<TcpStream, Failure> {
    let mut pauses = PAUSES.iter();
    loop {
        let error = match once(host, port).await {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        match pauses.next() {
            Some(pause) if error.may_pass() => sleep(*pause).await,
            _ => return Err(error.told(host, port)),
        }
    }
}

#[derive(Debug)]
enum Error {
    Lookup(io::Error),
    LookupTimeout,
    Connect(io::Error),
    Timeout,
}

impl Error {
    fn may_pass(&self) -> bool {
        match self {
            Self::Lookup(error) => error.to_string().contains("emporary failure"),
            Self::Connect(_) => true,
            Self::LookupTimeout | Self::Timeout => false,
        }
    }

    fn told(&self, host: &str, port: u16) -> Failure {
        let host = Untrusted(host);
        let seconds = DEADLINE.as_secs();
        let (what, hint) = match self {
            Self::Lookup(error) if self.may_pass() => (
                format!("the address of {host} cannot be found out now ({error})"),
                "is the network up?",
            ),
            Self::Lookup(_) => (format!("there is no server named {host}"), "check --imaphost"),
            Self::LookupTimeout => (
                format!("the address of {host} was not found out within {seconds} s"),
                "is the network up?",
            ),
            Self::Connect(error) if error.kind() == io::ErrorKind::ConnectionRefused => (
                format!("{host} refuses connections on port {port}"),
                "check --imapport and --tls; or the server is down",
            ),
            Self::Connect(error) => (
                format!("{host} cannot be reached on port {port} ({error})"),
                "try again later",
            ),
            Self::Timeout => (
                format!("{host} did not answer on port {port} within {seconds} s"),
                "check --imapport, or whether a firewall is between",
            ),
        };
        Failure::new(Status::Imap, what).hint(hint)
    }
}

async fn once(host: &str, port: u16) -> Result<TcpStream, Error> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let addresses = match timeout(DEADLINE, lookup_host((bare, port))).await {
        Ok(Ok(addresses)) => in_turn(addresses.take(MAX_ADDRESSES)),
        Ok(Err(error)) => return Err(Error::Lookup(error)),
        Err(_) => return Err(Error::LookupTimeout),
    };
    if addresses.is_empty() {
        return Err(Error::Lookup(io::ErrorKind::NotFound.into()));
    }
    match timeout(DEADLINE, race(addresses)).await {
        Ok(Ok(stream)) => {
            // Commands are small and their answers are waited for; a server that cannot have it does without.
            drop(stream.set_nodelay(true));
            Ok(stream)
        }
        Ok(Err(error)) => Err(Error::Connect(error)),
        Err(_) => Err(Error::Timeout),
    }
}

/// The addresses with the families taking turns, so that a broken one costs little (RFC 8305 §4).
fn in_turn(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let all: Vec<SocketAddr> = addresses.collect();
    let first_is_v6 = all.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut result = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    loop {
        let before = result.len();
        result.extend(one.next());
        result.extend(other.next());
        if result.len() == before {
            return result;
        }
    }
}

/// The first connection that succeeds; if none does, the first address's error.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut running = FuturesUnordered::new();
    let mut failure = None;
    loop {
        if let Some(address) = waiting.next() {
            running.push(TcpStream::connect(address));
        }
        let head_start = sleep(if waiting.len() == 0 { DEADLINE } else { HEAD_START });
        tokio::select! {
            ended = running.next() => match ended {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => {
                    failure.get_or_insert(error);
                }
                None => return Err(failure.unwrap_or_else(|| io::ErrorKind::NotFound.into())),
            },
            () = head_start => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(work)
    }

    #[test]
    fn families_take_turns() {
        let parse = |text: &str| text.parse::<SocketAddr>().unwrap();
        let all = ["[::1]:1", "[::2]:1", "[::3]:1", "127.0.0.1:1"].map(parse);
        assert_eq!(
            in_turn(all.into_iter()),
            ["[::1]:1", "127.0.0.1:1", "[::2]:1", "[::3]:1"].map(parse)
        );
        assert_eq!(in_turn(std::iter::empty()), []);
    }

    #[test]
    fn another_address_is_tried() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        let gone = isbg_testkit::NOBODY_LISTENS;
        assert_eq!(
            block_on(race(vec![gone, good])).unwrap().peer_addr().unwrap(),
            good
        );
        assert_eq!(
            block_on(race(vec![gone])).unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
    }

    #[test]
    fn failures_say_what_to_do() {
        let refused = Error::Connect(io::ErrorKind::ConnectionRefused.into()).told("h", 993);
        assert_eq!(refused.status, Status::Imap);
        assert!(
            refused
                .to_string()
                .contains("refuses connections on port 993; check --imapport")
        );
        let unknown = block_on(once("no-such-host.invalid", 993)).unwrap_err();
        assert!(matches!(unknown, Error::Lookup(_)));
    }
}
