//! Changing a mailbox on servers that do odd things, against scripts. Time is paused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use common::{Ears, at_home, done, plain, set, uid};
use isbg_imap::transfer::{self, Change, Changing, Copied, SelectError};
use isbg_imap::{Client, Error, InternalDate, Outcome};
use isbg_spool::Spool;
use isbg_types::{Flag, Flags, ModSeq, UidValidity};

/// A client whose script begins with `A2`, and the folder `INBOX` of UIDVALIDITY 7 to be opened for changes.
async fn with(capabilities: &str, script: &str) -> (Client, common::Rest) {
    let condstore = if capabilities.contains("CONDSTORE") {
        " (CONDSTORE)"
    } else {
        ""
    };
    let open = format!(
        "C: A1 SELECT INBOX{condstore}\nS: * 3 EXISTS\nS: * OK [UIDVALIDITY 7] x\nS: A1 OK [READ-WRITE] x\n"
    );
    at_home(capabilities, &(open + script), plain()).await
}

async fn open(client: &mut Client) -> Changing<'_> {
    transfer::select(client, &"INBOX".into(), UidValidity(7))
        .await
        .unwrap()
}

/// Moves messages 1 and 3 on a server that answers so.
async fn moving(said: &str) -> Outcome<Option<Copied>> {
    let (mut client, _rest) = with("MOVE", &format!("C: A2 UID MOVE 1,3 Junk\n{said}")).await;
    open(&mut client)
        .await
        .move_messages(&set([1, 3]), &"Junk".into())
        .await
}

fn deleted() -> Flags {
    [Flag::new(Flag::DELETED)].into_iter().collect()
}

#[tokio::test(start_paused = true)]
async fn only_the_right_folder_is_opened() {
    for (said, read_only) in [
        ("S: * OK [UIDVALIDITY 8] x\nS: A1 OK [READ-WRITE] x", false),
        ("S: A1 OK [READ-WRITE] x", false),
        ("S: * OK [UIDVALIDITY 7] x\nS: A1 OK [READ-ONLY] x", true),
    ] {
        let (mut client, rest) = at_home("", &format!("C: A1 SELECT INBOX\n{said}"), plain()).await;
        let error = transfer::select(&mut client, &"INBOX".into(), UidValidity(7))
            .await
            .unwrap_err();
        assert_eq!(matches!(error, SelectError::ReadOnly), read_only, "{said}");
        assert_eq!(
            matches!(error, SelectError::ValidityChanged { .. }),
            !read_only,
            "{said}"
        );
        drop(client);
        assert_eq!(rest.await.unwrap(), b"");
    }
}

#[tokio::test(start_paused = true)]
async fn a_folder_made_anew_under_us_is_left_alone() {
    let (mut client, rest) = with(
        "MOVE",
        "C: A2 UID STORE 1 +FLAGS.SILENT (\\Deleted)\nS: * OK [UIDVALIDITY 8] new\nS: A2 OK",
    )
    .await;
    let mut inbox = open(&mut client).await;
    done(inbox.store(&set([1]), Change::Add, &deleted(), None).await);
    assert!(matches!(
        inbox.move_messages(&set([1]), &"Junk".into()).await,
        Outcome::NotSent(_)
    ));
    drop(client);
    assert_eq!(rest.await.unwrap(), b"");
}

