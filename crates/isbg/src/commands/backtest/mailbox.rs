//! A mailbox's sorted mail as an index: copies in a temporary folder, which goes with the index. Changes nothing on the
//! server; does not know what the mail is tested for.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use isbg_imap::protocol::fetch::InternalDate;
use isbg_imap::protocol::search::Key;
use isbg_imap::{ByteBudget, Client, Fetched, SpecialUse};
use isbg_scan::{Folders, SpamFolder};
use isbg_spool::Spool;
use isbg_types::{Class, Flag, FolderName, Uid, Untrusted};
use jiff::fmt::strtime;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::args::Backtest;
use crate::commands::failures::of_pass;
use crate::connect::connect;
use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::report::{Terminal, counting};
use crate::secrets::Keeper;
use crate::settled::{self, Server, state_dir};

use super::index::{Entry, Index};

/// Message bytes held at once.
const BUDGET: u64 = 16 * 1024 * 1024;

/// Larger messages are left out: they say little more and take long to fetch.
const MOST_BYTES: u32 = 2 << 20;

/// Fetches the mail of the account or mailbox that the options name.
///
/// # Errors
/// With status 10 when no mailbox is named or an option is wrong; those of the connection; and when there is no spam
/// folder or no mail.
pub fn index(typed: &Backtest, around: &Environment, terminal: &Terminal) -> anyhow::Result<Index> {
    let (mailbox, notices) = match &typed.account {
        Some(name) => {
            let mailbox = settled::configured_mailbox(name, &typed.config, typed.noninteractive, around)?;
            (mailbox, Vec::new())
        }
        None => {
            let (access, notices) = settled::access(
                &typed.mailbox,
                &typed.password,
                &typed.connection,
                typed.noninteractive,
                around,
            )?;
            let mailbox = settled::Mailbox {
                access,
                inbox: typed.mailbox.imapinbox.clone(),
                spam_folder: typed.mailbox.spaminbox.clone(),
            };
            (mailbox, notices)
        }
    };
    notices.iter().for_each(|notice| terminal.warn(notice));
    let keeper = Keeper {
        around,
        state_dir: &state_dir(&typed.state, around)?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let fetched = async {
        let mut client = connect(&mailbox.access, keeper, terminal).await?;
        let sources = sources(&mut client, &mailbox, &typed.ham).await?;
        let fetched = fetch(
            &mut client,
            &sources,
            typed.limit,
            &mailbox.access.server,
            terminal,
        )
        .await?;
        drop(client.logout().await);
        anyhow::Ok(fetched)
    };
    runtime.block_on(fetched)
}

/// A folder whose messages are all of one class.
#[derive(Debug)]
struct Source {
    folder: FolderName,
    class: Class,
}

/// The spam folder, and the folders of ham: those named, or the inbox and the archive.
async fn sources(
    client: &mut Client,
    mailbox: &settled::Mailbox,
    ham: &[String],
) -> Result<Vec<Source>, Failure> {
    let failed = |error: isbg_scan::Error| of_pass(&error, &mailbox.access.server);
    let all = Folders::of(client).await.map_err(failed)?;
    let spam = match (&mailbox.spam_folder, all.spam()) {
        (Some(named), _) => all.find(named).map_err(failed)?,
        (None, SpamFolder::Found(folder)) => folder,
        (None, SpamFolder::ToCreate(_)) => {
            return Err(
                Failure::new(Status::Imap, "there is no spam folder to learn from")
                    .hint("name one with --spaminbox"),
            );
        }
    };
    let mut folders = Vec::new();
    if ham.is_empty() {
        folders.push(all.find(&mailbox.inbox).map_err(failed)?);
        folders.extend(all.special(SpecialUse::Archive));
    }
    for name in ham {
        folders.push(all.find(name).map_err(failed)?);
    }
    folders.retain(|folder| *folder != spam);
    folders.dedup();
    let source = |folder, class| Source { folder, class };
    let ham = folders.into_iter().map(|folder| source(folder, Class::Ham));
    Ok(ham.chain([source(spam, Class::Spam)]).collect())
}

async fn fetch(
    client: &mut Client,
    sources: &[Source],
    limit: u64,
    server: &Server,
    terminal: &Terminal,
) -> anyhow::Result<Index> {
    let failed = |error: isbg_imap::Error| of_pass(&error.into(), server);
    let folder = tempfile::Builder::new().prefix("isbg-backtest-").tempdir()?;
    let mut copies = Copies {
        folder,
        entries: Vec::new(),
    };
    for (number, source) in sources.iter().enumerate() {
        let uids = newest(client, source, limit).await.map_err(failed)?;
        let shown = Untrusted(source.folder.as_str()).to_string();
        terminal.say(&format!(
            "isbg: {} messages of {shown} count as {}",
            uids.len(),
            match source.class {
                Class::Ham => "ham",
                Class::Spam => "spam",
            }
        ));
        let bar = counting(terminal, format!("fetching {shown}"), uids.len() as u64);
        let (to, arriving) = mpsc::channel(1);
        let budget = ByteBudget::new(BUDGET);
        let fetching = async {
            let fetched = client.fetch(&uids, &to, &budget).await;
            drop(to);
            fetched
        };
        let (kept, counted) = (&mut copies, bar.as_ref());
        let keeping = async move {
            // Dropped when a copy cannot be written, which ends the fetching as well.
            let mut arriving = arriving;
            while let Some(fetched) = arriving.recv().await {
                kept.keep(number, source, &fetched, counted)?;
            }
            io::Result::Ok(())
        };
        let (fetched, kept) = tokio::join!(fetching, keeping);
        kept?;
        fetched.map_err(failed)?;
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }
    copies.index()
}

/// The newest messages of a folder, as many as wanted; of ham only what was read, which the user has seen and kept.
async fn newest(client: &mut Client, source: &Source, limit: u64) -> Result<Vec<Uid>, isbg_imap::Error> {
    client.examine(&source.folder, None).await?;
    let mut keys = vec![Key::Without(Flag::new("\\Deleted")), Key::Smaller(MOST_BYTES)];
    if source.class == Class::Ham {
        keys.push(Key::With(Flag::new("\\Seen")));
    }
    let found = client.search(&keys).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(found.iter().rev().take(limit).collect())
}

/// What was fetched so far.
struct Copies {
    folder: TempDir,
    /// With the second in which each came to the server.
    entries: Vec<(i64, Entry)>,
}

impl Copies {
    fn keep(
        &mut self,
        number: usize,
        source: &Source,
        fetched: &Fetched,
        bar: Option<&ProgressBar>,
    ) -> io::Result<()> {
        let uid = fetched.facts.uid;
        let file = PathBuf::from(format!("{number}-{}", uid));
        write(&fetched.body, &self.folder.path().join(&file))?;
        let came = fetched.facts.internal_date.as_ref().and_then(second);
        let entry = Entry {
            class: source.class,
            path: format!("{} {}", source.folder.as_str(), uid),
            file,
        };
        self.entries.push((came.unwrap_or(0), entry));
        bar.iter().for_each(|bar| bar.inc(1));
        Ok(())
    }

    /// In the order in which they came.
    fn index(mut self) -> anyhow::Result<Index> {
        self.entries.sort_by_key(|(came, _)| *came);
        let entries: Vec<Entry> = self.entries.into_iter().map(|(_, entry)| entry).collect();
        let of = |class| entries.iter().filter(|entry| entry.class == class).count();
        if of(Class::Ham) == 0 || of(Class::Spam) == 0 {
            let (ham, spam) = (of(Class::Ham), of(Class::Spam));
            return Err(Failure::new(
                Status::Other,
                format!("a test needs mail of both kinds; there are {ham} ham and {spam} spam"),
            )
            .hint("name folders with --ham and --spaminbox; of ham, only messages that were read count")
            .into());
        }
        Ok(Index::of_copies(self.folder, entries))
    }
}

fn write(mail: &Spool, path: &Path) -> io::Result<()> {
    io::copy(&mut mail.reader(), &mut File::create_new(path)?).map(drop)
}

/// Seconds since 1970.
fn second(date: &InternalDate) -> Option<i64> {
    let parsed = strtime::parse("%e-%b-%Y %H:%M:%S %z", date.as_str().trim()).ok()?;
    Some(parsed.to_timestamp().ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_servers() {
        for (text, expected) in [
            (" 1-Feb-2026 03:04:05 +0100", Some(1_769_911_445)),
            ("01-Feb-2026 03:04:05 +0100", Some(1_769_911_445)),
            ("17-Jul-1996 02:44:25 -0700", Some(837_596_665)),
            ("today", None),
            ("", None),
        ] {
            assert_eq!(second(&InternalDate::new(text)), expected, "{text:?}");
        }
    }
}
