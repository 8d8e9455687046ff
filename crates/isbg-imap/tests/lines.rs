//! Lines other than FETCH as servers send them, the odd ones too, each with what must come out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use common::lines::{kind, status};
use common::set;
use isbg_imap::protocol::code::{Code, StatusKind};
use isbg_imap::protocol::data::{Capabilities, Counts, ESearch, Listed, Namespaces};
use isbg_imap::protocol::response::Kind;
use isbg_types::{ModSeq, UidValidity};

fn listed(line: &str) -> Listed {
    match kind(line) {
        Kind::List(listed) => listed,
        other => panic!("{other:?}"),
    }
}

fn counts(line: &str) -> Counts {
    match kind(line) {
        Kind::Counts(_, counts) => counts,
        other => panic!("{other:?}"),
    }
}

#[test]
fn statuses() {
    let plain = status("a1 OK done");
    assert_eq!(
        (plain.kind, plain.code, plain.text.as_str()),
        (StatusKind::Ok, None, "done")
    );
    assert_eq!(status("* bye").kind, StatusKind::Bye);
    assert!(status("* NO [ALERT] quota").has("ALERT"));
    assert!(status("a1 NO [overquota]too much").has("OVERQUOTA"));
    assert_eq!(status("* OK [UNSEEN").text, "[UNSEEN");
    assert_eq!(
        status("* OK [UIDVALIDITY 0] x").code,
        Some(Code::UidValidity(UidValidity(0)))
    );
    assert!(status("* OK [UIDVALIDITY -1] x").has("UIDVALIDITY"));
    assert!(status("* OK [UIDNEXT 4294967296] x").has("UIDNEXT"));
}

#[test]
fn a_tagged_line_without_text() {
    for line in ["a1 OK", "a1 OK ", "a1 NO", "* BYE", "* OK"] {
        assert_eq!(status(line).text, "", "{line}");
    }
}

#[test]
fn gmail_highestmodseq_without_text() {
    let code = status("* OK [HIGHESTMODSEQ 18446744073709551615]").code;
    assert_eq!(code, Some(Code::HighestModSeq(ModSeq(u64::MAX))));
}

#[test]
fn eight_bit_text_in_a_status_line() {
    assert_eq!(status(b"* OK [ALERT]\xc3\xa9t\xe9").text, "ét\u{fffd}");
}

#[test]
fn a_keyword_with_a_bracket_in_permanentflags() {
    let status = status("* OK [PERMANENTFLAGS (\\Seen odd]one $Junk \\*)] flags");
    let Some(Code::PermanentFlags(flags)) = status.code else {
        panic!()
    };
    assert!(flags.has("odd]one") && flags.has("\\*") && flags.has("$Junk"));
    assert_eq!(status.text, "flags");
}

#[test]
fn a_bracket_in_free_text_is_no_code() {
    let status = status("a1 OK see [UIDVALIDITY 5]");
    assert_eq!((status.code, status.text.as_str()), (None, "see [UIDVALIDITY 5]"));
}

#[test]
fn capabilities() {
    let Kind::Capability(found) =
        kind("* CAPABILITY IMAP4rev2 AUTH=PLAIN auth=XOAUTH2 APPENDLIMIT=35651584  MOVE ")
    else {
        panic!()
    };
    assert!(found.has("IMAP4REV2") && found.has("MOVE") && !found.has("IDLE"));
    assert_eq!(found.values("AUTH").collect::<Vec<_>>(), ["PLAIN", "XOAUTH2"]);
    assert_eq!(found.append_limit(), Some(35_651_584));
    assert!(matches!(kind("* CAPABILITY"), Kind::Capability(none) if none == Capabilities::default()));
}

#[test]
fn davmail_two_spaces_before_a_number() {
    assert!(matches!(kind("*  1688 EXISTS"), Kind::Exists(1688)));
    assert!(matches!(kind("* 1688  EXISTS "), Kind::Exists(1688)));
}

