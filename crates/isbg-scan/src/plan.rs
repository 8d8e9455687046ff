//! Which messages of a folder a pass has to handle. Reads only; does not know what happens to them.

use isbg_imap::{Key, Mailbox};
use isbg_store::{FolderId, Mark, NoVerdict, Purpose, Standing};
use isbg_types::{FolderName, Uid, UidSet, UidValidity};

use crate::error::{Error, Result};
use crate::pass::Pass;
use crate::retry::LONGEST_WAIT;

/// A message that was being judged when this many processes died is left alone for a day; after the first it is tried
/// alone.
const LEFT_ALONE_AFTER: u32 = 3;

/// Why a message is left alone, for people.
const DIED: &str = "isbg died over it again and again";

/// Messages that are gone are forgotten once there are so many more of them than of those present.
const FORGET_ABOVE: u64 = 1_000;

/// What an older isbg had seen of a folder: taken over when the folder is met for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The UIDVALIDITY under which it was seen.
    pub validity: UidValidity,
    /// The messages seen.
    pub uids: UidSet,
}

/// What to look for in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'a> {
    pub folder: &'a FolderName,
    pub purpose: Purpose,
    /// Which messages qualify at all.
    pub search: Vec<Key>,
    /// Whether that depends on flags.
    pub by_flags: bool,
    /// Only messages smaller than this; `None` for any size.
    pub smaller_than: Option<u64>,
    /// At most so many, the newest first.
    pub at_most: Option<u64>,
    pub imported: Option<&'a Imported>,
}

/// What there is to do in a folder.
#[derive(Debug)]
pub(crate) struct Plan {
    pub folder: FolderName,
    pub id: FolderId,
    pub validity: UidValidity,
    pub purpose: Purpose,
    /// No pass over it has ever come to its end under this UIDVALIDITY.
    pub first_time: bool,
    /// Messages to handle, the newest first.
    pub todo: Vec<Uid>,
    /// Messages to handle one at a time: a process died over them, or over their neighbours.
    pub suspects: Vec<Uid>,
    /// New messages that are too large.
    pub too_large: Vec<Uid>,
    /// Messages that `at_most` left for a later run.
    pub left_for_later: u64,
    /// Kept when the pass ends; without `complete_below`, which is known only then.
    mark: Option<Mark>,
    /// The lowest message that is left out now and must be looked at again.
    leftover: Option<Uid>,
}

impl Plan {
    /// Opens the folder again where another one has been opened since: UIDs mean something in their own folder only.
    pub(crate) async fn reopen(&self, pass: &mut Pass<'_>) -> Result<()> {
        let is_open = |open: &Mailbox| open.name == self.folder && validity(open) == self.validity;
        if pass.client.mailbox().is_some_and(is_open) {
            return Ok(());
        }
        let opened = pass.client.examine(&self.folder, None).await?;
        if validity(&opened) == self.validity {
            Ok(())
        } else {
            Err(Error::Renumbered(self.folder.clone()))
        }
    }

    /// How many messages will be handled.
    pub fn messages(&self) -> u64 {
        (self.todo.len() + self.suspects.len()) as u64
    }

    /// The mark to keep at the pass's end, given the lowest message that was not dealt with.
    pub fn mark(&self, undone: Option<Uid>) -> Option<Mark> {
        let mut mark = self.mark.clone()?;
        if let Some(lowest) = self.leftover.into_iter().chain(undone).min() {
            mark.complete_below = lowest.min(mark.complete_below);
        }
        Some(mark)
    }
}

