//! Finds what is to be undone: messages by their places and identities, and originals within reports. Reads only; does
//! not restore anything.

use std::collections::BTreeMap;

use isbg_imap::Facts;
use isbg_message::{fingerprint_of, originals, strip_markup};
use isbg_spool::Spool;
use isbg_store::{Entry, Form, Original, Target};
use isbg_types::{Fingerprint, Flags, FolderName, Uid};
use tokio::sync::mpsc;

use super::{UndoCounts, Wanted, refuse};
use crate::carry_out::{Batch, print, prints, target};
use crate::error::{Error, Result};
use crate::pass::Pass;
use crate::plan::validity;

const GONE: &str = "the message is no longer where it was put";

/// A message found where the history says it is.
pub(super) struct Found<'a> {
    pub entry: &'a Entry,
    pub facts: Facts,
}

/// Entries whose messages are not there, and why.
pub(super) type Missing<'a> = Vec<(&'a Entry, String)>;

/// Finds these messages by their places, and by their identities where no UID is known or, if `anywhere`, where they are
/// not in their places. No message is taken for two entries. The folder stays open.
pub(super) async fn find<'a>(
    pass: &mut Pass<'_>,
    folder: &FolderName,
    wanted: Vec<Wanted<'a>>,
    anywhere: bool,
) -> Result<(Vec<Found<'a>>, Missing<'a>)> {
    let opened = match pass.client.examine(folder, None).await {
        Ok(opened) => opened,
        Err(isbg_imap::Error::Refused(refusal)) => {
            let missing = wanted.iter().map(|(entry, ..)| (*entry, refusal.to_string()));
            return Ok((Vec::new(), missing.collect()));
        }
        Err(error) => return Err(error.into()),
    };
    let (mut found, mut missing): (Vec<Found<'a>>, Missing<'a>) = Default::default();
    let mut elsewhere = Vec::new();
    for (entry, known, uid, print) in wanted {
        let uid = uid.filter(|_| known == validity(&opened));
        match at(pass, uid, (print, entry.size)).await? {
            Some(facts) => found.push(Found { entry, facts }),
            None if anywhere || uid.is_none() => elsewhere.push((entry, print)),
            None => missing.push((entry, GONE.to_owned())),
        }
    }
    if elsewhere.is_empty() {
        return Ok((found, missing));
    }
    let present = pass.client.search(&[]).await?;
    let mut all = prints(pass.client, &present, &[]).await?;
    all.retain(|print| found.iter().all(|found| found.facts.uid != print.uid));
    for (entry, print) in elsewhere {
        let place = all.iter().position(|other| other.own == print);
        let uid = place.map(|place| all.swap_remove(place).uid);
        match at(pass, uid, (print, entry.size)).await? {
            Some(facts) => found.push(Found { entry, facts }),
            None => missing.push((entry, GONE.to_owned())),
        }
    }
    Ok((found, missing))
}

/// The message at this place, if it has this identity, by the size that was read or the one that the server claims.
async fn at(pass: &mut Pass<'_>, uid: Option<Uid>, expected: (Fingerprint, u64)) -> Result<Option<Facts>> {
    let Some(uid) = uid else { return Ok(None) };
    let Some(facts) = pass.client.look(&[uid].into_iter().collect(), true).await?.pop() else {
        return Ok(None);
    };
    let print = print(pass.client, &facts, &[expected]).await?;
    Ok(print
        .is_some_and(|print| print.may_be(expected.0))
        .then_some(facts))
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

/// The folder that messages go back to, as it stands now. Where it is gone, these messages are not undone, and others
/// may be.
pub(super) async fn home_of(
    pass: &mut Pass<'_>,
    home: &FolderName,
    found: &[Found<'_>],
    counts: &mut UndoCounts,
) -> Result<Option<Target>> {
    match target(pass.client, home).await {
        Ok(target) => Ok(Some(target)),
        Err(Error::Imap(isbg_imap::Error::Refused(refusal))) => {
            found
                .iter()
                .for_each(|found| refuse(pass, found.entry, &refusal.to_string(), counts));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A batch over a folder as it stands now, with nothing to do yet.
pub(super) async fn batch(pass: &mut Pass<'_>, folder: &FolderName) -> Result<Batch> {
    let opened = pass.client.examine(folder, None).await?;
    Ok(Batch {
        source: folder.clone(),
        validity: validity(&opened),
        target: None,
        form: Form::Original,
        original: Original::Keep,
        add_flags: Flags::default(),
        remove_flags: Flags::default(),
        rows: Vec::new(),
    })
}
