//! Learning from folders: what the scorer is really taught, and what becomes of the mail.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use isbg_testkit::conservation::Conservation;
use isbg_testkit::dovecot::Settings;
use isbg_testkit::mail::{ham, spam};
use isbg_testkit::spamd::{self, Spamd};
use isbg_testkit::spamd_stub::{Answer, Request};

use crate::lab::{Lab, by_subject, conserved, fails, mail, same};

/// The line that every SpamAssassin calls spam.
const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

fn teachable() -> Spamd {
    Spamd::start(&spamd::Settings {
        allow_tell: true,
        ..spamd::Settings::default()
    })
    .unwrap()
}

/// How many spams and hams the database holds, as SpamAssassin's own tool counts them.
pub fn counted(spamd: &Spamd) -> (u32, u32) {
    let output = Command::new("sa-learn")
        .args(["--dump", "magic", "--dbpath"])
        .arg(spamd.home().join(".spamassassin/bayes"))
        .env("HOME", spamd.home())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let count = |what: &str| -> u32 {
        let line = text.lines().find(|line| line.ends_with(what)).unwrap();
        line.split_whitespace().nth(2).unwrap().parse().unwrap()
    };
    (count(": nspam"), count(": nham"))
}

/// What `spamc` says when it is to have this learned as spam.
fn spamc_learns(spamd: &Spamd, mail: &[u8]) -> String {
    let address = spamd.address();
    let mut spamc = Command::new("spamc")
        .args([
            "-d",
            &address.ip().to_string(),
            "-p",
            &address.port().to_string(),
            "--learntype=spam",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    spamc.stdin.take().unwrap().write_all(mail).unwrap();
    String::from_utf8(spamc.wait_with_output().unwrap().stdout).unwrap()
}

/// The same options with this spamd instead of the stub.
fn with(lab: &Lab, spamd: &Spamd, options: &str) -> String {
    lab.line(options)
        .replace(&lab.scorer.address().to_string(), &spamd.address().to_string())
}

#[test]
fn a_real_spamd_learns() {
    let spamd = teachable();
    let lab = Lab::with_folders(&["Teach", "Good", "Kept"]);
    for n in 0..3 {
        lab.put_mail("Teach", &spam(n), &[]);
        lab.put_mail("Good", &ham(n), &["\\Seen"]);
    }
    lab.put_mail("Good", &ham(3), &[]);
    let before = lab.mailbox();
    let options = "--learnspambox Teach --learnhambox Good --movehamto Kept --teachonly";
    let ran = lab.call(&with(&lab, &spamd, &format!("{options} --dryrun")));
    assert_eq!(
        (ran.status, counted_or_none(&spamd)),
        (0, None),
        "a dry run teaches nothing: {ran}"
    );
    same(&lab.mailbox(), &before);
    let ran = lab.call(&with(&lab, &spamd, options));
    assert_eq!(ran.status, 0, "{ran}");
    assert!(ran.err.contains("3/3 spams learned\n4/4 hams learned\n"), "{ran}");
    assert_eq!(counted(&spamd), (3, 4));
    conserved(
        &Conservation::of(&before).may_move("Good", "Kept", |_| true),
        &lab.mailbox(),
    );
    assert_eq!((lab.subjects("Good").len(), lab.subjects("Kept").len()), (0, 4));
    assert!(
        spamc_learns(&spamd, &spam(1)).contains("already"),
        "it was taught to the byte"
    );
    let ran = lab.call(&with(&lab, &spamd, options));
    assert!(ran.err.contains("0/0 spams learned\n0/0 hams learned\n"), "{ran}");
    lab.put_mail("Teach", &spam(0), &[]);
    let ran = lab.call(&with(&lab, &spamd, options));
    assert!(
        ran.err.contains("0/1 spams learned\n") && ran.err.contains("1 known to the scorer already"),
        "{ran}"
    );
    assert_eq!(counted(&spamd), (3, 4));
}

pub fn counted_or_none(spamd: &Spamd) -> Option<(u32, u32)> {
    spamd
        .home()
        .join(".spamassassin/bayes_toks")
        .exists()
        .then(|| counted(spamd))
}

#[test]
fn a_spamd_that_may_not_be_taught() {
    let spamd = Spamd::start(&spamd::Settings::default()).unwrap();
    let lab = Lab::with_folders(&["Teach"]);
    lab.put("Teach", "spam 1", &[]);
    let before = lab.mailbox();
    let ran = lab.call(&with(
        &lab,
        &spamd,
        "--nostats --learnspambox Teach --teachonly --learnthendestroy",
    ));
    fails(&ran, 12, &["--allow-tell"]);
    same(&lab.mailbox(), &before);
}

#[test]
fn a_report_of_a_real_spamd_comes_off_again() {
    let spamd = teachable();
    let lab = Lab::with_folders(&["Good"]);
    let original = [mail("spam 1"), GTUBE.as_bytes().to_vec(), b"\r\n".to_vec()].concat();
    lab.put_mail("INBOX", &original, &["\\Seen"]);
    let ran = lab.call(&with(&lab, &spamd, "--delete --expunge"));
    assert_eq!(ran.status, 0, "{ran}");
    let report = lab.mailbox()["Junk"][0].clone();
    let text = String::from_utf8_lossy(&report.bytes).into_owned();
    assert!(
        text.contains("x-spam-type=original") && text.contains("GTUBE"),
        "{text}"
    );
    std::fs::write(lab.home.path().join("report"), &report.bytes).unwrap();
    assert_eq!(lab.call("unwrap --from report --to original").status, 0);
    let unwrapped = std::fs::read(lab.home.path().join("original")).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&unwrapped),
        String::from_utf8_lossy(&original)
    );
    // Learned, it is the original that teaches.
    let ran = lab.call(&with(&lab, &spamd, "--learnspambox Junk --teachonly"));
    assert!(ran.err.contains("1/1 spams learned"), "{ran}");
    assert!(spamc_learns(&spamd, &original).contains("already"));
}

