//! The journal and the history: states go forward only, every change is in the history, an undo is remembered. Does not
//! touch a mailbox.

mod common;

use common::{Lab, NOW, open, print, spam, uid};
use isbg_store::{Action, Error, Filter, Form, NotUndoable, Original, Settlement, State, Step};
use isbg_types::Flag;

fn done(to: u32) -> Settlement {
    Settlement::Done {
        to: Some(uid(to)),
        original: Original::Remove,
        note: None,
    }
}

fn void(reason: &str) -> Settlement {
    Settlement::Void {
        reason: reason.to_owned(),
    }
}

#[test]
fn a_move_from_intent_to_history() {
    let mut lab = Lab::new();
    let plan = spam(lab.inbox, 5);
    let ids = lab.store.plan(lab.run, std::slice::from_ref(&plan), NOW).unwrap();
    let open = lab.store.open_intents(lab.account).unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(
        (open[0].id, open[0].state, open[0].follows),
        (ids[0], State::Planned, false)
    );
    assert_eq!(open[0].plan, plan);
    assert_eq!(open[0].from.folder.as_str(), "INBOX");
    lab.store.advance(&[(ids[0], Step::Sent)], NOW).unwrap();
    lab.reopen();
    assert_eq!(lab.store.open_intents(lab.account).unwrap()[0].state, State::Sent);
    let entries = lab.store.settle(&[(ids[0], done(101))], NOW.plus(1)).unwrap();
    assert!(lab.store.open_intents(lab.account).unwrap().is_empty());
    let history = lab.store.history(&Filter::default(), 10).unwrap();
    assert_eq!(history.len(), 1);
    let entry = &history[0];
    assert_eq!(Some(entry.id), entries[0]);
    assert_eq!(entry.from.uid, uid(5));
    assert_eq!(entry.to.as_ref().unwrap().uid, Some(uid(101)));
    assert_eq!((&entry.rules, &entry.flags), (&plan.rules, &plan.flags));
    assert_eq!(
        (entry.score, entry.tier, entry.at),
        (plan.score, plan.tier, NOW.plus(1))
    );
    assert_eq!(entry.undoable(), Ok(()));
    lab.end();
}

#[test]
fn a_report_of_ours_is_known_again() {
    let mut lab = Lab::new();
    let mut plan = spam(lab.inbox, 5);
    plan.form = Form::Report;
    plan.copy_fingerprint = Some(print(1005));
    plan.original = Original::MarkDeleted;
    plan.action = Action::Copy;
    let id = lab.store.plan(lab.run, &[plan], NOW).unwrap()[0];
    assert_eq!(lab.store.our_copy(lab.account, print(1005)).unwrap(), None);
    lab.store.advance(&[(id, Step::Sent)], NOW).unwrap();
    assert_eq!(
        lab.store.our_copy(lab.account, print(1005)).unwrap(),
        Some(print(5))
    );
    lab.store
        .advance(&[(id, Step::Copied(Some(uid(100))))], NOW)
        .unwrap();
    lab.store.advance(&[(id, Step::Marked)], NOW).unwrap();
    let settlement = Settlement::Done {
        to: None,
        original: Original::MarkDeleted,
        note: None,
    };
    lab.store.settle(&[(id, settlement)], NOW).unwrap();
    let entry = &lab.store.history(&Filter::default(), 1).unwrap()[0];
    assert_eq!(entry.to.as_ref().unwrap().uid, Some(uid(100)));
    assert_eq!(lab.store.our_copy(lab.account, print(5)).unwrap(), None);
    let other = lab.store.account("other", NOW).unwrap();
    assert_eq!(lab.store.our_copy(other, print(1005)).unwrap(), None);
    lab.end();
}

