//! What mail programs write into Received lines, after "from ": which program's line names what where. The order counts,
//! as many shapes contain one another. Does not judge trust.
#![cfg_attr(rustfmt, rustfmt_skip)]

use super::pattern::E::{
    self, Alt, Any, AnyIp, Digits, Dotted, Edge, End, Inside, Ip, L, Lazy, Near, Not, Not0, NotNext, NotText, Opt, W, W0, Word, Word0,
};
use super::pattern::Slot::{By, Envfrom, Facts, Helo, Id, Ident, Name, Other, Rdns};

/// What a line of a certain shape means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A hop; the program did not look the name up, or we cannot know.
    Hop,
    /// A hop whose program had looked up the name.
    LookedUp,
    /// No hop: handed over on one machine.
    Local,
    /// No hop, and everything before it was fetched from a mailbox.
    Fetched,
}

/// A shape: the line must contain the first text, begin with the pattern, and then has that meaning.
pub(super) type Shape = (&'static str, &'static [E], Meaning);

use Meaning::{Fetched, Hop, Local, LookedUp};

const SENDER: E = Opt(&[L(" (envelope-sender <"), Word, L(">)")]);
const HELLO: E = Alt(&["HELO ", "EHLO "]);
const OPEN: E = Opt(&[L("[")]);
const CLOSE: E = Opt(&[L("]")]);

/// Programs that are known by a text of their own: only these shapes are tried before the common ones.
pub(super) const PROGRAMS: [(&str, &[Shape]); 7] = [
    (
        " SMTPSVC",
        &[
            ("", &[W0(Helo), L(" (["), Ip, L("]"), Not0(Other, ")"), L(") by "), W(By), L(" with Microsoft SMTPSVC")], Hop),
            ("", &[L("mail pickup service by "), Word, L(" with Microsoft SMTPSVC"), End], Local),
        ],
    ),
    (
        "[XMail ",
        &[(
            "",
            &[W(Helo), L(" ("), OPEN, Ip, CLOSE, L(":"), Digits, L(") by "), W(By), Opt(&[L(" ("), Word, L(")")]), L(" with [XMail")],
            Hop,
        )],
    ),
    (
        "(ecelerity",
        &[
            ("", &[L("(["), Ip, L(":"), Digits, L("] helo="), W(Helo), L(") by "), W(By), L(" ")], Hop),
            ("", &[Word, L(" (["), Ip, L(":"), Digits, L("]) by "), W(By), L(" ")], Hop),
        ],
    ),
    (
        "Exim",
        &[
            ("", &[L("["), Ip, L("] ("), Lazy(Facts), L(") by "), W(By), L(" ")], Hop),
            ("", &[W(Name), L(" (["), Ip, L("]"), Lazy(Facts), L(") by "), W(By), L(" ")], Hop),
            ("", &[W(Name), L(" ["), Ip, L("]"), Opt(&[L(":"), Digits]), L(" by "), W(By), L(" ")], Hop),
        ],
    ),
    (
        " (Postfix) with",
        &[
            ("", &[W(Helo), L(" ("), W(Rdns), L(" ["), Ip, L("]) by "), W(By), L(" ")], LookedUp),
            ("", &[W(Helo), L(" ("), W(Rdns), L("["), Ip, L("]) by "), W(By), L(" ")], LookedUp),
        ],
    ),
    ("(Scalix SMTP Relay", &[("", &[W(Helo), L(" ("), Opt(&[L(" ")]), Ip, L(") by "), W(By)], Hop)]),
    (" (Lotus Domino ", &[("", &[W(Helo), L(" (["), Ip, L("]) by "), W(By), L(" (Lotus")], Hop)]),
];

/// Microsoft Exchange, known by its version.
pub(super) const EXCHANGE: &[E] = &[
    L(" with "),
    Alt(&["Microsoft SMTP Server ", "mapi id "]),
    Opt(&[L("("), Inside(Other), L(") ")]),
    Digits, L("."), Digits, L("."), Digits, L("."), Digits,
    Edge,
];

/// Its shape. Its ids mean nothing.
pub(super) const EXCHANGE_SHAPE: &[E] =
    &[W(Helo), L(" ("), OPEN, Ip, Opt(&[L("%"), Not0(Other, "]) ")]), CLOSE, L(") by "), W(By), L(" ")];

/// qmail and its relatives.
pub(super) const QMAIL: &[E] = &[
    Word,
    Opt(&[L(" ("), HELLO, Word0, L(")")]),
    L(" ("),
    Opt(&[Word, L("@")]),
    OPEN, AnyIp, CLOSE, L(")"),
    SENDER,
    L(" by "), Word,
    Opt(&[L(" ("), Any, L(")")]),
    L(" with "), Opt(&[Any, L(" ")]), Alt(&["SMTP", "QMQP"]), NotText(" id "),
];

