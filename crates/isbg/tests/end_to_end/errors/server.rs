//! Servers that are not there, not trusted, not willing, or gone in the middle.

use isbg_testkit::conservation::{Conservation, changes_in};
use isbg_testkit::dovecot::Settings;
use isbg_testkit::proxy::{Act, Plan, Side, When};
use isbg_testkit::spamd_stub::{Answer, Request};
use isbg_testkit::{Authority, Identity};

use crate::lab::{Lab, by_subject, conserved, fails, is_spam, same};

const MOVE: &str = "--noreport --delete --expunge";

fn lab() -> Lab {
    let lab = Lab::new();
    lab.put("INBOX", "spam 1", &["\\Seen"]);
    lab.put("INBOX", "ham 1", &[]);
    lab
}

#[test]
fn refused_logins() {
    let lab = lab();
    let before = lab.mailbox();
    lab.home.write("wrong/pw", "canary-wrong");
    let ran = lab.call(
        &lab.line("--nostats --verbose --json")
            .replace(" pw ", " wrong/pw "),
    );
    fails(&ran, 11, &["password"]);
    for (answer, word) in [
        ("NO [UNAVAILABLE] Temporary authentication failure", "Temporary"),
        ("NO [CONTACTADMIN] Your account is locked", "account is locked"),
        ("NO [EXPIRED] Your password has expired", "has expired"),
        ("NO [PRIVACYREQUIRED] Encryption needed", "Encryption needed"),
        ("NO", "refused"),
    ] {
        let plan = Plan::new()
            .every(When::Command("AUTHENTICATE"), Act::Answer(answer))
            .every(When::Command("LOGIN"), Act::Answer(answer));
        lab.proxy.set(plan);
        fails(&lab.run("--nostats"), 11, &[word]);
    }
    let busy = Act::Replace(b"* BYE Too many connections from your address\r\n".to_vec());
    lab.proxy
        .set(Plan::new().at(When::Line(Side::Server, "* OK"), 1, busy));
    fails(&lab.run("--nostats"), 11, &["Too many connections"]);
    same(&lab.mailbox(), &before);
}

#[test]
fn servers_that_cannot_be_reached() {
    let lab = lab();
    let before = lab.mailbox();
    let host = lab
        .line("--nostats")
        .replace("127.0.0.1 --imapport", "no-such-host.invalid --imapport");
    fails(&lab.call(&host), 11, &["no-such-host.invalid"]);
    let port = lab.proxy.address().port();
    let nobody = isbg_testkit::NOBODY_LISTENS.port();
    let line = lab
        .line("--nostats")
        .replace(&port.to_string(), &nobody.to_string());
    fails(&lab.call(&line), 11, &["127.0.0.1", &nobody.to_string()]);
    lab.proxy.set(Plan::new().refuse_connections());
    fails(&lab.run("--nostats"), 11, &["127.0.0.1"]);
    same(&lab.mailbox(), &before);
}

#[test]
fn certificates() {
    let authority = Authority::new().unwrap();
    let own = Identity::self_signed().unwrap();
    for (identity, problem, trusted) in [
        (
            authority.wrong_name().unwrap(),
            Some("mail.example.org"),
            authority.certificate(),
        ),
        (
            authority.expired().unwrap(),
            Some("expired"),
            authority.certificate(),
        ),
        (authority.good().unwrap(), None, authority.certificate()),
        (own.clone(), None, &own.certificate),
    ] {
        let lab = Lab::with(Settings {
            tls: Some(identity),
            ..Settings::default()
        });
        lab.put("INBOX", "spam 1", &[]);
        lab.home.write("ca.pem", trusted);
        let before = lab.mailbox();
        let port = lab.dovecot.tls_address().unwrap().port().to_string();
        let line = lab
            .line(&format!("--nostats {MOVE}"))
            .replace(" --nossl", "")
            .replace("127.0.0.1 --imapport", "localhost --imapport")
            .replace(&lab.proxy.address().port().to_string(), &port);
        let untrusted = lab.call(&line);
        fails(&untrusted, 11, &["certificate"]);
        assert!(!lab.dovecot.log().contains("canary"));
        let trusting = lab.call(&format!("{line} --cafile ca.pem"));
        match problem {
            Some(problem) => fails(&trusting, 11, &[problem]),
            None => assert_eq!(trusting.status, 0, "{trusting}"),
        }
        if problem.is_some() {
            same(&lab.mailbox(), &before);
            continue;
        }
        assert_eq!(lab.subjects("Junk"), ["spam 1"]);
        lab.put("INBOX", "spam 2", &[]);
        let pin = untrusted
            .err
            .split_whitespace()
            .find(|word| word.starts_with("sha256:"))
            .unwrap();
        assert_eq!(lab.call(&format!("{line} --pin {pin}")).status, 0);
        assert_eq!(lab.subjects("Junk"), ["spam 1", "spam 2"]);
    }
}

