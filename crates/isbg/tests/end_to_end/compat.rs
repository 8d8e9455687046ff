//! In the place of an earlier isbg: what the real isbg 2.3.1 left behind is taken over, and old command lines still mean
//! what they meant.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::{Arc, Mutex};

use isbg_store::import::name_hashes;
use isbg_testkit::spamd_stub::{Answer, Request};

use crate::lab::{Lab, PASSWORD, USER, by_subject, fails, same};

/// Runs Debian's isbg 2.3.1 in the lab's home, with a `spamc` that asks the lab's scorer.
fn isbg_2(lab: &Lab, options: &str) {
    let address = lab.scorer.address();
    let script = format!(
        "#!/bin/sh\nexec /usr/bin/spamc -d {} -p {} \"$@\"\n",
        address.ip(),
        address.port()
    );
    let spamc = lab.home.write("old/spamc", &script);
    std::fs::set_permissions(&spamc, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        spamc.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let port = lab.proxy.address().port();
    let line = format!(
        "--imaphost 127.0.0.1 --imapport {port} --imapuser {USER} --imappasswd {PASSWORD} --nossl --noninteractive \
         --spaminbox Junk --spamc {options}"
    );
    let output = Command::new("/usr/bin/isbg")
        .args(line.split_whitespace())
        .env_clear()
        .env("PATH", path)
        .env("HOME", lab.home.path())
        .current_dir(lab.home.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Judges by the subject in a form that isbg 2.3.1 understands; keeps the subjects that it was asked about.
fn scorer_of_old(lab: &mut Lab) -> Arc<Mutex<Vec<String>>> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let own = Arc::clone(&asked);
    lab.judge(move |request: &Request| {
        let text = String::from_utf8_lossy(&request.mail).into_owned();
        if let Some(subject) = text.lines().find_map(|line| line.strip_prefix("Subject: ")) {
            own.lock().unwrap().push(format!("{} {subject}", request.method));
        }
        let (word, score) = match by_subject(request) {
            Answer::Score(score, _) if score >= 5.0 => ("Yes", score),
            _ => ("No", 0.0),
        };
        if request.method != "PROCESS" {
            return by_subject(request);
        }
        let body = format!("X-Spam-Status: {word}, score={score:.1} required=5.0\r\n{text}");
        let verdict = if word == "Yes" { "True" } else { "False" };
        let head = format!(
            "Content-length: {}\r\nSpam: {verdict} ; {score:.1} / 5.0\r\n",
            body.len()
        );
        Answer::Bytes(format!("SPAMD/1.1 0 EX_OK\r\n{head}\r\n{body}").into_bytes())
    });
    asked
}

#[test]
fn takes_over_from_isbg_2_3_1() {
    let mut lab = Lab::with_folders(&["Teach", "Good"]);
    let asked = scorer_of_old(&mut lab);
    for (folder, subject) in [
        ("INBOX", "spam old"),
        ("INBOX", "ham old"),
        ("INBOX", "ham older"),
        ("Teach", "spam taught"),
        ("Good", "ham taught"),
    ] {
        lab.put(folder, subject, &["\\Seen"]);
    }
    isbg_2(&lab, "--savepw --learnspambox Teach --learnhambox Good");
    assert_eq!(lab.subjects("Junk"), ["spam old"]);
    let old = asked.lock().unwrap().clone();
    assert!(
        old.iter().any(|line| line == "PROCESS spam old") && old.iter().any(|line| line == "TELL ham taught"),
        "{old:?}"
    );

    asked.lock().unwrap().clear();
    lab.put("INBOX", "spam new", &[]);
    let before = lab.mailbox();
    // Its stored password is taken over as well.
    let line = lab
        .line("--learnspambox Teach --learnhambox Good --spaminbox Junk")
        .replace(" --passwdfilename pw", "");
    let ran = lab.home.line(&line);
    assert_eq!(ran.status, 0, "{ran}");
    assert!(!ran.to_string().contains(PASSWORD));
    let lines: Vec<&str> = ran
        .err
        .lines()
        .filter(|line| !line.contains("warning:"))
        .take(4)
        .collect();
    assert_eq!(
        lines,
        [
            "0/0 spams learned",
            "0/0 hams learned",
            "1 spams found in 1 messages",
            "0/1 was automatically deleted"
        ]
    );
    let new = asked.lock().unwrap().clone();
    assert!(
        !new.is_empty() && new.iter().all(|line| line.ends_with(" spam new")),
        "{new:?}"
    );
    assert_eq!(lab.subjects("Junk"), ["spam old", "spam new"]);
    let mut rest = lab.mailbox();
    rest.get_mut("Junk").unwrap().pop();
    same(&rest, &before);
    // Once taken over the old files are not looked at again, whatever becomes of them.
    std::fs::remove_dir_all(lab.home.path().join(".cache")).unwrap();
    lab.quiet("--learnspambox Teach --learnhambox Good --spaminbox Junk");
}

#[test]
fn takes_over_from_isbg_0_99() {
    let lab = Lab::new();
    lab.put("INBOX", "spam old", &[]);
    lab.put("INBOX", "spam new", &[]);
    let [hash, _] = name_hashes("127.0.0.1", USER, lab.proxy.address().port());
    lab.home
        .write(&format!(".isbg-track{hash}"), "pastuids = ['1']\n");
    lab.fine("--noreport --delete --expunge");
    assert_eq!(
        (lab.subjects("INBOX"), lab.subjects("Junk")),
        (vec!["spam old".to_owned()], vec!["spam new".to_owned()])
    );
}

#[test]
fn spellings_of_0_99() {
    let lab = Lab::new();
    lab.put("INBOX", "certain 1", &[]);
    lab.put("INBOX", "ham 1", &[]);
    let old = lab
        .line("--deletehigherthen=29 --lockfilegraceminutes 5")
        .replace("--passwdfilename", "--passwordfilename");
    let ran = lab.call(&old);
    assert!(
        ran.err
            .contains("1 spams found in 2 messages\n1/1 was automatically deleted"),
        "{ran}"
    );
    assert!(lab.mailbox()["INBOX"][0].has("\\Deleted"));
    let password = lab
        .line("")
        .replace("--passwdfilename pw", &format!("--imappassword={PASSWORD}"));
    let ran = lab.call(&password);
    assert_eq!(ran.status, 0, "{ran}");
    assert!(
        ran.err.contains("can be seen by every user of this machine"),
        "{ran}"
    );
    for gone in ["--satest x", "--sasave x", "--spamflagscmd x", "--spamflags x"] {
        fails(&lab.run(gone), 10, &[gone.split(' ').next().unwrap(), "0.99"]);
    }
}

#[test]
fn options_may_be_shortened() {
    let lab = Lab::new();
    lab.put("INBOX", "spam 1", &[]);
    let ran = lab.call(
        &lab.line("--nor --delete --exp --nost")
            .replace("--imapport", "--imappo")
            .replace("--imapuser", "--imapu"),
    );
    assert_eq!(
        (
            ran.status,
            ran.err.lines().filter(|line| !line.contains("warning:")).count()
        ),
        (0, 0),
        "{ran}"
    );
    assert_eq!(lab.subjects("Junk"), ["spam 1"]);
}

#[test]
fn what_scripts_rely_on() {
    let lab = Lab::with_folders(&["Teach", "Good"]);
    lab.put("Teach", "spam 1", &[]);
    for (subjects, plain, detailed) in [
        (&["ham 1", "ham 2"][..], "0 spams found in 2 messages", 1),
        (&["spam 2"], "1 spams found in 1 messages", 2),
        (&["spam 3", "ham 3"], "1 spams found in 2 messages", 3),
        (&[], "0 spams found in 0 messages", 0),
    ] {
        subjects.iter().for_each(|subject| lab.put("INBOX", subject, &[]));
        let ran = lab.run("--exitcodes --learnspambox Teach --learnhambox Good --dryrun");
        assert_eq!((ran.status, ran.out.as_str()), (detailed, ""), "{ran}");
        let ran = lab.fine("--learnspambox Teach --learnhambox Good");
        let lines: Vec<&str> = ran
            .err
            .lines()
            .filter(|line| !line.contains("warning:"))
            .collect();
        assert!(
            lines[0].ends_with("spams learned") && lines[1].ends_with("hams learned"),
            "{ran}"
        );
        assert_eq!(lines[2], plain);
        assert!(lines[3].ends_with(" was automatically deleted"), "{ran}");
        assert_eq!(ran.out, "", "standard output stays empty");
    }
    let mut last: Vec<String> = Vec::new();
    (0..7).for_each(|n| lab.put("INBOX", &format!("ham newer {n}"), &[]));
    let ran = lab.fine("--partialrun 3 --verbose");
    last.extend(
        ran.err
            .lines()
            .filter(|line| line.contains("ham newer"))
            .map(str::to_owned),
    );
    assert!(
        last.len() == 3 && (4..7).all(|n| last.iter().any(|line| line.contains(&format!("newer {n}")))),
        "{last:?}"
    );
}
