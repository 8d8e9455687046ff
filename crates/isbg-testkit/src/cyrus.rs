//! A real Cyrus IMAP server with one user. Does not know what is done to the mail; fill and read it over IMAP.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::mailbox::Mailbox;
use crate::process::{give, user_and_group};
use crate::unpacked::{library_path, unpacked};
use crate::wire::Wire;
use crate::{Home, Port, Server};

const USER: &str = "me";
const PASSWORD: &str = "secret";

/// A running Cyrus. All folders are below `INBOX.`; there is `INBOX.Junk`, with its special use.
#[derive(Debug)]
pub struct Cyrus {
    server: Server,
    _home: Home,
    port: Port,
}

impl Cyrus {
    /// Starts one and waits until its user can log in.
    ///
    /// # Errors
    /// When Cyrus was not unpacked or does not come up; the error carries its log.
    pub fn start() -> Result<Self> {
        let root = unpacked("cyrus")?;
        let libraries = library_path(&root);
        let home = Home::new()?;
        let port = Port::reserve()?;
        let programs = root.join("usr/lib/cyrus/bin");
        let programs = programs.display();
        let config = home.write("imapd.conf", config(&home)?)?;
        let config = config.display();
        let services = format!(
            "START {{\n  recover cmd=\"{programs}/ctl_cyrusdb -C {config} -r\"\n}}
SERVICES {{\n  imap cmd=\"{programs}/imapd -C {config}\" listen=\"{}\" prefork=1 maxchild=100\n}}
EVENTS {{\n}}\n",
            port.address()
        );
        let services = home.write("cyrus.conf", services)?;
        save_password(&home, &root.join("usr/sbin/saslpasswd2"), &libraries)?;
        let arguments = [
            format!("-C{config}"),
            format!("-M{}", services.display()),
            format!("-p{}", home.join("pid").display()),
            "-D".to_owned(),
        ];
        let mut server = Server::start(
            &home,
            "cyrus-imapd",
            root.join("usr/lib/cyrus/bin/master"),
            arguments,
            &[("LD_LIBRARY_PATH", &libraries)],
        )?;
        server.wait_until(|| Wire::login(port.address(), USER, PASSWORD).is_ok())?;
        let cyrus = Self {
            server,
            _home: home,
            port,
        };
        cyrus.wire()?.command("CREATE INBOX.Junk (USE (\\Junk))")?;
        Ok(cyrus)
    }

    /// Where it listens, without TLS.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
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

    /// All the user's mail.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn mailbox(&self) -> Result<Mailbox> {
        self.wire()?.mailbox()
    }

    /// What it has printed; the rest went to the system's log.
    pub fn log(&self) -> String {
        self.server.log()
    }
}

fn config(home: &Home) -> Result<String> {
    let (user, _) = user_and_group()?;
    for folder in ["conf/socket", "spool", "proc", "lock"] {
        home.create_dir(folder)?;
    }
    let home = home.path().display();
    Ok(format!(
        "configdirectory: {home}/conf
proc_path: {home}/proc
mboxname_lockpath: {home}/lock
defaultpartition: default
partition-default: {home}/spool
cyrus_user: {user}
servername: localhost
altnamespace: no
unixhierarchysep: no
autocreate_quota: 0
allowplaintext: yes
sasl_mech_list: PLAIN
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {home}/sasldb
"
    ))
}

fn save_password(home: &Home, saslpasswd: &std::path::Path, libraries: &str) -> Result<()> {
    let file = home.join("sasldb");
    let word = home.write("word", PASSWORD)?;
    let output = Command::new(saslpasswd)
        .arg("-f")
        .arg(&file)
        .args(["-p", "-c", "-u", "localhost", USER])
        .env("LD_LIBRARY_PATH", libraries)
        .stdin(std::fs::File::open(word)?)
        .output()
        .with_context(|| format!("cannot run {}", saslpasswd.display()))?;
    ensure!(
        output.status.success(),
        "saslpasswd2: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    give(&file)
}
