//! Reports: what is put on comes off again to the byte, whatever the original is.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

use std::io::Write as _;

use isbg_message::{header, originals, unwrap_report, wrap_report};
use isbg_spool::{Spool, Writer};
use isbg_types::{RuleHit, Score, Verdict};
use proptest::prelude::*;

fn verdict() -> Verdict {
    let hit = |name: &str| RuleHit {
        name: name.to_owned(),
        score: None,
        description: None,
    };
    Verdict {
        score: Score(7_312),
        required: Score(5_000),
        spam: true,
        hits: vec![hit("BAYES_99"), hit("evil\r\nBcc: x@example.org,")],
    }
}

fn wrap(original: &[u8], report: &str) -> Spool {
    wrap_report(&Spool::from(original.to_vec()), &verdict(), report, "rspamd").unwrap()
}

fn bytes(spool: &Spool) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut spool.reader(), &mut bytes).unwrap();
    bytes
}

#[test]
fn a_report_repeats_the_header_and_states_the_verdict() {
    let original = b"Received: x\r\nFrom: =?utf-8?q?a?=\r\n <a@example.org>\r\nX: y\r\nSubject: \xff hi\0\r\n\r\nbody\r\n";
    let report = wrap(original, "Grüße\n--\u{1f600}\nlast");
    let all = bytes(&report);
    let (head, body) = header::split(&all);
    let fields: Vec<_> = header::fields(head)
        .map(|field| (field.name.to_vec(), field.unfolded().to_vec()))
        .collect();
    let field = |name: &str| {
        fields
            .iter()
            .find(|(own, _)| own == name.as_bytes())
            .map(|(_, value)| &value[..])
    };
    assert_eq!(field("From"), Some(&b"=?utf-8?q?a?= <a@example.org>"[..]));
    assert_eq!(field("Subject"), Some(&b"\xff hi"[..]));
    assert_eq!(field("X-Spam-Flag"), Some(&b"YES"[..]));
    assert_eq!(field("X-Spam-Level"), Some(&b"*******"[..]));
    assert_eq!(
        field("X-Spam-Status"),
        Some(&b"Yes, score=7.3 required=5.0\ttests=BAYES_99,\tevilBcc:x@example.org_"[..])
    );
    assert_eq!(field("Received").or(field("X")).or(field("Bcc")), None);
    assert!(!head.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r'));
    assert!(String::from_utf8_lossy(body).contains("Grüße\r\n--\u{1f600}\r\nlast\r\n"));
    assert!(
        unwrap_report(&report)
            .unwrap()
            .unwrap()
            .same_bytes(&original.to_vec().into())
            .unwrap()
    );
}

#[test]
fn large_originals_are_streamed() {
    let mut writer = Writer::new();
    writer.write_all(b"Subject: large\r\n\r\n").unwrap();
    for number in 0..300_000 {
        write!(writer, "line {number}\r\n").unwrap();
    }
    let original = writer.finish().unwrap();
    assert!(original.in_memory().is_none());
    let report = wrap_report(&original, &verdict(), "text", "rspamd").unwrap();
    assert!(
        unwrap_report(&report)
            .unwrap()
            .unwrap()
            .same_bytes(&original)
            .unwrap()
    );
}

#[test]
fn spamassassins_own_form() {
    let wrapped = |kind: &str, original: &str| {
        format!(
            "Subject: x\nContent-Type: multipart/mixed; boundary=\"----------=_6B\"\n\nThis is MIME.\n\n\
             ------------=_6B\nContent-Type: text/plain; charset=UTF-8\n\nSpam detection software\n\n\
             ------------=_6B\nContent-Type: {kind}; x-spam-type=original\n\n{original}\n------------=_6B--\n\n"
        )
    };
    for kind in ["message/rfc822", "text/plain", "MESSAGE/RFC822"] {
        for original in ["Subject: x\n\nbody\n", "Subject: x\n\nno line end", "", "\n"] {
            let report = Spool::from(wrapped(kind, original).into_bytes());
            assert_eq!(
                bytes(&unwrap_report(&report).unwrap().unwrap()),
                original.as_bytes()
            );
        }
    }
}

#[test]
fn what_is_no_report() {
    let part = "--a\nContent-Type: message/rfc822; x-spam-type=original\n\nSubject: x\n\n";
    let nested = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=a\n\n{part}"
    );
    for message in [
        nested,
        part.to_owned(),
        "Content-Type: message/rfc822; x-spam-type=original\n\nSubject: x\n\n".to_owned(),
        format!(
            "Content-Type: multipart/mixed; boundary=a\n\n{}",
            part.replace("original", "other")
        ),
        format!(
            "Content-Type: multipart/mixed; boundary=a\n\n{}",
            part.replace("message/rfc822", "text/html")
        ),
    ] {
        assert!(
            unwrap_report(&Spool::from(message.into_bytes()))
                .unwrap()
                .is_none()
        );
    }
    let two = format!("Content-Type: multipart/mixed; boundary=a\n\n{part}1\n{part}2\n--a--\n");
    let two = Spool::from(two.into_bytes());
    let found: Vec<_> = originals(&two)
        .unwrap()
        .map(|part| bytes(&part.unwrap()))
        .collect();
    assert_eq!(found, [b"Subject: x\n\n1", b"Subject: x\n\n2"]);
}

/// The line end before the boundary is also the empty line that the original's header lacks.
#[test]
fn an_original_that_is_nothing_but_a_message_s_header() {
    for original in [
        &b"Content-Type: message/rfc822\n"[..],
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n",
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n",
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n",
    ] {
        let wrapped = wrap(original, "report");
        assert_eq!(bytes(&unwrap_report(&wrapped).unwrap().unwrap()), original);
    }
}

proptest! {
    #[test]
    fn put_on_and_taken_off(original in proptest::collection::vec(any::<u8>(), 0..600), report in ".{0,300}") {
        let wrapped = wrap(&original, &report);
        prop_assert_eq!(bytes(&unwrap_report(&wrapped).unwrap().unwrap()), original);
    }

    #[test]
    fn also_around_a_report(pieces in proptest::collection::vec(any::<u8>(), 0..100), report in "(--|\r|\n|=_isbg_|[a-f0-9]){0,30}") {
        let inner = bytes(&wrap(&pieces, "first"));
        let wrapped = wrap(&inner, &report);
        prop_assert_eq!(bytes(&unwrap_report(&wrapped).unwrap().unwrap()), inner);
    }
}