/// What was taught: the class and the mail.
type Lessons = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A scorer that keeps what it is taught.
fn attentive(lab: &mut Lab) -> Lessons {
    let lessons = Lessons::default();
    let own = Arc::clone(&lessons);
    lab.judge(move |request: &Request| match request.method.as_str() {
        "TELL" => {
            let class = request.header("message-class").unwrap_or_default().to_owned();
            own.lock().unwrap().push((class, request.mail.clone()));
            Answer::ham()
        }
        _ => by_subject(request),
    });
    lessons
}

#[test]
fn ham_comes_back_clean() {
    let mut lab = Lab::with_folders(&["Good"]);
    let lessons = attentive(&mut lab);
    lab.put("INBOX", "spam that is none", &["\\Seen"]);
    lab.fine("--delete --expunge");
    let mut user = lab.dovecot.wire().unwrap();
    user.command("SELECT Junk").unwrap();
    user.command("UID MOVE 1 Good").unwrap();
    let marked = [
        b"X-Spam-Level: ****\r\nX-Spam-Status: Yes, score=9\r\n".as_slice(),
        &mail("ham 2"),
    ]
    .concat();
    lab.put_mail("Good", &marked, &[]);
    let ran = lab.fine("--learnhambox Good --movehamto INBOX");
    assert!(ran.err.contains("2/2 hams learned"), "{ran}");
    let mut taught = lessons.lock().unwrap().clone();
    taught.sort();
    assert_eq!(
        taught,
        [mail("ham 2"), mail("spam that is none")].map(|mail| ("ham".to_owned(), mail))
    );
    assert_eq!(lab.subjects("INBOX").len(), 2);
    // What the user has put back stays, however the scorer judges it.
    lab.fine("--noreport --delete --expunge");
    assert_eq!((lab.subjects("INBOX").len(), lab.subjects("Junk").len()), (2, 0));
}

