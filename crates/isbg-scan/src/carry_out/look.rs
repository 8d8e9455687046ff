//! Finds out where messages are, for what was sent and not answered, or answered in part. Reads only, and assumes
//! nothing: not that a command was carried out, not that it was not.

use std::collections::{BTreeMap, BTreeSet};

use isbg_imap::{Client, Facts, Key};
use isbg_message::fingerprint;
use isbg_store::Target;
use isbg_types::{Fingerprint, Uid, UidSet};

use super::batch::Batch;
use crate::error::Result;
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
    let named: UidSet = batch.open().filter_map(|row| row.target_uid).collect();
    let mut taken = BTreeSet::new();
    if !named.is_empty() {
        let found = prints(client, &named).await?;
        for row in batch.open() {
            let Some(uid) = row.target_uid else { continue };
            match found.iter().find(|(at, _)| *at == uid) {
                Some((_, print)) if *print == row.copy => seen.copies.insert(row.uid, uid),
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
    let mut found = prints(client, &since).await?;
    for row in batch.open() {
        if missing(seen, row.uid)
            && let Some(at) = found.iter().position(|(_, print)| *print == row.copy)
        {
            // Each copy belongs to one original, also where two originals are alike.
            seen.copies.insert(row.uid, found.remove(at).0);
        }
    }
    Ok(true)
}

/// The identities of messages of the open folder.
pub(crate) async fn prints(client: &mut Client, uids: &UidSet) -> Result<Vec<(Uid, Fingerprint)>> {
    let all: Vec<Uid> = uids.iter().collect();
    let mut found = Vec::new();
    for some in all.chunks(AT_ONCE) {
        let facts = client.look(&some.iter().copied().collect(), true).await?;
        let print = |facts: Facts| Some((facts.uid, fingerprint(facts.header.as_deref()?, facts.size?)));
        found.extend(facts.into_iter().filter_map(print));
    }
    Ok(found)
}
