//! Reading messages of the open folder without leaving a trace (RFC 9051 §6.4.5, always BODY.PEEK). Does not know what
//! they are read for.

use std::collections::{BTreeMap, HashSet, VecDeque};

use bytes::Bytes;
use isbg_spool::Spool;
use isbg_types::{Flags, ModSeq, Uid, UidSet};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::budget::{ByteBudget, Permit};
use crate::client::{Client, settle};
use crate::error::{Error, RefusalKind};
use crate::protocol::command::Command;
use crate::protocol::fetch::{Body, FetchData, InternalDate};
use crate::protocol::response::Kind;
use crate::protocol::set;
use crate::wire::Patience;

/// What is known about a message without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its UID.
    pub uid: Uid,
    /// Its flags and keywords.
    pub flags: Flags,
    /// Its modification sequence, where the server keeps any.
    pub modseq: Option<ModSeq>,
    /// When it came to the server.
    pub internal_date: Option<InternalDate>,
    /// Its size in bytes, as the server claims it.
    pub size: Option<u64>,
    /// Its header block with the empty line. `None` if not asked for or larger than the limit.
    pub header: Option<Bytes>,
    /// An identifier that survives copies and moves (EMAILID, RFC 8474).
    pub object_id: Option<String>,
    /// Gmail's number of the message, the same under all labels.
    pub gmail_msgid: Option<u64>,
    /// Gmail's labels.
    pub gmail_labels: Option<Vec<String>>,
}

impl Facts {
    /// `None` if UID or flags are missing: nothing may be decided about such a message.
    pub(crate) fn read(data: &FetchData) -> Option<Self> {
        Some(Self {
            uid: data.uid?,
            flags: data.flags.clone()?,
            modseq: data.modseq,
            internal_date: data.internal_date.clone(),
            size: data.size,
            header: data.header.clone(),
            object_id: data.email_id.clone(),
            gmail_msgid: data.gmail_msgid,
            gmail_labels: data.gmail_labels.clone(),
        })
    }
}

/// A message. Its share of the byte budget is given back when it is dropped.
#[derive(Debug)]
pub struct Fetched {
    /// What is known about it.
    pub facts: Facts,
    /// Its exact bytes.
    pub body: Spool,
    /// Keeps the share; `None` for bodies that came without having been counted (a quoted string, as a rule empty).
    pub permit: Option<Permit>,
}

/// How a fetch went. UIDs that are in neither list and did not come are gone from the folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchReport {
    /// How many messages were handed over.
    pub delivered: usize,
    /// Messages whose bytes exceed [`crate::protocol::Limits::body`], and how many they are.
    pub too_large: Vec<(Uid, u64)>,
    /// Messages of which the server gave no bytes, no flags, or an answer that does not add up.
    pub incomplete: Vec<Uid>,
}

impl Client {
    /// What is known about these messages of the open folder, by ascending UID; one that is gone does not come. Ask for
    /// a few hundred at a time where headers are wanted: they are all held in memory.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn look(&mut self, uids: &UidSet, with_header: bool) -> Result<Vec<Facts>, Error> {
        let mut found: BTreeMap<Uid, FetchData> = BTreeMap::new();
        for piece in set::write(uids, self.settings.limits.command) {
            let Ok(piece) = set::Ranges::read(piece.as_bytes(), usize::MAX).map(|piece| piece.to_set())
            else {
                continue;
            };
            let mut command = self.facts_wanted(self.command("UID FETCH").set(&piece)?);
            if with_header {
                command = command.word("BODY.PEEK[HEADER]");
            }
            let claim = |response: &crate::protocol::response::Response| {
                let Kind::Fetch(data) = &response.kind else {
                    return false;
                };
                let Some(uid) = data.uid.filter(|uid| piece.contains(*uid)) else {
                    return false;
                };
                merge(found.entry(uid).or_default(), data);
                true
            };
            self.ask(command.glue(")"), claim).await?;
        }
        Ok(found.values().filter_map(Facts::read).collect())
    }

    fn facts_wanted(&self, command: Command) -> Command {
        let mut command = command.word("(UID FLAGS INTERNALDATE RFC822.SIZE");
        for (there, item) in [
            (self.keeps_modseq(), "MODSEQ"),
            (self.offers("OBJECTID"), "EMAILID"),
            (self.offers("X-GM-EXT-1"), "X-GM-MSGID X-GM-LABELS"),
        ] {
            if there {
                command = command.word(item);
            }
        }
        command
    }

    /// Whether the open folder keeps modification sequences. Where it does not (NOMODSEQ), asking for one is refused.
    fn keeps_modseq(&self) -> bool {
        let extension = self.offers("CONDSTORE") || self.offers("QRESYNC");
        extension
            && self
                .mailbox()
                .is_some_and(|mailbox| mailbox.highest_modseq.is_some())
    }

    /// Reads these messages of the open folder whole and hands each over as soon as it is complete. Several commands
    /// are under way at a time. While the budget is used up or the receiver is busy, nothing is read from the server.
    ///
    /// # Errors
    /// [`Error::Refused`] if the server refused one of the commands, after the others have ended: messages handed over
    /// by then are whole, of the others nothing is known. [`Error::GivenUp`] if the receiver is gone.
    pub async fn fetch(
        &mut self,
        uids: &[Uid],
        to: &mpsc::Sender<Fetched>,
        budget: &ByteBudget,
    ) -> Result<FetchReport, Error> {
        if !self.is_usable() {
            return Err(self.unusable());
        }
        let wanted: UidSet = uids.iter().copied().collect();
        let mut fetching = Fetching::new(self.batches(&wanted), wanted);
        let times = self.settings.timeouts.clone();
        let mut patience = Patience::new("UID FETCH", times.silence, times.transfer);
        let ended = self.pump(&mut fetching, &mut patience, to, budget).await;
        if let Err(error) = ended {
            self.abandon();
            return Err(error);
        }
        match fetching.refused {
            Some(error) => Err(error),
            None => Ok(fetching.report()),
        }
    }

    /// The set in pieces of at most as many messages and bytes as one command may have.
    fn batches(&self, wanted: &UidSet) -> VecDeque<UidSet> {
        let mut batches = VecDeque::new();
        let mut batch = UidSet::new();
        // A UID and its comma take at most eleven bytes.
        let most = self.settings.batch.min(self.settings.limits.command / 11).max(1) as u64;
        for uid in wanted.iter() {
            if batch.len() >= most {
                batches.push_back(std::mem::take(&mut batch));
            }
            batch.insert(uid);
        }
        if !batch.is_empty() {
            batches.push_back(batch);
        }
        batches
    }

    async fn pump(
        &mut self,
        fetching: &mut Fetching,
        patience: &mut Patience,
        to: &mpsc::Sender<Fetched>,
        budget: &ByteBudget,
    ) -> Result<(), Error> {
        let mut open = 0;
        loop {
            while open < self.settings.in_flight.max(1) {
                let Some(batch) = fetching.waiting.pop_front() else {
                    break;
                };
                let command = self.facts_wanted(self.command("UID FETCH").set(&batch)?);
                self.send(command.word("BODY.PEEK[])"), patience).await?;
                open += 1;
            }
            if open == 0 {
                return Ok(());
            }
            let (response, permit) = self.next(patience, Some(budget)).await?;
            match response.kind {
                Kind::Tagged(_, status) => {
                    open -= 1;
                    patience.renew();
                    if let Err(error) = settle(status, "UID FETCH") {
                        fetching.refuse(error);
                    }
                }
                Kind::Fetch(ref data) if data.body.is_some() => {
                    let Some(uid) = fetching.wants(data) else {
                        self.observe(&response);
                        continue;
                    };
                    let balanced = !response.tree.is_unbalanced();
                    if let Some(message) = fetching.take(uid, data, permit, balanced) {
                        let since = Instant::now();
                        to.send(message).await.map_err(|_| Error::GivenUp)?;
                        patience.extend(since.elapsed());
                    }
                }
                Kind::Continue(_) => {}
                _ => self.observe(&response),
            }
        }
    }
}

