//! A backtest over a real mailbox: its folders are the sorted mail, and nothing in them changes.

use std::fs;

use isbg_testkit::conservation::changes_in;

use crate::lab::{Lab, PASSWORD, fails, same};

const MAILBOX: &str =
    "--imaphost 127.0.0.1 --imapuser me --nossl --noninteractive --passwdfilename pw --no-rules";

fn lab() -> Lab {
    let lab = Lab::with_folders(&["Archive", "Friends"]);
    for n in 0..20 {
        lab.put("INBOX", &format!("lunch on Friday {n}"), &["\\Seen"]);
        lab.put("Junk", &format!("cheap watches <b>{n}</b>"), &[]);
    }
    lab.put("INBOX", "not read yet", &[]);
    lab.put("INBOX", "deleted", &["\\Seen", "\\Deleted"]);
    lab.put("Friends", "dinner", &["\\Seen"]);
    lab
}

fn line(lab: &Lab, options: &str) -> String {
    format!(
        "backtest {MAILBOX} --imapport {} {options}",
        lab.proxy.address().port()
    )
}

#[test]
fn folders_are_sorted_mail() {
    let lab = lab();
    let before = lab.mailbox();
    let ran = lab.call(&line(&lab, "--report page.html --json --scores scores"));
    assert_eq!(ran.status, 0, "{ran}");
    assert!(
        ran.err.contains("20 messages of INBOX count as ham")
            && ran.err.contains("20 messages of Junk count as spam"),
        "{ran}"
    );
    let figures: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&figures["messages"], &figures["ham"], &figures["spam"]),
        (&40.into(), &20.into(), &20.into())
    );
    same(&lab.mailbox(), &before);
    assert_eq!(changes_in(&lab.proxy.transcript()), Vec::<String>::new());
    // In the order in which they came.
    let scores = fs::read_to_string(lab.home.path().join("scores")).unwrap();
    let labels: Vec<&str> = scores.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(labels[..4], ["ham", "spam", "ham", "spam"]);
    let page = fs::read_to_string(lab.home.path().join("page.html")).unwrap();
    assert!(
        page.starts_with("<!doctype html>") && page.ends_with("</html>\n"),
        "{page}"
    );
    assert!(
        page.contains("</svg>") && page.contains("Spam called ham"),
        "{page}"
    );
    assert!(
        !page.contains("<b>1") && !page.contains("<script") && !page.contains(PASSWORD),
        "{page}"
    );
    for kept in fs::read_dir(lab.home.path()).unwrap() {
        let name = kept.unwrap().file_name();
        assert!(
            !name.to_string_lossy().starts_with("isbg-backtest"),
            "a copy stayed: {name:?}"
        );
    }
}

#[test]
fn of_an_account_with_folders_that_are_named() {
    let lab = lab();
    lab.configure("spam-folder = \"Junk\"");
    let ran =
        lab.call("backtest home --noninteractive --no-rules --ham Friends --ham INBOX --limit 5 --json");
    assert_eq!(ran.status, 0, "{ran}");
    let figures: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&figures["ham"], &figures["spam"]),
        (&6.into(), &5.into()),
        "{ran}"
    );
}

#[test]
fn what_cannot_be_tested() {
    let lab = lab();
    let call = |options: &str| lab.call(&line(&lab, options));
    fails(&call("--ham Friend"), 11, &["Friend", "Friends"]);
    let ran = call("--ham Archive");
    assert!(
        ran.status == 255 && ran.err.contains("0 ham and 20 spam"),
        "{ran}"
    );
    fails(&lab.call("backtest --no-rules"), 10, &["--index", "--imaphost"]);
    fails(&lab.call("backtest nowhere --no-rules"), 10, &["config"]);
}
