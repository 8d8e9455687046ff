//! The same requests to Debian's spamd and to our server: the answers are compared byte by byte where both must say the same,
//! and field by field where each names itself or the moment.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

mod support;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use isbg_spamd::Settings;
use isbg_testkit::spamd::{Settings as Theirs, Spamd};
use support::{HAM, Ours, SPAM, ask, crlf, request, text};

fn theirs(allow_tell: bool, lines: &[&'static str]) -> Spamd {
    let settings = Theirs {
        allow_tell,
        lines: lines.to_vec(),
        ..Theirs::default()
    };
    Spamd::start(&settings).unwrap()
}

/// Head and body of an answer. Without an empty line after its first line the head is that line alone.
fn parts(answer: &str) -> (Vec<String>, String) {
    let is_bare = answer.starts_with("SPAMD/1.0 0 ");
    let end = if is_bare {
        answer.find("\r\n").map(|at| at + 2)
    } else {
        answer.find("\r\n\r\n").map(|at| at + 4)
    };
    let (head, body) = answer.split_at(end.unwrap_or(answer.len()));
    let head = head.split("\r\n").map(str::to_owned).collect();
    (head, body.to_owned())
}

/// A head without the number of bytes, which differs where a name of a program or a machine does.
fn without_length(head: &[String]) -> Vec<String> {
    let line = |line: &String| match line.split_once(": ") {
        Some((name @ "Content-length", _)) => name.to_owned(),
        _ => line.clone(),
    };
    head.iter().map(line).collect()
}

/// The lines of a report without the first words of the message, and without their order: SpamAssassin lists rules in
/// any order.
fn report(body: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut preview = false;
    for line in body.lines() {
        preview = (preview || line.starts_with("Content preview:")) && !line.trim().is_empty();
        if !preview && !line.trim().is_empty() {
            lines.push(line.trim_end().to_owned());
        }
    }
    lines.sort();
    lines
}

/// A header's fields: names in order, and the values that do not name the program or the moment.
fn fields(message: &str) -> Vec<(String, String)> {
    let end = message
        .replace("\r\n", "\n")
        .split("\n\n")
        .next()
        .unwrap_or_default()
        .to_owned();
    let unfolded = end.replace("\n\t", " ").replace("\n ", " ");
    // spamd keeps the first line of what it has rewritten; we keep all of it.
    let unfolded = unfolded.replace(
        "X-Spam-Prev-Subject: offer of the day",
        "X-Spam-Prev-Subject: offer",
    );
    let line = |line: &str| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = match name {
            "Received" | "X-Spam-Checker-Version" | "Content-Type" => String::new(),
            "X-Spam-Report" => {
                let mut hits: Vec<&str> = value.split('*').map(str::trim).collect();
                hits.sort_unstable();
                hits.join("*")
            }
            "X-Spam-Status" => value
                .split_ascii_whitespace()
                .filter(|word| !word.starts_with("autolearn") && !word.starts_with("version="))
                .collect(),
            _ => value.to_owned(),
        };
        (name.to_owned(), value)
    };
    unfolded.lines().map(line).collect()
}

/// The message after its header.
fn after_header(message: &str) -> String {
    let message = message.replace("\r\n", "\n");
    message
        .split_once("\n\n")
        .map(|(_, rest)| rest.to_owned())
        .unwrap_or_default()
}

fn compare(verb: &str, version: &str, mail: &[u8], ours: &Ours, theirs: &Spamd) {
    let request = request(verb, version, &["User: root"], mail);
    let (one, other) = (
        text(&ask(ours.address, &request)),
        text(&ask(theirs.address(), &request)),
    );
    let what = format!("{verb} {version}\n{one}\n-- spamd:\n{other}");
    let ((head, body), (their_head, their_body)) = (parts(&one), parts(&other));
    match verb {
        "CHECK" | "SYMBOLS" => assert_eq!(one, other, "{what}"),
        "REPORT" | "REPORT_IFSPAM" => {
            assert_eq!(without_length(&head), without_length(&their_head), "{what}");
            assert_eq!(report(&body), report(&their_body), "{what}");
        }
        _ => {
            assert_eq!(without_length(&head), without_length(&their_head), "{what}");
            assert_eq!(fields(&body), fields(&their_body), "{what}");
            let line_ends = |text: &str| (text.contains("\r\n"), text.replace("\r\n", "").contains('\n'));
            // spamd lets its report's lines end as the message's first line does; so do we.
            assert_eq!(line_ends(&body), line_ends(&their_body), "{what}");
            if verb == "PROCESS" {
                let unwrapped = |body: &str| {
                    let spool = body.as_bytes().to_vec().into();
                    let original = isbg_message::unwrap_report(&spool).unwrap();
                    original.map(|original| text(&original.prefix(usize::MAX).unwrap()))
                };
                let (own, their) = (unwrapped(&body), unwrapped(&their_body));
                // spamd makes a line of an empty message.
                let trimmed =
                    |original: &Option<String>| original.as_deref().map(|text| text.trim_end().to_owned());
                assert_eq!(trimmed(&own), trimmed(&their), "{what}");
                if let Some(own) = own.filter(|_| version != "1.0") {
                    assert_eq!(own.as_bytes(), mail, "{what}");
                } else if their.is_none() {
                    assert_eq!(after_header(&body), after_header(&their_body), "{what}");
                }
            }
        }
    }
}