/// A fetch under way.
struct Fetching {
    wanted: UidSet,
    waiting: VecDeque<UidSet>,
    done: HashSet<Uid>,
    delivered: usize,
    too_large: Vec<(Uid, u64)>,
    /// Messages that came without bytes or flags, so far.
    incomplete: HashSet<Uid>,
    refused: Option<Error>,
}

impl Fetching {
    fn new(waiting: VecDeque<UidSet>, wanted: UidSet) -> Self {
        Self {
            wanted,
            waiting,
            done: HashSet::new(),
            delivered: 0,
            too_large: Vec::new(),
            incomplete: HashSet::new(),
            refused: None,
        }
    }

    /// After a NO the other commands are sent all the same, for one bad message must not hide the others. After a BAD
    /// they would fare no better.
    fn refuse(&mut self, error: Error) {
        if error
            .refusal()
            .is_some_and(|refusal| refusal.kind == RefusalKind::Bad)
        {
            self.waiting.clear();
        }
        self.refused.get_or_insert(error);
    }

    /// The message's UID, if it was asked for and has not come already.
    fn wants(&self, data: &FetchData) -> Option<Uid> {
        data.uid
            .filter(|uid| self.wanted.contains(*uid) && !self.done.contains(uid))
    }

    /// The message, if it is there. Where the answer is not `balanced`, its literal may have ended elsewhere than the
    /// server said, and the bytes are not to be relied on.
    fn take(
        &mut self,
        uid: Uid,
        data: &FetchData,
        permit: Option<Permit>,
        balanced: bool,
    ) -> Option<Fetched> {
        match (&data.body, Facts::read(data)) {
            (Some(Body::Whole(body)), Some(facts)) if balanced => {
                self.done.insert(uid);
                self.incomplete.remove(&uid);
                self.delivered += 1;
                return Some(Fetched {
                    facts,
                    body: body.clone(),
                    permit,
                });
            }
            (Some(Body::TooLarge(size)), _) => {
                self.done.insert(uid);
                self.too_large.push((uid, *size));
            }
            _ => {
                self.incomplete.insert(uid);
            }
        }
        None
    }

    fn report(self) -> FetchReport {
        let mut incomplete: Vec<Uid> = self.incomplete.into_iter().collect();
        incomplete.sort_unstable();
        FetchReport {
            delivered: self.delivered,
            too_large: self.too_large,
            incomplete,
        }
    }
}

/// Servers may tell about one message in several responses.
fn merge(into: &mut FetchData, from: &FetchData) {
    macro_rules! newer {
        ($($field:ident),*) => {
            $(if from.$field.is_some() { into.$field = from.$field.clone(); })*
        };
    }
    newer!(
        uid,
        flags,
        modseq,
        internal_date,
        size,
        header,
        email_id,
        gmail_msgid,
        gmail_labels
    );
}