/// Opens the folder read-only and finds what is new in it. If nothing changed since the last finished pass this costs
/// one round trip and no look at single messages, whatever the folder's size.
pub(crate) async fn plan(pass: &mut Pass<'_>, wanted: &Wanted<'_>) -> Result<Plan> {
    let selected = pass.client.examine(wanted.folder, None).await?;
    let validity = validity(&selected);
    let now = pass.now();
    let opened = pass
        .store
        .open_folder(pass.account, wanted.folder, validity, now)?;
    match opened.standing {
        Standing::Changed { changes_today, .. } if changes_today > 2 => {
            return Err(Error::Unstable {
                folder: wanted.folder.clone(),
                changes: changes_today,
            });
        }
        Standing::Changed { .. } => {
            pass.warn("the server renumbered a folder (new UIDVALIDITY); its messages are looked at anew");
        }
        Standing::New => adopt(pass, wanted, opened.id, validity)?,
        Standing::Known => {}
    }
    let conditions = format!("{:?} smaller than {:?}", wanted.search, wanted.smaller_than);
    let mark = pass.store.mark(opened.id, wanted.purpose)?;
    let first_time = mark.is_none();
    let known = mark.filter(|mark| {
        // Flags come and go without a new UID, so a search by flags must be made each time. UIDNEXT never goes down
        // while UIDVALIDITY stands; where it does, what was noted is worth nothing.
        !wanted.by_flags && mark.conditions == conditions && mark.uid_next <= selected.uid_next
    });
    let mut plan = Plan {
        folder: wanted.folder.clone(),
        id: opened.id,
        validity,
        purpose: wanted.purpose,
        first_time,
        todo: Vec::new(),
        suspects: Vec::new(),
        too_large: Vec::new(),
        left_for_later: 0,
        mark: fresh_mark(pass, &selected, conditions),
        leftover: None,
    };
    fill(pass, wanted, &mut plan, &selected, known.as_ref()).await?;
    Ok(plan)
}

/// A folder's UIDVALIDITY; zero, which no server may use, where the server tells none.
pub(crate) fn validity(mailbox: &Mailbox) -> UidValidity {
    mailbox.uid_validity.unwrap_or(UidValidity(0))
}

fn adopt(pass: &mut Pass<'_>, wanted: &Wanted<'_>, id: FolderId, validity: UidValidity) -> Result<()> {
    let Some(imported) = wanted.imported else {
        return Ok(());
    };
    if imported.validity != validity {
        pass.warn("the track file of an older isbg is about a folder that the server has renumbered since; not used");
        return Ok(());
    }
    let now = pass.now();
    Ok(pass.store.adopt(id, wanted.purpose, &imported.uids, now)?)
}

fn fresh_mark(pass: &Pass<'_>, selected: &Mailbox, conditions: String) -> Option<Mark> {
    Some(Mark {
        uid_next: selected.uid_next,
        modseq: selected.highest_modseq,
        messages: Some(selected.exists),
        complete_below: selected.uid_next?,
        conditions,
        at: pass.now(),
    })
}

