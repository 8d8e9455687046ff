//! The main job on every server there is: report, move, learn, undo, with folders named as people name them.

use std::cell::RefCell;
use std::net::SocketAddr;

use isbg_testkit::conservation::Conservation;
use isbg_testkit::courier::Courier;
use isbg_testkit::cyrus::Cyrus;
use isbg_testkit::dovecot::{Dovecot, Settings, Storage};
use isbg_testkit::mailbox::{Mailbox, Message};
use isbg_testkit::proxy::{Plan, Proxy};
use isbg_testkit::spamd_stub::SpamdStub;
use isbg_testkit::wire::{Wire, name};

use crate::common::{Home, Ran};
use crate::lab::{by_subject, conserved, is_spam, mail, same, sober};

/// A mailbox somewhere, reached through the proxy, and a home for the program.
struct Place {
    /// One conversation for all that the tests do themselves: Courier takes a second to begin one.
    wire: RefCell<Wire>,
    proxy: Proxy,
    home: Home,
    scorer: SpamdStub,
}

impl Place {
    fn at(server: SocketAddr) -> Self {
        let home = Home::new();
        home.write("pw", "secret\n");
        let proxy = Proxy::start(server, Plan::new()).unwrap();
        Self {
            wire: RefCell::new(Wire::login(server, "me", "secret").unwrap()),
            proxy,
            home,
            scorer: SpamdStub::start(by_subject).unwrap(),
        }
    }

    fn mailbox(&self) -> Mailbox {
        self.wire.borrow_mut().mailbox().unwrap()
    }

    fn create(&self, folder: &str) {
        self.wire
            .borrow_mut()
            .command(&format!("CREATE {}", name(folder)))
            .unwrap();
    }

    fn put(&self, folder: &str, subject: &str, flags: &[&str]) {
        let date = 1_780_000_000 + subject.bytes().map(i64::from).sum::<i64>();
        self.wire
            .borrow_mut()
            .append(folder, flags, date, &mail(subject))
            .unwrap();
    }

    fn subjects(&self, folder: &str) -> Vec<String> {
        self.mailbox()[folder].iter().map(Message::subject).collect()
    }

    /// A classic run with these words besides those it always needs.
    fn run(&self, words: &[&str]) -> Ran {
        let (port, scorer) = (
            self.proxy.address().port().to_string(),
            self.scorer.address().to_string(),
        );
        let always = [
            "--imaphost",
            "127.0.0.1",
            "--imapport",
            &port,
            "--imapuser",
            "me",
            "--nossl",
        ];
        let more = ["--noninteractive", "--passwdfilename", "pw", "--spamd", &scorer];
        let ran = self.home.run(always.iter().chain(&more).chain(words));
        sober(&ran);
        ran
    }

    fn fine(&self, words: &[&str]) -> Ran {
        self.proxy.forget();
        let ran = self.run(words);
        assert_eq!(
            ran.status,
            0,
            "{words:?}: {ran}{}",
            self.proxy.transcript().show()
        );
        ran
    }

    /// These runs change nothing any more.
    fn quiet(&self, words: &[&str]) {
        let before = self.mailbox();
        self.fine(words);
        let changes = isbg_testkit::conservation::changes_in(&self.proxy.transcript());
        assert_eq!(changes, Vec::<String>::new());
        same(&self.mailbox(), &before);
    }
}

/// The names of a server's folders, as it has them, and as a user types them.
struct Names {
    junk: &'static str,
    teach: &'static str,
    typed_teach: &'static str,
    good: &'static str,
    typed_good: &'static str,
    maybe: &'static str,
    typed_maybe: &'static str,
}

