//! Other people's parsers as oracles: whatever line they accept, ours reads the same from it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::lines::read_all;
use imap_codec::ResponseCodec;
use imap_codec::decode::Decoder as _;
use imap_codec::imap_types::core::NString;
use imap_codec::imap_types::fetch::MessageDataItem;
use imap_codec::imap_types::flag::FlagFetch;
use imap_codec::imap_types::mailbox::Mailbox;
use imap_codec::imap_types::response::{Data, Response as Codec, Status as CodecStatus};
use imap_codec::imap_types::status::StatusDataItem;
use imap_proto::{AttributeValue, MailboxDatum, Response as Proto, StatusAttribute};
use isbg_imap::protocol::fetch::{Body, FetchData};
use isbg_imap::protocol::response::{Kind, Response};
use proptest::prelude::*;

/// What a parser read: names and values. The first of several values counts.
type Read = BTreeMap<&'static str, String>;

/// Everyday lines of all kinds. Neighbours of these are tried, too.
const LINES: &[&str] = &[
    "* 12 FETCH (UID 4827313 FLAGS (\\Seen $Junk \\Flagged) MODSEQ (12121) RFC822.SIZE 44827)",
    "* 1 FETCH (UID 7 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" FLAGS () BODY[] {5}\r\nab)\r\n)",
    "* 1 FETCH (BODY[] \"a \\\"quoted\\\" one\" UID 7)",
    "* 1 FETCH (BODY[HEADER] {4}\r\na: b UID 9 BODY[HEADER.FIELDS (FROM TO)] {0}\r\n FLAGS (\\Recent))",
    "* 1 FETCH (ENVELOPE (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL \"<m>\") UID 3)",
    "* 1 FETCH (BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" (\"A\" \"b\") NIL NIL \"7BIT\" 5 1) \"MIXED\") UID 3)",
    "* 1688 EXISTS",
    "* 3 RECENT",
    "* 44 EXPUNGE",
    "* SEARCH 2 84 882",
    "* SEARCH 2 5 (MODSEQ 917162500)",
    "* FLAGS (\\Answered \\Seen $Junk)",
    "* LIST (\\Noselect \\HasChildren) \"/\" \"~/Mail/foo bar\"",
    "* LIST () NIL INBOX",
    "* LIST (\\Junk) \".\" {4}\r\nSpam",
    "* LSUB () \".\" #news.test",
    "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292 UNSEEN 4 UIDVALIDITY 7 HIGHESTMODSEQ 70)",
    "* CAPABILITY IMAP4rev1 STARTTLS AUTH=GSSAPI MOVE UIDPLUS",
    "* VANISHED (EARLIER) 41,43:116,118",
    "* VANISHED 7",
    "* OK [UIDVALIDITY 3857529045] UIDs valid",
    "* OK [UIDNEXT 4392] Predicted next UID",
    "* OK [HIGHESTMODSEQ 715194045007] Highest",
    "* OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] Limited",
    "* NO [ALERT] Disk is 88% full",
    "* BYE going down {5}",
    "* PREAUTH hello",
    "a1 OK [READ-WRITE] SELECT completed",
    "a1 OK [COPYUID 38505 304,319:320 3956:3958] Done",
    "a1 OK [APPENDUID 38505 3955] APPEND completed",
    "a1 NO [TRYCREATE] no such folder",
    "a1 BAD what",
    "+ idling",
];

fn ours(response: &Response) -> Read {
    let mut read = Read::new();
    match &response.kind {
        Kind::Fetch(data) => our_fetch(data, &mut read),
        Kind::Exists(number) => put(&mut read, "exists", number),
        Kind::Recent(number) => put(&mut read, "recent", number),
        Kind::Expunge(number) => put(&mut read, "expunge", number),
        Kind::Search(uids) => put(
            &mut read,
            "search",
            format!("{:?}", uids.iter().map(isbg_types::Uid::get).collect::<Vec<_>>()),
        ),
        Kind::List(listed) => {
            put(&mut read, "attributes", words(listed.attributes.iter().cloned()));
            put(&mut read, "separator", format!("{:?}", listed.separator));
            put(&mut read, "mailbox", mailbox(&listed.wire));
        }
        Kind::Counts(wire, counts) => {
            put(&mut read, "mailbox", mailbox(wire));
            maybe(&mut read, "messages", counts.messages);
            maybe(&mut read, "unseen", counts.unseen);
            maybe(&mut read, "uidnext", counts.uid_next);
            maybe(
                &mut read,
                "uidvalidity",
                counts.uid_validity.map(|validity| validity.0),
            );
        }
        Kind::Vanished(uids, earlier) => put(
            &mut read,
            "vanished",
            format!("{earlier} {:?}", uids.to_set().ranges()),
        ),
        Kind::Status(status) => put(&mut read, "untagged", status.kind),
        Kind::Tagged(tag, status) => put(&mut read, "tagged", format!("{tag} {}", status.kind)),
        Kind::Continue(_) => put(&mut read, "continue", ""),
        _ => {}
    }
    read
}

