//! A run over mailboxes, classic or configured: one account after the other, learn, scan, tell. Does not know how a pass
//! works.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use isbg_engine::Scorer;
use isbg_imap::{ByteBudget, Client};
use isbg_scan::{Corrections, LearnJob, Pass, ScanJob};
use isbg_store::{AccountId, AccountLock, Counters, LockFile, Store, Timestamp};
use isbg_types::Class;

use crate::connect::connect;
use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::policy::{self, Places};
use crate::report::{Follower, Record, Tally, Terminal};
use crate::secrets::Keeper;
use crate::settled::{Access, Account, Manner, Mode, Output, Run, Task, Which};

use super::failures::{of_pass, of_store};
use super::stop::Stop;
use super::{folders, imported, scorer};

/// Message bytes held at once, beside those spooled to disk.
const BUDGET: u64 = 16 * 1024 * 1024;

/// Runs over all accounts; one account's failure does not keep the others from their turn.
///
/// # Errors
/// Only those that no account can go on from.
pub fn run(run: &Run, around: &Environment, terminal: &Terminal) -> Result<Status> {
    for notice in &run.notices {
        terminal.warn(notice);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let stop = Stop::default();
    let mut status = Status::Fine;
    for account in &run.accounts {
        let work = Work {
            run,
            account,
            keeper: Keeper {
                around,
                state_dir: &run.state_dir,
            },
            terminal,
            stop: &stop,
        };
        let outcome = runtime.block_on(work.all());
        status = status.and(outcome.unwrap_or_else(|failure| work.failed(&failure)));
        if stop.is_asked() {
            break;
        }
    }
    // A prompt that nobody answered is not waited for.
    runtime.shutdown_timeout(Duration::from_millis(100));
    Ok(status)
}

/// The run over one account.
#[derive(Clone, Copy)]
struct Work<'a> {
    run: &'a Run,
    account: &'a Account,
    keeper: Keeper<'a>,
    terminal: &'a Terminal,
    stop: &'a Stop,
}