#[test]
fn forwarded_spam_teaches_what_was_forwarded() {
    let mut lab = Lab::with_folders(&["Teach"]);
    let lessons = attentive(&mut lab);
    let forwarded = |subject: &str| String::from_utf8(mail(subject)).unwrap();
    let wrapper = format!(
        "From: colleague@example.org\r\nSubject: look at these\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\n{}\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n{}\r\n--b--\r\n",
        forwarded("spam 1"),
        forwarded("spam 2")
    );
    lab.put_mail("Teach", wrapper.as_bytes(), &[]);
    lab.fine("--learnspambox Teach --teachonly");
    let taught = lessons.lock().unwrap().clone();
    assert_eq!(
        taught,
        [mail("spam 1"), mail("spam 2")].map(|mail| ("spam".to_owned(), mail))
    );
}

#[test]
fn only_flagged_or_only_unflagged() {
    for (option, learned) in [("--learnflagged", "spam b"), ("--learnunflagged", "spam a")] {
        let mut lab = Lab::with_folders(&["Teach"]);
        let lessons = attentive(&mut lab);
        lab.put("Teach", "spam a", &[]);
        lab.put("Teach", "spam b", &["\\Flagged"]);
        let options = format!("{option} --learnspambox Teach --teachonly");
        lab.fine(&options);
        let classes = || lessons.lock().unwrap().clone();
        assert_eq!(classes(), [("spam".to_owned(), mail(learned))], "{option}");
        lab.fine(&options);
        assert_eq!(classes().len(), 1, "{option}");
        // Once its flag changes, the other one qualifies as well.
        let mut user = lab.dovecot.wire().unwrap();
        user.command("SELECT Teach").unwrap();
        user.command("UID STORE 1 +FLAGS (\\Flagged)").unwrap();
        user.command("UID STORE 2 -FLAGS (\\Flagged)").unwrap();
        lab.fine(&options);
        assert_eq!(classes().len(), 2, "{option}");
    }
}

#[test]
fn marks_on_learned_mail() {
    let lab = Lab::with_folders(&["Teach", "Good"]);
    lab.put("Teach", "spam 1", &["\\Seen"]);
    lab.put("Teach", "mine", &["\\Deleted"]);
    lab.put("Good", "ham 1", &[]);
    let before = lab.mailbox();
    let options =
        "--learnspambox Teach --learnhambox Good --learnthendestroy --learnthenflag --expunge --teachonly";
    lab.fine(options);
    let after = lab.mailbox();
    for (folder, subject) in [("Teach", "spam 1"), ("Good", "ham 1")] {
        let message = after[folder]
            .iter()
            .find(|message| message.subject() == subject)
            .unwrap();
        assert!(
            message.has("\\Deleted") && message.has("\\Flagged"),
            "{subject}: {:?}",
            message.flags
        );
    }
    let allowed = Conservation::of(&before)
        .may_flag("Teach", &["\\Deleted", "\\Flagged"], |_| true)
        .may_flag("Good", &["\\Deleted", "\\Flagged"], |_| true);
    conserved(&allowed, &after);
    lab.harmless();
    lab.quiet(options);
}

#[test]
fn learned_spam_goes_to_the_trash_where_that_means_deleting() {
    let settings = Settings {
        folders: vec![
            ("Junk", Some("\\Junk")),
            ("Bin", Some("\\Trash")),
            ("Teach", None),
        ],
        ..Settings::default()
    };
    let lab = Lab::with(settings);
    lab.put("Teach", "spam 1", &["\\Seen"]);
    let before = lab.mailbox();
    lab.fine("--gmail --learnspambox Teach --learnthendestroy --teachonly");
    conserved(
        &Conservation::of(&before).may_move("Teach", "Bin", |_| true),
        &lab.mailbox(),
    );
    assert_eq!(lab.subjects("Bin"), ["spam 1"]);
}