fn our_fetch(data: &FetchData, read: &mut Read) {
    put(read, "fetch", data.number);
    maybe(read, "uid", data.uid);
    maybe(read, "size", data.size);
    maybe(read, "modseq", data.modseq.map(|modseq| modseq.0));
    maybe(
        read,
        "flags",
        data.flags
            .as_ref()
            .map(|flags| words(flags.iter().map(ToString::to_string))),
    );
    if let Some(Body::Whole(body)) = &data.body {
        put(read, "body", format!("{:?}", body.in_memory().unwrap()));
    }
}

fn put(read: &mut Read, name: &'static str, value: impl ToString) {
    read.entry(name).or_insert_with(|| value.to_string());
}

fn maybe(read: &mut Read, name: &'static str, value: Option<impl ToString>) {
    if let Some(value) = value {
        put(read, name, value);
    }
}

fn words(words: impl Iterator<Item = String>) -> String {
    format!(
        "{:?}",
        words
            .map(|word| word.to_ascii_lowercase())
            .collect::<BTreeSet<_>>()
    )
}

fn mailbox(wire: &[u8]) -> String {
    let name = String::from_utf8_lossy(wire).into_owned();
    if name.eq_ignore_ascii_case("INBOX") {
        "INBOX".to_owned()
    } else {
        name
    }
}

fn codec(line: &[u8]) -> Option<Read> {
    let (rest, response) = ResponseCodec::default().decode(line).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let mut read = Read::new();
    match response {
        Codec::CommandContinuationRequest(_) => put(&mut read, "continue", ""),
        Codec::Status(CodecStatus::Untagged(body)) => {
            put(&mut read, "untagged", format!("{:?}", body.kind).to_uppercase())
        }
        Codec::Status(CodecStatus::Bye(_)) => put(&mut read, "untagged", "BYE"),
        Codec::Status(CodecStatus::Tagged(tagged)) => {
            let kind = format!("{:?}", tagged.body.kind).to_uppercase();
            put(&mut read, "tagged", format!("{} {kind}", tagged.tag.inner()));
        }
        Codec::Data(data) => codec_data(data, &mut read),
    }
    Some(read)
}