impl Work<'_> {
    fn access(&self) -> &Access {
        &self.account.access
    }

    fn output(&self) -> Output {
        self.run.output
    }

    fn failed(&self, failure: &Failure) -> Status {
        let text = failure.to_string();
        match self.run.accounts.len() {
            1 => self.terminal.say(&format!("isbg: {text}")),
            _ => self
                .terminal
                .say(&format!("isbg: {}: {text}", self.access().name)),
        }
        if self.output().json {
            let (account, status) = (Some(self.access().name.as_str()), failure.status.code());
            self.terminal.record(&Record::Error {
                account,
                status,
                text: &text,
            });
        }
        failure.status
    }

    async fn list(self) -> Result<Status, Failure> {
        let mut client = connect(self.access(), self.keeper, self.terminal).await?;
        folders::list(&mut client, self.access(), self.output().json, self.terminal).await?;
        leave(client).await;
        Ok(Status::Fine)
    }

    async fn all(self) -> Result<Status, Failure> {
        if self.run.task == Task::ListFolders {
            return self.list().await;
        }
        let now = now();
        let mut store = self.store()?;
        let is_new = store
            .find_account(&self.access().label())
            .map_err(of_store)?
            .is_none();
        let id = store.account(&self.access().label(), now).map_err(of_store)?;
        let _lock = self.lock(&store, id, now)?;
        let mut wish = self.account.scorer.clone();
        if wish.people.authserv_id.is_some() {
            wish.people.known = store.correspondents().map_err(of_store)?;
        }
        let chosen = scorer::chosen(&wish, scorer::Detail::default(), self.keeper).await?;
        if let Some(remark) = chosen.remark.as_ref().filter(|_| self.output().verbose) {
            self.terminal.warn(remark);
        }
        let scorer = chosen.scorer;
        let mut client = connect(self.access(), self.keeper, self.terminal).await?;
        self.stop.listen();
        let found = folders::Found::of(&mut client, self.account, self.run.task).await?;
        let places = found
            .places(&mut client, self.account, self.mode(), self.terminal)
            .await?;
        let old = imported::Old::of(self.account, self.keeper.around, is_new, self.terminal);
        let follower = Follower::new(self.terminal, &self.access().name, self.output());
        let run = store.begin_run(id, self.kind(), now).map_err(of_store)?;
        let mut pass = Pass {
            client: &mut client,
            store: &mut store,
            account: id,
            run,
            mode: self.mode(),
            observer: &follower,
            budget: ByteBudget::new(BUDGET),
            stop: Arc::clone(&self.stop.flag),
        };
        let mut tally = Tally::default();
        let outcome = self
            .parts(&mut pass, &scorer, &found, &places, &old, &mut tally)
            .await;
        follower.finish();
        let noted = store.end_run(run, &counters(&tally, self.mode()), self::now());
        for remark in scorer.remarks() {
            self.terminal.warn(&remark);
        }
        self.tell(&tally, outcome.as_ref().err());
        outcome.map_err(|error| of_pass(&error, &self.access().server))?;
        noted.map_err(of_store)?;
        leave(client).await;
        Ok(tally.status(self.output().exit_codes))
    }

    fn store(&self) -> Result<Store, Failure> {
        let open = if self.output().dry_run {
            Store::rehearsal
        } else {
            Store::open
        };
        open(&self.run.state_dir).map_err(of_store)
    }

    /// The account's lock, and the lock file of the classic form; none for a dry run, which changes nothing. The default
    /// lock file is only looked at, to keep clear of a running isbg 2.x: it is one for all accounts.
    fn lock(&self, store: &Store, id: AccountId, now: Timestamp) -> Result<Option<AccountLock>, Failure> {
        if self.output().dry_run {
            return Ok(None);
        }
        let file = self.account.old_files.as_ref().and_then(|old| old.lock.as_ref());
        let grace = |minutes: f64| Duration::try_from_secs_f64(minutes * 60.0).unwrap_or(Duration::MAX);
        let named = file.and_then(|file| {
            Some(LockFile {
                path: file.path.as_deref()?,
                grace: grace(file.grace_minutes),
            })
        });
        if let (Some(file), None, Some(cache)) = (file, named, &self.keeper.around.cache_home) {
            let path = cache.join("isbg").join("lock");
            if path.exists() {
                let old = LockFile {
                    path: &path,
                    grace: grace(file.grace_minutes),
                };
                drop(store.lock(id, Some(old), now).map_err(of_store)?);
            }
        }
        store.lock(id, named, now).map(Some).map_err(of_store)
    }

    fn mode(&self) -> isbg_scan::Mode {
        match &self.account.manner {
            _ if self.output().dry_run => isbg_scan::Mode::DryRun,
            Manner::Configured(wish) if wish.mode == Mode::Observe => isbg_scan::Mode::Observe,
            Manner::Configured(_) | Manner::Classic(_) => isbg_scan::Mode::Act,
        }
    }

    fn kind(&self) -> &'static str {
        match (&self.account.manner, self.run.task) {
            (Manner::Classic(_), _) => "classic",
            (Manner::Configured(_), Task::Learn) => "learn",
            (Manner::Configured(_), _) => "scan",
        }
    }

    async fn parts(
        self,
        pass: &mut Pass<'_>,
        scorer: &Arc<dyn Scorer>,
        found: &folders::Found,
        places: &Places,
        old: &imported::Old,
        tally: &mut Tally,
    ) -> isbg_scan::Result<()> {
        isbg_scan::recover(pass).await?;
        if let Some(job) = self.corrections(found, places) {
            let counts = tally.corrected.insert(Default::default());
            isbg_scan::correct(pass, scorer, &job, counts).await?;
        }
        for (class, folder) in [(Class::Spam, &found.learn_spam), (Class::Ham, &found.learn_ham)] {
            let Some(folder) = folder else { continue };
            let job = LearnJob {
                folder: folder.clone(),
                class,
                which: match self.account.learning.which {
                    Which::All => isbg_scan::Which::All,
                    Which::Flagged => isbg_scan::Which::Flagged,
                    Which::Unflagged => isbg_scan::Which::Unflagged,
                },
                at_most: self.account.bounds.at_most,
                treatment: policy::learned(&self.account.learning, class, places),
                imported: old.learned(pass.client, class, folder).await?,
            };
            let counts = match class {
                Class::Spam => tally.learned_spam.insert(Default::default()),
                Class::Ham => tally.learned_ham.insert(Default::default()),
            };
            isbg_scan::learn(pass, scorer, &job, counts).await?;
        }
        if self.run.task == Task::Learn {
            return Ok(());
        }
        let job = ScanJob {
            folder: found.inbox.clone(),
            policy: policy::policy(self.account, places),
            bounds: policy::bounds(self.account),
            imported: old.scanned(pass.client, &found.inbox).await?,
        };
        isbg_scan::scan(pass, scorer, &job, tally.scan.insert(Default::default())).await
    }

    /// How what the user has moved is learned, where it is.
    fn corrections(&self, found: &folders::Found, places: &Places) -> Option<Corrections> {
        let learning = &self.account.learning;
        let after = learning.moves_after?;
        Some(Corrections {
            inbox: found.inbox.clone(),
            spam: [Some(&places.spam), places.certain.as_ref()]
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
            unsure: places.unsure.clone(),
            learned_from: [&found.learn_spam, &found.learn_ham, &places.learned_spam]
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
            grace: i64::from(after) * 60,
        })
    }

    fn tell(&self, tally: &Tally, failure: Option<&isbg_scan::Error>) {
        let classic = matches!(self.account.manner, Manner::Classic(_));
        if classic && tally.scan.is_some_and(|scan| scan.mostly_spam()) {
            self.terminal.warn(
                "most of the new mail was called spam; if that is wrong, isbg undo puts it back, and the scorer should \
                 be looked at",
            );
        }
        if self.output().statistics {
            for line in tally.lines() {
                match self.run.accounts.len() {
                    1 => self.terminal.say(&line),
                    _ => self.terminal.say(&format!("{}: {line}", self.access().name)),
                }
            }
        }
        if self.output().json && failure.is_none() {
            self.terminal.record(&Record::Summary {
                account: &self.access().name,
                status: tally.status(self.output().exit_codes).code(),
                counts: tally.into(),
            });
        }
    }
}

