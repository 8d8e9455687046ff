//! What the user moved: found, replaced, learned, forgotten. Does not look into any folder.

mod common;

use common::{Lab, NOW, open, print, spam, uid};
use isbg_store::{Correction, Error, FolderId, Followed, Look, Original, Settlement, Step};
use isbg_types::{Class, UidValidity};

fn correction(folder: FolderId, number: u32, class: Class) -> Correction {
    Correction {
        fingerprint: print(number),
        class,
        folder,
        uid: uid(number),
        size: u64::MAX,
        origin: None,
        found: NOW,
    }
}

fn found(all: &[Correction]) -> Look {
    Look {
        found: all.to_vec(),
        ..Look::default()
    }
}

#[test]
fn a_correction_is_replaced_learned_and_forgotten() {
    let mut lab = Lab::new();
    let junk = open(&mut lab.store, lab.account, "Spam", 9);
    let (ham, spam) = (
        correction(lab.inbox, 1, Class::Ham),
        correction(junk, 1, Class::Spam),
    );
    lab.store
        .note_look(lab.account, &found(std::slice::from_ref(&ham)), NOW)
        .unwrap();
    assert_eq!(lab.store.corrections(lab.account).unwrap(), [ham]);
    assert_eq!(lab.store.kept(lab.account, &[print(1)]).unwrap(), [true]);
    lab.store
        .note_look(lab.account, &found(std::slice::from_ref(&spam)), NOW)
        .unwrap();
    assert_eq!(lab.store.corrections(lab.account).unwrap(), [spam]);
    // Once it is learned as spam it is not to be learned again, and is missed when it leaves.
    lab.store.end_corrections(lab.account, &[print(1)], NOW).unwrap();
    assert_eq!(lab.store.corrections(lab.account).unwrap(), []);
    let placed = lab.store.placed(lab.account, junk).unwrap();
    assert_eq!((placed.len(), placed[0].entry, placed[0].uid), (1, None, uid(1)));
    let look = Look {
        left: vec![print(1)],
        found: vec![correction(lab.inbox, 1, Class::Ham)],
        ..Look::default()
    };
    lab.store.note_look(lab.account, &look, NOW).unwrap();
    assert_eq!(lab.store.placed(lab.account, junk).unwrap(), []);
    lab.store.end_corrections(lab.account, &[print(1)], NOW).unwrap();
    assert_eq!(lab.store.corrections(lab.account).unwrap(), []);
    lab.store
        .note_look(lab.account, &found(&[correction(junk, 2, Class::Spam)]), NOW)
        .unwrap();
    lab.store.drop_corrections(lab.account, &[print(2)]).unwrap();
    assert_eq!(lab.store.placed(lab.account, junk).unwrap(), []);
    lab.end();
}

#[test]
fn what_we_moved_is_missed_once() {
    let mut lab = Lab::new();
    let junk = open(&mut lab.store, lab.account, "Spam", 9);
    let id = lab.store.plan(lab.run, &[spam(lab.inbox, 5)], NOW).unwrap()[0];
    lab.store.advance(&[(id, Step::Sent)], NOW).unwrap();
    let done = Settlement::Done {
        to: Some(uid(101)),
        original: Original::Remove,
        note: None,
    };
    let entry = lab.store.settle(&[(id, done)], NOW).unwrap()[0];
    let placed = lab.store.placed(lab.account, junk).unwrap();
    assert_eq!(
        (
            placed[0].entry,
            placed[0].uid,
            placed[0].fingerprint,
            placed[0].size
        ),
        (entry, uid(101), print(5), Some(4286))
    );
    let name = "Spam".into();
    assert!(lab.store.was_placed(lab.account, print(5), &name).unwrap());
    assert!(!lab.store.was_placed(lab.account, print(6), &name).unwrap());
    let look = Look {
        gone: entry.into_iter().collect(),
        ..Look::default()
    };
    lab.store.note_look(lab.account, &look, NOW).unwrap();
    assert_eq!(lab.store.placed(lab.account, junk).unwrap(), []);
    lab.end();
}

#[test]
fn a_look_is_written_whole_or_not_at_all() {
    let mut lab = Lab::new();
    let junk = open(&mut lab.store, lab.account, "Spam", 9);
    let followed = Followed {
        uid_next: uid(u32::MAX),
        earlier: uid(7),
        messages: Some(3),
    };
    let look = Look {
        followed: vec![(lab.inbox, followed)],
        found: vec![correction(junk, 1, Class::Spam)],
        ..Look::default()
    };
    // The folder was made anew meanwhile: nothing that is known of it holds.
    open(&mut lab.store, lab.account, "Spam", 10);
    assert_eq!(lab.store.standing(junk).unwrap(), None);
    let refused = lab.store.note_look(lab.account, &look, NOW).unwrap_err();
    assert!(matches!(refused, Error::Parked(_)), "{refused}");
    assert_eq!(lab.store.followed(lab.inbox).unwrap(), None);
    let look = Look {
        found: Vec::new(),
        ..look
    };
    lab.store.note_look(lab.account, &look, NOW).unwrap();
    assert_eq!(lab.store.followed(lab.inbox).unwrap(), Some(followed));
    assert_eq!(
        lab.store.standing(lab.inbox).unwrap(),
        Some(("INBOX".into(), UidValidity(7)))
    );
    lab.end();
}
