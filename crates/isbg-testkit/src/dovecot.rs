//! A real Dovecot 2.3 with users, folders and quirks of one's choice. Does not know what is done to the mail.

mod config;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;

use crate::mailbox::Mailbox;
use crate::maildir::Maildir;
use crate::wire::Wire;
use crate::{Home, Identity, Port, Server};

/// How the mail is stored. Only a Maildir can be filled and read past the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// One file a message.
    #[default]
    Maildir,
    /// Dovecot's own format, one file a message.
    Sdbox,
    /// Dovecot's own format, several messages a file.
    Mdbox,
}

/// What the server should be like.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names and passwords.
    pub users: Vec<(String, String)>,
    /// How the mail is stored.
    pub storage: Storage,
    /// What all folder names but INBOX begin with: empty, or `INBOX.`.
    pub prefix: &'static str,
    /// What parts the names of folders within folders: `.` or `/`.
    pub separator: char,
    /// Folders to be made, with their special use (`\Junk`) or without.
    pub folders: Vec<(&'static str, Option<&'static str>)>,
    /// Offers TLS, on a port of its own and by STARTTLS.
    pub tls: Option<Identity>,
    /// Refuses passwords in the clear before TLS. The server is then at 127.0.0.2, which only Linux has.
    pub tls_required: bool,
    /// The most a user's mail may take up, in bytes.
    pub quota: Option<u64>,
    /// Folders in which the user may read and nothing else, by way of an access list.
    pub read_only: Vec<&'static str>,
    /// SASL mechanisms.
    pub mechanisms: &'static str,
    /// Further lines for `dovecot.conf`.
    pub extra: String,
}

impl Default for Settings {
    /// One user `me` with the password `secret`, a Maildir, the folders INBOX and Junk, no TLS.
    fn default() -> Self {
        Self {
            users: vec![("me".to_owned(), "secret".to_owned())],
            storage: Storage::Maildir,
            prefix: "",
            separator: '/',
            folders: vec![("Junk", Some("\\Junk"))],
            tls: None,
            tls_required: false,
            quota: None,
            read_only: Vec::new(),
            mechanisms: "plain login scram-sha-256",
            extra: String::new(),
        }
    }
}

/// A running Dovecot.
#[derive(Debug)]
pub struct Dovecot {
    server: Server,
    home: Home,
    plain: Port,
    tls: Option<Port>,
    settings: Settings,
}

impl Dovecot {
    /// Starts one and waits until it greets.
    ///
    /// # Errors
    /// When Dovecot is not installed or does not come up; the error carries its log.
    pub fn start(settings: Settings) -> Result<Self> {
        let home = Home::new()?;
        let plain = Port::reserve()?;
        let tls = settings.tls.is_some().then(Port::reserve).transpose()?;
        let config = config::write(&home, &settings, plain.number(), tls.as_ref().map(Port::number))?;
        let arguments = ["-F".as_ref(), "-c".as_ref(), config.as_os_str()];
        let server = Server::start(&home, "dovecot-imapd", "dovecot", arguments, &[])?;
        let mut dovecot = Self {
            server,
            home,
            plain,
            tls,
            settings,
        };
        dovecot.restrict()?;
        let address = dovecot.address();
        dovecot.server.wait_until(|| Wire::connect(address).is_ok())?;
        Ok(dovecot)
    }

    /// Writes the access lists of the read-only folders.
    fn restrict(&self) -> Result<()> {
        for (user, _) in &self.settings.users {
            for folder in &self.settings.read_only {
                let maildir = self.maildir(user);
                maildir.create(folder)?;
                self.home
                    .write(maildir.path(folder).join("dovecot-acl"), "owner lr\n")?;
            }
        }
        Ok(())
    }

    /// Where it listens for IMAP, in the clear at first.
    pub fn address(&self) -> SocketAddr {
        (config::listen(&self.settings), self.plain.number()).into()
    }

    /// Where it listens for IMAP over TLS.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        let port = self.tls.as_ref()?;
        Some((config::listen(&self.settings), port.number()).into())
    }

    /// The name and password of the first user.
    pub fn credentials(&self) -> (&str, &str) {
        self.settings
            .users
            .first()
            .map_or(("", ""), |(user, password)| (user, password))
    }

    /// A conversation as the first user.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn wire(&self) -> Result<Wire> {
        let (user, password) = self.credentials();
        Wire::login(self.address(), user, password)
    }

    /// A user's mail on disk, where the storage is a Maildir.
    pub fn maildir(&self, user: &str) -> Maildir {
        Maildir::new(self.mail(user), self.settings.prefix, self.settings.separator)
    }

    /// Lays a message into the first user's folder, past the server; see [`Maildir::deliver`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn deliver(&self, folder: &str, bytes: &[u8], flags: &[&str], date: i64) -> Result<()> {
        self.maildir(self.credentials().0)
            .deliver(folder, bytes, flags, date)
    }

    /// All the first user's mail: read from disk where the storage is a Maildir, else asked of the server.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn mailbox(&self) -> Result<Mailbox> {
        match self.settings.storage {
            Storage::Maildir => self.maildir(self.credentials().0).read(),
            Storage::Sdbox | Storage::Mdbox => self.wire()?.mailbox(),
        }
    }

    /// The folder that holds a user's mail and indexes.
    pub fn mail(&self, user: &str) -> PathBuf {
        self.home.join("users").join(user).join("mail")
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        self.server.log()
    }
}
