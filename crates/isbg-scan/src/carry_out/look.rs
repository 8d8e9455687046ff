//! Finds out where messages are, for what was sent and not answered, or answered in part. Reads only, and assumes
//! nothing: not that a command was carried out, not that it was not.

use std::collections::{BTreeMap, BTreeSet};

use isbg_imap::{ByteBudget, Client, Facts, Key};
use isbg_message::{fingerprint, fingerprint_of};
use isbg_store::Target;
use isbg_types::{Fingerprint, Uid, UidSet};
use tokio::sync::mpsc;

use super::batch::{Batch, Row};
use crate::error::Result;
use crate::fetch::fetch;
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
    /// Copies in the target with the very header and size that were expected.
    pub copies: BTreeMap<Uid, Uid>,
    /// Copies that the server named, and that differ from what was sent.
    pub differing: BTreeMap<Uid, Uid>,
}

/// Looks where the open rows' originals and copies are.
pub(crate) async fn look(client: &mut Client, batch: &Batch) -> Result<Looked> {
    let mut seen = Sightings::default();
    let uids: UidSet = batch.open().map(|row| row.uid).collect();
    if uids.is_empty() {
        return Ok(Looked::Seen(seen));
    }
    let source = client.examine(&batch.source, None).await?;
    if validity(&source) != batch.validity {
        return Ok(Looked::Renumbered("the folder was renumbered by the server"));
    }
    seen.source = client
        .look(&uids, false)
        .await?
        .into_iter()
        .map(|facts| (facts.uid, facts))
        .collect();
    if let Some(target) = &batch.target
        && !look_for_copies(client, batch, target, &mut seen).await?
    {
        return Ok(Looked::Renumbered(
            "the target folder was renumbered by the server",
        ));
    }
    Ok(Looked::Seen(seen))
}

/// Finds the copies: where the server said they are, then among what came into the target since.
async fn look_for_copies(
    client: &mut Client,
    batch: &Batch,
    target: &Target,
    seen: &mut Sightings,
) -> Result<bool> {
    let opened = client.examine(&target.folder, None).await?;
    if validity(&opened) != target.validity {
        return Ok(false);
    }
    let expected: Vec<Expected> = batch.open().map(|row| (row.copy, row.size)).collect();
    let named: UidSet = batch.open().filter_map(|row| row.target_uid).collect();
    let mut taken = BTreeSet::new();
    if !named.is_empty() {
        let found = prints(client, &named, &expected).await?;
        for row in batch.open() {
            let Some(uid) = row.target_uid else { continue };
            match found.iter().find(|print| print.uid == uid) {
                Some(print) if is_copy(row, print, seen) => seen.copies.insert(row.uid, uid),
                Some(_) => seen.differing.insert(row.uid, uid),
                None => None,
            };
            taken.insert(uid);
        }
    }
    let missing =
        |seen: &Sightings, uid: Uid| !seen.copies.contains_key(&uid) && !seen.differing.contains_key(&uid);
    if batch.open().all(|row| !missing(seen, row.uid)) {
        return Ok(true);
    }
    let keys: Vec<Key> = target.uid_next.map(Key::From).into_iter().collect();
    let since: UidSet = client
        .search(&keys)
        .await?
        .iter()
        .filter(|uid| !taken.contains(uid))
        .collect();
    if since.is_empty() {
        return Ok(true);
    }
    let mut found = prints(client, &since, &expected).await?;
    for row in batch.open() {
        if missing(seen, row.uid)
            && let Some(at) = found.iter().position(|print| is_copy(row, print, seen))
        {
            // Each copy belongs to one original, also where two originals are alike.
            seen.copies.insert(row.uid, found.remove(at).uid);
        }
    }
    Ok(true)
}

/// Whether this is the row's copy. Servers exist whose RFC822.SIZE is not that of the bytes they give: there the size
/// that was read counts, if they claim the same of the original and of the copy.
fn is_copy(row: &Row, print: &Print, seen: &Sightings) -> bool {
    let alike = || {
        seen.source
            .get(&row.uid)
            .is_none_or(|original| original.size == Some(print.claimed))
    };
    print.own == row.copy || print.may_be(row.copy) && alike()
}

/// An identity that is looked for, and the size that was read.
type Expected = (Fingerprint, u64);

/// What identifies a message.
pub(crate) struct Print {
    pub uid: Uid,
    /// By its size as the server claims it.
    pub own: Fingerprint,
    claimed: u64,
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
