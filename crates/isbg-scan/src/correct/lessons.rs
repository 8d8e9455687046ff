//! Teaches what the user has moved, once it has stayed there long enough. Does not know how it was found.

use std::collections::BTreeMap;
use std::sync::Arc;

use isbg_engine::{Scorer, Taught};
use isbg_store::{Correction, FolderId};
use isbg_types::{Class, Fingerprint, Flag, FolderName, Uid, UidSet};

use super::Corrections;
use crate::carry_out::print;
use crate::error::Result;
use crate::event::Event;
use crate::learn::{Lessons, fetch_and_teach};
use crate::pass::{Mode, Pass};
use crate::plan::validity;
use crate::report::CorrectionCounts;

/// So many messages are learned in one pass.
const AT_ONCE: usize = 500;

/// A message that could not be learned is given up after so many seconds.
const PATIENCE: i64 = 7 * 86_400;

/// Teaches what is due. A run that changes nothing only tells what it would teach.
pub(super) async fn teach(
    pass: &mut Pass<'_>,
    scorer: &Arc<dyn Scorer>,
    job: &Corrections,
    counts: &mut CorrectionCounts,
) -> Result<()> {
    let now = pass.now();
    let (due, waiting): (Vec<Correction>, Vec<Correction>) = pass
        .store
        .corrections(pass.account)?
        .into_iter()
        .partition(|correction| correction.found.plus(job.grace) <= now);
    counts.waiting = waiting.len() as u64;
    let mut groups: BTreeMap<(FolderId, bool), Vec<Correction>> = BTreeMap::new();
    for correction in due.into_iter().take(AT_ONCE) {
        let key = (correction.folder, correction.class == Class::Spam);
        groups.entry(key).or_default().push(correction);
    }
    for ((folder, is_spam), group) in groups {
        pass.go_on()?;
        let class = if is_spam { Class::Spam } else { Class::Ham };
        let there = still_there(pass, folder, &group).await?;
        let is_there = |correction: &Correction| there.iter().any(|(_, uid)| *uid == correction.uid);
        let moved_on: Vec<Fingerprint> = group
            .iter()
            .filter(|correction| !is_there(correction))
            .map(|correction| correction.fingerprint)
            .collect();
        pass.store.drop_corrections(pass.account, &moved_on)?;
        let left: Vec<Correction> = group.into_iter().filter(is_there).collect();
        let Some((name, _)) = there.into_iter().next() else {
            continue;
        };
        if pass.mode != Mode::Act {
            tell(pass, &name, class, &left, counts)?;
        } else if !lessons(pass, scorer, &name, class, &left, counts).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Those of these messages that are where the user put them, and nowhere else: each with the folder's name. The folder is
/// open then.
async fn still_there(
    pass: &mut Pass<'_>,
    folder: FolderId,
    group: &[Correction],
) -> Result<Vec<(FolderName, Uid)>> {
    let copied = copied(pass, group).await?;
    let Some(name) = opened(pass, folder).await? else {
        return Ok(Vec::new());
    };
    let uids: UidSet = group.iter().map(|correction| correction.uid).collect();
    let mut there = Vec::new();
    for facts in pass.client.look(&uids, true).await? {
        let Some(own) = print(pass.client, &facts, &[]).await?.map(|print| print.own) else {
            continue;
        };
        let same = group
            .iter()
            .any(|correction| correction.uid == facts.uid && correction.fingerprint == own);
        if same && !facts.flags.has(Flag::DELETED) && !copied.contains(facts.uid) {
            there.push((name.clone(), facts.uid));
        }
    }
    Ok(there)
}

/// Opens a folder read-only, if it still stands.
async fn opened(pass: &mut Pass<'_>, folder: FolderId) -> Result<Option<FolderName>> {
    let Some((name, known)) = pass.store.standing(folder)? else {
        return Ok(None);
    };
    match pass.client.examine(&name, None).await {
        Ok(opened) => Ok(Some(name).filter(|_| validity(&opened) == known)),
        Err(isbg_imap::Error::Refused(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Those of these messages that were copied and not moved: they are still where they were judged.
async fn copied(pass: &mut Pass<'_>, group: &[Correction]) -> Result<UidSet> {
    let mut origins: BTreeMap<FolderId, Vec<(Uid, Uid)>> = BTreeMap::new();
    for correction in group {
        if let Some((folder, uid)) = correction.origin {
            origins.entry(folder).or_default().push((uid, correction.uid));
        }
    }
    let mut copied = UidSet::new();
    for (folder, pairs) in origins {
        if opened(pass, folder).await?.is_none() {
            continue;
        }
        let uids: UidSet = pairs.iter().map(|(origin, _)| *origin).collect();
        for facts in pass.client.look(&uids, false).await? {
            if !facts.flags.has(Flag::DELETED) {
                let own = pairs.iter().filter(|(origin, _)| *origin == facts.uid);
                own.for_each(|(_, uid)| copied.insert(*uid));
            }
        }
    }
    Ok(copied)
}

/// Tells what would be taught.
fn tell(
    pass: &mut Pass<'_>,
    folder: &FolderName,
    class: Class,
    group: &[Correction],
    counts: &mut CorrectionCounts,
) -> Result<()> {
    for correction in group {
        counts.count(class, None);
        pass.observer.event(Event::Corrected {
            folder,
            uid: correction.uid,
            class,
            taught: None,
        });
    }
    let told: Vec<Fingerprint> = group.iter().map(|correction| correction.fingerprint).collect();
    let now = pass.now();
    Ok(pass.store.end_corrections(pass.account, &told, now)?)
}

/// Teaches these messages of the open folder. `false` where the scorer cannot be taught.
async fn lessons(
    pass: &mut Pass<'_>,
    scorer: &Arc<dyn Scorer>,
    folder: &FolderName,
    class: Class,
    group: &[Correction],
    counts: &mut CorrectionCounts,
) -> Result<bool> {
    let uids: Vec<Uid> = group.iter().map(|correction| correction.uid).collect();
    let Lessons {
        given,
        outage,
        broken,
        ..
    } = fetch_and_teach(pass, scorer, class, &uids).await?;
    let of = |uid: Uid| group.iter().find(|correction| correction.uid == uid);
    let (mut learned, mut given_up) = (Vec::new(), Vec::new());
    let now = pass.now();
    for lesson in given {
        let uid = lesson.known.uid;
        let Some(correction) = of(uid) else { continue };
        match lesson.answer {
            Ok(taught) => {
                counts.count(class, Some(taught));
                pass.observer.event(Event::Corrected {
                    folder,
                    uid,
                    class,
                    taught: Some(taught),
                });
                learned.push(correction.fingerprint);
            }
            Err(unknown) => {
                counts.unknown += 1;
                let detail = &unknown.detail;
                pass.observer.event(Event::Unknown { folder, uid, detail });
                if correction.found.plus(PATIENCE) < now {
                    given_up.push(correction.fingerprint);
                }
            }
        }
    }
    pass.store.end_corrections(pass.account, &learned, now)?;
    pass.store.drop_corrections(pass.account, &given_up)?;
    if let Some(error) = broken {
        return Err(error.into());
    }
    let Some(why) = outage else { return Ok(true) };
    pass.warn(&format!(
        "what you have moved cannot be learned now, and is kept for the next run: {}",
        why.detail
    ));
    Ok(false)
}

impl CorrectionCounts {
    /// Counts a message that was taught, or that would be.
    fn count(&mut self, class: Class, taught: Option<Taught>) {
        match (taught, class) {
            (Some(Taught::AlreadyKnown), _) => self.already_known += 1,
            (Some(Taught::TooLarge), _) => self.too_large += 1,
            (Some(Taught::Learned) | None, Class::Ham) => self.ham += 1,
            (Some(Taught::Learned) | None, Class::Spam) => self.spam += 1,
        }
    }
}
