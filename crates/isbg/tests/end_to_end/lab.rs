//! A mailbox on a real Dovecot behind the fault proxy, a spamd whose judgement is a word in the subject, and the program in
//! a home of its own. After every run it looks for secrets and for signs of a defect; what a run should do it does not
//! know.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use isbg_testkit::conservation::{Conservation, changes_in, dangers_in, secrets_in};
use isbg_testkit::dovecot::{Dovecot, Settings};
use isbg_testkit::mailbox::{Mailbox, Message};
use isbg_testkit::proxy::{Plan, Proxy};
use isbg_testkit::spamd_stub::{Answer, Request, SpamdStub};

use crate::common::{Home, Ran};

pub const USER: &str = "me";
pub const PASSWORD: &str = "canary-7Zx!q";

/// Everything a run needs.
pub struct Lab {
    pub home: Home,
    pub dovecot: Dovecot,
    pub proxy: Proxy,
    pub scorer: SpamdStub,
    arrivals: Cell<i64>,
}

impl Lab {
    /// A mailbox with INBOX and Junk, both empty.
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    /// A mailbox with these folders and no special use but that of Junk.
    pub fn with_folders(folders: &[&'static str]) -> Self {
        let others = folders.iter().map(|name| (*name, None));
        let folders = [("Junk", Some("\\Junk"))].into_iter().chain(others).collect();
        Self::with(Settings {
            folders,
            ..Settings::default()
        })
    }

    /// Such a server; its user and password are always the same.
    pub fn with(settings: Settings) -> Self {
        let users = vec![(USER.to_owned(), PASSWORD.to_owned())];
        let dovecot = Dovecot::start(Settings { users, ..settings }).unwrap();
        let proxy = Proxy::start(dovecot.address(), Plan::new()).unwrap();
        let home = Home::new();
        home.write("pw", &format!("{PASSWORD}\n"));
        Self {
            home,
            dovecot,
            proxy,
            scorer: SpamdStub::start(by_subject).unwrap(),
            arrivals: Cell::new(0),
        }
    }

    /// From now on another spamd, at another address, judges thus.
    pub fn judge(&mut self, judge: impl Fn(&Request) -> Answer + Send + Sync + 'static) {
        self.scorer = SpamdStub::start(judge).unwrap();
    }

    /// A date of its own for each message, so that no two are alike.
    fn date(&self) -> i64 {
        self.arrivals.set(self.arrivals.get() + 60);
        1_780_000_000 + self.arrivals.get()
    }

    /// Puts a message with this subject into a folder.
    pub fn put(&self, folder: &str, subject: &str, flags: &[&str]) {
        self.put_mail(folder, &mail(subject), flags);
    }

    /// Puts these bytes into a folder as a message.
    pub fn put_mail(&self, folder: &str, bytes: &[u8], flags: &[&str]) {
        let date = self.date();
        if flags.iter().all(|flag| flag.starts_with('\\')) {
            self.dovecot.deliver(folder, bytes, flags, date).unwrap();
        } else {
            self.dovecot
                .wire()
                .unwrap()
                .append(folder, flags, date, bytes)
                .unwrap();
        }
    }

    /// The options that every classic run needs, and these.
    pub fn line(&self, options: &str) -> String {
        format!(
            "--imaphost 127.0.0.1 --imapport {} --imapuser {USER} --nossl --noninteractive --passwdfilename pw --spamd {} \
             {options}",
            self.proxy.address().port(),
            self.scorer.address(),
        )
    }

    /// One classic run with these options.
    pub fn run(&self, options: &str) -> Ran {
        self.call(&self.line(options))
    }

    /// The program with exactly these words.
    pub fn call(&self, line: &str) -> Ran {
        let ran = self.home.line(line);
        sober(&ran);
        self.no_secret_on_disk();
        ran
    }

    /// A run that must go well.
    pub fn fine(&self, options: &str) -> Ran {
        let ran = self.run(options);
        assert_eq!(ran.status, 0, "{options}: {ran}");
        ran
    }

    /// Such a run changes nothing.
    pub fn quiet(&self, options: &str) {
        let before = self.mailbox();
        self.proxy.forget();
        self.fine(options);
        assert_eq!(
            changes_in(&self.proxy.transcript()),
            Vec::<String>::new(),
            "a further run changed something"
        );
        same(&self.mailbox(), &before);
    }

    /// What the program has said to the server so far could not have touched others' mail.
    pub fn harmless(&self) {
        assert_eq!(dangers_in(&self.proxy.transcript()), Vec::<String>::new());
    }

    /// Writes a config file with one account for this mailbox.
    pub fn configure(&self, keys: &str) {
        let text = format!(
            "[account.home]\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{USER}\"\ntls = \"none\"\n\
             password-file = \"~/pw\"\nspamd = \"{}\"\n{keys}\n",
            self.proxy.address().port(),
            self.scorer.address(),
        );
        self.home.write(".config/isbg/config.toml", &text);
    }

    /// Starts a classic run and does not wait for it.
    pub fn spawn(&self, options: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_isbg"))
            .args(self.line(options).split_whitespace())
            .env_clear()
            .env("HOME", self.home.path())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// From now on the scorer answers only once the gate is open.
    pub fn gate(&mut self) -> Gate {
        let gate = Gate::default();
        let own = gate.clone();
        self.judge(move |request| {
            if request.method != "PING" {
                let open = own.0.0.lock().unwrap();
                drop(own.0.1.wait_while(open, |open| !*open).unwrap());
            }
            by_subject(request)
        });
        gate
    }

    /// Waits until the scorer was asked something.
    pub fn until_asked(&self) {
        while self.scorer.served() == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn state(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.home.path().join(".local/state/isbg/isbg.db")).unwrap()
    }

    /// What this query counts in the state.
    pub fn state_count(&self, query: &str) -> i64 {
        self.state().query_row(query, [], |row| row.get(0)).unwrap()
    }

    /// Moves every date of a next try a day back: what waits has waited long enough.
    pub fn a_day_passes(&self) {
        self.state()
            .execute("UPDATE attempt SET next_try = next_try - 86400", [])
            .unwrap();
    }

    pub fn mailbox(&self) -> Mailbox {
        self.dovecot.wire().unwrap().mailbox().unwrap()
    }

    pub fn subjects(&self, folder: &str) -> Vec<String> {
        self.mailbox()
            .get(folder)
            .into_iter()
            .flatten()
            .map(Message::subject)
            .collect()
    }

    fn no_secret_on_disk(&self) {
        for (path, bytes) in files(self.home.path()) {
            if !path.ends_with("pw") && !path.contains("/.isbg-") {
                assert_eq!(
                    secrets_in(&bytes, USER, PASSWORD),
                    Vec::<String>::new(),
                    "in {path}"
                );
            }
        }
    }
}

/// Holds a scorer back.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// What was printed holds no secret and no sign of a defect.
pub fn sober(ran: &Ran) {
    let text = ran.to_string();
    assert_eq!(secrets_in(text.as_bytes(), USER, PASSWORD), Vec::<String>::new());
    for sign in ["panicked", "defect in isbg", "RUST_BACKTRACE", "Os {", "Error("] {
        assert!(!text.contains(sign), "{sign}: {ran}");
    }
}

/// A run that ended with this status and said why in one line, with all these words in it.
pub fn fails(ran: &Ran, status: i32, words: &[&str]) {
    let lines: Vec<&str> = ran
        .err
        .lines()
        .filter(|line| !line.contains("warning:"))
        .collect();
    assert_eq!((ran.status, lines.len()), (status, 1), "{ran}");
    for word in words {
        assert!(lines[0].contains(word), "{word:?} is missing: {ran}");
    }
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => {
                    found.push((
                        entry.path().display().to_string(),
                        fs::read(entry.path()).unwrap_or_default(),
                    ));
                }
                _ => {}
            }
        }
    }
    found
}

