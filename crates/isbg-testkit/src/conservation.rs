//! The check that nothing was lost, doubled or changed: a mailbox before and after, and what was allowed to happen in
//! between. Does not know how the mailboxes were read or who changed them.

mod speech;

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;

use crate::mailbox::{Mailbox, Message};

pub use speech::{changes_in, dangers_in, secrets_in};

type Which<'a> = Box<dyn Fn(&Message) -> bool + 'a>;

/// What may become of some messages of one folder.
struct Permission<'a> {
    folder: &'a str,
    which: Which<'a>,
    act: Allowed<'a>,
}

enum Allowed<'a> {
    /// To go to this folder, byte by byte the same, or wrapped into another message.
    Move { to: &'a str, wrapped: bool },
    /// To be gone.
    Delete,
    /// To bear or not bear these flags.
    Flag(Vec<&'a str>),
    /// To be there twice, since that was reported.
    Double,
}

/// A mailbox as it was, and what might be done to it. What is not allowed is a fault.
pub struct Conservation<'a> {
    before: &'a Mailbox,
    permissions: Vec<Permission<'a>>,
    added_flags: Vec<&'a str>,
}

/// A message after the fact, and whether it is accounted for.
struct Found<'a> {
    folder: &'a str,
    message: &'a Message,
    taken: bool,
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It is not there, or not where it must be.
    Lost,
    /// It is there more often than it was.
    Doubled,
    /// It is there and not as it was, or was never there before.
    Changed,
}

/// A message that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The kind.
    pub wrong: Wrong,
    /// Which message, and what became of it.
    pub text: String,
}

/// Identical messages: same bytes, same date.
type Key<'a> = (&'a [u8], i64);

impl<'a> Conservation<'a> {
    /// Nothing may happen to this mailbox. Mail that arrives meanwhile is to be put into it first.
    pub fn of(before: &'a Mailbox) -> Self {
        Self {
            before,
            permissions: Vec::new(),
            added_flags: Vec::new(),
        }
    }

    /// Such messages of this folder may go to that one, untouched.
    #[must_use]
    pub fn may_move(self, from: &'a str, to: &'a str, which: impl Fn(&Message) -> bool + 'a) -> Self {
        self.permit(from, which, Allowed::Move { to, wrapped: false })
    }

    /// Such messages of this folder may go to that one, untouched or whole within another message of the same date.
    #[must_use]
    pub fn may_wrap(self, from: &'a str, to: &'a str, which: impl Fn(&Message) -> bool + 'a) -> Self {
        self.permit(from, which, Allowed::Move { to, wrapped: true })
    }

    /// Such messages of this folder may be gone or marked `\Deleted`.
    #[must_use]
    pub fn may_delete(self, folder: &'a str, which: impl Fn(&Message) -> bool + 'a) -> Self {
        self.permit(folder, which, Allowed::Delete)
    }

