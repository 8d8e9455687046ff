//! The disk is full, the file is held or read-only, at every write in turn: the call fails with its reason, nothing is
//! there by halves, and the same call succeeds once there is room. Does not fill a real disk.

use std::time::Duration;

use isbg_types::{Class, Fingerprint, Flags, FolderName, Uid, UidSet, UidValidity};

use crate::{
    AccountId, Action, Counters, Error, FolderId, Form, Mark, NewIntent, NoVerdict, Original, Purpose,
    Result, RunId, Settlement, Step, Store, Target, Timestamp,
};

const NOW: Timestamp = Timestamp(1_700_000_000);

fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

/// An intent that fills some pages.
fn large(folder: FolderId, number: u32) -> NewIntent {
    NewIntent {
        folder,
        uid: uid(number),
        purpose: Purpose::Scan,
        action: Action::Move,
        fingerprint: Fingerprint([number as u8; 32]),
        flags: Flags::default(),
        modseq: None,
        internal_date: "x".repeat(9000),
        size: 1,
        target: Some(Target {
            folder: FolderName::new("Spam"),
            validity: UidValidity(1),
            uid_next: None,
        }),
        form: Form::Original,
        copy_fingerprint: None,
        copy_size: None,
        original: Original::Remove,
        trash: None,
        add_flags: Flags::default(),
        remove_flags: Flags::default(),
        score: None,
        tier: None,
        rules: Vec::new(),
        sender: "s".repeat(1000),
        subject: "ü".repeat(1000),
        undoes: None,
    }
}

type Call = fn(&mut Store) -> Result<()>;

const ACCOUNT: AccountId = AccountId(1);
const INBOX: FolderId = FolderId(1);
const RUN: RunId = RunId(1);

/// One call of each kind that writes, in an order in which each can succeed, and each large enough to need pages.
const CALLS: [(&str, Call); 14] = [
    ("account", |store| store.account(&"l".repeat(9000), NOW).map(drop)),
    ("begin_run", |store| {
        store.begin_run(ACCOUNT, &"k".repeat(9000), NOW).map(drop)
    }),
    ("open_folder", |store| {
        let name = FolderName::new("f".repeat(9000));
        store.open_folder(ACCOUNT, &name, UidValidity(1), NOW).map(drop)
    }),
    ("set_mark", |store| {
        let mark = Mark {
            uid_next: None,
            modseq: None,
            messages: None,
            complete_below: uid(1),
            conditions: "c".repeat(9000),
            at: NOW,
        };
        store.set_mark(INBOX, Purpose::Scan, &mark)
    }),
    ("adopt", |store| {
        let uids: UidSet = (1..2000).map(uid).collect();
        store.adopt(INBOX, Purpose::LearnHam, &uids, NOW)
    }),
    ("begin_attempts", |store| {
        let uids: Vec<Uid> = (1..2000).map(uid).collect();
        store.begin_attempts(INBOX, Purpose::Scan, &uids, NOW)
    }),
    ("end_without_verdict", |store| {
        let failure = |number| NoVerdict {
            uid: uid(number),
            next_try: NOW,
            error: "e".repeat(500),
        };
        store.end_without_verdict(
            INBOX,
            Purpose::Scan,
            &(1..200).map(failure).collect::<Vec<_>>(),
            NOW,
        )
    }),
    ("commit_seen", |store| {
        let seen = |number: u32| crate::Seen {
            uid: uid(number),
            fingerprint: Fingerprint([number as u8; 32]),
            tier: None,
            score: None,
        };
        store.commit_seen(
            INBOX,
            Purpose::Scan,
            &(1..2000).map(seen).collect::<Vec<_>>(),
            NOW,
        )
    }),
    ("plan", |store| {
        store
            .plan(
                RUN,
                &(1..20).map(|number| large(INBOX, number)).collect::<Vec<_>>(),
                NOW,
            )
            .map(drop)
    }),
    ("advance", |store| {
        let open = store.open_intents(ACCOUNT)?;
        let steps: Vec<_> = open.iter().map(|intent| (intent.id, Step::Sent)).collect();
        store.advance(&steps, NOW)
    }),
    ("settle", |store| {
        let done = Settlement::Done {
            to: None,
            original: Original::Remove,
            note: Some("n".repeat(9000)),
        };
        let open = store.open_intents(ACCOUNT)?;
        let ends: Vec<_> = open.iter().map(|intent| (intent.id, done.clone())).collect();
        store.settle(&ends, NOW).map(drop)
    }),
    ("note_learned", |store| {
        let lesson = |number: u32| (Fingerprint([number as u8; 32]), Class::Spam);
        store.note_learned(
            ACCOUNT,
            &"e".repeat(9000),
            &(0..20).map(lesson).collect::<Vec<_>>(),
            NOW,
        )
    }),
    ("keep", |store| {
        store.keep(ACCOUNT, &[Fingerprint([1; 32])], &"r".repeat(9000), NOW)
    }),
    ("end_run", |store| store.end_run(RUN, &Counters::default(), NOW)),
];

