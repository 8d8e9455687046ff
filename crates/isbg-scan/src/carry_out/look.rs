//! Finds out where messages are, for what was sent and not answered, or answered in part. Reads only, and assumes
//! nothing: not that a command was carried out, not that it was not.

use std::collections::BTreeMap;

use isbg_imap::{ByteBudget, Client, Facts, Key};
use isbg_message::{fingerprint, fingerprint_of};
use isbg_store::{Form, IntentId, Original, Target};
use isbg_types::{Fingerprint, Uid, UidSet};
use tokio::sync::mpsc;

use super::batch::{Batch, Row};
use crate::content::holds;
use crate::error::Result;
use crate::fetch::{bodies, fetch};
use crate::pass::Pass;
use crate::plan::validity;

/// So many headers are asked for at once: they are held in memory.
const AT_ONCE: usize = 200;

/// Where the messages of a batch are.
#[derive(Debug)]
pub(crate) enum Looked {
    /// What was seen.
    Seen(Sightings),
    /// A folder has been renumbered: it cannot be known.
    Renumbered(&'static str),
}

/// What was seen of the messages of a batch, by the UIDs of the originals.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    /// Originals that are still there.
    pub source: BTreeMap<Uid, Facts>,
    /// Copies in the target that are what was expected.
    pub copies: BTreeMap<Uid, Uid>,
    /// Copies of ours that are not what was sent: the server has changed them.
    pub altered: BTreeMap<Uid, Uid>,
}

impl Sightings {
    fn lacks(&self, uid: Uid) -> bool {
        !self.copies.contains_key(&uid) && !self.altered.contains_key(&uid)
    }
}

/// Looks where the open rows' originals and copies are.
pub(crate) async fn look(pass: &mut Pass<'_>, batch: &Batch) -> Result<Looked> {
    let mut seen = Sightings::default();
    let uids: UidSet = batch.open().map(Row::uid).collect();
    if uids.is_empty() {
        return Ok(Looked::Seen(seen));
    }
    let source = pass.client.examine(&batch.source, None).await?;
    if validity(&source) != batch.validity {
        return Ok(Looked::Renumbered("the folder was renumbered by the server"));
    }
    seen.source = pass
        .client
        .look(&uids, false)
        .await?
        .into_iter()
        .map(|facts| (facts.uid, facts))
        .collect();
    let Some(target) = &batch.target else {
        return Ok(Looked::Seen(seen));
    };
    let opened = pass.client.examine(&target.folder, None).await?;
    if validity(&opened) != target.validity {
        return Ok(Looked::Renumbered(
            "the target folder was renumbered by the server",
        ));
    }
    named(pass, batch, &mut seen).await?;
    unnamed(pass, batch, target, &mut seen).await?;
    Ok(Looked::Seen(seen))
}

/// Looks at the copies where the server said they are.
async fn named(pass: &mut Pass<'_>, batch: &Batch, seen: &mut Sightings) -> Result<()> {
    let uids: UidSet = batch.open().filter_map(|row| row.target_uid).collect();
    let found = prints(pass.client, &uids, &expected(batch)).await?;
    for row in batch.open() {
        let print = found.iter().find(|print| Some(print.uid) == row.target_uid);
        let Some(print) = print else { continue };
        let copies = match is_copy(row, print, seen) || is_what_was_sent(pass, batch, row, print.uid).await? {
            true => &mut seen.copies,
            false => &mut seen.altered,
        };
        copies.insert(row.uid(), print.uid);
    }
    Ok(())
}

/// Finds the other copies among what came into the target since. A message that another change names as its copy is none
/// of ours, and where it is not known since when copies may have come, nothing is taken for one: it may have been there
/// before.
async fn unnamed(pass: &mut Pass<'_>, batch: &Batch, target: &Target, seen: &mut Sightings) -> Result<()> {
    let Some(since) = target
        .uid_next
        .filter(|_| batch.open().any(|row| seen.lacks(row.uid())))
    else {
        return Ok(());
    };
    let own: Vec<IntentId> = batch.rows.iter().map(|row| row.intent).collect();
    let mut taken = pass.store.claimed(pass.account, target, since, &own)?;
    batch
        .open()
        .filter_map(|row| row.target_uid)
        .for_each(|uid| taken.insert(uid));
    let came = pass.client.search(&[Key::From(since)]).await?;
    let free: UidSet = came.iter().filter(|uid| !taken.contains(*uid)).collect();
    let mut found = prints(pass.client, &free, &expected(batch)).await?;
    // Before an original is touched for the sake of a copy that nobody named, their bytes are compared.
    let touches = |row: &&Row| batch.original != Original::Keep && seen.source.contains_key(&row.uid());
    let (to_compare, others): (Vec<&Row>, Vec<&Row>) = batch
        .open()
        .filter(|row| seen.lacks(row.uid()))
        .partition(touches);
    compare(pass, batch, target, &to_compare, &mut found, seen).await?;
    for row in others {
        // Each copy belongs to one original, also where two originals are alike.
        let alike = found.iter().position(|print| is_copy(row, print, seen));
        let ours = alike.or_else(|| {
            found
                .iter()
                .position(|print| may_be_ours(batch, row, print, seen))
        });
        let Some(uid) = ours.map(|at| found.swap_remove(at).uid) else {
            continue;
        };
        let copies = match alike.is_some() || is_what_was_sent(pass, batch, row, uid).await? {
            true => &mut seen.copies,
            false => &mut seen.altered,
        };
        copies.insert(row.uid(), uid);
    }
    Ok(())
}

