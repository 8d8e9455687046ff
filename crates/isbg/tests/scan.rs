//! Whole runs against a real Dovecot, with a spamd that judges by a word: what happens to the mailbox, what is said, and
//! which status is returned. Every test ends with the conservation check.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

mod common;

use common::{Home, Ran};
use isbg_testkit::conservation::Conservation;
use isbg_testkit::dovecot::{Dovecot, Settings};
use isbg_testkit::mailbox::{Mailbox, Message};
use isbg_testkit::spamd_stub::{Answer, SpamdStub};

const DATE: i64 = 1_780_000_000;

/// Mail that says "pills" is spam; "surely" is worse, "perhaps" is unsure.
fn scorer() -> SpamdStub {
    SpamdStub::start(|request| match () {
        () if request.mentions("surely") => Answer::Score(30.0, vec!["SURELY"]),
        () if request.mentions("pills") => Answer::spam(),
        () if request.mentions("perhaps") => Answer::Score(4.5, vec!["PERHAPS"]),
        () => Answer::ham(),
    })
    .unwrap()
}

fn mail(subject: &str) -> Vec<u8> {
    format!("From: Somebody <s@example.org>\r\nTo: me@example.org\r\nSubject: {subject}\r\n\r\nHello\r\n")
        .into_bytes()
}

struct Scene {
    home: Home,
    dovecot: Dovecot,
    scorer: SpamdStub,
}

impl Scene {
    fn new(subjects: &[&str]) -> Self {
        Self::with(Settings::default(), subjects)
    }

    fn with(settings: Settings, subjects: &[&str]) -> Self {
        let dovecot = Dovecot::start(settings).unwrap();
        for subject in subjects {
            dovecot.deliver("INBOX", &mail(subject), &[], DATE).unwrap();
        }
        let home = Home::new();
        home.write("pw", "secret\n");
        Self {
            home,
            dovecot,
            scorer: scorer(),
        }
    }

    fn line(&self, options: &str) -> String {
        format!(
            "--imaphost 127.0.0.1 --imapport {} --imapuser me --nossl --passwdfilename pw --spamd {} {options}",
            self.dovecot.address().port(),
            self.scorer.address(),
        )
    }

    fn run(&self, options: &str) -> Ran {
        self.home.line(&self.line(options))
    }

    fn config(&self, keys: &str) {
        let text = format!(
            "[account.home]\nhost = \"127.0.0.1\"\nport = {}\nuser = \"me\"\ntls = \"none\"\npassword-file = \"~/pw\"\n\
             spamd = \"{}\"\nfirst-run-reports = false\n{keys}",
            self.dovecot.address().port(),
            self.scorer.address(),
        );
        self.home.write(".config/isbg/config.toml", &text);
    }

    fn mailbox(&self) -> Mailbox {
        self.dovecot.wire().unwrap().mailbox().unwrap()
    }

    fn subjects(&self, folder: &str) -> Vec<String> {
        let mailbox = self.mailbox();
        mailbox
            .get(folder)
            .into_iter()
            .flatten()
            .map(Message::subject)
            .collect()
    }
}

fn is_spam(message: &Message) -> bool {
    message.subject().contains("pills") || message.subject().contains("surely")
}

fn check(conservation: &Conservation<'_>, after: &Mailbox) {
    assert_eq!(conservation.problems_when_settled(after), Vec::<String>::new());
}

/// The lines on standard error that are no warnings.
fn lines(ran: &Ran) -> Vec<&str> {
    ran.err
        .lines()
        .filter(|line| !line.contains("warning:"))
        .collect()
}

#[test]
fn a_plain_run_copies_and_leaves_the_inbox_alone() {
    let scene = Scene::new(&["lunch", "pills", "minutes"]);
    let before = scene.mailbox();
    let ran = scene.run("");
    assert_eq!(ran.status, 0, "{ran}");
    assert_eq!(
        lines(&ran),
        [
            "1 spams found in 3 messages",
            "0/1 was automatically deleted",
            "0 messages moved, 1 copied"
        ]
    );
    let after = scene.mailbox();
    assert_eq!(scene.subjects("INBOX"), ["lunch", "pills", "minutes"]);
    assert_eq!(after["Junk"].len(), 1);
    check(
        &Conservation::of(&before)
            .may_double("INBOX", is_spam)
            .may_wrap("INBOX", "Junk", is_spam),
        &after,
    );
    let again = scene.run("");
    assert_eq!(lines(&again)[0], "0 spams found in 0 messages");
    assert_eq!(scene.mailbox(), after, "a second run changes nothing");
}

