//! `isbg history`: what was done, newest first. Only reads the state.

use anyhow::Result;
use isbg_store::{AccountId, Action, Entry, EntryId, Filter, RunId, Store, Timestamp};
use isbg_types::{Score, Untrusted};
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::args::History;
use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::report::Terminal;
use crate::settled::state_dir;

use super::print;

/// As many entries are read from the state at once.
const PAGE: u32 = 500;

/// Columns for names from the mailbox.
const FOLDER: usize = 24;
const FROM: usize = 30;
const SUBJECT: usize = 50;

/// Prints the entries that are asked for.
///
/// # Errors
/// When the state or standard output fails, or an account is not known.
pub fn history(typed: &History, around: &Environment, terminal: &Terminal) -> Result<Status> {
    let folder = state_dir(&typed.state, around)?;
    if !folder.join(isbg_store::FILE).exists() {
        terminal.say("isbg: nothing was done yet");
        return Ok(Status::Fine);
    }
    let store = Store::open(&folder)?;
    let accounts = store.accounts()?;
    let wanted = wanted(typed, &accounts)?;
    let mut left = if typed.limit == 0 { u64::MAX } else { typed.limit };
    let mut filter = Filter {
        account: match wanted[..] {
            [one] => Some(one),
            _ => None,
        },
        run: typed.run.map(|run| RunId(number(run))),
        since: None,
        before: typed.before.map(|entry| EntryId(number(entry))),
    };
    while left > 0 {
        let page = store.history(&filter, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(Status::Fine);
        };
        filter.before = Some(last.id);
        for entry in page
            .iter()
            .filter(|entry| wanted.is_empty() || wanted.contains(&entry.account))
        {
            if left == 0 {
                break;
            }
            left -= 1;
            filter.before = Some(entry.id);
            let account = accounts
                .iter()
                .find(|(id, _)| *id == entry.account)
                .map_or("?", |(_, label)| label);
            print(&if typed.json {
                json(entry, account)?
            } else {
                line(entry, account, accounts.len() > 1)
            })?;
        }
    }
    if let Some(last) = filter.before.filter(|_| !typed.json) {
        terminal.say(&format!("isbg: for older entries: isbg history --before {last}"));
    }
    Ok(Status::Fine)
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The accounts asked for, by the name people gave; none for all.
fn wanted(typed: &History, accounts: &[(AccountId, String)]) -> Result<Vec<AccountId>, Failure> {
    let named = |name: &String| {
        let found: Vec<AccountId> = accounts
            .iter()
            .filter(|(_, label)| is_meant(label, name))
            .map(|(id, _)| *id)
            .collect();
        if found.is_empty() {
            let known: Vec<&str> = accounts.iter().map(|(_, label)| label.as_str()).collect();
            return Err(Failure::new(
                Status::BadArguments,
                format!("nothing is known of an account {name:?}"),
            )
            .hint(format!("known are: {}", known.join(", "))));
        }
        Ok(found)
    };
    let all: Vec<Vec<AccountId>> = typed.accounts.iter().map(named).collect::<Result<_, _>>()?;
    Ok(all.concat())
}

/// Whether the account of this label is meant by a name: the label itself, or `user@host` without the port.
pub fn is_meant(label: &str, name: &str) -> bool {
    label == name
        || label.rsplit_once(':').is_some_and(|(address, port)| {
            address == name && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
        })
}

pub fn line(entry: &Entry, account: &str, several: bool) -> String {
    let folder = |name: &str| Untrusted(name).clipped(FOLDER);
    let mut words = vec![format!("{:>6}", entry.id.0), at(entry.at, "%Y-%m-%d %H:%M")];
    if several {
        words.push(folder(account));
    }
    words.push(verb(entry).to_owned());
    words.push(match &entry.to {
        Some(to) => format!(
            "{} -> {}",
            folder(entry.from.folder.as_str()),
            folder(to.folder.as_str())
        ),
        None => folder(entry.from.folder.as_str()),
    });
    if let (Some(score), Some(tier)) = (entry.score, entry.tier) {
        words.push(format!("{score} {}", tier.as_str()));
    }
    words.push(Untrusted(&entry.sender).clipped(FROM));
    words.push(Untrusted(&entry.subject).clipped(SUBJECT));
    if let Some(by) = entry.undone_by {
        words.push(format!("(undone by {by})"));
    }
    if let Some(note) = &entry.note {
        words.push(format!("({})", Untrusted(note)));
    }
    words.join("  ") + "\n"
}

/// What was done, as people say it.
pub fn verb(entry: &Entry) -> &'static str {
    match entry.action {
        Action::Move => "moved",
        Action::Copy => "copied",
        Action::Flag => "flagged",
        Action::Delete => "deleted",
        Action::Restore => "restored",
    }
}

fn at(time: Timestamp, format: &str) -> String {
    match jiff::Timestamp::from_second(time.0) {
        Ok(time) => time.to_zoned(TimeZone::system()).strftime(format).to_string(),
        Err(_) => "?".to_owned(),
    }
}

/// An entry of the history as JSON.
#[derive(Serialize)]
struct Record<'a> {
    event: &'static str,
    entry: i64,
    run: i64,
    account: &'a str,
    at: String,
    action: &'static str,
    folder: &'a str,
    uidvalidity: u32,
    uid: u32,
    to: Option<Target<'a>>,
    score: Option<Score>,
    verdict: Option<&'static str>,
    rules: &'a [String],
    from: &'a str,
    subject: &'a str,
    note: Option<&'a str>,
    undone_by: Option<i64>,
}

#[derive(Serialize)]
struct Target<'a> {
    folder: &'a str,
    uidvalidity: u32,
    uid: Option<u32>,
}

fn json(entry: &Entry, account: &str) -> Result<String> {
    let time =
        jiff::Timestamp::from_second(entry.at.0).map_or_else(|_| String::new(), |time| time.to_string());
    let record = Record {
        event: "history",
        entry: entry.id.0,
        run: entry.run.0,
        account,
        at: time,
        action: verb(entry),
        folder: entry.from.folder.as_str(),
        uidvalidity: entry.from.validity.0,
        uid: entry.from.uid.get(),
        to: entry.to.as_ref().map(|to| Target {
            folder: to.folder.as_str(),
            uidvalidity: to.validity.0,
            uid: to.uid.map(isbg_types::Uid::get),
        }),
        score: entry.score,
        verdict: entry.tier.map(isbg_types::Tier::as_str),
        rules: &entry.rules,
        from: &entry.sender,
        subject: &entry.subject,
        note: entry.note.as_deref(),
        undone_by: entry.undone_by.map(|by| by.0),
    };
    Ok(serde_json::to_string(&record)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_go_by_label_or_address() {
        assert!(is_meant("home", "home"));
        assert!(is_meant("me@h:993", "me@h"));
        assert!(!is_meant("me@h:993", "me"));
        assert!(!is_meant("me@h:x", "me@h"));
    }
}