/// Finds the messages to handle and sorts them.
async fn fill(
    pass: &mut Pass<'_>,
    wanted: &Wanted<'_>,
    plan: &mut Plan,
    selected: &Mailbox,
    known: Option<&Mark>,
) -> Result<()> {
    let attempts = pass.store.attempts(plan.id, plan.purpose)?;
    let unchanged = known.is_some_and(|mark| mark.uid_next == selected.uid_next);
    let complete = known.is_some_and(|mark| Some(mark.complete_below) == mark.uid_next);
    if (unchanged && complete && attempts.is_empty()) || selected.exists == 0 {
        return Ok(());
    }
    let crowded =
        pass.store.seen_count(plan.id, plan.purpose)? > 2 * u64::from(selected.exists) + FORGET_ABOVE;
    let from = known.filter(|_| !crowded).map(|mark| mark.complete_below);
    let keys: Vec<Key> = wanted.search.iter().cloned().chain(from.map(Key::From)).collect();
    let present = pass.client.search(&keys).await?;
    let mut unseen = pass.store.unseen(plan.id, plan.purpose, &present)?;
    if crowded && !wanted.by_flags {
        pass.store.forget_missing(plan.id, &present)?;
    }
    if !wanted.by_flags {
        let gone = |uid: &Uid| from.as_ref().is_none_or(|from| uid >= from) && !present.contains(*uid);
        let gone: Vec<Uid> = attempts.iter().map(|attempt| attempt.uid).filter(gone).collect();
        pass.store.forget_attempts(plan.id, plan.purpose, &gone)?;
    }
    let now = pass.now();
    let mut due = UidSet::new();
    let (mut set_aside, mut left_alone) = (Vec::new(), 0);
    for attempt in attempts.iter().filter(|attempt| unseen.contains(attempt.uid)) {
        let waits = attempt.next_try.is_some_and(|next| next > now);
        if waits || attempt.crashes >= LEFT_ALONE_AFTER {
            plan.leave_out(attempt.uid);
            left_alone += u64::from(!waits || attempt.error.as_deref() == Some(DIED));
            if !waits {
                set_aside.push(attempt.uid);
            }
        } else if attempt.crashes > 0 {
            plan.suspects.push(attempt.uid);
        } else {
            due.insert(attempt.uid);
        }
    }
    if left_alone > 0 {
        pass.warn(&format!("{left_alone} messages are left alone for a day: {DIED}"));
    }
    leave_alone(pass, plan, &set_aside)?;
    let handled: UidSet = attempts
        .iter()
        .map(|attempt| attempt.uid)
        .filter(|uid| !due.contains(*uid))
        .collect();
    unseen = unseen.iter().filter(|uid| !handled.contains(*uid)).collect();
    plan.too_large = too_large(pass, wanted, &unseen).await?;
    let large: UidSet = plan.too_large.iter().copied().collect();
    plan.todo = unseen.iter().rev().filter(|uid| !large.contains(*uid)).collect();
    // Named only once: what was too large for an earlier pass under the same conditions has been named then.
    plan.too_large.retain(|uid| {
        known
            .and_then(|mark| mark.uid_next)
            .is_none_or(|next| *uid >= next)
    });
    plan.cut(wanted.at_most);
    Ok(())
}

impl Plan {
    fn leave_out(&mut self, uid: Uid) {
        self.leftover = Some(self.leftover.map_or(uid, |lowest| lowest.min(uid)));
    }

    fn cut(&mut self, at_most: Option<u64>) {
        let Some(limit) = at_most.and_then(|limit| usize::try_from(limit).ok()) else {
            return;
        };
        let mut rest = self.suspects.split_off(limit.min(self.suspects.len()));
        rest.extend(
            self.todo
                .split_off((limit - self.suspects.len()).min(self.todo.len())),
        );
        self.left_for_later = rest.len() as u64;
        rest.into_iter().for_each(|uid| self.leave_out(uid));
    }
}

/// Messages over which one process after the other died are left alone, and tried again once a day.
fn leave_alone(pass: &mut Pass<'_>, plan: &Plan, uids: &[Uid]) -> Result<()> {
    if uids.is_empty() {
        return Ok(());
    }
    let now = pass.now();
    let rest: Vec<NoVerdict> = uids
        .iter()
        .map(|&uid| NoVerdict {
            uid,
            next_try: now.plus(LONGEST_WAIT),
            error: DIED.to_owned(),
        })
        .collect();
    Ok(pass
        .store
        .end_without_verdict(plan.id, plan.purpose, &rest, now)?)
}

async fn too_large(pass: &mut Pass<'_>, wanted: &Wanted<'_>, unseen: &UidSet) -> Result<Vec<Uid>> {
    let (Some(limit), Some(&(lowest, _))) = (wanted.smaller_than, unseen.ranges().first()) else {
        return Ok(Vec::new());
    };
    let largest = u32::try_from(limit.saturating_sub(1)).unwrap_or(u32::MAX);
    let keys: Vec<Key> = Uid::new(lowest)
        .map(Key::From)
        .into_iter()
        .chain([Key::Larger(largest)])
        .collect();
    let large = pass.client.search(&keys).await?;
    Ok(large.iter().filter(|uid| unseen.contains(*uid)).collect())
}
