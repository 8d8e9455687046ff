//! Folders, seen messages, attempts, lessons. Does not touch the journal, save where a UIDVALIDITY change voids it.

mod common;

use std::collections::BTreeMap;

use common::{Lab, NOW, open, print, seen, spam, uid};
use isbg_store::{Counters, Error, Filter, Mark, NoVerdict, Purpose, Standing, Step};
use isbg_types::{Class, FolderName, ModSeq, Uid, UidSet, UidValidity};
use proptest::prelude::*;

fn set(uids: impl IntoIterator<Item = u32>) -> UidSet {
    uids.into_iter().map(uid).collect()
}

const _: () = {
    const fn goes_to_another_thread<T: Send>() {}
    goes_to_another_thread::<isbg_store::Store>();
    goes_to_another_thread::<isbg_store::AccountLock>();
};

#[test]
fn accounts_and_runs() {
    let mut lab = Lab::new();
    assert_eq!(lab.store.account("me@example.org:993", NOW).unwrap(), lab.account);
    let home = lab.store.account("home", NOW).unwrap();
    assert_eq!(lab.store.find_account("home").unwrap(), Some(home));
    assert_eq!(lab.store.find_account("Home").unwrap(), None);
    assert_eq!(
        lab.store.accounts().unwrap(),
        [
            (home, "home".to_owned()),
            (lab.account, "me@example.org:993".to_owned())
        ]
    );
    let run = lab.store.begin_run(home, "scan", NOW).unwrap();
    let counters = Counters {
        judged: 7,
        spam: 2,
        ..Counters::default()
    };
    lab.store.end_run(run, &counters, NOW.plus(60)).unwrap();
    let runs = lab.store.runs(None, 10).unwrap();
    assert_eq!(
        (runs.len(), runs[0].counters, runs[0].ended),
        (2, counters, Some(NOW.plus(60)))
    );
    assert_eq!(lab.store.runs(Some(lab.account), 10).unwrap()[0].ended, None);
    let error = lab
        .store
        .end_run(isbg_store::RunId(99), &counters, NOW)
        .unwrap_err();
    assert!(matches!(error, Error::Missing { what: "run", id: 99 }), "{error}");
    lab.end();
}

#[test]
fn marks_are_kept_per_purpose() {
    let mut lab = Lab::new();
    let mark = Mark {
        uid_next: Some(uid(u32::MAX)),
        modseq: Some(ModSeq(u64::MAX)),
        messages: Some(100_000),
        complete_below: uid(42),
        conditions: "smaller 120000".to_owned(),
        at: NOW,
    };
    assert_eq!(lab.store.mark(lab.inbox, Purpose::Scan).unwrap(), None);
    lab.store.set_mark(lab.inbox, Purpose::Scan, &mark).unwrap();
    assert_eq!(
        lab.store.mark(lab.inbox, Purpose::Scan).unwrap(),
        Some(mark.clone())
    );
    assert_eq!(lab.store.mark(lab.inbox, Purpose::LearnHam).unwrap(), None);
    let bare = Mark {
        uid_next: None,
        modseq: None,
        messages: None,
        ..mark
    };
    lab.store.set_mark(lab.inbox, Purpose::Scan, &bare).unwrap();
    assert_eq!(lab.store.mark(lab.inbox, Purpose::Scan).unwrap(), Some(bare));
    lab.end();
}

#[test]
fn another_uidvalidity_parks_what_was_known() {
    let mut lab = Lab::new();
    let inbox = FolderName::new("inbox");
    lab.store
        .commit_seen(lab.inbox, Purpose::Scan, &[seen(1), seen(2)], NOW)
        .unwrap();
    lab.store
        .note_learned(lab.account, "spamd", &[(print(1), Class::Ham)], NOW)
        .unwrap();
    lab.store.keep(lab.account, &[print(2)], "put back", NOW).unwrap();
    let plans = [spam(lab.inbox, 1), spam(lab.inbox, 2)];
    let ids = lab.store.plan(lab.run, &plans, NOW).unwrap();
    lab.store.advance(&[(ids[1], Step::Sent)], NOW).unwrap();
    lab.store
        .advance(&[(ids[1], Step::Copied(Some(uid(100))))], NOW)
        .unwrap();

    let again = lab
        .store
        .open_folder(lab.account, &inbox, UidValidity(7), NOW)
        .unwrap();
    assert_eq!((again.id, again.standing), (lab.inbox, Standing::Known));
    let changed = lab
        .store
        .open_folder(lab.account, &inbox, UidValidity(8), NOW)
        .unwrap();
    assert_ne!(changed.id, lab.inbox);
    assert_eq!(
        changed.standing,
        Standing::Changed {
            was: UidValidity(7),
            voided: ids,
            changes_today: 1
        }
    );
    assert!(lab.store.open_intents(lab.account).unwrap().is_empty());
    // What had been copied shows in the history, though the intent is void.
    assert_eq!(lab.store.history(&Filter::default(), 10).unwrap().len(), 1);
    assert_eq!(
        lab.store.unseen(changed.id, Purpose::Scan, &set([1, 2])).unwrap(),
        set([1, 2])
    );
    assert_eq!(lab.store.seen_count(lab.inbox, Purpose::Scan).unwrap(), 2);
    for refused in [
        lab.store.commit_seen(lab.inbox, Purpose::Scan, &[seen(3)], NOW),
        lab.store.begin_attempts(lab.inbox, Purpose::Scan, &[uid(3)], NOW),
        lab.store.adopt(lab.inbox, Purpose::Scan, &set([3]), NOW),
        lab.store.plan(lab.run, &[spam(lab.inbox, 3)], NOW).map(drop),
        lab.store.forget_missing(lab.inbox, &set([])).map(drop),
    ] {
        assert!(matches!(refused, Err(Error::Parked(_))), "{refused:?}");
    }
    // By fingerprint everything is still known.
    let judged = lab.store.last_judged(lab.account, &[print(2), print(9)]).unwrap();
    assert_eq!(judged, [Some((lab.inbox, uid(2))), None]);
    assert_eq!(
        lab.store.learned(lab.account, "spamd", &[print(1)]).unwrap(),
        [Some(Class::Ham)]
    );
    assert_eq!(lab.store.kept(lab.account, &[print(2)]).unwrap(), [true]);
    lab.end();
}

