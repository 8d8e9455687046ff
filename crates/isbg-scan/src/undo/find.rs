//! Finds what is to be undone: messages by their places and identities, and originals within reports. Reads only; does
//! not restore anything.

use std::collections::BTreeMap;

use isbg_imap::Facts;
use isbg_message::{fingerprint, fingerprint_of, originals, strip_markup};
use isbg_spool::Spool;
use isbg_store::Entry;
use isbg_types::{Fingerprint, FolderName, Uid, UidValidity};
use tokio::sync::mpsc;

use super::{UndoCounts, refuse};
use crate::carry_out::prints;
use crate::error::Result;
use crate::pass::Pass;
use crate::plan::validity;

/// A message found where the history says it is.
pub(super) struct Found<'a> {
    pub entry: &'a Entry,
    pub facts: Facts,
}

/// Finds these messages by their places, and by their identities where no UID is known. The folder stays open.
pub(super) async fn find<'a>(
    pass: &mut Pass<'_>,
    folder: &FolderName,
    wanted: Vec<(&'a Entry, UidValidity, Option<Uid>, Fingerprint)>,
    counts: &mut UndoCounts,
) -> Result<Vec<Found<'a>>> {
    let opened = match pass.client.examine(folder, None).await {
        Ok(opened) => opened,
        Err(isbg_imap::Error::Refused(refusal)) => {
            wanted
                .iter()
                .for_each(|(entry, ..)| refuse(pass, entry, &refusal.to_string(), counts));
            return Ok(Vec::new());
        }
        Err(error) => return Err(error.into()),
    };
    let mut all: Option<Vec<(Uid, Fingerprint)>> = None;
    let mut found = Vec::new();
    for (entry, known, uid, print) in wanted {
        let uid = match uid {
            Some(uid) if known == validity(&opened) => Some(uid),
            _ => {
                if all.is_none() {
                    let present = pass.client.search(&[]).await?;
                    all = Some(prints(pass.client, &present).await?);
                }
                all.iter()
                    .flatten()
                    .find(|(_, own)| *own == print)
                    .map(|(uid, _)| *uid)
            }
        };
        let facts = match uid {
            Some(uid) => pass.client.look(&[uid].into_iter().collect(), true).await?.pop(),
            None => None,
        };
        let same = |facts: &Facts| {
            facts
                .header
                .as_deref()
                .zip(facts.size)
                .is_some_and(|(header, size)| fingerprint(header, size) == print)
        };
        match facts.filter(same) {
            Some(facts) => found.push(Found { entry, facts }),
            None => refuse(pass, entry, "the message is no longer where it was put", counts),
        }
    }
    Ok(found)
}

/// The original in a report, or beneath a scorer's marks: only the very bytes that were there before.
pub(super) fn original_in(report: &Spool, print: Fingerprint) -> Result<Option<Spool>> {
    let inside: Vec<Spool> = originals(report)?.take(1).collect::<std::io::Result<_>>()?;
    for candidate in inside.into_iter().chain([strip_markup(report)?]) {
        if fingerprint_of(&candidate)? == print {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// The whole messages, by UID.
pub(super) async fn bodies(pass: &mut Pass<'_>, found: &[Found<'_>]) -> Result<BTreeMap<Uid, Spool>> {
    let uids: Vec<Uid> = found.iter().map(|found| found.facts.uid).collect();
    let (sender, mut arriving) = mpsc::channel(1);
    let (client, budget) = (&mut *pass.client, &pass.budget);
    let fetching = async move {
        let fetched = client.fetch(&uids, &sender, budget).await;
        drop(sender);
        fetched
    };
    let keeping = async {
        let mut bodies = BTreeMap::new();
        while let Some(fetched) = arriving.recv().await {
            bodies.insert(fetched.facts.uid, fetched.body);
        }
        bodies
    };
    let (fetched, bodies) = tokio::join!(fetching, keeping);
    fetched?;
    Ok(bodies)
}
