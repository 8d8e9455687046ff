//! A mailbox on a real Dovecot, a state, and a scorer that calls spam what says so. Does not know what is tested.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "tests may panic")]

mod judge;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, FutureExt};
use isbg_engine::Scorer;
use isbg_imap::{ByteBudget, Client, Credentials, Secret, Settings, Transport};
use isbg_scan::{
    BlastLimit, Bounds, Event, LearnCounts, LearnJob, Mode, Observer, Pass, Policy, Result, ScanCounts,
    ScanJob, Treatment, Which,
};
use isbg_store::{AccountId, Filter, RunId, Store, Timestamp};
use isbg_testkit::conservation::Conservation;
use isbg_testkit::dovecot::{self, Dovecot};
use isbg_testkit::mailbox::Mailbox;
use isbg_testkit::proxy::{Plan, Proxy};
use isbg_types::{Class, Flags, FolderName, Thresholds};
pub use judge::Judge;
use tokio::net::TcpStream;

/// Everything a test needs.
pub struct Lab {
    pub dovecot: Dovecot,
    pub proxy: Proxy,
    pub scorer: Arc<Judge>,
    pub told: Told,
    state: tempfile::TempDir,
    runs: AtomicUsize,
}

impl Lab {
    pub fn new(settings: dovecot::Settings) -> Self {
        let dovecot = Dovecot::start(settings).unwrap();
        let proxy = Proxy::start(dovecot.address(), Plan::new()).unwrap();
        Self {
            dovecot,
            proxy,
            scorer: Arc::new(Judge::default()),
            told: Told::default(),
            state: tempfile::tempdir().unwrap(),
            runs: AtomicUsize::new(0),
        }
    }

    /// Puts a message into a folder; its date counts up, so that no two are alike.
    pub fn put(&self, folder: &str, subject: &str, flags: &[&str]) {
        let date = 1_790_000_000 + self.runs.fetch_add(1, Ordering::Relaxed) as i64 * 60;
        if flags.iter().all(|flag| flag.starts_with('\\')) {
            return self
                .dovecot
                .deliver(folder, mail(subject).as_bytes(), flags, date)
                .unwrap();
        }
        self.dovecot
            .wire()
            .unwrap()
            .append(folder, flags, date, mail(subject).as_bytes())
            .unwrap();
    }

    pub fn scorer(&self) -> Arc<dyn Scorer> {
        self.scorer.clone()
    }

    pub fn mailbox(&self) -> Mailbox {
        self.dovecot.wire().unwrap().mailbox().unwrap()
    }

    pub fn subjects(&self, folder: &str) -> Vec<String> {
        self.mailbox()
            .get(folder)
            .into_iter()
            .flatten()
            .map(isbg_testkit::mailbox::Message::subject)
            .collect()
    }

    pub fn store(&self) -> Store {
        Store::open(&self.state.path().join("state")).unwrap()
    }

    /// Connects through the proxy and logs in.
    pub async fn client(&self) -> std::result::Result<Client, isbg_imap::Error> {
        self.client_at(self.proxy.address()).await
    }

    async fn client_at(&self, address: SocketAddr) -> std::result::Result<Client, isbg_imap::Error> {
        let stream = TcpStream::connect(address).await.map_err(isbg_imap::Error::Io)?;
        let settings = Settings {
            allow_plaintext: true,
            ..Settings::default()
        };
        let mut client = Client::greet(Transport::Plain(Box::new(stream)), settings).await?;
        let (user, password) = self.dovecot.credentials();
        let who = Credentials::Password {
            user: user.to_owned(),
            password: Secret::from(password.to_owned()),
        };
        client.login(&who).await?;
        Ok(client)
    }

    /// One run: recovery, then what `work` does.
    pub async fn run<T>(
        &self,
        mode: Mode,
        work: impl for<'a, 'b> FnOnce(&'a mut Pass<'b>) -> BoxFuture<'a, Result<T>>,
    ) -> Result<T> {
        let mut client = self.client().await?;
        let mut store = match mode {
            Mode::DryRun => Store::rehearsal(&self.state.path().join("state"))?,
            _ => self.store(),
        };
        let account = store.account("test", Timestamp(1))?;
        let run = store.begin_run(account, "test", Timestamp(1))?;
        let result = {
            let mut pass = self.pass(&mut client, &mut store, account, run, mode);
            isbg_scan::recover(&mut pass).await?;
            work(&mut pass).await
        };
        assert_eq!(store.check()?, Vec::<String>::new());
        result
    }