#[test]
fn spam_is_moved_untouched() {
    let scene = Scene::new(&["lunch", "pills", "more pills"]);
    let before = scene.mailbox();
    let ran = scene.run("--noreport --delete --expunge --verbose");
    assert_eq!(ran.status, 0, "{ran}");
    assert!(ran.err.contains("2 messages moved"), "{ran}");
    let line = ran.err.lines().find(|line| line.contains("more pills")).unwrap();
    assert!(
        line.contains("Somebody <s@example.org>") && line.contains("20.0/5.0  spam  moved to Junk"),
        "{ran}"
    );
    assert!(
        ran.err
            .lines()
            .any(|line| line.contains("lunch") && line.ends_with("0.0/5.0  ham  left")),
        "{ran}"
    );
    assert_eq!(scene.subjects("INBOX"), ["lunch"]);
    check(
        &Conservation::of(&before).may_move("INBOX", "Junk", is_spam),
        &scene.mailbox(),
    );
}

#[test]
fn flag_and_delete_together() {
    let scene = Scene::new(&["lunch", "pills"]);
    let ran = scene.run("--flag --delete");
    assert_eq!(ran.status, 0, "{ran}");
    let inbox = &scene.mailbox()["INBOX"];
    assert!(inbox[1].has("\\Flagged") && inbox[1].has("\\Deleted") && !inbox[0].has("\\Deleted"));
}

#[test]
fn expunge_spares_bystanders() {
    let scene = Scene::new(&["lunch", "pills"]);
    scene
        .dovecot
        .deliver("INBOX", &mail("mine"), &["\\Deleted", "\\Seen"], DATE)
        .unwrap();
    assert_eq!(scene.run("--delete --expunge").status, 0);
    assert_eq!(scene.subjects("INBOX"), ["lunch", "mine"]);
}

#[test]
fn statuses_with_exitcodes() {
    for (subjects, status) in [
        (&[][..], 0),
        (&["lunch"][..], 1),
        (&["pills", "pills"][..], 2),
        (&["lunch", "pills"][..], 3),
    ] {
        let scene = Scene::new(subjects);
        assert_eq!(scene.run("--exitcodes --nostats").status, status, "{subjects:?}");
        assert_eq!(scene.run("--exitcodes --nostats").status, 0, "nothing new");
    }
}

#[test]
fn certain_spam_and_unsure_mail() {
    let settings = Settings {
        folders: vec![("Junk", Some("\\Junk")), ("Maybe", None)],
        ..Settings::default()
    };
    let scene = Scene::with(settings, &["lunch", "pills", "surely pills", "perhaps"]);
    let ran = scene
        .run("--deletehigherthan 25 --unsure-band 4,4.9 --unsureinbox Maybe --noreport --delete --expunge");
    assert_eq!(ran.status, 0, "{ran}");
    assert!(
        ran.err
            .contains("2 spams found in 4 messages\n1/2 was automatically deleted\n"),
        "{ran}"
    );
    assert_eq!(scene.subjects("INBOX"), ["lunch"]);
    assert_eq!(scene.subjects("Junk"), ["pills"]);
    assert_eq!(scene.subjects("Maybe"), ["perhaps"]);
}

#[test]
fn a_dry_run_scores_and_changes_nothing() {
    let scene = Scene::new(&["lunch", "pills"]);
    let before = scene.mailbox();
    let ran = scene.run("--dryrun --noreport --delete --expunge --verbose");
    assert_eq!(ran.status, 0, "{ran}");
    assert!(ran.err.contains("1 spams found in 2 messages"), "{ran}");
    assert!(ran.err.contains("would move to Junk"), "{ran}");
    assert_eq!(scene.mailbox(), before);
    assert!(
        !scene.home.path().join(".local").exists(),
        "a dry run leaves no trace"
    );
    assert!(scene.scorer.served() >= 2);
}

#[test]
fn the_size_limit_is_told() {
    let scene = Scene::new(&["lunch"]);
    let mut large = mail("large pills");
    large.resize(150_000, b'x');
    scene.dovecot.deliver("INBOX", &large, &[], DATE).unwrap();
    let ran = scene.run("--verbose");
    assert!(ran.err.contains("0 spams found in 1 messages"), "{ran}");
    assert!(ran.err.contains("1 not scanned because of their size"), "{ran}");
    assert!(
        ran.err
            .lines()
            .any(|line| line.contains("large pills") && line.contains("not scanned: ")),
        "{ran}"
    );
}

#[test]
fn only_so_many_in_a_run() {
    let scene = Scene::new(&["a", "b", "c", "d"]);
    let ran = scene.run("--partialrun 3");
    assert!(
        ran.err.contains("0 spams found in 3 messages") && ran.err.contains("1 left for the next run"),
        "{ran}"
    );
    assert!(
        scene
            .run("--partialrun 3")
            .err
            .contains("0 spams found in 1 messages")
    );
}