/// Whatever a server can: copy with a report, move, learn, put apart, undo; and nothing lost on the way.
fn main_job(place: &Place, names: &Names) {
    for folder in [names.teach, names.good, names.maybe] {
        place.create(folder);
    }
    place.put("INBOX", "spam 1", &["\\Seen", "\\Flagged"]);
    place.put("INBOX", "ham 1", &["\\Answered"]);
    place.put("INBOX", "spam 2", &[]);
    place.put("INBOX", "unsure 1", &["\\Seen"]);
    place.put("INBOX", "ham that the user has marked", &["\\Deleted"]);
    place.put(names.teach, "spam 3", &[]);
    place.put(names.good, "ham 3", &["\\Seen"]);
    let before = place.mailbox();

    // A copy with the report, the original untouched.
    let ran = place.fine(&["--partialrun", "0"]);
    assert!(ran.err.contains("2 spams found in 5 messages"), "{ran}");
    let mut rest = place.mailbox();
    let reports = rest
        .insert(
            names.junk.to_owned(),
            before.get(names.junk).cloned().unwrap_or_default(),
        )
        .unwrap();
    let mut expected = before.clone();
    expected.entry(names.junk.to_owned()).or_default();
    same(&rest, &expected);
    assert_eq!(reports.iter().map(Message::subject).collect::<Vec<_>>().len(), 2);
    for report in &reports {
        let original = before["INBOX"]
            .iter()
            .find(|message| message.subject() == report.subject())
            .unwrap();
        assert_eq!((report.date, &report.flags), (original.date, &original.flags));
    }
    place.quiet(&["--partialrun", "0"]);

    // Later mail: moved; unsure mail apart; learning from folders.
    place.put("INBOX", "spam 4", &["\\Seen"]);
    place.put("INBOX", "unsure 2", &[]);
    let before = place.mailbox();
    let words = [
        ["--noreport", "--delete", "--expunge"].as_slice(),
        &[
            "--learnspambox",
            names.typed_teach,
            "--learnhambox",
            names.typed_good,
            "--movehamto",
            names.typed_maybe,
        ],
        &["--unsure-band", "4,4.9", "--unsureinbox", names.typed_maybe],
    ]
    .concat();
    let ran = place.fine(&words);
    assert!(
        ran.err
            .contains("1/1 spams learned\n1/1 hams learned\n1 spams found in 2 messages"),
        "{ran}"
    );
    let moved = |message: &Message| message.subject() == "spam 4";
    let allowed = Conservation::of(&before)
        .may_move("INBOX", names.junk, moved)
        .may_move("INBOX", names.maybe, |message| message.subject() == "unsure 2")
        .may_move(names.good, names.maybe, |_| true);
    conserved(&allowed, &place.mailbox());
    assert!(place.subjects(names.junk).contains(&"spam 4".to_owned()));
    assert_eq!(place.subjects(names.maybe).len(), 2);
    place.quiet(&words);

    // And back.
    assert!(place.home.line("history").out.contains("spam 4"));
    let undo = place
        .home
        .line("undo --nossl --passwdfilename pw --noninteractive");
    assert_eq!(undo.status, 0, "{undo}");
    let back = Conservation::of(&before)
        .may_move("INBOX", "INBOX", |message| {
            moved(message) || message.subject() == "unsure 2"
        })
        .may_move(names.good, names.good, |_| true);
    conserved(&back, &place.mailbox());
    place.quiet(&["--noreport", "--delete", "--expunge"]);

    // The other way round: a report in the place of the original.
    place.put("INBOX", "spam 5", &["\\Seen"]);
    let before = place.mailbox();
    place.fine(&["--delete", "--expunge"]);
    let fifth = |message: &Message| message.subject() == "spam 5";
    conserved(
        &Conservation::of(&before).may_wrap("INBOX", names.junk, fifth),
        &place.mailbox(),
    );
    assert!(!place.mailbox()["INBOX"].iter().any(is_spam_five));
    assert_eq!(
        isbg_testkit::conservation::dangers_in(&place.proxy.transcript()),
        Vec::<String>::new()
    );
}

fn is_spam_five(message: &Message) -> bool {
    is_spam(message) && message.subject().ends_with('5')
}

const BELOW_INBOX: Names = Names {
    junk: "INBOX.Junk",
    teach: "INBOX.Zu lernen",
    typed_teach: "Zu lernen",
    good: "INBOX.Büro & Co",
    typed_good: "INBOX/Büro & Co",
    maybe: "INBOX.Archiv.Vielleicht",
    typed_maybe: "Archiv/Vielleicht",
};

#[test]
fn cyrus() {
    let cyrus = Cyrus::start().unwrap();
    main_job(&Place::at(cyrus.address()), &BELOW_INBOX);
}

#[test]
fn courier() {
    let courier = Courier::start().unwrap();
    let place = Place::at(courier.address());
    let ran = place.fine(&[]);
    assert!(
        ran.err.contains("there was no folder for spam; made INBOX.Spam"),
        "{ran}"
    );
    main_job(
        &place,
        &Names {
            junk: "INBOX.Spam",
            ..BELOW_INBOX
        },
    );
}

#[test]
fn dovecot_with_everything_below_inbox() {
    let settings = Settings {
        prefix: "INBOX.",
        separator: '.',
        folders: vec![("INBOX.Junk", Some("\\Junk"))],
        ..Settings::default()
    };
    let dovecot = Dovecot::start(settings).unwrap();
    main_job(&Place::at(dovecot.address()), &BELOW_INBOX);
}

#[test]
fn dovecot_with_folders_as_people_name_them() {
    for storage in [Storage::Sdbox, Storage::Mdbox] {
        let dovecot = Dovecot::start(Settings {
            storage,
            ..Settings::default()
        })
        .unwrap();
        let names = Names {
            junk: "Junk",
            teach: "Näh \"so genannt\" & mehr",
            typed_teach: "Näh \"so genannt\" & mehr",
            good: "Ελληνικά 日本 \\ %*{5}",
            typed_good: "Ελληνικά 日本 \\ %*{5}",
            maybe: "A&B/ü - &AOQ-",
            typed_maybe: "A&B.ü - &AOQ-",
        };
        main_job(&Place::at(dovecot.address()), &names);
    }
}

#[test]
fn names_as_isbg_2_had_to_be_given_them() {
    let dovecot = Dovecot::start(Settings::default()).unwrap();
    let place = Place::at(dovecot.address());
    place.create("Müll & Spam");
    place.put("INBOX", "spam 1", &[]);
    place.put("INBOX", "spam 2", &[]);
    for typed in [
        "\"M&APw-ll &- Spam\"",
        "M&APw-ll &- Spam",
        "\"Müll & Spam\"",
        "Müll & Spam",
    ] {
        place.fine(&[
            "--spaminbox",
            typed,
            "--noreport",
            "--delete",
            "--expunge",
            "--partialrun",
            "1",
        ]);
    }
    assert_eq!(place.subjects("Müll & Spam").len(), 2);
}
