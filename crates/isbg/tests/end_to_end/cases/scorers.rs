//! Scorers that are down, crash or lie, and mail that tries to speak for them.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use isbg_testkit::conservation::Conservation;
use isbg_testkit::mail::odd;
use isbg_testkit::spamd::{self, Spamd};
use isbg_testkit::spamd_stub::{Answer, Request};

use crate::common::Ran;
use crate::lab::{Lab, by_subject, conserved, fails, is_spam, mail, same, sober};

const MOVE: &str = "--noreport --delete --expunge";

/// The line that every SpamAssassin calls spam.
const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

#[test]
fn case_05_a_failed_verdict_is_no_verdict() {
    let mut lab = Lab::new();
    for subject in ["spam 1", "spam fragile", "spam 2", "ham 1"] {
        lab.put("INBOX", subject, &[]);
    }
    let before = lab.mailbox();
    let broken = Arc::new(AtomicBool::new(true));
    let own = Arc::clone(&broken);
    lab.judge(
        move |request| match request.mentions("fragile") && own.load(Ordering::SeqCst) {
            true => Answer::error(70, "EX_SOFTWARE"),
            false => by_subject(request),
        },
    );
    let ran = lab.fine(MOVE);
    assert!(
        ran.err.contains("2 spams found in 3 messages") && ran.err.contains("1 without a verdict"),
        "{ran}"
    );
    assert_eq!(lab.subjects("INBOX"), ["spam fragile", "ham 1"]);
    broken.store(false, Ordering::SeqCst);
    lab.a_day_passes();
    let ran = lab.fine(MOVE);
    assert!(ran.err.contains("1 spams found in 1 messages"), "{ran}");
    conserved(
        &Conservation::of(&before).may_move("INBOX", "Junk", is_spam),
        &lab.mailbox(),
    );
    assert_eq!(lab.subjects("INBOX"), ["ham 1"]);
}

#[test]
fn case_06_text_in_a_message_is_no_verdict() {
    let spamd = Spamd::start(&spamd::Settings::default()).unwrap();
    let lab = Lab::new();
    let spam = |subject: &str| {
        let text = String::from_utf8(mail(subject)).unwrap();
        let forged = "X-Spam-Status: No, score=-99.0 required=5.0\r\nX-Spam-Flag: NO\r\n";
        format!("{forged}{text}{GTUBE}\r\n").into_bytes()
    };
    lab.put_mail("INBOX", &spam("score=0 required=0"), &[]);
    lab.put_mail("INBOX", &spam("0/0 score=-5.0 required=5.0"), &[]);
    let harmless = String::from_utf8(mail("score=99 required=5")).unwrap();
    let forged = format!("X-Spam-Status: Yes, score=99.0 required=5.0\r\nX-Spam-Flag: YES\r\n{harmless}");
    lab.put_mail("INBOX", forged.as_bytes(), &[]);
    let before = lab.mailbox();
    let line = lab
        .line("--delete")
        .replace(&lab.scorer.address().to_string(), &spamd.address().to_string());
    let ran = lab.call(&format!("{line} --deletehigherthan 100 --expunge --verbose"));
    assert_eq!(ran.status, 0, "{ran}");
    assert!(
        ran.err
            .contains("2 spams found in 3 messages\n2/2 was automatically deleted\n"),
        "{ran}"
    );
    assert_eq!(lab.subjects("INBOX"), ["score=99 required=5"]);
    let gone = |message: &isbg_testkit::mailbox::Message| message.subject() != "score=99 required=5";
    conserved(
        &Conservation::of(&before).may_delete("INBOX", gone),
        &lab.mailbox(),
    );
}

#[test]
fn case_07_a_scorer_that_is_down_passes_nothing() {
    let lab = Lab::new();
    let text = String::from_utf8(mail("spam 1")).unwrap();
    let upstream = format!("X-Spam-Status: No, score=0.1 required=5.0\r\n{text}");
    lab.put_mail("INBOX", upstream.as_bytes(), &[]);
    lab.put("INBOX", "ham 1", &[]);
    let before = lab.mailbox();
    let nobody = isbg_testkit::NOBODY_LISTENS;
    let line = lab
        .line("--nostats")
        .replace(&lab.scorer.address().to_string(), &nobody.to_string());
    for options in ["", "--exitcodes", MOVE] {
        fails(&lab.call(&format!("{line} {options}")), 12, &["spamd"]);
    }
    same(&lab.mailbox(), &before);
    let ran = lab.fine(MOVE);
    assert!(ran.err.contains("1 spams found in 2 messages"), "{ran}");
    assert_eq!(lab.subjects("Junk"), ["spam 1"]);
}

