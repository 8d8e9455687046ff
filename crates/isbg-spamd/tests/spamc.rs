//! Debian's spamc with each of its options, asking our server and then Debian's spamd: what it prints and its exit status.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a helper of tests fails by panicking"
)]

mod support;

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use isbg_spamd::Settings;
use isbg_testkit::Port;
use isbg_testkit::spamd::{Settings as Theirs, Spamd};
use support::{HAM, Ours, SPAM, text};

/// What spamc printed, and its exit status.
fn spamc(options: &str, server: SocketAddr, mail: &[u8]) -> (String, i32) {
    let at = format!("-d 127.0.0.1 -p {} {options}", server.port());
    run(&at, mail)
}

fn run(options: &str, mail: &[u8]) -> (String, i32) {
    let mut child = Command::new("spamc")
        .args(options.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("spamc is installed; `cargo xtask test` brings it");
    let mut stdin = child.stdin.take().unwrap();
    // With -K spamc reads nothing.
    drop(stdin.write_all(mail));
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    (text(&output.stdout), output.status.code().unwrap_or(-1))
}

/// Without what names a program, a moment or a boundary, without the first words of the message, and sorted: rules come in
/// any order.
fn common(text: &str) -> Vec<String> {
    let names_itself = [
        "X-Spam-Checker-Version",
        "Received: from localhost",
        "\twith ",
        "Content-Type: multipart",
    ];
    let own = |line: &str| {
        names_itself.iter().any(|start| line.starts_with(start))
            || line.starts_with("--")
            || line.starts_with("Content-Description")
            || line.starts_with("Content-Disposition")
            || (line.starts_with('\t') && line.contains(" +0000"))
    };
    let mut lines = Vec::new();
    let (mut preview, mut status) = (false, String::new());
    for line in text.lines() {
        preview = (preview || line.starts_with("Content preview:")) && !line.trim().is_empty();
        if line.starts_with("X-Spam-Status") || (!status.is_empty() && line.starts_with('\t')) {
            status.push_str(line);
            continue;
        }
        if !status.is_empty() {
            let words = status.split_ascii_whitespace();
            lines.push(
                words
                    .filter(|word| !word.starts_with("autolearn") && !word.starts_with("version="))
                    .collect(),
            );
            status.clear();
        }
        if !preview && !own(line) && !line.trim().is_empty() {
            lines.push(line.trim_end().to_owned());
        }
    }
    lines.sort();
    lines
}

#[test]
fn every_option_that_asks_for_a_verdict() {
    let ours = Ours::start("", Settings::default());
    let theirs = Spamd::start(&Theirs::default()).unwrap();
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "# a comment\n-c\n-t 100\n").unwrap();
    let config = format!("-F {}", config.path().display());
    let statuses = [
        ("", 0, 0),
        ("-c", 0, 1),
        ("-E", 0, 1),
        ("-x", 0, 0),
        ("-x -E", 0, 1),
        ("-x -X", 0, 0),
        ("-y", 0, 0),
        ("-r", 0, 0),
        ("-R", 0, 0),
        ("-R -E", 0, 1),
        ("--headers", 0, 0),
        ("--headers -E", 0, 1),
        ("-t 100 -n 100 --filter-retries 2 --connect-retries 2 -c", 0, 1),
        ("-u nobody -c", 0, 1),
        ("-l -4 -H -c", 0, 1),
        ("-s 100 -c", 0, 0),
        ("-s 100", 0, 0),
        ("-K", 0, 0),
        (config.as_str(), 0, 1),
        ("-e /bin/cat", 0, 0),
    ];
    for (options, for_ham, for_spam) in statuses {
        for (mail, status) in [(HAM, for_ham), (SPAM, for_spam)] {
            let (own, own_status) = spamc(options, ours.address, mail);
            let (their, their_status) = spamc(options, theirs.address(), mail);
            assert_eq!(
                (own_status, their_status),
                (status, status),
                "spamc {options}\n{own}\n{their}"
            );
            assert_eq!(common(&own), common(&their), "spamc {options}");
        }
    }
}

#[test]
fn batched_smtp_and_sockets() {
    let ours = Ours::start("report_safe 0", Settings::default());
    let theirs = Spamd::start(&Theirs {
        lines: vec!["report_safe 0"],
        ..Theirs::default()
    })
    .unwrap();
    let envelope = [
        b"HELO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n",
        &support::crlf(SPAM)[..],
        b".\r\nQUIT\r\n",
    ]
    .concat();
    let (own, status) = spamc("-B", ours.address, &envelope);
    let (their, their_status) = spamc("-B", theirs.address(), &envelope);
    assert_eq!((common(&own), status), (common(&their), their_status));
    assert!(
        own.starts_with("HELO x\r\n") && own.contains("X-Spam-Flag: YES") && own.ends_with(".\r\nQUIT\r\n"),
        "{own}"
    );
    assert_eq!(
        run(&format!("-U {} -c", ours.socket.display()), SPAM),
        ("1000.0/5.0\n".to_owned(), 1)
    );
}

#[test]
fn lessons() {
    let refusing = Ours::start("", Settings::default());
    let willing = Ours::start(
        "",
        Settings {
            allow_tell: true,
            ..Settings::default()
        },
    );
    let their_refusing = Spamd::start(&Theirs::default()).unwrap();
    let their_willing = Spamd::start(&Theirs {
        allow_tell: true,
        ..Theirs::default()
    })
    .unwrap();
    for options in [
        "-L spam",
        "-L spam",
        "-L ham",
        "-C report",
        "-C revoke",
        "-L nonsense",
    ] {
        assert_eq!(
            spamc(options, willing.address, HAM),
            spamc(options, their_willing.address(), HAM),
            "spamc {options}"
        );
        assert_eq!(
            spamc(options, refusing.address, HAM),
            spamc(options, their_refusing.address(), HAM),
            "spamc {options}, refused"
        );
    }
    assert_eq!(
        spamc("-L forget", willing.address, HAM).1,
        spamc("-L forget", refusing.address, HAM).1
    );
}

#[test]
fn nobody_there_and_too_large() {
    let nobody = Port::reserve().unwrap();
    for (options, status) in [("-c", 0), ("-x", 69), ("-x -X", 75), ("-K", 69)] {
        let options = format!("--connect-retries 1 --retry-sleep 1 {options}");
        assert_eq!(spamc(&options, nobody.address(), HAM).1, status, "{options}");
    }
    let ours = Ours::start(
        "",
        Settings {
            max_size: 50,
            ..Settings::default()
        },
    );
    let (out, status) = spamc("", ours.address, HAM);
    assert_eq!(
        (out.as_bytes(), status),
        (HAM, 0),
        "what has no verdict comes back as it was"
    );
    assert_eq!(spamc("-c", ours.address, HAM), ("0/0\n".to_owned(), 0));
    assert_ne!(spamc("-x", ours.address, HAM).1, 0);
    assert!(
        ours.log().iter().any(|line| line.contains("98 Message Too Big")),
        "{:?}",
        ours.log()
    );
}