#[test]
fn many_messages_with_spam_among_the_first() {
    let scene = Scene::new(&["pills"; 5]);
    for number in 0..250 {
        scene
            .dovecot
            .deliver("INBOX", &mail(&format!("letter {number}")), &[], DATE)
            .unwrap();
    }
    scene
        .dovecot
        .deliver("INBOX", &mail("more pills"), &[], DATE)
        .unwrap();
    let ran = scene.run("--partialrun 0");
    assert!(ran.err.contains("6 spams found in 256 messages"), "{ran}");
    assert!(
        scene
            .run("--partialrun 0")
            .err
            .contains("0 spams found in 0 messages")
    );
}

#[test]
fn folders_that_do_not_exist() {
    let scene = Scene::new(&["pills"]);
    let before = scene.mailbox();
    for options in [
        "--spaminbox Jun",
        "--imapinbox Posteingang",
        "--learnspambox Junkyard",
    ] {
        let ran = scene.run(options);
        assert_eq!((ran.status, lines(&ran).len()), (11, 1), "{ran}");
    }
    assert!(scene.run("--spaminbox Jun").err.contains("did you mean Junk"));
    assert_eq!(scene.mailbox(), before);
}

#[test]
fn a_spam_folder_is_made_where_there_is_none() {
    let scene = Scene::with(
        Settings {
            folders: Vec::new(),
            ..Settings::default()
        },
        &["pills"],
    );
    let ran = scene.run("--noreport --delete --expunge");
    assert!(
        ran.err.contains("there was no folder for spam; made Spam"),
        "{ran}"
    );
    assert_eq!(scene.subjects("Spam"), ["pills"]);
}

#[test]
fn no_scorer_is_no_verdict() {
    let scene = Scene::new(&["pills"]);
    let before = scene.mailbox();
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let line = scene
        .line("")
        .replace(&scene.scorer.address().to_string(), &gone.to_string());
    let ran = scene.home.line(&line);
    assert_eq!(ran.status, 12, "{ran}");
    assert_eq!(scene.mailbox(), before);
    assert!(
        scene.run("").err.contains("1 spams found in 1 messages"),
        "and it counts as new later"
    );
}

#[test]
fn a_run_that_is_told_to_end() {
    let mut scene = Scene::new(&["pills"]);
    let before = scene.mailbox();
    let patient = std::mem::replace(&mut scene.scorer, SpamdStub::start(|_| Answer::Hang).unwrap());
    let child = std::process::Command::new(assert_cmd::cargo::cargo_bin("isbg"))
        .env("HOME", scene.home.path())
        .current_dir(scene.home.path())
        .args(scene.line("--noreport --delete --expunge").split_whitespace())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while scene.scorer.served() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    for _ in 0..2 {
        let told = std::process::Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status();
        assert!(told.unwrap().success());
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(255), "{output:?}");
    assert_eq!(scene.mailbox(), before);
    scene.scorer = patient;
    assert!(
        scene
            .run("--noreport --delete --expunge")
            .err
            .contains("1 messages moved")
    );
}

#[test]
fn records_for_programs() {
    let scene = Scene::new(&["lunch", "pills"]);
    let ran = scene.run("--json --noreport --delete --expunge");
    assert_eq!(ran.status, 0, "{ran}");
    let records: Vec<serde_json::Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let spam = records
        .iter()
        .find(|record| record["subject"] == "pills")
        .unwrap();
    assert_eq!(spam["event"], "message");
    assert_eq!(
        (&spam["verdict"], &spam["action"], &spam["to"]),
        (&"spam".into(), &"moved".into(), &"Junk".into())
    );
    assert_eq!(spam["score"], 20.0);
    assert_eq!(spam["rules"][0]["name"], "STUB_SAYS_SPAM");
    let summary = records.last().unwrap();
    assert_eq!(
        (&summary["event"], &summary["judged"], &summary["moved"]),
        (&"summary".into(), &2.into(), &1.into())
    );
    let documented =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/json.md")).unwrap();
    for record in &records {
        for key in record.as_object().unwrap().keys() {
            assert!(
                documented.contains(&format!("`{key}`")),
                "{key} is not in docs/json.md"
            );
        }
    }
}

#[test]
fn history_and_undo() {
    let scene = Scene::new(&["lunch", "pills", "more pills"]);
    let before = scene.mailbox();
    assert_eq!(scene.run("--noreport --delete --expunge").status, 0);
    let history = scene.home.line("history");
    assert_eq!(history.out.lines().count(), 2, "{history}");
    assert!(
        history
            .out
            .lines()
            .all(|line| line.contains("moved  INBOX -> Junk  20.0 spam")),
        "{history}"
    );
    let json = scene.home.line("history --json --limit 1");
    let record: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (&record["action"], &record["to"]["folder"]),
        (&"moved".into(), &"Junk".into())
    );
    let undo = scene.home.line("undo --nossl --passwdfilename pw");
    assert_eq!(undo.status, 0, "{undo}");
    assert!(undo.err.contains("2 of 2 put back"), "{undo}");
    let mut subjects = scene.subjects("INBOX");
    subjects.sort_unstable();
    assert_eq!(subjects, ["lunch", "more pills", "pills"]);
    check(
        &Conservation::of(&before).may_move("INBOX", "INBOX", is_spam),
        &scene.mailbox(),
    );
    assert!(scene.home.line("history").out.contains("restored"));
    assert_eq!(
        scene.home.line("undo --nossl --passwdfilename pw").status,
        10,
        "nothing left to undo"
    );
    assert!(
        scene
            .run("--noreport --delete --expunge")
            .err
            .contains("0 messages moved"),
        "the user wins"
    );
}

