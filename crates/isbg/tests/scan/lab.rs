//! The ground the runs stand on: a Dovecot with some mail, and a spamd that judges by a word. Does not run anything by
//! itself.

use crate::common::{Home, Ran};
use isbg_testkit::conservation::Conservation;
use isbg_testkit::dovecot::{Dovecot, Settings};
use isbg_testkit::mailbox::{Mailbox, Message};
use isbg_testkit::spamd_stub::{Answer, SpamdStub};

pub const DATE: i64 = 1_780_000_000;

/// Mail that says "pills" is spam; "surely" is worse, "perhaps" is unsure.
pub fn scorer() -> SpamdStub {
    SpamdStub::start(|request| match () {
        () if request.mentions("surely") => Answer::Score(30.0, vec!["SURELY"]),
        () if request.mentions("pills") => Answer::spam(),
        () if request.mentions("perhaps") => Answer::Score(4.5, vec!["PERHAPS"]),
        () => Answer::ham(),
    })
    .unwrap()
}

pub fn mail(subject: &str) -> Vec<u8> {
    format!("From: Somebody <s@example.org>\r\nTo: me@example.org\r\nSubject: {subject}\r\n\r\nHello\r\n")
        .into_bytes()
}

pub struct Scene {
    pub home: Home,
    pub dovecot: Dovecot,
    pub scorer: SpamdStub,
}

impl Scene {
    pub fn new(subjects: &[&str]) -> Self {
        Self::with(Settings::default(), subjects)
    }

    pub fn with(settings: Settings, subjects: &[&str]) -> Self {
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

    pub fn line(&self, options: &str) -> String {
        format!(
            "--imaphost 127.0.0.1 --imapport {} --imapuser me --nossl --passwdfilename pw --spamd {} {options}",
            self.dovecot.address().port(),
            self.scorer.address(),
        )
    }

    pub fn run(&self, options: &str) -> Ran {
        self.home.line(&self.line(options))
    }

    pub fn config(&self, keys: &str) {
        let text = format!(
            "[account.home]\nhost = \"127.0.0.1\"\nport = {}\nuser = \"me\"\ntls = \"none\"\npassword-file = \"~/pw\"\n\
             spamd = \"{}\"\nfirst-run-reports = false\n{keys}",
            self.dovecot.address().port(),
            self.scorer.address(),
        );
        self.home.write(".config/isbg/config.toml", &text);
    }

    pub fn mailbox(&self) -> Mailbox {
        self.dovecot.wire().unwrap().mailbox().unwrap()
    }

    pub fn subjects(&self, folder: &str) -> Vec<String> {
        let mailbox = self.mailbox();
        mailbox
            .get(folder)
            .into_iter()
            .flatten()
            .map(Message::subject)
            .collect()
    }
}

pub fn is_spam(message: &Message) -> bool {
    message.subject().contains("pills") || message.subject().contains("surely")
}

pub fn check(conservation: &Conservation<'_>, after: &Mailbox) {
    assert_eq!(conservation.problems_when_settled(after), Vec::<String>::new());
}

/// The lines on standard error that are no warnings.
pub fn lines(ran: &Ran) -> Vec<&str> {
    ran.err
        .lines()
        .filter(|line| !line.contains("warning:"))
        .collect()
}