/// What qmail's line says; the first that fits.
pub(super) const QMAIL_SHAPES: [&[E]; 4] = [
    &[W(Rdns), L(" ("), HELLO, Not0(Helo, " ()"), L(") ("), W0(Ident), L("@"), OPEN, Ip, CLOSE, L(")"), SENDER, L(" by "), W(By)],
    &[W(Rdns), L(" ("), HELLO, Not0(Helo, " ()"), L(") ("), OPEN, Ip, CLOSE, L(")"), SENDER, L(" by "), W(By)],
    &[W(Name), L(" ("), W0(Ident), L("@"), OPEN, Ip, CLOSE, L(")"), SENDER, L(" by "), W(By)],
    &[W(Name), L(" ("), OPEN, Ip, CLOSE, L(")"), SENDER, L(" by "), W(By)],
];

/// Sendmail with a looked-up name, and many others.
pub(super) const SENDMAIL: &[E] = &[W(Helo), L(" ("), W(Rdns), L(" ["), Ip, L("]"), Any, L(") by "), W(By), L(" (")];

/// Tried after [`SENDMAIL`] and before [`QMAIL`].
pub(super) const BEFORE_QMAIL: [Shape; 9] = [
    ("", &[W(Helo), L(" ("), W(Rdns), L(" ["), Ip, L("]) by "), W(By), L(" with "), Word, L(" (")], LookedUp),
    ("", &[W(Rdns), L(" (["), Ip, L("] helo="), W(Helo), L(") by "), W(By), L(" with ")], Hop),
    ("", &[W(Helo), L(" (<unknown"), Word0, L(">["), Ip, L("]) by "), W(By), L(" ")], Hop),
    ("", &[W(Helo), L(" ("), Dotted(Rdns), L("["), Ip, L("]) by "), W(By), L(" ")], LookedUp),
    ("", &[W(Helo), L(" ("), W0(Ident), L("@["), Ip, L("]"), Any, L(") by "), W(By), L(" (")], LookedUp),
    ("", &[W(Rdns), L(" ("), HELLO, W0(Helo), L(") ("), Ip, L(") by "), W(By), L(" (qpsmtpd/"), Word, L(") with "), Alt(&["ESMTP", "SMTP"])], Hop),
    ("", &[W(Rdns), L(" (LHLO "), W0(Helo), L(") ("), Ip, L(") by "), W(By), L(" with LMTP")], Hop),
    ("", &[W(Rdns), L(" ("), HELLO, W0(Helo), L(") ["), Ip, L("] by "), W(By), L(" ("), Inside(Other), L(") with "), Alt(&["ESMTP", "SMTP"])], Hop),
    ("", &[W(Helo), L(" (["), Ip, L("]) by "), W(By), L(" via smtpd (for "), Word, L(") with SMTP(")], Hop),
];