#[test]
fn changes_are_counted_within_a_day() {
    let mut lab = Lab::new();
    let name = FolderName::new("Lists");
    let mut counted = Vec::new();
    for (validity, hours) in [(1, 0), (2, 1), (3, 2), (4, 20), (5, 30), (5, 31), (1, 31)] {
        let now = NOW.plus(hours * 3600);
        let opened = lab
            .store
            .open_folder(lab.account, &name, UidValidity(validity), now)
            .unwrap();
        counted.push(match opened.standing {
            Standing::Changed { changes_today, .. } => changes_today,
            Standing::New | Standing::Known => 0,
        });
    }
    assert_eq!(counted, [0, 1, 2, 3, 2, 0, 3]);
    lab.end();
}

#[test]
fn seen_by_scanning_is_not_learned() {
    let mut lab = Lab::new();
    lab.store
        .commit_seen(lab.inbox, Purpose::Scan, &[seen(1)], NOW)
        .unwrap();
    assert!(
        lab.store
            .unseen(lab.inbox, Purpose::Scan, &set([1]))
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        lab.store
            .unseen(lab.inbox, Purpose::LearnSpam, &set([1]))
            .unwrap(),
        set([1])
    );
    let other = open(&mut lab.store, lab.account, "Other", 7);
    assert_eq!(
        lab.store.unseen(other, Purpose::Scan, &set([1])).unwrap(),
        set([1])
    );
    assert!(
        lab.store
            .unseen(other, Purpose::Scan, &UidSet::new())
            .unwrap()
            .is_empty()
    );
    lab.end();
}

#[test]
fn adopted_messages_have_no_verdict() {
    let mut lab = Lab::new();
    lab.store
        .commit_seen(lab.inbox, Purpose::Scan, &[seen(2)], NOW)
        .unwrap();
    lab.store
        .adopt(lab.inbox, Purpose::Scan, &set([1, 2, 3]), NOW)
        .unwrap();
    assert_eq!(lab.store.seen_count(lab.inbox, Purpose::Scan).unwrap(), 3);
    let judged = lab.store.last_judged(lab.account, &[print(2), print(1)]).unwrap();
    assert_eq!(judged, [Some((lab.inbox, uid(2))), None]);
    lab.end();
}

#[test]
fn a_message_that_kills_is_known_by_its_crashes() {
    let mut lab = Lab::new();
    let counts = |lab: &Lab| -> Vec<(u32, u32, u32)> {
        let attempts = lab.store.attempts(lab.inbox, Purpose::Scan).unwrap();
        attempts
            .iter()
            .map(|it| (it.uid.get(), it.tries, it.crashes))
            .collect()
    };
    lab.store
        .begin_attempts(lab.inbox, Purpose::Scan, &[uid(1), uid(2), uid(3)], NOW)
        .unwrap();
    // The process dies.
    lab.reopen();
    assert_eq!(counts(&lab), [(1, 1, 1), (2, 1, 1), (3, 1, 1)]);
    lab.store
        .begin_attempts(lab.inbox, Purpose::Scan, &[uid(1)], NOW)
        .unwrap();
    lab.store
        .commit_seen(lab.inbox, Purpose::Scan, &[seen(1)], NOW)
        .unwrap();
    lab.store
        .begin_attempts(lab.inbox, Purpose::Scan, &[uid(2)], NOW)
        .unwrap();
    // It dies again, over the second message alone.
    lab.reopen();
    assert_eq!(counts(&lab), [(2, 2, 2), (3, 1, 1)]);
    assert!(
        lab.store
            .attempts(lab.inbox, Purpose::LearnHam)
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        lab.store.unseen(lab.inbox, Purpose::Scan, &set(1..=3)).unwrap(),
        set([2, 3])
    );
    lab.end();
}

