//! `isbg undo`: puts messages back where they were. Does not decide how; it finds out which entries and which mailbox are
//! meant.

use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Result;
use isbg_imap::ByteBudget;
use isbg_scan::{Mode, Pass, UndoCounts};
use isbg_store::{AccountId, Counters, Entry, EntryId, Filter, RunId, Store, Timestamp};
use isbg_types::Untrusted;

use crate::args::{self, MailboxOptions};
use crate::connect::connect;
use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::report::{Follower, Terminal};
use crate::secrets::Keeper;
use crate::settled::{self, Access, Output, state_dir};

use super::failures::{of_pass, of_store};
use super::history::{is_meant, line};
use super::print;
use super::stop::Stop;

/// More entries are not undone at once.
const LIMIT: u32 = 100_000;

/// Message bytes held at once.
const BUDGET: u64 = 16 * 1024 * 1024;

/// Puts back what is asked for.
///
/// # Errors
/// When nothing is found to undo, or state, server or standard output fail.
pub fn undo(typed: &args::Undo, around: &Environment, terminal: &Terminal) -> Result<Status> {
    let folder = state_dir(&typed.state, around)?;
    if !folder.join(isbg_store::FILE).exists() {
        return Err(nothing("nothing was done yet").into());
    }
    let mut store = Store::open(&folder)?;
    let (account, entries) = meant(typed, &store)?;
    let accounts = store.accounts()?;
    let label = accounts
        .iter()
        .find(|(id, _)| *id == account)
        .map_or("", |(_, label)| label.as_str());
    if typed.dryrun {
        for entry in &entries {
            match entry.undoable() {
                Ok(()) => drop(print(&line(entry, label, false))?),
                Err(why) => terminal.say(&format!("isbg: entry {} cannot be undone: {why}", entry.id)),
            }
        }
        return Ok(Status::Fine);
    }
    let (access, notices) = access(typed, label, around)?;
    notices.iter().for_each(|notice| terminal.warn(notice));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let keeper = Keeper {
        around,
        state_dir: &folder,
    };
    let output = Output {
        verbose: true,
        json: typed.json,
        ..Output::default()
    };
    let counts = runtime.block_on(put_back(
        &mut store, account, &access, &entries, keeper, output, terminal,
    ))?;
    terminal.say(&format!("{} of {} put back", counts.undone, entries.len()));
    Ok(if counts.not_undone == 0 {
        Status::Fine
    } else {
        Status::Other
    })
}

async fn put_back(
    store: &mut Store,
    account: AccountId,
    access: &Access,
    entries: &[Entry],
    keeper: Keeper<'_>,
    output: Output,
    terminal: &Terminal,
) -> Result<UndoCounts, Failure> {
    let now = || Timestamp::from(SystemTime::now());
    let _lock = store.lock(account, None, now()).map_err(of_store)?;
    let mut client = connect(access, keeper, terminal).await?;
    let stop = Stop::default();
    stop.listen();
    let follower = Follower::new(terminal, &access.name, output);
    let run = store.begin_run(account, "undo", now()).map_err(of_store)?;
    let mut pass = Pass {
        client: &mut client,
        store,
        account,
        run,
        mode: Mode::Act,
        observer: &follower,
        budget: ByteBudget::new(BUDGET),
        stop: Arc::clone(&stop.flag),
    };
    let mut counts = UndoCounts::default();
    let outcome = async {
        isbg_scan::recover(&mut pass).await?;
        isbg_scan::undo(&mut pass, entries, &mut counts).await
    }
    .await;
    follower.finish();
    let counters = Counters {
        moved: counts.undone,
        failed: counts.not_undone,
        ..Counters::default()
    };
    store.end_run(run, &counters, now()).map_err(of_store)?;
    outcome.map_err(|error| of_pass(&error, &access.server))?;
    drop(client.logout().await);
    Ok(counts)
}

/// The account and its entries that are to be undone, the newest first.
fn meant(typed: &args::Undo, store: &Store) -> Result<(AccountId, Vec<Entry>)> {
    let of_run = |run: RunId| {
        let filter = Filter {
            run: Some(run),
            ..Filter::default()
        };
        store.history(&filter, LIMIT)
    };
    let entries = match typed.what.as_deref() {
        Some(what) => match what.strip_prefix("run:") {
            Some(run) => of_run(RunId(number(run)?))?,
            None => store.entry(EntryId(number(what)?))?.into_iter().collect(),
        },
        None => match store.last_run_to_undo(only_account(typed, store)?)? {
            Some(run) => of_run(run)?
                .into_iter()
                .filter(|entry| entry.undoable().is_ok())
                .collect(),
            None => Vec::new(),
        },
    };
    match entries.first() {
        Some(first) => Ok((first.account, entries)),
        None => Err(nothing("there is nothing to undo")
            .hint("isbg history shows what was done")
            .into()),
    }
}

fn number(text: &str) -> Result<i64, Failure> {
    text.trim()
        .parse()
        .map_err(|_| Failure::arguments(format!("{:?} is neither N nor run:N", Untrusted(text))))
}

fn nothing(what: &str) -> Failure {
    Failure::new(Status::BadArguments, what)
}

/// The account that is named, or the only one there is.
fn only_account(typed: &args::Undo, store: &Store) -> Result<AccountId> {
    let classic = typed
        .mailbox
        .imapuser
        .as_ref()
        .zip(typed.mailbox.imaphost.as_ref());
    let name = typed
        .account
        .clone()
        .or_else(|| classic.map(|(user, host)| format!("{user}@{host}")));
    let accounts = store.accounts()?;
    let mut fitting = accounts
        .iter()
        .filter(|(_, label)| name.as_ref().is_none_or(|name| is_meant(label, name)));
    match (fitting.next(), fitting.next()) {
        (Some((id, _)), None) => Ok(*id),
        (None, _) => Err(nothing("nothing is known of this account").into()),
        _ => Err(nothing("there are several accounts")
            .hint("say which one with --account")
            .into()),
    }
}

/// The way into the mailbox of an account in the state: as the config file has it, or as the options say, which the
/// label fills up.
fn access(typed: &args::Undo, label: &str, around: &Environment) -> Result<(Access, Vec<String>), Failure> {
    let Some((user, host, port)) = classic_parts(label) else {
        let access = settled::configured_access(label, &typed.config, typed.noninteractive, around)?;
        return Ok((access, Vec::new()));
    };
    let mailbox = MailboxOptions {
        imapuser: typed.mailbox.imapuser.clone().or(Some(user)),
        imaphost: typed.mailbox.imaphost.clone().or(Some(host)),
        imapport: typed.mailbox.imapport.or(Some(port)),
        ..typed.mailbox.clone()
    };
    let (access, notices) = settled::access(
        &mailbox,
        &typed.password,
        &typed.connection,
        typed.noninteractive,
        around,
    )?;
    if access.label() != label {
        return Err(Failure::arguments(format!(
            "these messages were moved in the mailbox {}, not in {}",
            Untrusted(label),
            Untrusted(&access.label())
        )));
    }
    Ok((access, notices))
}

/// User, host and port in the label of a classic account.
fn classic_parts(label: &str) -> Option<(String, String, u16)> {
    let (address, port) = label.rsplit_once(':')?;
    let (user, host) = address.rsplit_once('@')?;
    Some((user.to_owned(), host.to_owned(), port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_classic_accounts() {
        let parts = classic_parts("me@example.org@imap.example.org:993").unwrap();
        assert_eq!(
            parts,
            ("me@example.org".to_owned(), "imap.example.org".to_owned(), 993)
        );
        assert_eq!(classic_parts("home"), None);
    }
}