#[test]
fn verdicts_reports_and_messages() {
    let (ours, theirs) = (Ours::start("", Settings::default()), theirs(false, &[]));
    for verb in [
        "CHECK",
        "SYMBOLS",
        "REPORT",
        "REPORT_IFSPAM",
        "PROCESS",
        "HEADERS",
    ] {
        for version in ["1.0", "1.2", "1.5"] {
            compare(verb, version, SPAM, &ours, &theirs);
        }
        for mail in [&b""[..], b"Subject: x\n", b"\nbody\n", &crlf(HAM), &crlf(SPAM)] {
            compare(verb, "1.5", mail, &ours, &theirs);
        }
    }
}

#[test]
fn spam_marked_in_place() {
    let lines = [
        "report_safe 0",
        "rewrite_header Subject **_SCORE_ of _REQD_**",
        "rewrite_header From (spam)",
        "add_header all Found _TESTSSCORES_ _YESNO(a,b)_ _STARS(+)_ _NOSUCH_ x",
        "add_header ham Two one\\ntwo _SCORE(00)_",
        "remove_header all Level",
    ];
    let ours = Ours::start(&lines.join("\n"), Settings::default());
    let theirs = theirs(false, &lines);
    for mail in [HAM, SPAM, &crlf(SPAM), b"Subject: x\n", b"\nbody\n"] {
        for verb in ["PROCESS", "HEADERS"] {
            compare(verb, "1.5", mail, &ours, &theirs);
        }
    }
    let with_separator = [
        b"From a@example.org Thu Jan  1 00:00:00 2026\nX-Spam-Prev-Subject: old\n",
        SPAM,
    ]
    .concat();
    compare("PROCESS", "1.5", &with_separator, &ours, &theirs);
}

#[test]
fn spam_attached_as_text() {
    let lines = [
        "report_safe 2",
        "report_safe_copy_headers Reply-To",
        "rewrite_header Subject SPAM",
        "rewrite_header From x",
    ];
    let ours = Ours::start(&lines.join("\n"), Settings::default());
    let theirs = theirs(false, &lines);
    // Not with CRLF: spamd then leaves a lone CR before the comment.
    compare("PROCESS", "1.5", SPAM, &ours, &theirs);
}

