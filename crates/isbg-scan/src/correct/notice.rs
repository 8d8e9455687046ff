//! Finds messages that the user has moved, by comparing folders with the history. Reads only, and looks at nothing but
//! what came into a folder since the last look. Teaches nothing.

use std::collections::BTreeSet;

use isbg_imap::{Folder, Key};
use isbg_store::{Correction, FolderId, Followed, Look, Placed, Target};
use isbg_types::{Class, Flag, FolderName, Uid, UidSet, UidValidity};

use super::Corrections;
use super::folders::of_ham;
use crate::carry_out::prints;
use crate::error::Result;
use crate::pass::Pass;
use crate::plan::validity;

/// So many messages that came into a folder are looked at, the newest first.
const NEWEST: usize = 10_000;

/// The same where their headers are read.
const NEWEST_WITH_HEADERS: usize = 1_000;

/// A folder as the server counts it now.
struct Standing {
    id: FolderId,
    validity: UidValidity,
    uid_next: Uid,
    messages: Option<u32>,
}

impl Standing {
    /// What is kept of it, given what was kept last.
    fn followed(&self, last: Option<Followed>) -> (FolderId, Followed) {
        let followed = Followed {
            uid_next: self.uid_next,
            earlier: last.map_or(self.uid_next, |last| last.uid_next),
            messages: self.messages,
        };
        (self.id, followed)
    }
}

/// Looks for what the user has moved, and writes it down.
pub(super) async fn notice(pass: &mut Pass<'_>, job: &Corrections) -> Result<()> {
    let (mut look, mut missing, mut first) = (Look::default(), Vec::new(), false);
    for folder in job.watched() {
        let Some(now) = counted(pass, folder).await? else {
            continue;
        };
        let last = pass.store.followed(now.id)?;
        match last {
            Some(last) if last.uid_next == now.uid_next && last.messages == now.messages => continue,
            Some(last) => missing.extend(look_into(pass, job, folder, &now, last, &mut look).await?),
            None => first = true,
        }
        look.followed.push(now.followed(last));
    }
    if first || !missing.is_empty() {
        look_elsewhere(pass, job, first, &missing, &mut look).await?;
    }
    for placed in missing {
        match placed.entry {
            Some(entry) => look.gone.push(entry),
            None => look.left.push(placed.fingerprint),
        }
    }
    let now = pass.now();
    Ok(pass.store.note_look(pass.account, &look, now)?)
}