/// Spam says so in its subject.
pub fn by_subject(request: &Request) -> Answer {
    match () {
        () if request.mentions("Subject: certain") => Answer::Score(30.0, vec!["SURELY"]),
        () if request.mentions("Subject: spam") => Answer::Score(12.5, vec!["SAYS_SO"]),
        () if request.mentions("Subject: unsure") => Answer::Score(4.5, vec!["PERHAPS"]),
        () => Answer::ham(),
    }
}

pub fn is_spam(message: &Message) -> bool {
    message.subject().starts_with("spam")
}

pub fn mail(subject: &str) -> Vec<u8> {
    format!(
        "From: Sender <sender@example.org>\r\nTo: me@example.org\r\nSubject: {subject}\r\n\
         Message-ID: <{}@example.org>\r\nDate: Tue, 24 Nov 2026 08:00:00 +0000\r\n\r\nThis is about {subject}.\r\n",
        subject.replace(' ', "-")
    )
    .into_bytes()
}

/// The mailboxes hold the same messages under the same UIDs with the same flags.
pub fn same(one: &Mailbox, other: &Mailbox) {
    let short = |mailbox: &Mailbox| -> Vec<String> {
        let lines = mailbox.iter().flat_map(|(folder, all)| {
            all.iter()
                .map(move |m| format!("{folder} {:?} {} {:?}", m.uid, m.subject(), m.flags))
        });
        lines.collect()
    };
    assert!(one == other, "{:#?}\nis not\n{:#?}", short(one), short(other));
}

/// Each message is there exactly once, unless it was allowed to be elsewhere.
pub fn conserved(allowed: &Conservation<'_>, after: &Mailbox) {
    assert_eq!(allowed.problems_when_settled(after), Vec::<String>::new());
}
