//! A real rspamd, offline: no DNS, no Redis, a Bayes database of its own. Does not know the mail it judges.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Result;

use crate::{Home, Port, Server};

/// Modules that ask others, keep state in Redis, or need what the offline server lacks.
const OFF: [&str; 26] = [
    "arc",
    "asn",
    "bimi",
    "clickhouse",
    "dkim",
    "dkim_signing",
    "dmarc",
    "fuzzy_check",
    "greylist",
    "history_redis",
    "mid",
    "mime_types",
    "mx_check",
    "neural",
    "phishing",
    "ratelimit",
    "rbl",
    "replies",
    "reputation",
    "rspamd_update",
    "spf",
    "surbl",
    "url_redirector",
    "whitelist",
    "worker-fuzzy",
    "worker-proxy",
];

/// A running rspamd with one scanning process.
#[derive(Debug)]
pub struct Rspamd {
    server: Server,
    scanner: Port,
    controller: Port,
    _home: Home,
}

impl Rspamd {
    /// Starts one whose controller demands this password, and waits until both its ports answer.
    ///
    /// # Errors
    /// When rspamd is not installed or does not come up; the error carries its log.
    pub fn start(password: &str) -> Result<Self> {
        let home = Home::new()?;
        let (scanner, controller) = (Port::reserve()?, Port::reserve()?);
        configure(&home, &scanner, &controller, password)?;
        let variables = [
            ("LOCAL_CONFDIR", "local"),
            ("DBDIR", "db"),
            ("RUNDIR", "db"),
            ("LOGDIR", "db"),
        ];
        let mut arguments = vec![
            "-f".to_owned(),
            "-c".to_owned(),
            "/etc/rspamd/rspamd.conf".to_owned(),
        ];
        arguments
            .extend(variables.map(|(name, folder)| format!("--var={name}={}", home.join(folder).display())));
        let mut server = Server::start(&home, "rspamd", "rspamd", arguments, &[])?;
        for port in [&scanner, &controller] {
            server.wait_until(|| {
                ask(port.address(), "GET", "/ping", &[], b"").is_ok_and(|answer| answer.ends_with("pong\r\n"))
            })?;
        }
        Ok(Self {
            server,
            scanner,
            controller,
            _home: home,
        })
    }

    /// Where it judges: `/checkv2`.
    pub fn address(&self) -> SocketAddr {
        self.scanner.address()
    }

    /// Where it learns, and also judges: `/learnspam`, `/learnham`, `/checkv2`.
    pub fn controller(&self) -> SocketAddr {
        self.controller.address()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.server.log()
    }
}

fn configure(home: &Home, scanner: &Port, controller: &Port, password: &str) -> Result<()> {
    home.create_dir("db")?;
    let db = home.join("db");
    let db = db.display();
    for module in OFF {
        let ending = if module.starts_with("worker-") {
            "inc"
        } else {
            "conf"
        };
        home.write(
            format!("local/override.d/{module}.{ending}"),
            "enabled = false;\n",
        )?;
    }
    // The full list of top-level domains takes it ten seconds to compile.
    let domains = home.write("domains", "com\nnet\norg\nde\nco.uk\n")?;
    let options = format!(
        "dns {{ nameserver = [\"127.0.0.1:9\"]; timeout = 0.1s; retransmits = 1; }}
disable_hyperscan = true;
url_tld = \"{}\";\n",
        domains.display()
    );
    // A password is asked for only of clients outside of secure_ip.
    let controller = format!(
        "bind_socket = \"{}\";\npassword = \"{password}\";\nsecure_ip = \"192.0.2.1\";\n",
        controller.address()
    );
    let scanner = format!("bind_socket = \"{}\";\ncount = 1;\n", scanner.address());
    let bayes = format!(
        "backend = \"sqlite3\";\nnew_schema = false;\nmin_learns = 1;
cache {{ backend = \"sqlite3\"; path = \"{db}/learned.sqlite\"; }}
statfile {{ symbol = \"BAYES_HAM\"; path = \"{db}/ham.sqlite\"; spam = false; }}
statfile {{ symbol = \"BAYES_SPAM\"; path = \"{db}/spam.sqlite\"; spam = true; }}\n"
    );
    for (name, text) in [
        ("options.inc", options.as_str()),
        ("worker-controller.inc", &controller),
        ("worker-normal.inc", &scanner),
        ("classifier-bayes.conf", &bayes),
        ("logging.inc", "type = \"console\";\nlevel = \"info\";\n"),
    ] {
        home.write(format!("local/override.d/{name}"), text)?;
    }
    Ok(())
}

/// One HTTP exchange, for tests that need no client; `headers` are whole lines without their ends. The whole answer.
///
/// # Errors
/// When the connection breaks.
pub fn ask(server: SocketAddr, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for header in headers {
        head += header;
        head += "\r\n";
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