#[test]
fn what_is_no_request_or_an_odd_one() {
    let (ours, theirs) = (Ours::start("", Settings::default()), theirs(false, &[]));
    let length = HAM.len();
    let with = |head: &str| [head.replace("LEN", &length.to_string()).as_bytes(), HAM].concat();
    let zlib = |cut: usize, promised: usize| {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(SPAM).unwrap();
        let packed = encoder.finish().unwrap();
        let head = format!(
            "SYMBOLS SPAMC/1.5\r\nCompress: zlib\r\nContent-length: {}\r\n\r\n",
            packed.len() + promised
        );
        [head.as_bytes(), &packed[..packed.len() - cut]].concat()
    };
    let many = |number: usize| {
        let headers: String = (0..number).map(|number| format!("X-{number}: y\r\n")).collect();
        with(&format!(
            "CHECK SPAMC/1.5\r\n{headers}Content-length: LEN\r\n\r\n"
        ))
    };
    for request in [
        b"PING SPAMC/1.2\r\n\r\n".to_vec(),
        b"PING SPAMC/1.5\r\nUser: x\r\n\r\n".to_vec(),
        b"PING SPAMC/1.5\r\n".to_vec(),
        b"PING\r\n\r\n".to_vec(),
        b"SKIP SPAMC/1.5\r\n\r\n".to_vec(),
        b"FROB SPAMC/1.5\r\n\r\n".to_vec(),
        b"\r\n".to_vec(),
        b"".to_vec(),
        b"CHECK SPAM".to_vec(),
        with("CHECK SPAMC/1.5\r\n\r\n"),
        with("xyzCHECK SPAMC/1.5\r\nContent-length: LEN\r\n\r\n"),
        with("CHECKED SPAMC/1.5\r\nContent-length: LEN\r\n\r\n"),
        with("check SPAMC/1.5\r\nContent-length: LEN\r\n\r\n"),
        with("CHECK\r\nContent-length: LEN\r\n\r\n"),
        with("CHECK SPAMC/2.0\r\nContent-length: LEN\r\n\r\n"),
        with("CHECK SPAMC/1\r\nContent-length: LEN\r\n\r\n"),
        with("CHECK SPAMC/x\r\nContent-length: LEN\r\n\r\n"),
        with("CHECK SPAMC/1.5 foo\r\nContent-length: LEN\r\n\r\n"),
        with("CHECK  SPAMC/1.5\r\nContent-length: LEN\r\n\r\n"),
        with("CHECK SPAMC/1.5\nContent-length: LEN\n\n"),
        with("CHECK SPAMC/1.5\r\nfoo\r\n\r\n"),
        with("CHECK SPAMC/1.5\r\nX-Foo: bar\r\nContent-length: LEN\r\n\r\n"),
        with("CHECK SPAMC/1.5\r\nContent-length: x\r\n\r\n"),
        with("CHECK SPAMC/1.5\r\nContent-length: -5\r\n\r\n"),
        with("CHECK SPAMC/1.5\r\nContent-length:LEN\r\n\r\n"),
        with("CHECK SPAMC/1.5\r\nContent-length:   LEN  \r\n\r\n"),
        with("CHECK SPAMC/1.5\r\ncontent-length: 5\r\n\r\n"),
        with("CHECK SPAMC/1.5\r\nContent-length: 1LEN\r\n\r\n"),
        with("CHECK SPAMC/1.5\r\nUser: a\u{1}b\r\nContent-length: LEN\r\n\r\n"),
        with("CHECK SPAMC/1.5\r\nUser: \r\nContent-length: LEN\r\n\r\n"),
        with("CHECK SPAMC/1.5\r\nUser: ../x y\r\nContent-length: LEN\r\n\r\n"),
        with("CHECK SPAMC/1.5\r\nCompress: zlib\r\n\r\n"),
        with("CHECK SPAMC/1.5\r\nCompress: gzip\r\nContent-length: LEN\r\n\r\n"),
        with("TELL SPAMC/1.5\r\nMessage-class: spam\r\nSet: local\r\nContent-length: LEN\r\n\r\n"),
        b"CHECK SPAMC/1.5\r\nContent-length: 0\r\n\r\n".to_vec(),
        zlib(0, 0),
        zlib(0, 5),
        many(254),
        many(255),
        many(300),
    ] {
        assert_eq!(
            text(&ask(ours.address, &request)),
            text(&ask(theirs.address(), &request)),
            "{}",
            text(&request[..request.len().min(200)])
        );
    }
}

#[test]
fn lessons() {
    let settings = Settings {
        allow_tell: true,
        ..Settings::default()
    };
    let (ours, theirs) = (Ours::start("", settings), theirs(true, &[]));
    for headers in [
        &["Message-class: ham", "Set: local"][..],
        &["Message-class: ham", "Set: local"],
        &["Message-class: xyz", "Set: local"],
        &["Message-class: spam", "Set: local"],
        &["Message-class: spam", "Set: local,remote"],
        &["Message-class: spam", "Set: remote"],
        &["Message-class: ham"],
        &[],
        &["Message-class: ham", "Set: foo"],
        &["Message-class: ham", "Set: local", "Remove: local"],
        &["Set: local"],
    ] {
        let request = request("TELL", "1.5", headers, &crlf(SPAM));
        let (one, other) = (
            text(&ask(ours.address, &request)),
            text(&ask(theirs.address(), &request)),
        );
        assert_eq!(one, other, "{headers:?}");
    }
    let forget = request("TELL", "1.5", &["Remove: local"], HAM);
    assert!(
        text(&ask(ours.address, &forget))
            .starts_with("SPAMD/1.0 69 Service Unavailable: this server cannot forget")
    );
}