#[test]
fn one_run_at_a_time() {
    let scene = Scene::new(&["pills"]);
    let lock = std::fs::File::create(scene.home.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let ran = scene.run("--lockfilename lock");
    assert_eq!((ran.status, lines(&ran).len()), (30, 1), "{ran}");
    assert_eq!(scene.run("--lockfilename lock --ignorelockfile").status, 0);
}

#[test]
fn what_isbg_2_has_seen_is_not_judged_again() {
    let scene = Scene::new(&["old pills", "new pills"]);
    let mut wire = scene.dovecot.wire().unwrap();
    let status = wire.command("STATUS INBOX (UIDVALIDITY)").unwrap();
    let validity: String = format!("{status:?}")
        .split("UIDVALIDITY ")
        .nth(1)
        .unwrap()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    scene.home.write(
        "trackinbox",
        &format!("{{\"uidvalidity\": {validity}, \"uids\": [\"1\"]}}"),
    );
    let ran = scene.run("--trackfile track");
    assert!(ran.err.contains("1 spams found in 1 messages"), "{ran}");
    assert!(scene.run("").err.contains("0 spams found in 0 messages"));
}

#[test]
fn accounts_of_the_config_file_observe_then_act() {
    let scene = Scene::new(&["lunch", "pills"]);
    let before = scene.mailbox();
    scene.config("mode = \"observe\"\n");
    let ran = scene.home.line("scan --verbose");
    assert_eq!(ran.status, 0, "{ran}");
    assert!(
        ran.err.contains("1 spams found in 2 messages") && ran.err.contains("would move to Junk"),
        "{ran}"
    );
    assert_eq!(scene.mailbox(), before);
    scene.config("mode = \"move\"\n");
    scene
        .dovecot
        .deliver("INBOX", &mail("fresh pills"), &[], DATE)
        .unwrap();
    scene
        .dovecot
        .deliver("INBOX", &mail("flagged pills"), &["\\Flagged"], DATE)
        .unwrap();
    let before = scene.mailbox();
    let ran = scene.home.line("scan home");
    assert!(
        ran.err.contains("1 messages moved") && ran.err.contains("1 spared"),
        "{ran}"
    );
    assert!(scene.subjects("INBOX").contains(&"flagged pills".to_owned()));
    check(
        &Conservation::of(&before).may_move("INBOX", "Junk", is_spam),
        &scene.mailbox(),
    );
}

#[test]
fn one_account_s_failure_does_not_stop_the_others() {
    let scene = Scene::new(&["pills"]);
    scene.config("mode = \"move\"\n[account.broken]\nhost = \"no-such-host.invalid\"\nuser = \"x\"\npassword-command = \"echo x\"\n");
    let ran = scene.home.line("scan");
    assert_eq!(ran.status, 11, "{ran}");
    assert!(
        ran.err.contains("isbg: broken: ") && ran.err.contains("home: 1 messages moved"),
        "{ran}"
    );
}

#[test]
fn learning_moves_ham_and_teaches_once() {
    let settings = Settings {
        folders: vec![
            ("Junk", Some("\\Junk")),
            ("Teach", None),
            ("Good", None),
            ("Kept", None),
        ],
        ..Settings::default()
    };
    let scene = Scene::with(settings, &[]);
    scene.dovecot.deliver("Teach", &mail("pills"), &[], DATE).unwrap();
    scene.dovecot.deliver("Good", &mail("lunch"), &[], DATE).unwrap();
    let options = "--learnspambox Teach --learnhambox Good --movehamto Kept --teachonly --learnthenflag";
    let ran = scene.run(options);
    assert_eq!(ran.status, 0, "{ran}");
    assert_eq!(lines(&ran)[..2], ["1/1 spams learned", "1/1 hams learned"]);
    assert_eq!(scene.subjects("Kept"), ["lunch"]);
    assert!(scene.subjects("Good").is_empty());
    assert!(scene.mailbox()["Teach"][0].has("\\Flagged"));
    assert_eq!(
        lines(&scene.run(options))[..2],
        ["0/0 spams learned", "0/0 hams learned"]
    );
}