#[test]
fn no_verdict_is_tried_again_and_never_seen() {
    let mut lab = Lab::new();
    let failure = |text: &str| NoVerdict {
        uid: uid(1),
        next_try: NOW.plus(300),
        error: text.to_owned(),
    };
    lab.store
        .begin_attempts(lab.inbox, Purpose::Scan, &[uid(1), uid(2)], NOW)
        .unwrap();
    let long = "é".repeat(400);
    lab.store
        .end_without_verdict(lab.inbox, Purpose::Scan, &[failure(&long)], NOW)
        .unwrap();
    lab.store
        .withdraw_attempts(lab.inbox, Purpose::Scan, &[uid(2)])
        .unwrap();
    let attempts = lab.store.attempts(lab.inbox, Purpose::Scan).unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!((attempts[0].tries, attempts[0].crashes), (1, 0));
    assert_eq!(attempts[0].next_try, Some(NOW.plus(300)));
    assert_eq!(attempts[0].error.as_deref(), Some("é".repeat(250).as_str()));
    lab.store
        .begin_attempts(lab.inbox, Purpose::Scan, &[uid(1)], NOW)
        .unwrap();
    lab.store
        .end_without_verdict(lab.inbox, Purpose::Scan, &[failure("timeout")], NOW)
        .unwrap();
    let attempts = lab.store.attempts(lab.inbox, Purpose::Scan).unwrap();
    assert_eq!((attempts[0].tries, attempts[0].crashes), (2, 0));
    assert_eq!(
        lab.store.unseen(lab.inbox, Purpose::Scan, &set([1])).unwrap(),
        set([1])
    );
    lab.store.forget_missing(lab.inbox, &set([5])).unwrap();
    assert!(lab.store.attempts(lab.inbox, Purpose::Scan).unwrap().is_empty());
    lab.end();
}

#[test]
fn learned_once_a_class() {
    let mut lab = Lab::new();
    let (account, one) = (lab.account, print(1));
    lab.store
        .note_learned(
            account,
            "spamd",
            &[(one, Class::Spam), (print(2), Class::Ham)],
            NOW,
        )
        .unwrap();
    lab.store
        .note_learned(account, "spamd", &[(one, Class::Ham)], NOW)
        .unwrap();
    assert_eq!(
        lab.store.learned(account, "spamd", &[one, print(3)]).unwrap(),
        [Some(Class::Ham), None]
    );
    assert_eq!(lab.store.learned(account, "rspamd", &[one]).unwrap(), [None]);
    assert_eq!(lab.store.learned_counts(account, "spamd").unwrap(), (2, 0));
    lab.end();
}

#[derive(Debug, Clone)]
enum Act {
    See(Vec<u32>),
    Adopt(u32, u32),
    Forget(u32, u32),
    Ask(u32, u32),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let range = || (1u32..40, 1u32..40);
    let act = prop_oneof![
        prop::collection::vec(1u32..40, 0..8).prop_map(Act::See),
        range().prop_map(|(one, other)| Act::Adopt(one, other)),
        range().prop_map(|(one, other)| Act::Forget(one, other)),
        range().prop_map(|(one, other)| Act::Ask(one, other)),
    ];
    prop::collection::vec(act, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn seen_is_a_plain_map(acts in acts()) {
        let mut lab = Lab::new();
        let mut model: BTreeMap<u32, bool> = BTreeMap::new();
        let range = |one: u32, other: u32| one.min(other)..=one.max(other);
        for act in acts {
            match act {
                Act::See(uids) => {
                    let messages: Vec<_> = uids.iter().map(|&number| seen(number)).collect();
                    lab.store.commit_seen(lab.inbox, Purpose::Scan, &messages, NOW).unwrap();
                    model.extend(uids.into_iter().map(|number| (number, true)));
                }
                Act::Adopt(one, other) => {
                    lab.store.adopt(lab.inbox, Purpose::Scan, &set(range(one, other)), NOW).unwrap();
                    for number in range(one, other) {
                        model.entry(number).or_insert(false);
                    }
                }
                Act::Forget(one, other) => {
                    let before = model.len();
                    model.retain(|number, _| range(one, other).contains(number));
                    let gone = lab.store.forget_missing(lab.inbox, &set(range(one, other))).unwrap();
                    prop_assert_eq!(gone as usize, before - model.len());
                }
                Act::Ask(one, other) => {
                    let rest = lab.store.unseen(lab.inbox, Purpose::Scan, &set(range(one, other))).unwrap();
                    let rest: Vec<u32> = rest.iter().map(Uid::get).collect();
                    let plain: Vec<u32> = range(one, other).filter(|number| !model.contains_key(number)).collect();
                    prop_assert_eq!(rest, plain);
                }
            }
        }
        let prints: Vec<_> = (1..40).map(print).collect();
        let judged = lab.store.last_judged(lab.account, &prints).unwrap();
        let plain: Vec<bool> = (1..40).map(|number| model.get(&number) == Some(&true)).collect();
        prop_assert_eq!(judged.iter().map(Option::is_some).collect::<Vec<_>>(), plain);
        lab.clean();
    }
}
