//! The process is killed at any moment: what was acknowledged is there, nothing is there by halves. Does not simulate a
//! power cut.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::child::{self, Running};
use common::{Lab, NOW, open, print, seen, spam, uid};
use isbg_store::{Original, Purpose, Settlement, State, Step, Store};
use isbg_types::{UidSet, UidValidity};

const BATCH: u32 = 50;

fn batch(round: u32) -> std::ops::Range<u32> {
    round * BATCH + 1..(round + 1) * BATCH + 1
}

/// Works through batch after batch, saying after each call that it has returned.
fn work(directory: &std::path::Path) {
    let mut store = Store::open(directory).unwrap();
    let account = store.account("home", NOW).unwrap();
    let inbox = open(&mut store, account, "INBOX", 7);
    let run = store.begin_run(account, "scan", NOW).unwrap();
    for round in 0.. {
        let uids: Vec<_> = batch(round).map(uid).collect();
        store.begin_attempts(inbox, Purpose::Scan, &uids, NOW).unwrap();
        let plans: Vec<_> = batch(round).map(|number| spam(inbox, number)).collect();
        let ids = store.plan(run, &plans, NOW).unwrap();
        child::say(&format!("planned {round}"));
        let steps: Vec<_> = ids.iter().map(|&id| (id, Step::Sent)).collect();
        store.advance(&steps, NOW).unwrap();
        child::say(&format!("sent {round}"));
        let done = |number: u32| Settlement::Done {
            to: Some(uid(100 + number)),
            original: Original::Remove,
            note: None,
        };
        let ends: Vec<_> = ids.iter().copied().zip(batch(round).map(done)).collect();
        store.settle(&ends, NOW).unwrap();
        child::say(&format!("done {round}"));
        let messages: Vec<_> = batch(round).map(seen).collect();
        store.commit_seen(inbox, Purpose::Scan, &messages, NOW).unwrap();
        child::say(&format!("seen {round}"));
    }
}

#[test]
fn killed_at_any_moment() {
    if let Some(directory) = child::directory() {
        return work(&directory);
    }
    for kill_after in 1..=16 {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let mut running = Running::start("killed_at_any_moment", &state);
        let mut said: Vec<String> = (0..kill_after).filter_map(|_| running.line()).collect();
        assert_eq!(said.len(), kill_after);
        said.extend(running.kill());
        look(&state, &said);
    }
}

fn look(state: &std::path::Path, said: &[String]) {
    let mut store = Store::open(state).unwrap();
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
    let account = store.find_account("home").unwrap().unwrap();
    let inbox = store
        .open_folder(account, &"INBOX".into(), UidValidity(7), NOW)
        .unwrap()
        .id;
    let rounds = |what: &str| said.iter().filter(|line| line.starts_with(what)).count() as u64;
    let at_once = u64::from(BATCH);

    // Each call is there whole; at most the one that was under way is there without having been acknowledged.
    let open = store.open_intents(account).unwrap();
    let history = store.history(&Default::default(), 1_000_000).unwrap().len() as u64;
    let seen = store.seen_count(inbox, Purpose::Scan).unwrap();
    for (found, acknowledged) in [(history, rounds("done")), (seen, rounds("seen"))] {
        assert_eq!(found % at_once, 0);
        assert!((acknowledged..=acknowledged + 1).contains(&(found / at_once)));
    }
    let planned = history + open.len() as u64;
    assert_eq!(planned % at_once, 0);
    assert!((rounds("planned")..=rounds("planned") + 1).contains(&(planned / at_once)));
    assert!(open.windows(2).all(|pair| pair[0].state == pair[1].state));
    if rounds("sent") > rounds("done") {
        assert!(open.iter().all(|intent| intent.state == State::Sent));
    }
    // What was begun and is not seen is known to be suspect.
    let attempts = store.attempts(inbox, Purpose::Scan).unwrap();
    assert!(attempts.iter().all(|attempt| attempt.crashes == 1));
    let suspects: UidSet = attempts.iter().map(|attempt| attempt.uid).collect();
    assert_eq!(store.unseen(inbox, Purpose::Scan, &suspects).unwrap(), suspects);
    assert!(open.iter().all(|intent| suspects.contains(intent.from.uid)));
}

#[test]
fn killed_within_a_transaction() {
    if let Some(directory) = child::directory() {
        let store = Store::open(&directory).unwrap();
        let conn = rusqlite::Connection::open(store.path()).unwrap();
        // A cache of a few pages makes SQLite write pages of the transaction into the file before its end.
        conn.execute_batch(
            "PRAGMA cache_size = 5; BEGIN IMMEDIATE; UPDATE intent SET outcome = 'done', reached = 'sent'",
        )
        .unwrap();
        for number in 10..20_000 {
            let row = (number, print(number).0);
            conn.execute(
                "INSERT INTO seen (folder, purpose, uid, fingerprint, at) VALUES (1, 'scan', ?1, ?2, 0)",
                row,
            )
            .unwrap();
        }
        child::say("in the middle");
        return child::wait();
    }
    let mut lab = Lab::new();
    let directory = lab.directory.path().join("state");
    lab.store.plan(lab.run, &[spam(lab.inbox, 1)], NOW).unwrap();
    lab.store
        .commit_seen(lab.inbox, Purpose::Scan, &[seen(1)], NOW)
        .unwrap();
    let mut running = Running::start("killed_within_a_transaction", &directory);
    assert_eq!(running.line().as_deref(), Some("in the middle"));
    let log = std::fs::metadata(directory.join("isbg.db-wal")).unwrap().len();
    assert!(
        log > 1_000_000,
        "nothing of the transaction had reached the file: {log}"
    );
    running.kill();
    lab.reopen();
    assert_eq!(lab.store.open_intents(lab.account).unwrap().len(), 1);
    assert_eq!(lab.store.seen_count(lab.inbox, Purpose::Scan).unwrap(), 1);
    lab.end();
}