fn codec_data(data: Data<'_>, read: &mut Read) {
    match data {
        Data::Exists(number) => put(read, "exists", number),
        Data::Recent(number) => put(read, "recent", number),
        Data::Expunge(number) => put(read, "expunge", number),
        Data::Search(found, _) => {
            let sorted: BTreeSet<u32> = found.iter().map(|number| number.get()).collect();
            put(
                read,
                "search",
                format!("{:?}", sorted.into_iter().collect::<Vec<_>>()),
            );
        }
        Data::List {
            items,
            delimiter,
            mailbox: name,
        }
        | Data::Lsub {
            items,
            delimiter,
            mailbox: name,
        } => {
            put(read, "attributes", words(items.iter().map(ToString::to_string)));
            put(
                read,
                "separator",
                format!("{:?}", delimiter.map(|delimiter| delimiter.inner())),
            );
            put(read, "mailbox", codec_mailbox(&name));
        }
        Data::Status { mailbox: name, items } => {
            put(read, "mailbox", codec_mailbox(&name));
            for item in items.iter() {
                match item {
                    StatusDataItem::Messages(number) => put(read, "messages", number),
                    StatusDataItem::Unseen(number) => put(read, "unseen", number),
                    StatusDataItem::UidNext(number) => put(read, "uidnext", number),
                    StatusDataItem::UidValidity(number) => put(read, "uidvalidity", number),
                    _ => {}
                }
            }
        }
        Data::Fetch { seq, items } => {
            put(read, "fetch", seq);
            for item in items.as_ref() {
                match item {
                    MessageDataItem::Uid(uid) => put(read, "uid", uid),
                    MessageDataItem::Rfc822Size(size) => put(read, "size", size),
                    MessageDataItem::Flags(flags) => {
                        let names = flags.iter().map(|flag| match flag {
                            FlagFetch::Flag(flag) => flag.to_string(),
                            FlagFetch::Recent => "\\Recent".to_owned(),
                        });
                        put(read, "flags", words(names));
                    }
                    MessageDataItem::BodyExt {
                        section: None,
                        origin: None,
                        data: NString(Some(data)),
                    } => {
                        put(
                            read,
                            "body",
                            format!("{:?}", bytes::Bytes::copy_from_slice(data.as_ref())),
                        );
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn codec_mailbox(name: &Mailbox<'_>) -> String {
    match name {
        Mailbox::Inbox => "INBOX".to_owned(),
        Mailbox::Other(name) => mailbox(name.as_ref()),
    }
}

fn proto(line: &[u8]) -> Option<Read> {
    // It panics on some lines.
    let parsed = std::panic::catch_unwind(|| Proto::parse(line).ok().filter(|(rest, _)| rest.is_empty()));
    let (_, response) = parsed.ok()??;
    let mut read = Read::new();
    match response {
        Proto::Expunge(number) => put(&mut read, "expunge", number),
        Proto::Fetch(number, items) => {
            put(&mut read, "fetch", number);
            for item in items {
                match item {
                    AttributeValue::Uid(uid) if uid > 0 => put(&mut read, "uid", uid),
                    AttributeValue::Rfc822Size(size) => put(&mut read, "size", size),
                    AttributeValue::ModSeq(modseq) => put(&mut read, "modseq", modseq),
                    AttributeValue::Flags(flags) => {
                        put(&mut read, "flags", words(flags.iter().map(ToString::to_string)));
                    }
                    _ => {}
                }
            }
        }
        Proto::MailboxData(MailboxDatum::Exists(number)) => put(&mut read, "exists", number),
        Proto::MailboxData(MailboxDatum::Recent(number)) => put(&mut read, "recent", number),
        Proto::MailboxData(MailboxDatum::Status { status, .. }) => {
            for item in status {
                match item {
                    StatusAttribute::Messages(number) => put(&mut read, "messages", number),
                    StatusAttribute::Unseen(number) => put(&mut read, "unseen", number),
                    StatusAttribute::UidNext(number) => put(&mut read, "uidnext", number),
                    StatusAttribute::UidValidity(number) => put(&mut read, "uidvalidity", number),
                    _ => {}
                }
            }
        }
        Proto::Vanished { earlier, uids } => {
            let mut set = isbg_types::UidSet::new();
            for range in uids {
                let ends = isbg_types::Uid::new(*range.start()).zip(isbg_types::Uid::new(*range.end()));
                let (one, other) = ends?;
                set.insert_range(one, other);
            }
            put(&mut read, "vanished", format!("{earlier} {:?}", set.ranges()));
        }
        _ => {}
    }
    Some(read)
}

/// Compares; how many oracles accepted the line.
fn compare(line: &[u8]) -> usize {
    let line = [line, b"\r\n"].concat();
    let oracles: Vec<Read> = [codec(&line), proto(&line)].into_iter().flatten().collect();
    if oracles.is_empty() {
        return 0;
    }
    let all = read_all(&line);
    let first = all
        .first()
        .unwrap_or_else(|| panic!("no response in {:?}", String::from_utf8_lossy(&line)));
    // imap-codec takes dates without their closing quotes and lists without their closing parentheses.
    if first.tree.is_unbalanced() {
        return oracles.len();
    }
    let mine = ours(first);
    for oracle in &oracles {
        for (name, value) in oracle {
            assert_eq!(
                mine.get(name),
                Some(value),
                "{name} of {:?}",
                String::from_utf8_lossy(&line)
            );
        }
    }
    oracles.len()
}

#[test]
fn everyday_lines_are_read_by_all_and_alike() {
    for line in LINES {
        assert!(compare(line.as_bytes()) >= 1, "no oracle accepts {line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn neighbours_of_everyday_lines_are_read_alike(
        line in proptest::sample::select(LINES),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0u8..3, "[ -~]"), 0..4),
    ) {
        let mut line = line.as_bytes().to_vec();
        for (at, what, with) in edits {
            let at = at.index(line.len());
            match what {
                0 => line[at] = with.as_bytes()[0],
                1 => line.insert(at, with.as_bytes()[0]),
                _ if line.len() > 1 => drop(line.remove(at)),
                _ => {}
            }
        }
        prop_assume!(!line.is_empty());
        // An unclosed code may be text or wait for a literal; both readings are right.
        prop_assume!(!(line.starts_with(b"* BYE") && line.contains(&b'[')));
        compare(&line);
    }
}