/// Everything is done; a server that does not take leave changes nothing about that.
async fn leave(client: Client) {
    drop(client.logout().await);
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

fn counters(tally: &Tally, mode: isbg_scan::Mode) -> Counters {
    let scan = tally.scan.unwrap_or_default();
    let spam = tally.learned_spam.unwrap_or_default();
    let ham = tally.learned_ham.unwrap_or_default();
    // Where nothing is changed, nothing was taught.
    let corrected = tally
        .corrected
        .filter(|_| mode == isbg_scan::Mode::Act)
        .unwrap_or_default();
    Counters {
        judged: scan.judged,
        ham: scan.ham,
        unsure: scan.unsure,
        spam: scan.spam,
        certain: scan.certain,
        unknown: scan.unknown,
        too_large: scan.too_large,
        moved: scan.moved,
        copied: scan.copied,
        flagged: scan.flagged,
        deleted: scan.deleted,
        yielded: scan.yielded + spam.yielded + ham.yielded,
        failed: scan.not_done + spam.not_done + ham.not_done,
        learned_spam: spam.learned + corrected.spam,
        to_learn_spam: spam.to_learn + corrected.spam,
        learned_ham: ham.learned + corrected.ham,
        to_learn_ham: ham.to_learn + corrected.ham,
        ..Counters::default()
    }
}
