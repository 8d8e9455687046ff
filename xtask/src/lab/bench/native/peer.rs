//! Other scorers and the processor time that their processes take. Does not know how they judge.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use isbg_testkit::spamd::{Settings, Spamd};
use isbg_testkit::{Home, Port, Server, rspamd, spamd};

/// How long rspamd may compile its patterns in the background.
const PATIENCE: Duration = Duration::from_secs(300);
/// It is done when it has taken less than a hundredth of this time.
const QUIET: Duration = Duration::from_secs(3);

/// A scorer in processes of its own.
pub enum Peer {
    /// `spamd -L` with one child.
    Spamd(Spamd),
    /// rspamd as it is packaged, without the network, with one scanning process.
    Rspamd {
        _server: Server,
        _home: Home,
        port: Port,
    },
}

impl Peer {
    /// # Errors
    /// When it is not installed or does not come up.
    pub fn spamd() -> Result<Self> {
        Ok(Self::Spamd(Spamd::start(&Settings::default())?))
    }

    /// # Errors
    /// When it is not installed or does not come up.
    pub fn rspamd() -> Result<Self> {
        let home = Home::new()?;
        let port = Port::reserve()?;
        home.create_dir("db")?;
        for module in ["arc", "asn", "dkim", "dmarc", "fuzzy_check", "rbl", "spf"] {
            home.write(format!("local/override.d/{module}.conf"), "enabled = false;\n")?;
        }
        for worker in ["controller", "fuzzy", "proxy"] {
            home.write(
                format!("local/override.d/worker-{worker}.inc"),
                "enabled = false;\n",
            )?;
        }
        let scanner = format!("bind_socket = \"{}\";\ncount = 1;\n", port.address());
        home.write("local/override.d/worker-normal.inc", scanner)?;
        let dns = "dns { nameserver = [\"127.0.0.1:9\"]; timeout = 0.1s; retransmits = 1; }\n";
        home.write("local/override.d/options.inc", dns)?;
        home.write(
            "local/override.d/logging.inc",
            "type = \"console\";\nlevel = \"warning\";\n",
        )?;
        let folders = [
            ("LOCAL_CONFDIR", "local"),
            ("DBDIR", "db"),
            ("RUNDIR", "db"),
            ("LOGDIR", "db"),
        ];
        let folders = folders.map(|(name, folder)| format!("--var={name}={}", home.join(folder).display()));
        let mut arguments: Vec<String> = ["-f", "-c", "/etc/rspamd/rspamd.conf"].map(str::to_owned).into();
        arguments.extend(folders);
        let mut server = Server::start(&home, "rspamd", "rspamd", arguments, &[])?;
        server.wait_until(|| {
            rspamd::ask(port.address(), "GET", "/ping", &[], b"").is_ok_and(|text| text.ends_with("pong\r\n"))
        })?;
        let peer = Self::Rspamd {
            _server: server,
            _home: home,
            port,
        };
        peer.settle()?;
        Ok(peer)
    }

    /// Waits until it does nothing when nobody asks.
    fn settle(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let before = self.times()?;
            std::thread::sleep(QUIET);
            if since(&before, &self.times()?) < QUIET / 100 {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "rspamd does not come to rest");
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Spamd(_) => "spamd",
            Self::Rspamd { .. } => "rspamd",
        }
    }

    /// What each of its processes has taken so far. Exact while they wait.
    fn times(&self) -> Result<Times> {
        let times = processes(self.name())?.into_iter().map(|process| {
            let time = taken(&process)?;
            Ok((process, time))
        });
        times.collect()
    }

    /// Has a message judged; the time that its processes took for it.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn judge(&self, message: &[u8]) -> Result<Duration> {
        let before = self.times()?;
        let (answer, sign) = match self {
            Self::Spamd(server) => (spamd::ask(server.address(), "SYMBOLS", &[], message)?, "Spam: "),
            Self::Rspamd { port, .. } => (asked(port.address(), message)?, "\"symbols\""),
        };
        ensure!(answer.contains(sign), "{} said {answer}", self.name());
        Ok(since(&before, &self.times()?))
    }
}

/// Processor time by process.
type Times = BTreeMap<PathBuf, Duration>;

/// What was taken in between. A process that has come since counts whole; spamd replaces its children now and then.
fn since(before: &Times, after: &Times) -> Duration {
    let took = |(process, time): (&PathBuf, &Duration)| {
        time.saturating_sub(before.get(process).copied().unwrap_or_default())
    };
    after.iter().map(took).sum()
}

fn asked(server: SocketAddr, message: &[u8]) -> Result<String> {
    rspamd::ask(server, "POST", "/checkv2", &[], message)
}

/// Our descendants of that name.
fn processes(name: &str) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let path = entry?.path();
        let Ok(stat) = std::fs::read_to_string(path.join("stat")) else {
            continue;
        };
        let Some((start, rest)) = stat.rsplit_once(')') else {
            continue;
        };
        let (id, command) = start.split_once(" (").unwrap_or_default();
        let parent = rest
            .split_whitespace()
            .nth(1)
            .and_then(|id| id.parse::<u32>().ok());
        if let (Ok(id), Some(parent)) = (id.parse::<u32>(), parent) {
            all.push((id, parent, command.starts_with(name), path));
        }
    }
    let mut ours = vec![std::process::id()];
    let mut found = Vec::new();
    while let Some(process) = ours.pop() {
        for (id, _, named, path) in all.iter().filter(|(_, parent, ..)| *parent == process) {
            ours.push(*id);
            if *named {
                found.push(path.clone());
            }
        }
    }
    Ok(found)
}

fn taken(process: &std::path::Path) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for thread in std::fs::read_dir(process.join("task"))? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        let nanoseconds: u64 = text.split(' ').next().unwrap_or_default().parse()?;
        sum += Duration::from_nanos(nanoseconds);
    }
    Ok(sum)
}
