//! The Dovecot launcher against the Dovecot it launches.

#![cfg(unix)]

use isbg_testkit::Authority;
use isbg_testkit::dovecot::{Dovecot, Settings, Storage};
use isbg_testkit::mail::odd;
use isbg_testkit::wire::{Wire, name};

const MAIL: &[u8] = b"Subject: Gr\xc3\xbc\xc3\x9fe\r\nMessage-ID: <1@example.org>\r\n\r\nHello\r\n";

#[test]
fn what_is_delivered_is_what_both_ways_of_reading_find() {
    let dovecot = Dovecot::start(Settings::default()).unwrap();
    dovecot.deliver("INBOX", MAIL, &[], 1_780_000_000).unwrap();
    dovecot
        .deliver(
            "INBOX",
            b"bare\n\nline ends\n",
            &["\\Seen", "\\Flagged"],
            1_780_000_001,
        )
        .unwrap();
    dovecot
        .deliver("Größe/Müll & Co", b"", &["\\Deleted"], 1_780_000_002)
        .unwrap();
    let mut wire = dovecot.wire().unwrap();
    wire.append("Junk", &["$Junk", "\\Seen"], 1_780_000_003, MAIL)
        .unwrap();
    let by_imap = wire.mailbox().unwrap();
    assert_eq!(
        by_imap.keys().collect::<Vec<_>>(),
        ["Größe/Müll & Co", "INBOX", "Junk"]
    );
    assert_eq!(by_imap["INBOX"][0].bytes, MAIL);
    assert_eq!(by_imap["INBOX"][1].bytes, b"bare\r\n\r\nline ends\r\n");
    assert_eq!(by_imap["INBOX"][1].uid, Some(2));
    assert!(by_imap["Junk"][0].has("$junk"));
    assert_eq!(by_imap["Junk"][0].date, 1_780_000_003);
    // Only now do the UIDs stand on disk.
    let on_disk = dovecot.mailbox().unwrap();
    assert_eq!(on_disk["INBOX"], by_imap["INBOX"]);
    assert_eq!(on_disk["Junk"], by_imap["Junk"]);
    assert_eq!(on_disk["Größe/Müll & Co"], by_imap["Größe/Müll & Co"]);
}

#[test]
fn prefix_and_separator() {
    let settings = Settings {
        prefix: "INBOX.",
        separator: '.',
        folders: vec![("INBOX.Spam", Some("\\Junk"))],
        ..Settings::default()
    };
    let dovecot = Dovecot::start(settings).unwrap();
    dovecot.deliver("INBOX.Spam.Old", MAIL, &[], 1).unwrap();
    let mut wire = dovecot.wire().unwrap();
    assert_eq!(wire.folders().unwrap(), ["INBOX", "INBOX.Spam", "INBOX.Spam.Old"]);
    assert_eq!(wire.messages("INBOX.Spam.Old").unwrap()[0].bytes, MAIL);
    assert_eq!(dovecot.mailbox().unwrap()["INBOX.Spam.Old"].len(), 1);
    let reply = wire.command("NAMESPACE").unwrap();
    assert!(
        reply.untagged[0].text.contains("((\"INBOX.\" \".\"))"),
        "{reply:?}"
    );
    let reply = wire.command("LIST \"\" \"*\" RETURN (SPECIAL-USE)").unwrap();
    assert!(
        reply.untagged.iter().any(|line| line.text.contains("\\Junk")),
        "{reply:?}"
    );
}

#[test]
fn several_users_and_their_passwords() {
    let users = vec![
        ("me".into(), "secret".into()),
        ("ann@example.org".into(), "a:b c\"\\".into()),
    ];
    let dovecot = Dovecot::start(Settings {
        users,
        ..Settings::default()
    })
    .unwrap();
    let mut ann = Wire::login(dovecot.address(), "ann@example.org", "a:b c\"\\").unwrap();
    ann.append("INBOX", &[], 5, MAIL).unwrap();
    assert_eq!(
        dovecot.maildir("ann@example.org").read().unwrap()["INBOX"].len(),
        1
    );
    assert!(dovecot.maildir("me").read().unwrap()["INBOX"].is_empty());
    assert!(Wire::login(dovecot.address(), "me", "wrong").is_err());
}