/// Tried after qmail.
pub(super) const COMMON: [Shape; 44] = [
    (" via HTTP", &[L("["), Ip, L("] by "), W(By), L(" via HTTP"), End], Hop),
    ("", &[Word, L(" ( ["), Ip, L("])"), Lazy(Other), L(" by "), W(By), L(" ")], Hop),
    ("", &[L("("), W(Helo), L(" ["), Ip, L("]) by "), W(By), L(" ")], Hop),
    ("", &[L("["), Ip, L("] by "), W(By), L(" ")], Hop),
    ("", &[L("("), OPEN, Ip, CLOSE, L(") by "), W(By), L(" ")], Hop),
    ("", &[W(Helo), L(" ["), Ip, L("] by "), W(By), L(" ["), AnyIp, L("] with ")], LookedUp),
    ("", &[W(Helo), L(" [("), Ip, L(")] by "), W(By), L(" ("), AnyIp, L(") ")], Hop),
    ("", &[W(Helo), L(" (["), Ip, L("]) by "), W(By), L(" (")], LookedUp),
    ("", &[W(Helo), L(" (softdnserr ["), Ip, L("])"), Lazy(Other), L(" by "), W(By), Edge], Hop),
    ("", &[W(Helo), L(" ("), W(Rdns), L(" ["), Ip, L("])"), Lazy(Other), L(" by "), W(By), Edge], LookedUp),
    ("", &[W(Helo), L(" (["), Ip, Opt(&[Alt(&[".", ":"]), Digits]), L("])"), Lazy(Other), L(" by "), W(By), L(" ")], LookedUp),
    ("", &[W(Helo), L(" ("), W(Rdns), L(" ["), Ip, L("]) (authenticated bits="), Digits, L(") by "), W(By), L(" (")], LookedUp),
    ("with POP3", &[], Fetched),
    ("with IMAP", &[], Fetched),
    ("", &[W(Rdns), L(" ("), HELLO, Not0(Helo, ")"), L(") ("), Opt(&[W0(Ident), L("@")]), OPEN, Ip, CLOSE, L(")"), Any, L(" by "), W(By), L(" ")], LookedUp),
    ("", &[W(Name), L(" ("), Opt(&[W0(Ident), L("@")]), OPEN, Ip, CLOSE, L(")"), Any, L(" by "), W(By), L(" ")], LookedUp),
    (" with http for ", &[L("["), Ip, L("] by "), W(By), L(" with http for ")], Hop),
    (" via smap ", &[W(Rdns), L("("), Ip, L(") by "), W(By), L(" via smap ")], LookedUp),
    ("", &[W(Rdns), L("("), Ip, L(", "), HELLO, W0(Helo), L(") by "), W(By), L(" via smap ")], LookedUp),
    (" (Post", &[L("["), Ip, L("] by "), W(By), L(" (Post")], Hop),
    (" (ArGoSoft", &[L("["), Ip, L("] by "), W(By), L(" (ArGoSoft")], Hop),
    ("", &[Ip, L(" by "), W(By), L(" ("), Alt(&["SMTPL", "InterScan"]), Edge], Hop),
    (" with BSMTP", &[Word, L(" by "), Word, L(" with BSMTP")], Local),
    ("", &[W(Helo), L(" ("), W(Rdns), L(" ["), Ip, L("]) by "), W(By), L(" with ")], LookedUp),
    ("", &[W(Rdns), L(" ("), HELLO, W0(Helo), L(") ("), Opt(&[W(Ident), L("@")]), Ip, Lazy(Other), L(") by "), W(By), L(" with ")], LookedUp),
    ("", &[L("["), Ip, L("] ("), Opt(&[L("account "), Word, L(" ")]), HELLO, W0(Helo), L(") by "), W(By), L(" (")], Hop),
    (" (CommuniGate Pro", &[W(Name), L(" (["), Ip, L("] verified) by "), W(By), L(" (")], LookedUp),
    ("", &[L("(["), Ip, L("]) by "), W(By), L(" with ")], Hop),
    ("", &[NotNext("0123456789"), W(Helo), L(" ("), Ip, L(") by "), W(By), L(" ")], Hop),
    ("", &[Word, L(" ("), Word, L(") by "), Word, L(" (Content Technologies ")], Local),
    ("", &[W(Helo), L(" (["), Ip, L("] ["), Word, L("]) by "), W(By), L(" with ")], Hop),
    ("", &[Ip, L(" by "), W(By), L(" with ")], Hop),
    ("", &[W(Helo), L(" ("), W(Rdns), L("["), Ip, L("]) by "), W(By), L(" ")], LookedUp),
    ("", &[L("["), Ip, L("]"), Word, L(" ("), HELLO, W0(Helo), L(") by "), W(By), L(" ")], Hop),
    ("", &[Ip, L(" ("), HELLO, W0(Helo), L(") by "), W(By), L(" ")], Hop),
    ("", &[W(Helo), L(" ["), Ip, L("] by "), W(By), L(" ")], Hop),
    ("", &[W(Rdns), L("("), Ip, L(") by "), W(By), L(" ")], Hop),
    ("", &[W(Helo), L(" (unverified ["), Ip, L("]) by "), W(By), L(" ")], Hop),
    ("", &[Ip, L(" ("), NotNext("0123456789[]()<>.-_"), Inside(Other), L(") by "), W(By), L(" with ")], Hop),
    ("", &[L("["), Ip, L("] ("), Inside(Facts), L(") by "), W(By), L(" ")], Hop),
    ("", &[W(Rdns), L(" ("), Opt(&[Word, L("@")]), Ip, L(") by "), W(By), L(" with ")], Hop),
    ("", &[W(Rdns), L("("), Ip, L(")"), Opt(&[L(", claiming to be \""), W(Helo), L("\"")]), L(" via "), Word, L(" by "), W(By), L(",")], LookedUp),
    (" with login", &[W(Helo), L(" ("), Word, L("@"), Ip, L(" with login) by "), W(By), L(" with SMTP")], Hop),
    ("X-Originating-IP: ", &[L("X-Originating-IP: "), Ip, End], Hop),
];

const LOCALHOST: E = Alt(&["localhost.localdomain", "localhost", "127.0.0.1", "::1", "IPv6:::1", "::ffff:127.0.0.1"]);

