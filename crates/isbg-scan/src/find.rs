//! Finds the messages that entries of the history tell of, by their places and identities. Reads only; does not know what
//! they are wanted for.

use isbg_imap::Facts;
use isbg_store::Entry;
use isbg_types::{Fingerprint, FolderName, Uid, UidValidity};

use crate::carry_out::{print, prints};
use crate::error::Result;
use crate::pass::Pass;
use crate::plan::validity;

const GONE: &str = "the message is no longer where it was put";

/// What is wanted of a folder: an entry, the UIDVALIDITY and UID its message was known by, and its identity.
pub(crate) type Wanted<'a> = (&'a Entry, UidValidity, Option<Uid>, Fingerprint);

/// A message found where the history says it is.
pub(crate) struct Found<'a> {
    pub entry: &'a Entry,
    pub facts: Facts,
}

/// Entries whose messages are not there, and why.
pub(crate) type Missing<'a> = Vec<(&'a Entry, String)>;

/// Finds these messages by their places, and by their identities where no UID is known or, if `anywhere`, where they are
/// not in their places. No message is taken for two entries. The folder stays open.
pub(crate) async fn find<'a>(
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

/// The copies that these entries made, as they were put.
pub(crate) fn copies<'a>(entries: &[&'a Entry]) -> Vec<Wanted<'a>> {
    let wanted = |entry: &&'a Entry| {
        let to = entry.to.as_ref()?;
        let print = entry.copy_fingerprint.unwrap_or(entry.fingerprint);
        Some((*entry, to.validity, to.uid, print))
    };
    entries.iter().filter_map(wanted).collect()
}
