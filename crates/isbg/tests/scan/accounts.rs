//! What outlasts a run: history, undo, locks, older isbg's files, accounts of the config file, learning.

use isbg_testkit::conservation::Conservation;
use isbg_testkit::dovecot::Settings;

use crate::lab::*;

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
