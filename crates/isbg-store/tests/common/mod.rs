//! A store in a directory of its own, and plain values to put into it. Does not test anything itself.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

pub mod child;

use isbg_store::{
    AccountId, Action, Counters, FolderId, Form, NewIntent, Original, Purpose, RunId, Seen, Store, Target,
    Timestamp,
};
use isbg_types::{Fingerprint, Flag, Flags, FolderName, Score, Tier, Uid, UidValidity};
use tempfile::TempDir;

pub const NOW: Timestamp = Timestamp(1_700_000_000);

pub struct Lab {
    pub directory: TempDir,
    pub store: Store,
    pub account: AccountId,
    pub inbox: FolderId,
    pub run: RunId,
}

impl Lab {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::open(&directory.path().join("state")).unwrap();
        let account = store.account("me@example.org:993", NOW).unwrap();
        let inbox = open(&mut store, account, "INBOX", 7);
        let run = store.begin_run(account, "classic", NOW).unwrap();
        Self {
            directory,
            store,
            account,
            inbox,
            run,
        }
    }

    pub fn reopen(&mut self) {
        self.store = Store::open(&self.directory.path().join("state")).unwrap();
    }

    pub fn clean(&self) {
        assert_eq!(self.store.check().unwrap(), Vec::<String>::new());
    }

    pub fn end(mut self) {
        self.store.end_run(self.run, &Counters::default(), NOW).unwrap();
        self.clean();
    }
}

pub fn open(store: &mut Store, account: AccountId, name: &str, validity: u32) -> FolderId {
    store
        .open_folder(account, &FolderName::new(name), UidValidity(validity), NOW)
        .unwrap()
        .id
}

pub fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

pub fn print(number: u32) -> Fingerprint {
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().zip(number.to_be_bytes().into_iter().cycle()) {
        *place = byte;
    }
    Fingerprint(bytes)
}

pub fn seen(number: u32) -> Seen {
    Seen {
        uid: uid(number),
        fingerprint: print(number),
        tier: Some(Tier::Ham),
        score: Some(Score(-1_900)),
    }
}

/// A spam in the inbox, to be moved to `Spam`.
pub fn spam(folder: FolderId, number: u32) -> NewIntent {
    NewIntent {
        folder,
        uid: uid(number),
        purpose: Purpose::Scan,
        action: Action::Move,
        fingerprint: print(number),
        flags: [Flag::new(Flag::SEEN)].into_iter().collect(),
        modseq: Some(isbg_types::ModSeq(u64::MAX)),
        internal_date: "17-Jul-1996 02:44:25 -0700".to_owned(),
        size: 4286,
        target: Some(Target {
            folder: FolderName::new("Spam"),
            validity: UidValidity(9),
            uid_next: Some(uid(100)),
        }),
        form: Form::Original,
        copy_fingerprint: None,
        copy_size: None,
        original: Original::Remove,
        trash: None,
        add_flags: Flags::default(),
        remove_flags: Flags::default(),
        score: Some(Score(12_300)),
        tier: Some(Tier::Spam),
        rules: vec!["MISSING_DATE".to_owned(), "URIBL_BLACK".to_owned()],
        sender: "Ann Example <ann@example.net>".to_owned(),
        subject: "Your prize".to_owned(),
        undoes: None,
    }
}
