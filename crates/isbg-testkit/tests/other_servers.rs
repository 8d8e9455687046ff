//! The launchers of Cyrus and Courier against what they launch.

#![cfg(unix)]

use isbg_testkit::courier::Courier;
use isbg_testkit::cyrus::Cyrus;
use isbg_testkit::mailbox::Mailbox;
use isbg_testkit::wire::Wire;

const MAIL: &[u8] = b"Subject: x\r\nMessage-ID: <1@example.org>\r\n\r\nHello\r\n";

fn copies(mailbox: &Mailbox, folder: &str) -> usize {
    mailbox[folder]
        .iter()
        .filter(|message| message.bytes == MAIL && message.date == 1_780_000_000)
        .count()
}

#[test]
fn cyrus_moves() {
    let cyrus = Cyrus::start().unwrap();
    let mut wire = cyrus.wire().unwrap();
    wire.append("INBOX", &["\\Flagged", "$Junk"], 1_780_000_000, MAIL)
        .unwrap();
    assert!(
        wire.command("CAPABILITY").unwrap().untagged[0]
            .text
            .contains(" MOVE ")
    );
    wire.command("SELECT INBOX").unwrap();
    wire.command("UID MOVE 1 INBOX.Junk").unwrap();
    let mailbox = cyrus.mailbox().unwrap();
    assert_eq!(
        (copies(&mailbox, "INBOX"), copies(&mailbox, "INBOX.Junk")),
        (0, 1)
    );
    assert!(mailbox["INBOX.Junk"][0].has("$Junk"));
    let listed = wire
        .command("LIST \"\" \"*\" RETURN (SPECIAL-USE)")
        .unwrap()
        .untagged;
    assert!(
        listed.iter().any(|line| line.text.contains("\\Junk")),
        "{listed:?}"
    );
    assert!(Wire::login(cyrus.address(), "me", "wrong").is_err());
}

#[test]
fn courier_copies_and_does_not_know_move() {
    let courier = Courier::start().unwrap();
    courier
        .deliver("INBOX", MAIL, &["\\Seen"], 1_780_000_000)
        .unwrap();
    let mut wire = courier.wire().unwrap();
    wire.command("CREATE INBOX.Spam").unwrap();
    wire.command("SELECT INBOX").unwrap();
    // Courier says NO to a command that it does not know.
    let refused = wire.say("UID MOVE 1 INBOX.Spam").unwrap().status;
    assert_eq!(refused, "NO Error in IMAP command received by server.");
    let copied = wire.command("UID COPY 1 INBOX.Spam").unwrap();
    assert!(copied.status.contains("[COPYUID "), "{copied:?}");
    wire.command("UID STORE 1 +FLAGS.SILENT (\\Deleted)").unwrap();
    wire.command("UID EXPUNGE 1").unwrap();
    let mailbox = courier.mailbox().unwrap();
    assert_eq!(
        (copies(&mailbox, "INBOX"), copies(&mailbox, "INBOX.Spam")),
        (0, 1)
    );
    assert!(Wire::login(courier.address(), "me", "wrong").is_err());
}