/// How a folder stands. `None` where there is no such folder, or the server tells too little about it.
async fn counted(pass: &mut Pass<'_>, folder: &FolderName) -> Result<Option<Standing>> {
    let counts = match pass.client.status(folder).await {
        Ok(counts) => counts,
        Err(isbg_imap::Error::Refused(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    stands(pass, folder, &counts)
}

fn stands(
    pass: &mut Pass<'_>,
    folder: &FolderName,
    counts: &isbg_imap::protocol::data::Counts,
) -> Result<Option<Standing>> {
    let (Some(validity), Some(uid_next)) = (counts.uid_validity, counts.uid_next.and_then(Uid::new)) else {
        return Ok(None);
    };
    let now = pass.now();
    let id = pass.store.open_folder(pass.account, folder, validity, now)?.id;
    Ok(Some(Standing {
        id,
        validity,
        uid_next,
        messages: counts.messages,
    }))
}

/// Opens a folder read-only; whether it is there and still has this UIDVALIDITY.
async fn opens(pass: &mut Pass<'_>, folder: &FolderName, known: UidValidity) -> Result<bool> {
    match pass.client.examine(folder, None).await {
        Ok(opened) => Ok(validity(&opened) == known),
        Err(isbg_imap::Error::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Looks into a folder that we put messages into: gives those that are not there any more, and adds those that the user
/// put there.
async fn look_into(
    pass: &mut Pass<'_>,
    job: &Corrections,
    folder: &FolderName,
    now: &Standing,
    last: Followed,
    look: &mut Look,
) -> Result<Vec<Placed>> {
    if !opens(pass, folder, now.validity).await? {
        return Ok(Vec::new());
    }
    let placed = pass.store.placed(pass.account, now.id)?;
    let lowest = placed
        .iter()
        .map(|placed| placed.uid)
        .chain([last.uid_next])
        .min();
    let keys: Vec<Key> = lowest.map(Key::From).into_iter().collect();
    let present = pass.client.search(&keys).await?;
    let missing = placed
        .into_iter()
        .filter(|placed| !present.contains(placed.uid))
        .collect();
    if job.spam.contains(folder) {
        let new = present
            .iter()
            .filter(|uid| (last.uid_next..now.uid_next).contains(uid));
        let new = newest(new, NEWEST_WITH_HEADERS);
        put_there(pass, job, folder, now, &new, look).await?;
    }
    Ok(missing)
}

/// Those with the highest UIDs.
fn newest(uids: impl Iterator<Item = Uid>, limit: usize) -> UidSet {
    let all: Vec<Uid> = uids.collect();
    all.iter().rev().take(limit).copied().collect()
}

/// Adds those of these messages of the open folder that the user put there: messages that we have judged somewhere else,
/// and that are not there by our doing.
async fn put_there(
    pass: &mut Pass<'_>,
    job: &Corrections,
    folder: &FolderName,
    now: &Standing,
    new: &UidSet,
    look: &mut Look,
) -> Result<()> {
    let target = Target {
        folder: folder.clone(),
        validity: now.validity,
        uid_next: None,
    };
    let Some(first) = new.ranges().first().and_then(|range| Uid::new(range.0)) else {
        return Ok(());
    };
    let ours = pass.store.claimed(pass.account, &target, first, &[])?;
    let others: UidSet = new.iter().filter(|uid| !ours.contains(*uid)).collect();
    let found = prints(pass.client, &others, &[]).await?;
    let identities: Vec<_> = found.iter().map(|print| print.own).collect();
    let judged = pass.store.last_judged(pass.account, &identities)?;
    let moved_back = pass.store.kept(pass.account, &identities)?;
    for ((print, judged), moved_back) in found.into_iter().zip(judged).zip(moved_back) {
        let Some(origin) = judged.filter(|(origin, _)| *origin != now.id) else {
            continue;
        };
        // What we have put where spam goes stays ours wherever it is moved to, until the user has said that it is ham.
        let mut ours = false;
        for spam in &job.spam {
            ours |= !moved_back && pass.store.was_placed(pass.account, print.own, spam)?;
        }
        if !ours {
            look.found.push(Correction {
                fingerprint: print.own,
                class: Class::Spam,
                folder: now.id,
                uid: print.uid,
                size: print.claimed,
                origin: Some(origin),
                found: pass.now(),
            });
        }
    }
    Ok(())
}

/// Looks for missing messages in the folders where they would be ham, among what came there since the look before the
/// last one. The first look of all only notes how the folders stand.
async fn look_elsewhere(
    pass: &mut Pass<'_>,
    job: &Corrections,
    first: bool,
    missing: &[Placed],
    look: &mut Look,
) -> Result<()> {
    let all = pass.client.list(true).await?;
    let mut left: Vec<&Placed> = missing.iter().collect();
    for folder in of_ham(&all, job) {
        let Some(now) = counted_in(pass, folder).await? else {
            continue;
        };
        let last = pass.store.followed(now.id)?;
        let from = match last {
            Some(last) => Some(last.earlier),
            None => Uid::new(1).filter(|_| !first),
        };
        if let Some(from) = from.filter(|from| *from < now.uid_next && !left.is_empty()) {
            search(pass, &folder.name, &now, from, &mut left, look).await?;
        }
        if last.is_none_or(|last| last.earlier < now.uid_next) {
            look.followed.push(now.followed(last));
        }
    }
    Ok(())
}

async fn counted_in(pass: &mut Pass<'_>, folder: &Folder) -> Result<Option<Standing>> {
    match &folder.counts {
        Some(counts) => stands(pass, &folder.name, counts),
        None => Ok(None),
    }
}

/// Looks for these messages in one folder. Those that are found are taken out of `left`.
async fn search(
    pass: &mut Pass<'_>,
    folder: &FolderName,
    now: &Standing,
    from: Uid,
    left: &mut Vec<&Placed>,
    look: &mut Look,
) -> Result<()> {
    if !opens(pass, folder, now.validity).await? {
        return Ok(());
    }
    let came = pass.client.search(&[Key::From(from)]).await?;
    let came = newest(came.iter(), NEWEST);
    let sizes: BTreeSet<u64> = left.iter().filter_map(|placed| placed.size).collect();
    let may_be: UidSet = pass
        .client
        .look(&came, false)
        .await?
        .into_iter()
        .filter(|facts| {
            facts.size.is_some_and(|size| sizes.contains(&size)) && !facts.flags.has(Flag::DELETED)
        })
        .map(|facts| facts.uid)
        .collect();
    for print in prints(pass.client, &may_be, &[]).await? {
        let Some(at) = left.iter().position(|placed| placed.fingerprint == print.own) else {
            continue;
        };
        left.swap_remove(at);
        look.found.push(Correction {
            fingerprint: print.own,
            class: Class::Ham,
            folder: now.id,
            uid: print.uid,
            size: print.claimed,
            origin: None,
            found: pass.now(),
        });
    }
    Ok(())
}