#[test]
fn states_go_forward_only() {
    let mut lab = Lab::new();
    let id = lab.store.plan(lab.run, &[spam(lab.inbox, 1)], NOW).unwrap()[0];
    let refused = |lab: &mut Lab, step| {
        let error = lab.store.advance(&[(id, step)], NOW).unwrap_err();
        assert!(matches!(error, Error::Illegal { .. }), "{error}");
    };
    refused(&mut lab, Step::Copied(None));
    refused(&mut lab, Step::Marked);
    let early = lab.store.settle(&[(id, done(101))], NOW).unwrap_err();
    assert!(matches!(early, Error::Illegal { .. }));
    lab.store.advance(&[(id, Step::Sent)], NOW).unwrap();
    refused(&mut lab, Step::Sent);
    // A copy is wanted, so the original may not be marked before there is one.
    refused(&mut lab, Step::Marked);
    lab.store.advance(&[(id, Step::Copied(None))], NOW).unwrap();
    refused(&mut lab, Step::Sent);
    refused(&mut lab, Step::Copied(None));
    lab.store.advance(&[(id, Step::Marked)], NOW).unwrap();
    lab.store.settle(&[(id, done(101))], NOW).unwrap();
    refused(&mut lab, Step::Sent);
    let again = lab.store.settle(&[(id, void("no"))], NOW).unwrap_err();
    assert!(matches!(again, Error::Illegal { .. }));
    lab.end();
}

#[test]
fn a_batch_is_taken_whole_or_not_at_all() {
    let mut lab = Lab::new();
    let twice = [spam(lab.inbox, 1), spam(lab.inbox, 1)];
    let error = lab.store.plan(lab.run, &twice, NOW).unwrap_err();
    assert!(matches!(error, Error::AlreadyOpen { uid: 1, .. }), "{error}");
    assert!(lab.store.open_intents(lab.account).unwrap().is_empty());

    let plans: Vec<_> = (1..=100).map(|number| spam(lab.inbox, number)).collect();
    let ids = lab.store.plan(lab.run, &plans, NOW).unwrap();
    let mut steps: Vec<_> = ids.iter().map(|&id| (id, Step::Sent)).collect();
    steps.push((ids[0], Step::Marked));
    assert!(lab.store.advance(&steps, NOW).is_err());
    let open = lab.store.open_intents(lab.account).unwrap();
    assert!(open.iter().all(|intent| intent.state == State::Planned));
    steps.pop();
    lab.store.advance(&steps, NOW).unwrap();
    let mut ends: Vec<_> = ids.iter().map(|&id| (id, done(100 + id.0 as u32))).collect();
    ends.push((ids[3], void("again")));
    assert!(lab.store.settle(&ends, NOW).is_err());
    assert!(lab.store.history(&Filter::default(), 1).unwrap().is_empty());
    ends.pop();
    assert_eq!(lab.store.settle(&ends, NOW).unwrap().len(), 100);
    lab.end();
}

#[test]
fn what_changed_nothing_is_not_in_the_history() {
    let mut lab = Lab::new();
    let plans: Vec<_> = (1..=3).map(|number| spam(lab.inbox, number)).collect();
    let ids = lab.store.plan(lab.run, &plans, NOW).unwrap();
    lab.store
        .advance(&[(ids[1], Step::Sent), (ids[2], Step::Sent)], NOW)
        .unwrap();
    lab.store
        .advance(&[(ids[2], Step::Copied(Some(uid(100))))], NOW)
        .unwrap();
    let failed = Settlement::Failed {
        reason: "the server refuses".to_owned(),
    };
    let ends = [
        (ids[0], void("flags changed")),
        (ids[1], failed.clone()),
        (ids[2], void("flags changed")),
    ];
    let entries = lab.store.settle(&ends, NOW).unwrap();
    assert_eq!(
        entries.iter().map(Option::is_some).collect::<Vec<_>>(),
        [false, false, true]
    );
    let entry = lab.store.entry(entries[2].unwrap()).unwrap().unwrap();
    assert_eq!(
        (entry.original, entry.note.as_deref()),
        (Original::Keep, Some("flags changed"))
    );
    assert_eq!(entry.to.unwrap().uid, Some(uid(100)));
    // The message is free to be planned for again.
    lab.store.plan(lab.run, &[spam(lab.inbox, 1)], NOW).unwrap();
    lab.end();
}