#[test]
fn a_read_only_folder_refuses_changes() {
    let dovecot = Dovecot::start(Settings {
        read_only: vec!["Archive"],
        ..Settings::default()
    })
    .unwrap();
    dovecot.deliver("Archive", MAIL, &[], 5).unwrap();
    let mut wire = dovecot.wire().unwrap();
    let reply = wire.command(&format!("SELECT {}", name("Archive"))).unwrap();
    assert!(reply.status.contains("[READ-ONLY]"), "{reply:?}");
    assert!(wire.append("Archive", &[], 5, MAIL).is_err());
    // Dovecot says OK to this one, and does not do it.
    wire.command("UID STORE 1 +FLAGS (\\Deleted)").unwrap();
    assert!(dovecot.mailbox().unwrap()["Archive"][0].flags.is_empty());
}

#[test]
fn a_full_mailbox_refuses_more() {
    let dovecot = Dovecot::start(Settings {
        quota: Some(20_000),
        ..Settings::default()
    })
    .unwrap();
    let mut wire = dovecot.wire().unwrap();
    wire.append("INBOX", &[], 5, &[b'a'; 15_000]).unwrap();
    let error = wire.append("INBOX", &[], 5, &[b'a'; 15_000]).unwrap_err();
    assert!(error.to_string().contains("OVERQUOTA"), "{error}");
}

#[test]
fn the_other_storages() {
    for storage in [Storage::Sdbox, Storage::Mdbox] {
        let dovecot = Dovecot::start(Settings {
            storage,
            ..Settings::default()
        })
        .unwrap();
        dovecot
            .wire()
            .unwrap()
            .append("INBOX", &["\\Seen"], 7, MAIL)
            .unwrap();
        let mailbox = dovecot.mailbox().unwrap();
        assert_eq!(mailbox["INBOX"][0].bytes, MAIL);
        assert_eq!(mailbox["INBOX"][0].date, 7);
    }
}

#[test]
fn thousands_of_messages_are_laid_in_at_once() {
    let dovecot = Dovecot::start(Settings::default()).unwrap();
    let count = 10_000;
    for number in 0..count {
        dovecot.deliver("INBOX", MAIL, &["\\Seen"], number).unwrap();
    }
    let reply = dovecot
        .wire()
        .unwrap()
        .command("STATUS INBOX (MESSAGES UIDNEXT)")
        .unwrap();
    assert!(
        reply.untagged[0]
            .text
            .contains(&format!("MESSAGES {count} UIDNEXT {}", count + 1)),
        "{reply:?}"
    );
}

#[test]
fn odd_mail_lies_in_a_mailbox_as_it_was_delivered() {
    let dovecot = Dovecot::start(Settings::default()).unwrap();
    for (_, bytes) in odd() {
        dovecot.deliver("INBOX", &bytes, &[], 1_780_000_000).unwrap();
    }
    let by_imap = dovecot.wire().unwrap().messages("INBOX").unwrap();
    let on_disk = dovecot.mailbox().unwrap();
    assert_eq!(by_imap.len(), odd().len());
    for ((name, _), (seen, lies)) in odd().iter().zip(by_imap.iter().zip(&on_disk["INBOX"])) {
        // Dovecot has no way to hand out a zero byte, and sends 0x80 in its place.
        let sent: Vec<u8> = lies
            .bytes
            .iter()
            .map(|byte| if *byte == 0 { 0x80 } else { *byte })
            .collect();
        assert!(seen.bytes == sent, "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_password_in_the_clear_where_tls_is_required() {
    let identity = Authority::new().unwrap().good().unwrap();
    let settings = Settings {
        tls: Some(identity),
        tls_required: true,
        ..Settings::default()
    };
    let dovecot = Dovecot::start(settings).unwrap();
    let mut wire = Wire::connect(dovecot.address()).unwrap();
    assert!(
        wire.greeting().contains("STARTTLS LOGINDISABLED"),
        "{}",
        wire.greeting()
    );
    assert!(
        wire.say("LOGIN me secret")
            .unwrap()
            .status
            .contains("PRIVACYREQUIRED")
    );
    assert!(wire.command("STARTTLS").is_ok());
    std::net::TcpStream::connect(dovecot.tls_address().unwrap()).unwrap();
}