    /// Such messages of this folder may gain or lose these flags.
    #[must_use]
    pub fn may_flag(self, folder: &'a str, flags: &[&'a str], which: impl Fn(&Message) -> bool + 'a) -> Self {
        self.permit(folder, which, Allowed::Flag(flags.to_vec()))
    }

    /// Such messages of this folder may be there twice, because the user was told so.
    #[must_use]
    pub fn may_double(self, folder: &'a str, which: impl Fn(&Message) -> bool + 'a) -> Self {
        self.permit(folder, which, Allowed::Double)
    }

    /// What has moved may bear these flags in addition.
    #[must_use]
    pub fn moved_may_bear(mut self, flags: &[&'a str]) -> Self {
        self.added_flags.extend(flags);
        self
    }

    fn permit(mut self, folder: &'a str, which: impl Fn(&Message) -> bool + 'a, act: Allowed<'a>) -> Self {
        self.permissions.push(Permission {
            folder,
            which: Box::new(which),
            act,
        });
        self
    }

    /// What is wrong at this moment, in the middle of a run or after it was cut: everything must be somewhere, and
    /// nobody else's mail may have changed.
    pub fn problems(&self, after: &Mailbox) -> Vec<String> {
        texts(self.compare(after, false))
    }

    /// What is wrong now that everything should be settled: each message must have exactly one live copy.
    pub fn problems_when_settled(&self, after: &Mailbox) -> Vec<String> {
        texts(self.faults_when_settled(after))
    }

    /// The same, to be counted by kind.
    pub fn faults_when_settled(&self, after: &Mailbox) -> Vec<Fault> {
        self.compare(after, true)
    }

    fn compare(&self, after: &Mailbox, settled: bool) -> Vec<Fault> {
        let mut problems = Vec::new();
        let mut found: Vec<Found<'_>> = after
            .iter()
            .flat_map(|(folder, messages)| messages.iter().map(move |message| (folder.as_str(), message)))
            .map(|(folder, message)| Found {
                folder,
                message,
                taken: false,
            })
            .collect();
        let mut groups: BTreeMap<(&str, Key<'_>), Vec<&Message>> = BTreeMap::new();
        for (folder, messages) in self.before {
            for message in messages {
                if self.movable(folder, message) {
                    groups.entry((folder, key(message))).or_default().push(message);
                } else {
                    problems.extend(self.unmoved(folder, message, &mut found));
                }
            }
        }
        for ((folder, _), originals) in &groups {
            problems.extend(self.moved(folder, originals, &mut found, settled));
        }
        let known: BTreeSet<Key<'_>> = self.before.values().flatten().map(key).collect();
        for one in found.iter().filter(|one| !one.taken) {
            let (wrong, what) = if known.contains(&key(one.message)) {
                (Wrong::Doubled, "was doubled")
            } else {
                (Wrong::Changed, "came from nowhere")
            };
            problems.push(fault(wrong, one.folder, one.message, what));
        }
        problems
    }

    /// The permissions that hold for this message.
    fn allowed(&self, folder: &str, message: &Message) -> impl Iterator<Item = &Allowed<'a>> {
        let holds =
            move |permission: &&Permission<'_>| permission.folder == folder && (permission.which)(message);
        self.permissions
            .iter()
            .filter(holds)
            .map(|permission| &permission.act)
    }

    fn movable(&self, folder: &str, message: &Message) -> bool {
        self.allowed(folder, message)
            .any(|act| !matches!(act, Allowed::Flag(_)))
    }

    /// A message that may at most change some flags: it must be where it was, under its UID.
    fn unmoved(&self, folder: &str, message: &Message, found: &mut [Found<'_>]) -> Option<Fault> {
        let free = self.free_flags(folder, message);
        let mut same: Vec<&mut Found<'_>> = found
            .iter_mut()
            .filter(|one| !one.taken && one.folder == folder && key(one.message) == key(message))
            .filter(|one| {
                one.message.uid.is_none() || message.uid.is_none() || one.message.uid == message.uid
            })
            .collect();
        let place = same
            .iter()
            .position(|one| flags(one.message, &free) == flags(message, &free));
        match place.or(if same.is_empty() { None } else { Some(0) }) {
            None => Some(fault(
                Wrong::Lost,
                folder,
                message,
                "is not where it was as it was",
            )),
            Some(i) => {
                same[i].taken = true;
                place.is_none().then(|| {
                    let (before, after) = (&message.flags, &same[i].message.flags);
                    let what = format!("had the flags {before:?} and has {after:?}");
                    fault(Wrong::Changed, folder, message, &what)
                })
            }
        }
    }

    fn free_flags(&self, folder: &str, message: &Message) -> Vec<&'a str> {
        self.allowed(folder, message)
            .flat_map(|act| match act {
                Allowed::Flag(flags) => flags.clone(),
                _ => Vec::new(),
            })
            .collect()
    }

    /// Identical messages that may have gone elsewhere.
    fn moved(
        &self,
        folder: &str,
        originals: &[&Message],
        found: &mut [Found<'_>],
        settled: bool,
    ) -> Vec<Fault> {
        let Some(original) = originals.first() else {
            return Vec::new();
        };
        let allowed: Vec<&Allowed<'_>> = self.allowed(folder, original).collect();
        let may_be_gone = allowed.iter().any(|act| matches!(act, Allowed::Delete));
        let may_double = allowed.iter().any(|act| matches!(act, Allowed::Double));
        let mut free = self.free_flags(folder, original);
        free.push("\\Deleted");
        let expected_live = originals
            .iter()
            .filter(|message| !message.has("\\Deleted"))
            .count();
        let mut problems = Vec::new();
        let (mut live, mut copies) = (0, 0);
        for one in found.iter_mut().filter(|one| !one.taken) {
            let Some(moved) = place_of(one, folder, original, &allowed) else {
                continue;
            };
            one.taken = true;
            copies += 1;
            live += usize::from(!one.message.has("\\Deleted"));
            let mut free = free.clone();
            if moved {
                free.extend(&self.added_flags);
            }
            if !originals
                .iter()
                .any(|own| flags(own, &free) == flags(one.message, &free))
            {
                let (before, after) = (&original.flags, &one.message.flags);
                let what = format!("had the flags {before:?} and its copy has {after:?}");
                problems.push(fault(Wrong::Changed, folder, original, &what));
            }
        }
        let count = if expected_live == 0 { copies } else { live };
        let expected = if expected_live == 0 {
            originals.len()
        } else {
            expected_live
        };
        if count < expected && !may_be_gone {
            let what = format!("is gone: {count} of {expected} left");
            problems.push(fault(Wrong::Lost, folder, original, &what));
        }
        if settled && count > expected && !may_double {
            let what = format!("is there {count} times instead of {expected}");
            problems.push(fault(Wrong::Doubled, folder, original, &what));
        }
        problems
    }
}

/// Whether this is a copy of the original in a place where one may be: `Some(true)` where it has moved.
fn place_of(one: &Found<'_>, folder: &str, original: &Message, allowed: &[&Allowed<'_>]) -> Option<bool> {
    let same = key(one.message) == key(original);
    if same && one.folder == folder {
        return Some(false);
    }
    allowed
        .iter()
        .any(|act| match act {
            Allowed::Move { to, wrapped } => {
                *to == one.folder && (same || *wrapped && wraps(one.message, original))
            }
            _ => false,
        })
        .then_some(true)
}

