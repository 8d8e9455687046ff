//! The ways in which the simulated mailboxes are kept: command line, folders, and what may become of mail. Does not run
//! anything.

use isbg_testkit::conservation::Conservation;
use isbg_testkit::mail::SPAM_PHRASE;
use isbg_testkit::mailbox::{Mailbox, Message};

/// Folders that every mailbox has, besides INBOX and Junk.
pub const FOLDERS: [&str; 3] = ["LearnSpam", "LearnHam", "Good"];

/// One mailbox and how it is kept.
#[derive(Debug)]
pub struct Form {
    /// The mailbox: a user of the server, and an account of the config file.
    pub user: &'static str,
    /// What is typed, besides what every call has; where there are several, each run takes one by lot.
    pub calls: &'static [&'static str],
    /// Whether this is a call of the config file's account.
    pub configured: bool,
    /// Whether spam stays in the inbox and a report goes to the spam folder.
    pub keeps: bool,
    /// Whether mail arrives in the folders that are learned from.
    pub learns: bool,
}

const PLAIN: Form = Form {
    user: "",
    calls: &[],
    configured: false,
    keeps: false,
    learns: false,
};

/// All of them.
pub const FORMS: [Form; 6] = [
    Form {
        user: "reports",
        calls: &["--flag"],
        keeps: true,
        ..PLAIN
    },
    Form {
        user: "wrapped",
        calls: &["--delete --expunge"],
        ..PLAIN
    },
    Form {
        user: "moved",
        calls: &["--noreport --delete --expunge"],
        ..PLAIN
    },
    Form {
        user: "mixed",
        calls: &["--delete --expunge", "--noreport --delete --expunge"],
        ..PLAIN
    },
    Form {
        user: "account",
        calls: &["scan account"],
        configured: true,
        ..PLAIN
    },
    Form {
        user: "learning",
        calls: &[
            "--noreport --delete --expunge --learnspambox LearnSpam --learnhambox LearnHam --movehamto Good \
                  --learnthenflag",
        ],
        learns: true,
        ..PLAIN
    },
];

/// Spam says so.
pub fn is_spam(message: &Message) -> bool {
    message
        .bytes
        .windows(SPAM_PHRASE.len())
        .any(|window| window == SPAM_PHRASE.as_bytes())
}

impl Form {
    /// What may have become of the mail, run or no run: everything is somewhere, and only spam is elsewhere.
    pub fn allowed<'a>(&self, before: &'a Mailbox) -> Conservation<'a> {
        let allowed = Conservation::of(before)
            .may_wrap("INBOX", "Junk", is_spam)
            .moved_may_bear(&["\\Flagged"]);
        match (self.keeps, self.learns) {
            // Its user may read an original after its report was made.
            (true, _) => allowed.may_flag("INBOX", &["\\Flagged", "\\Seen"], is_spam),
            (_, true) => allowed
                .may_flag("LearnSpam", &["\\Flagged"], |_| true)
                .may_flag("LearnHam", &["\\Flagged"], |_| true)
                .may_move("LearnHam", "Good", |_| true),
            _ => allowed,
        }
    }
}