#[test]
fn the_smallest_data() {
    assert!(matches!(kind("* 0 EXISTS"), Kind::Exists(0)));
    assert!(matches!(kind("* 3 recent"), Kind::Recent(3)));
    assert!(matches!(kind("* 3 EXPUNGE"), Kind::Expunge(3)));
    assert!(matches!(kind("* 4294967296 EXISTS"), Kind::Other(_)));
    assert!(matches!(kind("* -1 EXISTS"), Kind::Other(_)));
    assert!(matches!(kind("+"), Kind::Continue(text) if text.is_empty()));
    assert!(matches!(kind("+ idling"), Kind::Continue(text) if text == b"idling"));
    assert!(matches!(kind("*"), Kind::Other(_)));
    assert!(matches!(kind("* XYZZY (nothing happens)"), Kind::Other(name) if name == "XYZZY"));
    assert!(matches!(kind("HTTP/1.1 400 Bad Request"), Kind::Garbage));
    assert!(matches!(kind(""), Kind::Garbage));
}

#[test]
fn what_is_unknown_stays_reachable() {
    let response = common::lines::read("* 7 XFETCH (A {1}\r\nb (c \"d\"))");
    assert!(matches!(&response.kind, Kind::Other(name) if name == "XFETCH"));
    let texts: Vec<_> = response.tree.leaves().filter_map(|leaf| leaf.text()).collect();
    assert_eq!(texts, ["A", "b", "c", "d"]);
}

#[test]
fn folders() {
    let junk = listed("* LIST (\\HasNoChildren \\Junk) \"/\" \"Sp&AOQ-m\" (\"CHILDINFO\" (\"SUBSCRIBED\"))");
    assert_eq!((junk.name.as_str(), junk.separator), ("Späm", Some('/')));
    assert_eq!(junk.attributes, ["\\HasNoChildren", "\\Junk"]);
    assert_eq!(
        listed("* XLIST (\\Spam) \"\\\\\" {6}\r\nJunk]x").separator,
        Some('\\')
    );
    assert_eq!(listed("* LIST () NIL inbox").name.as_str(), "INBOX");
    assert_eq!(listed("* LIST () NIL inbox").separator, None);
    assert_eq!(listed("* LSUB () \".\" NIL").name.as_str(), "NIL");
    assert_eq!(listed("* LIST (\\Noselect) \"/\" \"\"").name.as_str(), "");
    assert_eq!(
        listed("* LIST () \"/\" \"a \\\"b\\\" \\\\c\"").name.as_str(),
        "a \"b\" \\c"
    );
}

#[test]
fn folder_names_are_data() {
    for name in [
        "../../etc/passwd",
        "`id`",
        "$(id)",
        "a\u{202e}b",
        "C:\\\\x",
        "&AAA-",
        "a;b|c",
    ] {
        let decoded = listed(&format!("* LIST () \"/\" \"{name}\"")).name;
        assert!(!decoded.as_str().is_empty());
    }
}

#[test]
fn statuses_of_folders() {
    let found = counts(
        "* STATUS \"a b\" (MESSAGES 231 UIDNEXT 44292 UIDVALIDITY 5 HIGHESTMODSEQ 7011231777 SIZE 8589934592 \
         UNSEEN 3 DELETED 4 APPENDLIMIT 1000 MAILBOXID (F2212ea87-6097-4256-9d51-71338625))",
    );
    assert_eq!(
        (found.messages, found.unseen, found.uid_next),
        (Some(231), Some(3), Some(44292))
    );
    assert_eq!(
        (found.size, found.append_limit),
        (Some(8_589_934_592), Some(1000))
    );
    assert_eq!(
        found.mailbox_id.as_deref(),
        Some("F2212ea87-6097-4256-9d51-71338625")
    );
    assert_eq!(
        counts("* STATUS x (APPENDLIMIT NIL MESSAGES 1)").messages,
        Some(1)
    );
}

#[test]
fn netease_empty_status_list() {
    assert_eq!(counts("* STATUS \"INBOX\" ()"), Counts::default());
    assert_eq!(counts("* STATUS \"INBOX\" ( ) "), Counts::default());
}