/// Lines that name no hop.
pub(super) const LOCAL: [Shape; 27] = [
    ("@", &[Word, L(" ("), Not(" @"), L("@"), LOCALHOST, L(") by "), Word, L(" (")], Local),
    ("", &[Word, L(" "), Word, L(" by "), Word, L(" with local-"), Alt(&["esmtp", "smtp"]), L(" ")], Local),
    ("", &[L("127.0.0.1 (AVG SMTP "), Word, L(" ["), Word, L("])")], Local),
    ("", &[Word, L("@"), Word, L(" by "), Word, L(" by uid "), Word, L(" ")], Local),
    ("", &[Word, L("@"), Word, L(" by "), Word, L(" ")], Local),
    ("", &[L("Unknown/Local (")], Local),
    ("", &[LOCALHOST, L(" ("), Opt(&[Word, L("@")]), LOCALHOST, Alt(&[")", "["])], Local),
    ("", &[Word, L(" ("), Opt(&[Word, L("@")]), LOCALHOST, L(") ")], Local),
    ("", &[Word, L(" ("), Word, L("@"), Word, L(" ["), LOCALHOST, L("]) ")], Local),
    ("", &[L("(AUTH: "), Word, L(") by "), Word, L(" with ")], Local),
    ("", &[L("localhost (localhost [[UNIX: localhost]]) by ")], Local),
    ("", &[Word, L(".amazon.com by "), Word, L(".amazon.com with ESMTP (peer crosscheck: ")], Local),
    ("", &[Not("."), L(" by "), Word, L(" with Novell_GroupWise")], Local),
    ("", &[L("no.name.available by "), Word, L(" via smtpd (for ")], Local),
    ("", &[Word, L(" by "), Word, L(" with local")], Local),
    ("", &[Word, L(" ([unix socket]) by "), Word, L(" (Cyrus v"), Digits, L("."), Digits, L("."), Digits, L(") with LMTPA")], Local),
    ("", &[Word, L(" by "), Word, L(" "), Alt(&["with", "via", "for", "("])], Local),
    ("", &[Word, L(" "), Alt(&["with ", "via ", "for "]), Word, L(" by"), Edge], Local),
    ("", &[Word, L(" (unverified) by"), Edge], Local),
    ("", &[Word, L(" (unknown) by "), Word, L(" (SG) with "), Edge], Local),
    ("", &[Word, L(" ("), Word, L(" [local]) by "), Word, L(" (OpenSMTPD) with "), Edge], Local),
    ("(LSMTP for", &[], Local),
    ("", &[L("(["), LOCALHOST, L("]) with MailEnable ")], Local),
    ("", &[L("facebook.com ("), Inside(Other), L(") by facebook.com with Thrift id "), Word, End], Local),
    ("", &[Word, L(" named "), Word, L(" by gmailapi.google.com with HTTPREST"), End], Local),
    ("", &[Word, L(" id "), Word, End], Local),
    (" (Jetsend", &[L("[<"), Lazy(Other), L(" (Jetsend")], Local),
];

/// qmail-scanner hands over on one machine, but knows the sender of the hop before.
pub(super) const QMAIL_SCANNER: &[E] = &[Word, L(" by "), Word, L(" ("), Lazy(Other), L(") with qmail-scanner")];

/// All in capitals, behind "FROM ".
pub(super) const CAPITALS: &[E] = &[
    W(Helo), L(" ("), W(Rdns), L(" ["), Ip, L("]) BY "), W(By), L(" "),
    Opt(&[L("("), Inside(Other), L(") WITH SMTP ")]),
    L("ID "), Opt(&[L("<")]), Not0(Id, " <>"), Opt(&[L(">")]),
    Opt(&[L(" FOR <"), Not(">"), L(">")]),
    End,
];

/// Behind "(from ".
pub(super) const BRACKETED: [Shape; 3] = [
    (" (NAVGW ", &[W0(Helo), L(" ["), Ip, L("]) by "), W(By), L(" (NAVGW "), Lazy(Other), L(") with ")], Hop),
    ("", &[Word, L("@localhost) by "), Word, L(" ")], Local),
    ("", &[Not(" @"), L("@"), Inside(Other), L(") by "), Word, L("(jqueuemail) id "), Word], Local),
];

/// Web mail programs that name the address of the person in front.
pub(super) const SQUIRREL: &[E] = &[Ip, Edge, NotNext(".-"), Near, L("by "), W(By), L(" with HTTP")];
pub(super) const AOL: &[E] = &[Ip, L(" by "), W(By), L(" ("), AnyIp, L(") with HTTP (WebMailUI)")];
pub(super) const HTTP: &[E] = &[Ip, L(" (["), AnyIp, L("]) by "), W(By)];

/// XMail's own words for id and sender.
pub(super) const XMAIL_ID: &[E] = &[L(" id <"), W(Id), L(">")];
pub(super) const XMAIL_SENDER: &[E] = &[L(" from <"), W(Envfrom), L(">")];