fn begun() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(&directory.path().join("state")).unwrap();
    assert_eq!(store.account("home", NOW).unwrap(), ACCOUNT);
    let inbox = store
        .open_folder(ACCOUNT, &FolderName::new("INBOX"), UidValidity(1), NOW)
        .unwrap();
    assert_eq!(inbox.id, INBOX);
    assert_eq!(store.begin_run(ACCOUNT, "scan", NOW).unwrap(), RUN);
    (directory, store)
}

/// Everything in the file, as text.
fn content(store: &Store) -> Vec<String> {
    let tables = [
        "account", "folder", "mark", "seen", "attempt", "run", "intent", "history", "learned", "kept",
    ];
    let mut all = Vec::new();
    for table in tables {
        let mut statement = store.conn.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<_> = (0..columns).map(|column| row.get_ref(column).unwrap()).collect();
            all.push(format!("{table} {values:?}"));
        }
    }
    all
}

#[test]
fn full_at_every_write() {
    let (_directory, mut store) = begun();
    for (name, call) in CALLS {
        let pages: i64 = store
            .conn
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        let before = content(&store);
        let mut refused = 0;
        for room in 0.. {
            store
                .conn
                .pragma_update_and_check(None, "max_page_count", pages + room, |_| Ok(()))
                .unwrap();
            match call(&mut store) {
                Ok(()) => break,
                Err(Error::Full { .. }) => refused += 1,
                Err(other) => panic!("{name} with room for {room} pages: {other}"),
            }
            assert_eq!(content(&store), before, "{name} with room for {room} pages");
            assert_eq!(store.check().unwrap(), Vec::<String>::new());
        }
        // These two change a few bytes where they stand.
        assert!(
            refused > 0 || name == "end_run" || name == "advance",
            "{name} never ran out of room"
        );
        assert_eq!(store.check().unwrap(), Vec::<String>::new());
    }
}

#[test]
fn read_only_at_every_write() {
    let (_directory, mut store) = begun();
    for (name, call) in CALLS {
        store.conn.pragma_update(None, "query_only", true).unwrap();
        let refused = call(&mut store);
        assert!(
            matches!(refused, Err(Error::ReadOnly { .. })),
            "{name}: {refused:?}"
        );
        store.conn.pragma_update(None, "query_only", false).unwrap();
        call(&mut store).unwrap();
    }
}

#[test]
fn held_by_another_at_every_write() {
    let (directory, mut store) = begun();
    store.conn.busy_timeout(Duration::ZERO).unwrap();
    let other = Store::open(&directory.path().join("state")).unwrap();
    for (name, call) in CALLS {
        other.conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        let refused = call(&mut store);
        assert!(matches!(refused, Err(Error::Busy { .. })), "{name}: {refused:?}");
        // Reading goes on meanwhile.
        store.history(&crate::Filter::default(), 1).unwrap();
        other.conn.execute_batch("ROLLBACK").unwrap();
        call(&mut store).unwrap();
    }
}
