//! A real Courier IMAP server with one user. Courier's login daemon has its socket at a fixed place, so the few words before
//! the login are ours; from then on its `imapd` itself holds the connection. Does not know what is done to the mail.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, bail};

use crate::Home;
use crate::acceptor::{Acceptor, lock};
use crate::mailbox::{Mailbox, with_lf};
use crate::maildir::Maildir;
use crate::process::lesser_user;
use crate::unpacked::{library_path, unpacked};
use crate::wire::Wire;

const USER: &str = "me";
const PASSWORD: &str = "secret";
const CAPABILITIES: &str =
    "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE";

/// A running Courier. It knows UIDPLUS and not MOVE; all folders are below `INBOX.`.
#[derive(Debug)]
pub struct Courier {
    acceptor: Acceptor,
    children: Arc<Mutex<Vec<Child>>>,
    home: Arc<Home>,
}

impl Courier {
    /// Starts one.
    ///
    /// # Errors
    /// When Courier was not unpacked.
    pub fn start() -> Result<Self> {
        let root = unpacked("courier")?;
        let home = Arc::new(Home::new()?);
        let maildir = home.create_dir("Maildir")?;
        Maildir::new(maildir, "INBOX.", '.').create("INBOX")?;
        home.write("log", "")?;
        let children = Arc::new(Mutex::new(Vec::new()));
        let (own_home, own_children) = (Arc::clone(&home), Arc::clone(&children));
        let acceptor = Acceptor::start(move |_, stream| {
            let (root, home, children) = (root.clone(), Arc::clone(&own_home), Arc::clone(&own_children));
            std::thread::spawn(move || {
                // A client that hangs up before it has logged in is no fault of the server's.
                if let Ok(Some(tag)) = welcome(&stream)
                    && let Ok(child) = imapd(&root, &home, &tag, stream)
                {
                    lock(&children).push(child);
                }
            });
        })?;
        let courier = Self {
            acceptor,
            children,
            home,
        };
        courier
            .wire()
            .with_context(|| format!("Courier's imapd says:\n{}", courier.log()))?;
        Ok(courier)
    }

    /// Where it listens, without TLS.
    pub fn address(&self) -> SocketAddr {
        self.acceptor.address()
    }

    /// Its user's name and password.
    pub fn credentials(&self) -> (&str, &str) {
        (USER, PASSWORD)
    }

    /// A conversation as its user.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn wire(&self) -> Result<Wire> {
        Wire::login(self.address(), USER, PASSWORD)
    }

    /// Lays a message into a folder, past the server; see [`Maildir::deliver`]. Folders have names in ASCII here, and CRLF
    /// becomes LF: Courier would make CR CR LF of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn deliver(&self, folder: &str, bytes: &[u8], flags: &[&str], date: i64) -> Result<()> {
        let maildir = Maildir::new(self.home.join("Maildir"), "INBOX.", '.');
        maildir.deliver(folder, &with_lf(bytes), flags, date)
    }

    /// All the user's mail.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn mailbox(&self) -> Result<Mailbox> {
        self.wire()?.mailbox()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.home.join("log")).unwrap_or_default()).into_owned()
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.acceptor.stop();
        for child in lock(&self.children).iter_mut() {
            // Fails when it has ended, which is just as well.
            child.kill().unwrap_or_default();
            drop(child.wait());
        }
    }
}

/// What is said before the login; the tag of the LOGIN command once it is right, nothing when the client left.
fn welcome(mut stream: &TcpStream) -> Result<Option<String>> {
    stream.set_nodelay(true)?;
    stream.write_all(format!("* OK [CAPABILITY {CAPABILITIES}] Courier-IMAP ready.\r\n").as_bytes())?;
    loop {
        let line = line(stream)?;
        let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
        let plain = command.replace('"', "");
        let (verb, rest) = plain.split_once(' ').unwrap_or((&plain, ""));
        let answer = match verb.to_ascii_uppercase().as_str() {
            "LOGIN" if rest == format!("{USER} {PASSWORD}") => return Ok(Some(tag.to_owned())),
            "LOGIN" => format!("{tag} NO Login failed.\r\n"),
            "CAPABILITY" => format!("* CAPABILITY {CAPABILITIES}\r\n{tag} OK CAPABILITY completed\r\n"),
            "NOOP" => format!("{tag} OK NOOP completed\r\n"),
            "LOGOUT" => {
                stream.write_all(format!("* BYE Goodbye\r\n{tag} OK LOGOUT completed\r\n").as_bytes())?;
                return Ok(None);
            }
            _ => format!("{tag} BAD Invalid command\r\n"),
        };
        stream.write_all(answer.as_bytes())?;
    }
}

/// One line, and not a byte more: what follows is for `imapd`.
fn line(mut stream: &TcpStream) -> Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.last() != Some(&b'\n') {
        if stream.read(&mut byte)? == 0 || line.len() > 1000 {
            bail!("no line");
        }
        line.extend_from_slice(&byte);
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// Hands the connection to Courier's `imapd`, which answers the LOGIN command first.
fn imapd(root: &Path, home: &Home, tag: &str, stream: TcpStream) -> Result<Child> {
    let input: OwnedFd = stream.try_clone()?.into();
    let output: OwnedFd = stream.into();
    let mut command = Command::new(root.join("usr/bin/imapd"));
    command
        .arg("Maildir")
        .current_dir(home.path())
        .stdin(input)
        .stdout(output)
        .stderr(File::options().append(true).open(home.join("log"))?)
        .env("LD_LIBRARY_PATH", library_path(root))
        .env("HOME", home.path())
        .envs([("AUTHENTICATED", USER), ("AUTHADDR", USER), ("AUTHUSER", USER)])
        .envs([
            ("TCPREMOTEIP", "127.0.0.1"),
            ("TCPREMOTEPORT", "1024"),
            ("IMAPLOGINTAG", tag),
        ])
        .envs([
            ("IMAP_CAPABILITY", CAPABILITIES),
            ("IMAP_KEYWORDS", "1"),
            ("IMAP_ACL", "0"),
        ])
        // Locks need a file alteration monitor, which would outlive the test.
        .envs([("IMAP_ENHANCEDIDLE", "0"), ("IMAP_USELOCKS", "0")]);
    if let Some(user) = lesser_user() {
        command.uid(user).gid(user);
    }
    Ok(command.spawn()?)
}