#[test]
fn an_undo_is_noted_and_the_message_kept() {
    let mut lab = Lab::new();
    let id = lab.store.plan(lab.run, &[spam(lab.inbox, 5)], NOW).unwrap()[0];
    lab.store.advance(&[(id, Step::Sent)], NOW).unwrap();
    let entry = lab.store.settle(&[(id, done(101))], NOW).unwrap()[0].unwrap();
    assert_eq!(lab.store.last_run_to_undo(lab.account).unwrap(), Some(lab.run));
    assert_eq!(lab.store.kept(lab.account, &[print(5)]).unwrap(), [false]);

    let junk = open(&mut lab.store, lab.account, "Spam", 9);
    let run = lab.store.begin_run(lab.account, "undo", NOW).unwrap();
    let mut back = spam(junk, 101);
    back.fingerprint = print(5);
    back.action = Action::Restore;
    back.undoes = Some(entry);
    let plans = [back.clone(), {
        let mut other = back.clone();
        other.uid = uid(102);
        other
    }];
    let ids = lab.store.plan(run, &plans, NOW).unwrap();
    let steps: Vec<_> = ids.iter().map(|&id| (id, Step::Sent)).collect();
    lab.store.advance(&steps, NOW).unwrap();
    let by = lab.store.settle(&[(ids[0], done(300))], NOW).unwrap()[0].unwrap();
    let undone = lab.store.entry(entry).unwrap().unwrap();
    assert_eq!(undone.undone_by, Some(by));
    assert_eq!(undone.undoable(), Err(NotUndoable::Already(by)));
    assert_eq!(
        lab.store.entry(by).unwrap().unwrap().undoable(),
        Err(NotUndoable::IsUndo)
    );
    assert_eq!(
        lab.store.kept(lab.account, &[print(5), print(6)]).unwrap(),
        [true, false]
    );
    assert_eq!(lab.store.last_run_to_undo(lab.account).unwrap(), None);
    let twice = lab.store.settle(&[(ids[1], done(301))], NOW).unwrap_err();
    assert!(matches!(twice, Error::Undone(_)), "{twice}");
    lab.store
        .settle(&[(ids[1], void("undone already"))], NOW)
        .unwrap();
    lab.end();
}

#[test]
fn what_was_destroyed_cannot_be_undone() {
    let mut lab = Lab::new();
    let mut plan = spam(lab.inbox, 5);
    plan.action = Action::Delete;
    plan.target = None;
    plan.add_flags.insert(Flag::new(Flag::DELETED));
    let id = lab.store.plan(lab.run, &[plan], NOW).unwrap()[0];
    lab.store.advance(&[(id, Step::Sent)], NOW).unwrap();
    lab.store.advance(&[(id, Step::Marked)], NOW).unwrap();
    let entry = lab.store.settle(&[(id, done(1))], NOW).unwrap()[0].unwrap();
    let entry = lab.store.entry(entry).unwrap().unwrap();
    assert_eq!(entry.to, None);
    assert_eq!(entry.undoable(), Err(NotUndoable::Destroyed));
    lab.end();
}

#[test]
fn history_by_account_run_time_and_page() {
    let mut lab = Lab::new();
    for number in 1..=30 {
        let id = lab.store.plan(lab.run, &[spam(lab.inbox, number)], NOW).unwrap()[0];
        lab.store.advance(&[(id, Step::Sent)], NOW).unwrap();
        lab.store
            .settle(&[(id, done(100 + number))], NOW.plus(number.into()))
            .unwrap();
    }
    let numbers = |filter: Filter, limit| -> Vec<u32> {
        let entries = lab.store.history(&filter, limit).unwrap();
        entries.iter().map(|entry| entry.from.uid.get()).collect()
    };
    let page = Filter::default();
    assert_eq!(numbers(page, 3), [30, 29, 28]);
    let before = lab.store.history(&page, 3).unwrap()[2].id;
    let next = Filter {
        before: Some(before),
        ..page
    };
    assert_eq!(numbers(next, 3), [27, 26, 25]);
    let recent = Filter {
        account: Some(lab.account),
        run: Some(lab.run),
        since: Some(NOW.plus(29)),
        before: None,
    };
    assert_eq!(numbers(recent, 10), [30, 29]);
    let other = Filter {
        account: Some(isbg_store::AccountId(99)),
        ..page
    };
    assert!(numbers(other, 10).is_empty());
    lab.end();
}

#[test]
fn nothing_is_planned_across_accounts() {
    let mut lab = Lab::new();
    let other = lab.store.account("other", NOW).unwrap();
    let run = lab.store.begin_run(other, "classic", NOW).unwrap();
    let error = lab.store.plan(run, &[spam(lab.inbox, 1)], NOW).unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    lab.end();
}