#[tokio::test(start_paused = true)]
async fn receipts_of_a_move_wherever_they_come() {
    for said in [
        "S: * OK [COPYUID 9 1,3 11:12] moved\nS: * 1 EXPUNGE\nS: * 2 EXPUNGE\nS: A2 OK",
        "S: * 1 EXPUNGE\nS: * 2 EXPUNGE\nS: A2 OK [COPYUID 9 1,3 11:12] done",
        "S: * OK [COPYUID 9 1,3 11:12] x\nS: A2 OK [COPYUID 9 1,3 11:12] twice",
        "S: [COPYUID 9 1,3 11:12]\nS: A2 OK",
        "S: * OK [COPYUID 9 1 11] x\nS: * OK [COPYUID 9 3 12] x\nS: * VANISHED 1,3\nS: A2 OK",
    ] {
        let copied = done(moving(said).await).unwrap();
        assert_eq!(copied.validity, UidValidity(9), "{said}");
        assert_eq!(copied.pairs, [(uid(1), uid(11)), (uid(3), uid(12))], "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn receipts_that_prove_nothing_are_none() {
    for said in [
        "S: A2 OK",
        "S: * OK [COPYUID 14  ]\nS: A2 OK",
        "S: A2 OK [COPYUID 9 1,3 11] lengths differ",
        "S: A2 OK [COPYUID 9 1,4 11:12] 4 was not asked for",
        "S: A2 OK [COPYUID 9 1:4294967295 1:4294967295] all of them",
        "S: A2 OK [COPYUID 9 1,3 11:*] no end",
        "S: * OK [COPYUID 9 1 11] x\nS: * OK [COPYUID 8 3 12] other folder\nS: A2 OK",
        "S: * OK [COPYUID 9 1 11] x\nS: A2 OK [COPYUID 9 1 12] contradicts",
        "S: A2 OK [APPENDUID 9 11] another command's",
    ] {
        assert_eq!(done(moving(said).await), None, "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn refused_or_unknown() {
    for said in [
        "S: A2 NO [TRYCREATE] no such folder",
        "S: A2 BAD what",
        "S: * 5 EXISTS\nS: A2 NO",
    ] {
        let outcome = moving(said).await;
        assert!(matches!(outcome, Outcome::Refused(_)), "{said}: {outcome:?}");
    }
    for said in [
        "",
        "!",
        "S: * BYE gone\n!",
        "S: * OK [COPYUID 9 1 11] half\nS: A2 NO the rest failed",
        "S: A1 OK stale",
        "S: garbage",
        "s: A2 OK without its end",
    ] {
        let outcome = moving(said).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{said}: {outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_lacks_is_not_sent() {
    let (mut client, rest) = with("", "").await;
    let mut inbox = open(&mut client).await;
    assert!(matches!(
        inbox.move_messages(&set([1]), &"Junk".into()).await,
        Outcome::NotSent(Error::Unsupported("MOVE"))
    ));
    assert!(matches!(
        inbox.expunge(&set([1])).await,
        Outcome::NotSent(Error::Unsupported("UIDPLUS"))
    ));
    assert!(matches!(
        inbox
            .store(&set([1]), Change::Add, &deleted(), Some(ModSeq(5)))
            .await,
        Outcome::NotSent(Error::Unsupported("CONDSTORE"))
    ));
    assert!(matches!(
        inbox.copy(&set([]), &"Junk".into()).await,
        Outcome::NotSent(Error::Unsendable(_))
    ));
    drop(client);
    assert_eq!(rest.await.unwrap(), b"");
}

#[tokio::test(start_paused = true)]
async fn stores_that_leave_changed_messages_alone() {
    for said in ["OK [MODIFIED 3] conditional", "NO [MODIFIED 3] none was stored"] {
        let script = format!(
            "C: A2 UID STORE 1,3 (UNCHANGEDSINCE 50) +FLAGS.SILENT (\\Deleted)
            S: * 1 FETCH (UID 1 MODSEQ (60))
            S: A2 {said}"
        );
        let (mut client, _) = with("CONDSTORE", &script).await;
        let stored = open(&mut client)
            .await
            .store(&set([1, 3]), Change::Add, &deleted(), Some(ModSeq(50)))
            .await;
        assert_eq!(done(stored).modified, set([3]));
    }
    let (mut client, _) = with("", "C: A2 UID STORE 1 -FLAGS.SILENT ()\nS: A2 OK").await;
    let flags: Flags = [Flag::new(Flag::RECENT), Flag::new("a b")].into_iter().collect();
    let stored = open(&mut client)
        .await
        .store(&set([1]), Change::Remove, &flags, None)
        .await;
    assert_eq!(done(stored).modified, set([]));
}

#[tokio::test(start_paused = true)]
async fn only_named_messages_are_expunged() {
    let (mut client, _) = with("UIDPLUS", "C: A2 UID EXPUNGE 1,3\nS: * 1 EXPUNGE\nS: A2 OK").await;
    done(open(&mut client).await.expunge(&set([1, 3])).await);
}

async fn appending(
    capabilities: &str,
    script: &str,
    message: &[u8],
) -> Outcome<Option<(UidValidity, isbg_types::Uid)>> {
    let (mut client, _rest) = at_home(capabilities, script, plain()).await;
    let flags: Flags = ["\\Seen", "\\Recent", "odd]one", "a b"]
        .map(Flag::new)
        .into_iter()
        .collect();
    let date = InternalDate::new(" 1-Feb-2024 03:04:05 +0100");
    transfer::append(
        &mut client,
        &"Junk".into(),
        &Spool::from(message.to_vec()),
        &flags,
        Some(&date),
    )
    .await
}

const APPEND: &str = "C: A1 APPEND Junk (\\Seen odd]one) \" 1-Feb-2024 03:04:05 +0100\"";

#[tokio::test(start_paused = true)]
async fn appends_with_and_without_waiting() {
    let receipt = "S: A1 OK [APPENDUID 9 11] done";
    for (capabilities, script) in [
        (
            "",
            format!("{APPEND} {{4}}\nS: * 5 EXISTS\nS: * OK hold on\nS: + go\nC: mail\n{receipt}"),
        ),
        ("LITERAL+", format!("{APPEND} {{4+}}\nC: mail\n{receipt}")),
        ("LITERAL-", format!("{APPEND} {{4+}}\nC: mail\n{receipt}")),
        ("BINARY", format!("{APPEND} {{4}}\nS: +\nC: mail\n{receipt}")),
    ] {
        let receipt = done(appending(capabilities, &script, b"mail").await);
        assert_eq!(receipt, Some((UidValidity(9), uid(11))), "{script}");
    }
    let long = "m".repeat(4097);
    let script = format!("{APPEND} {{4097}}\nS: + go\nC: {long}\nS: A1 OK");
    assert_eq!(done(appending("LITERAL-", &script, long.as_bytes()).await), None);
    let script = format!("{APPEND} ~{{3}}\nS: + go\nc: a\\0b\\r\\n\nS: A1 OK");
    assert_eq!(done(appending("BINARY", &script, b"a\0b").await), None);
}

#[tokio::test(start_paused = true)]
async fn appends_that_fail() {
    for said in [
        "S: A1 NO [OVERQUOTA] full",
        "S: A1 NO [TRYCREATE] none",
        "S: A1 BAD",
    ] {
        let outcome = appending("", &format!("{APPEND} {{4}}\n{said}"), b"mail").await;
        assert!(matches!(outcome, Outcome::Refused(_)), "{said}: {outcome:?}");
    }
    for said in [
        "",
        "!",
        "S: + go\nC: mail",
        "S: + go\nC: mail\n!",
        "S: A1 OK too early",
    ] {
        let outcome = appending("", &format!("{APPEND} {{4}}\n{said}"), b"mail").await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{said}: {outcome:?}");
    }
    let outcome = appending("APPENDLIMIT=3", "", b"mail").await;
    assert!(matches!(
        outcome,
        Outcome::NotSent(Error::MessageTooLarge { size: 4, limit: 3 })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_no_before_the_connection_breaks_is_a_no() {
    // The server answers and closes while we still write.
    let message = vec![b'm'; 4 << 20];
    let script = format!("{APPEND} {{4194304+}}\nS: A1 NO [OVERQUOTA] full\n!");
    let outcome = appending("LITERAL+", &script, &message).await;
    assert!(
        matches!(&outcome, Outcome::Refused(refusal) if refusal.has("OVERQUOTA")),
        "{outcome:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn folders_are_made_once() {
    for said in ["OK", "NO [ALREADYEXISTS] it is there"] {
        let script = format!("C: A1 CREATE Junk\nS: A1 {said}\nC: A2 SUBSCRIBE Junk\nS: A2 NO whatever");
        let (mut client, _) = at_home("", &script, plain()).await;
        done(transfer::create(&mut client, &"Junk".into()).await);
    }
    let (mut client, rest) = at_home("", "C: A1 CREATE Junk\nS: A1 NO not here", plain()).await;
    assert!(matches!(
        transfer::create(&mut client, &"Junk".into()).await,
        Outcome::Refused(_)
    ));
    drop(client);
    assert_eq!(rest.await.unwrap(), b"");
}

#[tokio::test(start_paused = true)]
async fn a_transcript_shows_no_messages_unless_asked() {
    let ears = Ears::default();
    let script = format!("{APPEND} {{6+}}\nC: secret\nS: A1 OK");
    let (mut client, _) = at_home("LITERAL+", &script, ears.settings()).await;
    let flags: Flags = ["\\Seen", "odd]one"].map(Flag::new).into_iter().collect();
    let date = InternalDate::new(" 1-Feb-2024 03:04:05 +0100");
    let message = Spool::from(b"secret".to_vec());
    done(transfer::append(&mut client, &"Junk".into(), &message, &flags, Some(&date)).await);
    assert!(
        ears.transcript().contains("C: A1 APPEND Junk"),
        "{}",
        ears.transcript()
    );
    assert!(!ears.transcript().contains("secret"), "{}", ears.transcript());
}

/// Commands that touch what was not named do not exist, and those that change anything exist in one file.
#[test]
fn changing_commands_live_in_one_place() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![source];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for banned in [
            "\"EXPUNGE\")",
            "\"CLOSE\"",
            "\"STORE\"",
            "\"COPY\"",
            "\"MOVE\").",
            "\"DELETE\"",
            "\"RENAME\"",
        ] {
            assert!(
                !text.contains(&format!("command({banned}")),
                "{banned} in {}",
                path.display()
            );
        }
        for changing in [
            "UID STORE",
            "UID COPY",
            "UID MOVE",
            "UID EXPUNGE",
            "APPEND",
            "CREATE",
            "SUBSCRIBE",
        ] {
            let there = text.contains(&format!("command(\"{changing}\")"));
            assert_eq!(
                there,
                path.ends_with("src/transfer.rs"),
                "{changing} in {}",
                path.display()
            );
        }
    }
}
