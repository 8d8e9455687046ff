//! `isbg spamd`: a server for spamc and other clients of SpamAssassin's daemon. Does not know what is said on a connection.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use isbg_lookups::{Address, spamd};
use isbg_message::views::Networks;
use isbg_spamd::{Judge, Log, Markup, Server, Settings, hostname};
use isbg_types::Untrusted;
use tokio::net::{TcpListener, lookup_host};

use crate::args::Spamd;
use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::report::Terminal;
use crate::secrets::{Keeper, shown};
use crate::settled;

use super::scorer::{self, Detail};
use super::stop;

/// Where it listens unless told otherwise.
const LISTEN: &str = "127.0.0.1";

/// For what was begun, when it is to end.
const GRACE: Duration = Duration::from_secs(10);

/// Parsers do not recurse without a limit; this leaves them many times what they need.
const STACK: usize = 16 << 20;

/// Serves until it is told to end.
///
/// # Errors
/// When the options contradict one another, there is no scorer, or it cannot listen where it should.
pub fn spamd(typed: &Spamd, around: &Environment, terminal: &Terminal) -> Result<Status> {
    let settings = settings(typed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(STACK)
        .enable_all()
        .build()?;
    let status = runtime.block_on(serve(typed, settings, around, terminal));
    // What is still at work has been waited for long enough.
    runtime.shutdown_background();
    status
}

fn settings(typed: &Spamd) -> Result<Settings, Failure> {
    let mut allowed = Networks::default();
    for network in typed.allow_ip.iter().map(|network| network.trim()) {
        if !allowed.add(network) {
            let what = format!("--allow-ip {}: not an address or a network", Untrusted(network));
            return Err(Failure::arguments(what));
        }
    }
    let most = usize::try_from(typed.max_connections).unwrap_or(usize::MAX);
    Ok(Settings {
        allow_tell: typed.allow_tell,
        max_size: typed.max_size,
        most_connections: most.min(10_000),
        head_timeout: Duration::from_secs(typed.timeout_tcp),
        timeout: Duration::from_secs(typed.timeout_child),
        allowed,
    })
}

async fn serve(
    typed: &Spamd,
    settings: Settings,
    around: &Environment,
    terminal: &Terminal,
) -> Result<Status> {
    let (judge, rules) = judge(typed, around, terminal).await?;
    let log: Log = Arc::new(|line| Terminal::new(false).say(line));
    let server = Server::new(judge, settings, log);
    // Before anybody can connect: a signal must not find the process unprepared.
    let mut end = pin!(stop::signal());
    let mut reload = Reload::new()?;
    let mut tasks = Vec::new();
    let mut places = Vec::new();
    for (listener, address) in tcp(typed).await? {
        places.push(address.to_string());
        let server = Arc::clone(&server);
        tasks.push(tokio::spawn(async move { server.listen(listener).await }));
    }
    if let Some(path) = &typed.socketpath {
        places.push(shown(path));
        tasks.push(socket(&server, path, typed.socketmode)?);
    }
    terminal.say(&format!(
        "spamd: server started on {}, judging by {rules}",
        places.join(", ")
    ));
    loop {
        tokio::select! {
            _ = &mut end => break,
            () = reload.asked() => match self::judge(typed, around, terminal).await {
                Ok((judge, rules)) => {
                    server.replace(judge);
                    terminal.say(&format!("spamd: reloaded, judging by {rules}"));
                }
                Err(error) => terminal.warn(&format!("the former rules stay in force: {error:#}")),
            },
        }
    }
    for task in &tasks {
        task.abort();
    }
    if let Some(path) = &typed.socketpath {
        // Somebody may have taken it away already.
        std::fs::remove_file(path).unwrap_or_default();
    }
    if !server.finish(GRACE).await {
        terminal.warn("some clients were still waiting for an answer");
    }
    terminal.say("spamd: server ended");
    Ok(Status::Fine)
}

/// Who judges, and what that is called.
async fn judge(typed: &Spamd, around: &Environment, terminal: &Terminal) -> Result<(Judge, String)> {
    let wish = settled::scorer(&typed.scorer, typed.cafile.clone(), around)?;
    // Without a home there is no model, and mail is judged all the same.
    let state_dir = settled::state_dir(&typed.state, around).unwrap_or_default();
    let keeper = Keeper {
        around,
        state_dir: &state_dir,
    };
    let chosen = scorer::chosen(&wish, Detail::default(), keeper).await?;
    if let Some(remark) = &chosen.remark {
        terminal.warn(remark);
    }
    let markup = match &chosen.matcher {
        Some(matcher) => Markup::of(matcher.rules(), hostname()),
        None => Markup::new(hostname()),
    };
    let rules = chosen.rule_set.unwrap_or_else(|| chosen.scorer.name().to_owned());
    let judge = Judge {
        scorer: chosen.scorer,
        markup,
        required: typed.scorer.required_score,
    };
    Ok((judge, rules))
}

/// The TCP listeners that are wanted.
async fn tcp(typed: &Spamd) -> Result<Vec<(TcpListener, SocketAddr)>, Failure> {
    let mut wanted: Vec<&str> = typed.listen.iter().map(String::as_str).collect();
    if wanted.is_empty() && typed.socketpath.is_none() {
        wanted.push(LISTEN);
    }
    let mut listeners = Vec::new();
    for text in wanted {
        let (host, port) = match Address::parse(text, spamd::DEFAULT_PORT) {
            Ok(Address::Tcp { host, port }) => (host, port),
            _ => {
                let what = format!("--listen {}: not a host with a port", Untrusted(text));
                return Err(Failure::arguments(what));
            }
        };
        let addresses: Vec<SocketAddr> = lookup_host((host, port))
            .await
            .map_err(|error| cannot(text, &error))?
            .collect();
        let open = addresses
            .iter()
            .any(|address| !address.ip().to_canonical().is_loopback());
        if open && typed.allow_ip.is_empty() {
            let what = format!("--listen {}: other machines could connect there", Untrusted(text));
            return Err(Failure::new(Status::BadArguments, what).hint("say which may with --allow-ip"));
        }
        // `localhost` has an IPv6 address where there is no IPv6, too: one that works is enough.
        let mut failed = None;
        let before = listeners.len();
        for address in addresses {
            match TcpListener::bind(address).await {
                Ok(listener) => listeners.push((listener, address)),
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed.filter(|_| listeners.len() == before) {
            return Err(cannot(text, &error));
        }
    }
    Ok(listeners)
}

fn cannot(place: &str, error: &io::Error) -> Failure {
    let failure = Failure::new(
        Status::Other,
        format!("cannot listen on {}: {error}", Untrusted(place)),
    );
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            failure.hint("ports below 1024 are the administrator's; name another one with --listen")
        }
        io::ErrorKind::AddrInUse => failure.hint("another server is there; name another place with --listen"),
        _ => failure,
    }
}

/// Listens on a Unix socket, in the place of one that nobody listens on any more.
#[cfg(unix)]
fn socket(server: &Arc<Server>, path: &Path, mode: u32) -> Result<tokio::task::JoinHandle<()>, Failure> {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
    let failed = |error: &io::Error| cannot(&shown(path), error);
    if std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
        match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => return Err(failed(&io::ErrorKind::AddrInUse.into())),
            Err(_) => std::fs::remove_file(path).map_err(|error| failed(&error))?,
        }
    }
    let listener = tokio::net::UnixListener::bind(path).map_err(|error| failed(&error))?;
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).map_err(|error| failed(&error))?;
    let server = Arc::clone(server);
    Ok(tokio::spawn(async move { server.listen_unix(listener).await }))
}

/// There are no Unix sockets here.
#[cfg(not(unix))]
fn socket(_: &Arc<Server>, path: &Path, _: u32) -> Result<tokio::task::JoinHandle<()>, Failure> {
    Err(cannot(&shown(path), &io::ErrorKind::Unsupported.into()))
}

/// Being asked to read everything anew.
#[cfg(unix)]
struct Reload(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Reload {
    fn new() -> io::Result<Self> {
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).map(Self)
    }

    async fn asked(&mut self) {
        self.0.recv().await;
    }
}

/// Nobody asks.
#[cfg(not(unix))]
struct Reload;

#[cfg(not(unix))]
impl Reload {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn asked(&mut self) {
        std::future::pending().await
    }
}