fn key(message: &Message) -> Key<'_> {
    (&message.bytes, message.date)
}

fn wraps(outer: &Message, inner: &Message) -> bool {
    // An empty message lies within any other: then only something that says that it is around one.
    let inner_bytes = match inner.bytes.trim_ascii_end() {
        b"" => b"x-spam-type=original",
        bytes => bytes,
    };
    outer.date == inner.date && memmem::find(&outer.bytes, inner_bytes).is_some()
}

/// The flags without those that do not count, in one letter case.
fn flags(message: &Message, free: &[&str]) -> BTreeSet<String> {
    let counts = |flag: &&String| !free.iter().any(|free| free.eq_ignore_ascii_case(flag));
    message
        .flags
        .iter()
        .filter(counts)
        .map(|flag| flag.to_ascii_lowercase())
        .collect()
}

fn fault(wrong: Wrong, folder: &str, message: &Message, what: &str) -> Fault {
    let uid = message.uid.map_or("?".to_owned(), |uid| uid.to_string());
    let (size, subject) = (message.bytes.len(), message.subject());
    Fault {
        wrong,
        text: format!("{folder}/{uid} ({size} bytes, {subject:?}) {what}"),
    }
}

fn texts(faults: Vec<Fault>) -> Vec<String> {
    faults.into_iter().map(|fault| fault.text).collect()
}

#[cfg(test)]
mod tests;