    fn pass<'a>(
        &'a self,
        client: &'a mut Client,
        store: &'a mut Store,
        account: AccountId,
        run: RunId,
        mode: Mode,
    ) -> Pass<'a> {
        Pass {
            client,
            store,
            account,
            run,
            mode,
            observer: &self.told,
            budget: ByteBudget::new(16 << 20),
            stop: Arc::new(AtomicBool::new(false)),
        }
    }

    pub async fn scan(&self, job: &ScanJob) -> Result<ScanCounts> {
        self.scan_as(Mode::Act, job).await
    }

    pub async fn scan_as(&self, mode: Mode, job: &ScanJob) -> Result<ScanCounts> {
        let (job, scorer) = (job.clone(), self.scorer());
        let scanned = self.run(mode, move |pass| {
            async move {
                let mut counts = ScanCounts::default();
                isbg_scan::scan(pass, &scorer, &job, &mut counts).await?;
                Ok(counts)
            }
            .boxed()
        });
        scanned.await
    }

    pub async fn learn(&self, job: &LearnJob) -> Result<LearnCounts> {
        let (job, scorer) = (job.clone(), self.scorer());
        let learned = self.run(Mode::Act, move |pass| {
            async move {
                let mut counts = LearnCounts::default();
                isbg_scan::learn(pass, &scorer, &job, &mut counts).await?;
                Ok(counts)
            }
            .boxed()
        });
        learned.await
    }

    pub async fn undo_last(&self) -> Result<isbg_scan::UndoCounts> {
        let undone = self.run(Mode::Act, |pass| {
            async move {
                let run = pass.store.last_run_to_undo(pass.account)?;
                let entries = pass.store.history(
                    &Filter {
                        run,
                        ..Filter::default()
                    },
                    1000,
                )?;
                let mut counts = isbg_scan::UndoCounts::default();
                isbg_scan::undo(pass, &entries, &mut counts).await?;
                Ok(counts)
            }
            .boxed()
        });
        undone.await
    }

    /// Runs until nothing is open any more, as the next cron runs would, and demands that the last changes nothing.
    pub async fn settle(&self, job: &ScanJob) {
        self.proxy.set(Plan::new());
        self.scan(job).await.unwrap();
        self.proxy.forget();
        self.scan(job).await.unwrap();
        let changes = isbg_testkit::conservation::changes_in(&self.proxy.transcript());
        assert!(changes.is_empty(), "a further run changed something: {changes:?}");
    }
}

/// What was told to the user.
#[derive(Default)]
pub struct Told(Mutex<Vec<String>>);

impl Told {
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub fn has(&self, text: &str) -> bool {
        self.all().iter().any(|line| line.contains(text))
    }
}

impl Observer for Told {
    fn event(&self, event: Event<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

pub fn mail(subject: &str) -> String {
    format!(
        "From: Sender <sender@example.org>\r\nTo: me@example.org\r\nSubject: {subject}\r\n\
         Message-ID: <{}@example.org>\r\nDate: Tue, 24 Nov 2026 08:00:00 +0000\r\n\r\nThis is about {subject}.\r\n",
        subject.replace(' ', "-")
    )
}

pub fn folder(name: &str) -> FolderName {
    FolderName::new(name)
}

/// A job that moves spam to Junk, as accounts of the config file do.
pub fn moving() -> ScanJob {
    let junk = Treatment::move_to(folder("Junk"));
    ScanJob {
        folder: folder("INBOX"),
        policy: Policy {
            thresholds: Thresholds::default(),
            ham: Treatment::leave(),
            unsure: Treatment::leave(),
            spam: junk.clone(),
            certain: junk,
            spare: Vec::new(),
            blast_limit: BlastLimit::Off,
            first_run_reports: false,
        },
        bounds: Bounds {
            max_size: 120_000,
            at_most: None,
            jobs: 4,
        },
        imported: None,
    }
}

/// The same with another treatment of spam.
pub fn treating(treatment: Treatment) -> ScanJob {
    let mut job = moving();
    job.policy.spam = treatment.clone();
    job.policy.certain = treatment;
    job
}

pub fn learning(class: Class, from: &str, treatment: Treatment) -> LearnJob {
    LearnJob {
        folder: folder(from),
        class,
        which: Which::All,
        at_most: None,
        treatment,
        imported: None,
    }
}

/// What may happen to a mailbox that spam is moved out of.
pub fn spam_may_move(before: &Mailbox) -> Conservation<'_> {
    Conservation::of(before).may_move("INBOX", "Junk", |message| message.subject().starts_with("spam"))
}

/// The mailboxes have the same messages under the same UIDs with the same flags.
pub fn same(one: &Mailbox, other: &Mailbox) {
    let short = |mailbox: &Mailbox| -> Vec<String> {
        mailbox
            .iter()
            .flat_map(|(folder, all)| {
                all.iter()
                    .map(move |m| format!("{folder} {:?} {} {:?}", m.uid, m.subject(), m.flags))
            })
            .collect()
    };
    assert!(one == other, "{:#?}\nis not\n{:#?}", short(one), short(other));
}

pub fn clean(problems: Vec<String>) {
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

pub fn no_flags() -> Flags {
    Flags::default()
}

pub fn state_of(lab: &Lab) -> PathBuf {
    lab.state.path().join("state")
}
