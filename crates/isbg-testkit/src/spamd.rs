//! A real spamd, the SpamAssassin daemon, offline and with a Bayes database of its own. Does not know the mail it judges.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::{Home, Identity, Port, Server};

/// What the daemon should be like.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many messages it judges at a time.
    pub children: usize,
    /// Whether clients may teach it (`--allow-tell`).
    pub allow_tell: bool,
    /// Speaks TLS on its port. Needs Debian's package `libio-socket-ssl-perl`.
    pub tls: Option<Identity>,
    /// Further configuration lines, such as `required_score 3`.
    pub lines: Vec<&'static str>,
}

impl Default for Settings {
    /// One child, no teaching, no TLS.
    fn default() -> Self {
        Self {
            children: 1,
            allow_tell: false,
            tls: None,
            lines: Vec::new(),
        }
    }
}

/// A running spamd.
#[derive(Debug)]
pub struct Spamd {
    server: Server,
    home: Home,
    port: Port,
}

impl Spamd {
    /// Starts one and waits until it answers a PING.
    ///
    /// # Errors
    /// When spamd is not installed or does not come up; the error carries its log.
    pub fn start(settings: &Settings) -> Result<Self> {
        let home = Home::new()?;
        let port = Port::reserve()?;
        home.create_dir(".spamassassin")?;
        let scheme = if settings.tls.is_some() { "ssl:" } else { "" };
        let mut arguments = vec![
            "--local".to_owned(),
            format!("--listen={scheme}{}", port.address()),
            format!("--socketpath={}", home.join("spamd.sock").display()),
            "--socketmode=0666".to_owned(),
            format!("--max-children={}", settings.children),
            format!("--min-children={}", settings.children),
            "--syslog=stderr".to_owned(),
            format!("--pidfile={}", home.join("pid").display()),
            format!("--helper-home-dir={}", home.path().display()),
            format!("--cf=bayes_path {}", home.join(".spamassassin/bayes").display()),
        ];
        arguments.extend(settings.lines.iter().map(|line| format!("--cf={line}")));
        if settings.allow_tell {
            arguments.push("--allow-tell".to_owned());
        }
        if let Some(identity) = &settings.tls {
            let certificate = home.write("certificate.pem", &identity.certificate)?;
            let key = home.write("key.pem", &identity.key)?;
            arguments.push(format!("--server-cert={}", certificate.display()));
            arguments.push(format!("--server-key={}", key.display()));
        }
        let mut server = Server::start(&home, "spamd", "spamd", arguments, &[])?;
        let socket = home.join("spamd.sock");
        server.wait_until(|| answers(&socket))?;
        Ok(Self { server, home, port })
    }

    /// Where it listens for TCP.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Its Unix socket. Never TLS.
    pub fn socket(&self) -> PathBuf {
        self.home.join("spamd.sock")
    }

    /// The home folder of the user it runs as; `.spamassassin` within holds preferences and the Bayes database.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.server.log()
    }
}

fn answers(socket: &Path) -> bool {
    let ping = || -> std::io::Result<String> {
        let mut stream = std::os::unix::net::UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(b"PING SPAMC/1.5\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ping().is_ok_and(|answer| answer.contains("PONG"))
}

/// One conversation with a spamd, for tests that need no client: `request` is the request line without protocol and
/// line end (`SYMBOLS`); `headers` are whole lines without their ends. What came back, as text.
///
/// # Errors
/// When the connection breaks.
pub fn ask(spamd: SocketAddr, request: &str, headers: &[&str], mail: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(spamd)?;
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    let mut head = format!("{request} SPAMC/1.5\r\nContent-length: {}\r\n", mail.len());
    for header in headers {
        head += header;
        head += "\r\n";
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(mail)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