#[test]
fn gone_in_the_middle_of_any_command() {
    for command in [
        "LIST",
        "EXAMINE",
        "UID SEARCH",
        "UID FETCH",
        "STATUS",
        "SELECT",
        "UID MOVE",
    ] {
        for act in [Act::Cut, Act::CutAfter] {
            let lab = lab();
            let before = lab.mailbox();
            lab.proxy
                .set(Plan::new().at(When::Command(command), 1, act.clone()));
            fails(&lab.run(&format!("--nostats {MOVE}")), 11, &["127.0.0.1"]);
            lab.proxy.set(Plan::new());
            lab.fine(MOVE);
            conserved(
                &Conservation::of(&before).may_move("INBOX", "Junk", is_spam),
                &lab.mailbox(),
            );
            assert_eq!(lab.subjects("INBOX"), ["ham 1"], "{act:?} at {command}");
            lab.quiet(MOVE);
        }
    }
}

#[test]
fn gone_when_everything_is_done() {
    let lab = lab();
    lab.proxy
        .set(Plan::new().at(When::Command("LOGOUT"), 1, Act::Cut));
    lab.fine(MOVE);
}

#[test]
fn missing_folders() {
    let lab = Lab::with_folders(&["Archive", "Archive/Spam 2025", "Learn"]);
    lab.put("INBOX", "spam 1", &[]);
    lab.put("Learn", "ham 1", &[]);
    let before = lab.mailbox();
    for (options, likely) in [
        ("--spaminbox Spam", "Junk"),
        ("--imapinbox Archives", "Archive"),
        ("--learnspambox Learned --teachonly", "Learn"),
        ("--learnhambox Learning", "Learn"),
        ("--learnhambox Learn --movehamto archive", "Archive"),
        ("--unsure-band 4,5 --unsureinbox Jun", "Junk"),
    ] {
        fails(
            &lab.run(&format!("--nostats {options}")),
            11,
            &["no folder named", likely],
        );
    }
    assert_eq!(changes_in(&lab.proxy.transcript()), Vec::<String>::new());
    same(&lab.mailbox(), &before);
}

#[test]
fn read_only_folders() {
    let lab = Lab::with(Settings {
        read_only: vec!["Shared"],
        ..Settings::default()
    });
    lab.put("Shared", "spam 1", &[]);
    lab.put("INBOX", "spam 2", &[]);
    let before = lab.mailbox();
    for options in [MOVE, "--delete", "--flag"] {
        fails(
            &lab.run(&format!("--nostats --imapinbox Shared {options}")),
            11,
            &["Shared", "read-only"],
        );
    }
    for options in ["", "--noreport", MOVE] {
        let ran = lab.run(&format!("--spaminbox Shared {options}"));
        assert_eq!(ran.status, 11, "{options}: {ran}");
        assert!(
            ran.err.contains("Permission denied") && ran.err.contains("1 not treated as decided"),
            "{ran}"
        );
        lab.a_day_passes();
    }
    same(&lab.mailbox(), &before);
    let ran = lab.fine("--imapinbox Shared --dryrun");
    assert!(ran.err.contains("1 spams found in 1 messages"), "{ran}");
    lab.fine(MOVE);
    assert_eq!(lab.subjects("Junk"), ["spam 2"]);
}

/// Puts a report around spam that is much longer than the spam.
fn with_long_report(request: &Request) -> Answer {
    if request.method != "PROCESS" || by_subject(request) == Answer::ham() {
        return by_subject(request);
    }
    let text = format!("X-Spam-Flag: YES\r\nX-Long: {}\r\n", "long ".repeat(200));
    let body = [text.as_bytes(), &request.mail].concat();
    let length = body.len();
    let head = format!("SPAMD/1.1 0 EX_OK\r\nContent-length: {length}\r\nSpam: True ; 12.5 / 5.0\r\n\r\n");
    Answer::Bytes([head.into_bytes(), body].concat())
}

#[test]
fn over_quota() {
    let mut lab = Lab::with(Settings {
        quota: Some(9_000),
        ..Settings::default()
    });
    lab.put("INBOX", &format!("ham {}", "x".repeat(3_000)), &[]);
    for n in 1..4 {
        lab.put("INBOX", &format!("spam {n}"), &["\\Seen"]);
    }
    let before = lab.mailbox();
    lab.judge(with_long_report);
    let ran = lab.run("--delete --expunge");
    assert_eq!(ran.status, 11, "{ran}");
    assert!(
        ran.err.contains("Quota exceeded") && ran.err.contains("not treated as decided"),
        "{ran}"
    );
    let allowed = || Conservation::of(&before).may_wrap("INBOX", "Junk", is_spam);
    conserved(&allowed(), &lab.mailbox());
    assert!(
        !lab.subjects("INBOX")
            .iter()
            .all(|subject| subject.starts_with("ham")),
        "some are left"
    );
    let mut wire = lab.dovecot.wire().unwrap();
    wire.command("SELECT INBOX").unwrap();
    wire.command("UID STORE 1 +FLAGS (\\Deleted)").unwrap();
    wire.command("UID EXPUNGE 1").unwrap();
    lab.a_day_passes();
    lab.fine("--delete --expunge");
    let large = |message: &isbg_testkit::mailbox::Message| message.subject().starts_with("ham");
    conserved(&allowed().may_delete("INBOX", large), &lab.mailbox());
    assert_eq!((lab.subjects("INBOX").len(), lab.subjects("Junk").len()), (0, 3));
}