#[test]
fn what_comes_next_is_written_down_with_the_end() {
    let mut lab = Lab::new();
    let first = lab.store.plan(lab.run, &[spam(lab.inbox, 5)], NOW).unwrap()[0];
    lab.store.advance(&[(first, Step::Sent)], NOW).unwrap();
    let mut next = spam(lab.inbox, 6);
    next.trash = Some(isbg_types::FolderName::new("Trash"));
    next.copy_size = Some(u64::MAX);
    // What cannot be planned settles nothing either.
    let missing = spam(isbg_store::FolderId(99), 7);
    lab.store
        .settle_and_plan(&[(first, done(101))], &[(first, missing)], NOW)
        .unwrap_err();
    assert_eq!(lab.store.open_intents(lab.account).unwrap().len(), 1);
    let ids = lab
        .store
        .settle_and_plan(&[(first, done(101))], &[(first, next.clone())], NOW)
        .unwrap();
    let open = lab.store.open_intents(lab.account).unwrap();
    assert_eq!(
        (open.len(), open[0].id, open[0].run, open[0].follows),
        (1, ids[0], lab.run, true)
    );
    assert_eq!(open[0].plan, next);
    let settled = lab
        .store
        .settle(&[(ids[0], void("the user was faster"))], NOW)
        .unwrap();
    assert_eq!(settled, [None]);
    lab.end();
}

#[test]
fn a_copy_belongs_to_one_intent() {
    let mut lab = Lab::new();
    let plans = [spam(lab.inbox, 5), spam(lab.inbox, 6)];
    let target = plans[0].target.clone().unwrap();
    let ids = lab.store.plan(lab.run, &plans, NOW).unwrap();
    let steps: Vec<_> = ids.iter().map(|&id| (id, Step::Sent)).collect();
    lab.store.advance(&steps, NOW).unwrap();
    lab.store
        .advance(&[(ids[0], Step::Copied(Some(uid(101))))], NOW)
        .unwrap();
    let claimed = |lab: &Lab, from, except: &[_]| -> Vec<u32> {
        let claimed = lab
            .store
            .claimed(lab.account, &target, uid(from), except)
            .unwrap();
        claimed.iter().map(isbg_types::Uid::get).collect()
    };
    assert_eq!(claimed(&lab, 100, &[]), [101]);
    assert_eq!(claimed(&lab, 102, &[]), Vec::<u32>::new());
    assert_eq!(claimed(&lab, 100, &ids[..1]), Vec::<u32>::new());
    lab.store
        .settle(&[(ids[0], done(101)), (ids[1], done(102))], NOW)
        .unwrap();
    assert_eq!(claimed(&lab, 100, &[]), [101, 102]);
    lab.end();
}

#[test]
fn a_state_of_the_first_schema_is_taken_further() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("state");
    std::fs::create_dir(&directory).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let old = rusqlite::Connection::open(directory.join(isbg_store::FILE)).unwrap();
    old.execute_batch(include_str!("../src/schema/0001_state.sql"))
        .unwrap();
    old.execute_batch(
        "INSERT INTO account VALUES (1, 'home', 1);
         INSERT INTO folder VALUES (1, 1, 'INBOX', 7, 1, NULL);
         INSERT INTO run VALUES (1, 1, 'scan', 1, NULL, '{}');
         INSERT INTO intent (run, account, folder, uid, purpose, action, fingerprint, flags, internal_date, size, form,
             original, add_flags, remove_flags, rules, sender, subject, reached, sends, planned, changed)
         VALUES (1, 1, 1, 5, 'scan', 'delete', zeroblob(32), '[]', '', 9, 'original', 'remove', '[]', '[]', '[]', '', '',
             'sent', 1, 1, 1);
         PRAGMA application_id = 0x69736267; PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let mut store = isbg_store::Store::open(&directory).unwrap();
    let account = store.find_account("home").unwrap().unwrap();
    let open = store.open_intents(account).unwrap();
    assert_eq!(
        (open.len(), open[0].state, open[0].follows),
        (1, State::Sent, false)
    );
    store.settle(&[(open[0].id, void("nobody knows"))], NOW).unwrap();
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}