/// Whether this may be the row's copy, if one that the server has changed. A report has a header of its own: what has
/// that header is ours, whatever became of the rest.
fn may_be_ours(batch: &Batch, row: &Row, print: &Print, seen: &Sightings) -> bool {
    is_copy(row, print, seen) || batch.form == Form::Report && print.may_be(row.copy())
}

/// Takes for these originals' copies what has their very bytes, or holds them.
async fn compare(
    pass: &mut Pass<'_>,
    batch: &Batch,
    target: &Target,
    rows: &[&Row],
    found: &mut Vec<Print>,
    seen: &mut Sightings,
) -> Result<()> {
    let may_be = |row: &Row, print: &Print, seen: &Sightings| may_be_ours(batch, row, print, seen);
    let candidates: Vec<Uid> = found
        .iter()
        .filter(|print| rows.iter().any(|row| may_be(row, print, seen)))
        .map(|print| print.uid)
        .collect();
    if candidates.is_empty() {
        return Ok(());
    }
    let uids: Vec<Uid> = rows.iter().map(|row| row.uid()).collect();
    let copies = bodies(pass, &candidates).await?;
    pass.client.examine(&batch.source, None).await?;
    let originals = bodies(pass, &uids).await?;
    pass.client.examine(&target.folder, None).await?;
    for row in rows {
        let Some(original) = originals.get(&row.uid()) else {
            continue;
        };
        let mut same = None;
        for (at, print) in found
            .iter()
            .enumerate()
            .filter(|(_, print)| may_be(row, print, seen))
        {
            if let Some(copy) = copies.get(&print.uid)
                && (holds(copy, original)? || holds(original, copy)?)
            {
                same = Some(at);
                break;
            }
        }
        let alike = || found.iter().position(|print| may_be(row, print, seen));
        match (same, alike().filter(|_| batch.form == Form::Report)) {
            (Some(at), _) => seen.copies.insert(row.uid(), found.swap_remove(at).uid),
            (None, Some(at)) => seen.altered.insert(row.uid(), found.swap_remove(at).uid),
            (None, None) => None,
        };
    }
    Ok(())
}

/// Whether a message that we made and that looks different has all its bytes, because the server only counts them wrongly.
async fn is_what_was_sent(pass: &mut Pass<'_>, batch: &Batch, row: &Row, uid: Uid) -> Result<bool> {
    if batch.form == Form::Original {
        return Ok(false);
    }
    let body = bodies(pass, &[uid]).await?.remove(&uid);
    let print = body.as_ref().map(fingerprint_of).transpose()?;
    Ok(print == Some(row.copy()))
}

/// Whether this is the row's copy. Servers exist whose RFC822.SIZE is not that of the bytes they give: there the size
/// that was read counts, if they claim the same of the original and of the copy.
fn is_copy(row: &Row, print: &Print, seen: &Sightings) -> bool {
    let alike = || {
        seen.source
            .get(&row.uid())
            .is_none_or(|original| original.size == Some(print.claimed))
    };
    print.own == row.copy() || row.plan.copy_fingerprint.is_none() && print.may_be(row.copy()) && alike()
}

/// What the copies are looked for by.
fn expected(batch: &Batch) -> Vec<Expected> {
    batch
        .open()
        .filter_map(|row| Some((row.copy(), row.copy_size()?)))
        .collect()
}

/// An identity that is looked for, and the size that was read.
type Expected = (Fingerprint, u64);

/// What identifies a message.
pub(crate) struct Print {
    pub uid: Uid,
    /// By its size as the server claims it.
    pub own: Fingerprint,
    /// The size in bytes that the server claims.
    pub claimed: u64,
    /// By the sizes that are expected, where its own identity is not.
    as_read: Vec<Fingerprint>,
}

impl Print {
    /// Whether it is this message, the server's claim about its size aside.
    pub fn may_be(&self, print: Fingerprint) -> bool {
        self.own == print || self.as_read.contains(&print)
    }
}

/// The identities of messages of the open folder.
pub(crate) async fn prints(client: &mut Client, uids: &UidSet, expected: &[Expected]) -> Result<Vec<Print>> {
    let all: Vec<Uid> = uids.iter().collect();
    let mut found = Vec::new();
    for some in all.chunks(AT_ONCE) {
        for facts in client.look(&some.iter().copied().collect(), true).await? {
            found.extend(print(client, &facts, expected).await?);
        }
    }
    Ok(found)
}

/// The identity of a message of the open folder. One whose header is larger than what is held in memory is read.
pub(crate) async fn print(
    client: &mut Client,
    facts: &Facts,
    expected: &[Expected],
) -> Result<Option<Print>> {
    let (uid, Some(claimed)) = (facts.uid, facts.size) else {
        return Ok(None);
    };
    let Some(header) = facts.header.as_deref() else {
        let (sender, mut arriving) = mpsc::channel(1);
        let budget = ByteBudget::new(1 << 20);
        let only = [uid];
        let fetching = fetch(client, &only, sender, &budget);
        let (unread, message) = tokio::join!(fetching, arriving.recv());
        unread?;
        let own = message.map(|message| fingerprint_of(&message.body)).transpose()?;
        return Ok(own.map(|own| Print {
            uid,
            own,
            claimed,
            as_read: Vec::new(),
        }));
    };
    let own = fingerprint(header, claimed);
    let as_read = match expected.iter().any(|(print, _)| *print == own) {
        true => Vec::new(),
        false => expected
            .iter()
            .map(|(_, size)| fingerprint(header, *size))
            .collect(),
    };
    Ok(Some(Print {
        uid,
        own,
        claimed,
        as_read,
    }))
}