#[test]
fn case_08_a_scorer_that_crashes_finds_no_spam() {
    let lab = Lab::new();
    lab.put("INBOX", "ham 1", &[]);
    let before = lab.mailbox();
    let claim = "printf 'X-Spam-Flag: YES\\r\\nX-Spam-Status: Yes, score=99.0 required=5.0\\r\\n'; cat";
    for ending in ["kill -9 $$", "exit 1", "exit 70", "exit 2"] {
        let path = lab.home.write(
            "programs/spamassassin",
            &format!("#!/bin/sh\n{claim}\n{ending}\n"),
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let line = lab.line("--nostats --delete").replace(
            &format!("--spamd {}", lab.scorer.address()),
            "--engine spamassassin",
        );
        let folder = path.parent().unwrap().display();
        let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
        let output = lab
            .home
            .isbg()
            .args(line.split_whitespace())
            .env("PATH", path)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let status = output.status.code().unwrap_or(-1);
        let ran = Ran {
            out: text(output.stdout),
            err: text(output.stderr),
            status,
        };
        sober(&ran);
        fails(&ran, 12, &["spamassassin"]);
        same(&lab.mailbox(), &before);
    }
    let mut lab = lab;
    for answer in [
        Answer::error(70, "EX_SOFTWARE"),
        Answer::Bytes(b"SPAMD/1.1 0 EX_OK\r\n\r\n".to_vec()),
        Answer::Bytes(b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; many / 5.0\r\n\r\n".to_vec()),
        Answer::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\nscore=99 required=5".to_vec()),
        Answer::Close,
    ] {
        lab.judge(move |_| answer.clone());
        fails(&lab.run("--nostats --delete"), 12, &["spamd"]);
        same(&lab.mailbox(), &before);
    }
}

/// Spam that shows itself to people, with a harmless "original" inside.
fn fake_report() -> Vec<u8> {
    format!(
        "From: a@example.org\r\nSubject: spam in disguise\r\nMIME-Version: 1.0\r\nX-Spam-Flag: YES\r\n\
         X-Spam-Status: Yes, score=9 required=5\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nThe visible offer\r\n\
         --b\r\nContent-Type: message/rfc822; x-spam-type=original\r\n\r\n{}\r\n--b--\r\n",
        String::from_utf8(mail("lunch")).unwrap()
    )
    .into_bytes()
}

#[test]
fn case_09_a_fake_report_hides_nothing() {
    let mut lab = Lab::with_folders(&["Teach", "Good"]);
    for folder in ["INBOX", "Teach", "Good"] {
        lab.put_mail(folder, &fake_report(), &[]);
    }
    let asked = Arc::new(Mutex::new(Vec::new()));
    let own = Arc::clone(&asked);
    lab.judge(move |request| {
        own.lock()
            .unwrap()
            .push((request.method.clone(), request.mail.clone()));
        if request.mentions("The visible offer") {
            Answer::spam()
        } else {
            Answer::ham()
        }
    });
    let ran = lab.fine(&format!("{MOVE} --learnspambox Teach --learnhambox Good"));
    assert!(ran.err.contains("1 spams found in 1 messages"), "{ran}");
    assert!(
        ran.err.contains("1/1 spams learned") && ran.err.contains("1/1 hams learned"),
        "{ran}"
    );
    assert_eq!(lab.subjects("Junk"), ["spam in disguise"]);
    let offers =
        |request: &(String, Vec<u8>)| String::from_utf8_lossy(&request.1).contains("The visible offer");
    let asked = asked.lock().unwrap();
    let judged: Vec<_> = asked
        .iter()
        .filter(|(method, _)| method != "PING" && method != "TELL")
        .collect();
    assert!(judged.iter().all(|request| offers(request)) && !judged.is_empty());
    let ham = asked
        .iter()
        .filter(|(method, _)| method == "TELL")
        .filter(|request| offers(request))
        .count();
    assert_eq!(
        ham, 1,
        "the ham is taught as it is, and of the spam what was forwarded with it"
    );
}

#[test]
fn case_13_the_server_s_bytes_are_scored_and_kept() {
    let mut lab = Lab::new();
    let long = format!(
        "Subject:\tspam {}\r\nX-Odd:  two  spaces \t\r\n",
        "long ".repeat(300)
    );
    let strange = [
        b"From: a@example.org\r\n".as_slice(),
        long.as_bytes(),
        b"\r\nbody\tx\r\n\r\n\r\n",
    ]
    .concat();
    lab.put_mail("INBOX", &strange, &["\\Seen"]);
    for (_, bytes) in odd()
        .into_iter()
        .filter(|(_, bytes)| (1..100_000).contains(&bytes.len()))
    {
        lab.put_mail("INBOX", &bytes, &[]);
    }
    let before = lab.mailbox();
    let scored = Arc::new(Mutex::new(Vec::new()));
    let own = Arc::clone(&scored);
    lab.judge(move |request: &Request| {
        own.lock().unwrap().push(request.mail.clone());
        if request.mentions("X-Odd") {
            Answer::spam()
        } else {
            Answer::ham()
        }
    });
    lab.fine(&format!("{MOVE} --partialrun 0"));
    let scored = scored.lock().unwrap();
    for message in &before["INBOX"] {
        assert!(
            scored.contains(&message.bytes),
            "{:?}",
            String::from_utf8_lossy(&message.bytes)
        );
    }
    conserved(
        &Conservation::of(&before).may_move("INBOX", "Junk", |message| message.bytes == strange),
        &lab.mailbox(),
    );
    assert_eq!(lab.mailbox()["Junk"].len(), 1);
}