#[test]
fn id_with_a_trailing_space() {
    for line in [
        "* ID (\"name\" \"Coremail\" \"x\" NIL) ",
        "* ID ( \"name\" \"Coremail\" )",
    ] {
        let Kind::Id(fields) = kind(line) else { panic!() };
        assert_eq!(fields, [("name".to_owned(), "Coremail".to_owned())]);
    }
    assert!(matches!(kind("* ID NIL"), Kind::Id(fields) if fields.is_empty()));
}

#[test]
fn namespaces() {
    let Kind::Namespace(found) =
        kind("* NAMESPACE ((\"INBOX.\" \".\" \"X\" (\"y\"))(\"\" NIL)) NIL ((\"#shared/\" \"/\"))")
    else {
        panic!()
    };
    assert_eq!(found.personal.len(), 2);
    assert_eq!(found.personal[0].prefix, "INBOX.");
    assert_eq!((found.personal[1].separator, found.others.len()), (None, 0));
    assert_eq!(found.shared[0].separator, Some('/'));
    assert!(
        matches!(kind("* NAMESPACE NIL NIL NIL"), Kind::Namespace(none) if none == Namespaces::default())
    );
}

#[test]
fn searches() {
    for (line, found) in [
        ("* SEARCH 2 84 882", vec![2, 84, 882]),
        ("* SEARCH", vec![]),
        ("* SEARCH ", vec![]),
        ("* SEARCH 9 3  4 (MODSEQ 917162500)", vec![3, 4, 9]),
    ] {
        assert!(
            matches!(kind(line), Kind::Search(uids) if uids == set(found)),
            "{line}"
        );
    }
    // What cannot be read must not look like "nothing found".
    for line in [
        "* SEARCH x",
        "* SEARCH 0",
        "* SEARCH 4294967296",
        "* SEARCH 1 -2",
        "* SEARCH 1,2",
    ] {
        assert!(
            matches!(kind(line), Kind::Other(name) if name == "SEARCH"),
            "{line}"
        );
    }
}

#[test]
fn esearches() {
    let Kind::ESearch(found) =
        kind("* ESEARCH (TAG \"A282\") UID MIN 2 COUNT 3 ALL 2,10:11 MODSEQ 917162500")
    else {
        panic!()
    };
    assert_eq!(found.tag.as_deref(), Some("A282"));
    assert_eq!(found.all.unwrap().to_set(), set([2, 10, 11]));
    assert!(matches!(kind("* ESEARCH (TAG \"a\") UID"), Kind::ESearch(none) if none.all.is_none()));
    assert!(matches!(kind("* ESEARCH"), Kind::ESearch(none) if none == ESearch::default()));
    assert!(matches!(kind("* ESEARCH UID ALL 1:*"), Kind::Other(_)));
    assert!(matches!(kind("* ESEARCH UID ALL"), Kind::Other(_)));
}

#[test]
fn vanished() {
    assert!(matches!(kind("* VANISHED (EARLIER) 41,43:116"), Kind::Vanished(uids, true) if uids.len() == 75));
    assert!(
        matches!(kind("* VANISHED 1:4294967295"), Kind::Vanished(uids, false) if uids.len() == u64::from(u32::MAX))
    );
    assert!(matches!(kind("* VANISHED 1:*"), Kind::Other(_)));
}

#[test]
fn other_codes() {
    let Some(Code::AppendUid(validity, uids)) = status("a1 OK [APPENDUID 38505 3955] Done").code else {
        panic!()
    };
    assert_eq!((validity, uids.len()), (UidValidity(38505), 1));
    assert!(status("a1 OK [APPENDUID 38505 x] Done").has("APPENDUID"));
    assert!(
        matches!(status("a1 OK [MODIFIED 7,9] Done").code, Some(Code::Modified(uids)) if uids == set([7, 9]))
    );
    assert!(matches!(status("* OK [MAILBOXID (F1)] x").code, Some(Code::MailboxId(id)) if id == "F1"));
    assert!(
        matches!(status("* OK [CAPABILITY IMAP4rev1 MOVE] x").code, Some(Code::Capability(found)) if found.has("MOVE"))
    );
}
