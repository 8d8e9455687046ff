//! Messages: the views that rules read, the MIME splitter, reports and their originals. Does not know any rule.

use std::sync::LazyLock;

use bytes::Bytes;
use isbg_message::mime::split;
use isbg_message::views::{Selector, Settings, Views};
use isbg_message::{Limits, fingerprint_of, originals, strip_markup, summary, unwrap_report, wrap_report};
use isbg_spool::Spool;
use isbg_types::{RuleHit, Score, Verdict};

const SELECTORS: [&str; 24] = [
    "Subject",
    "Subject:raw",
    "From:addr",
    "From:name",
    "From:host",
    "From:addr:domain",
    "From:last",
    "To:raw",
    "ToCc:addr",
    "MESSAGEID",
    "ALL",
    "ALL:raw",
    "ALL-TRUSTED",
    "ALL-UNTRUSTED:raw",
    "ALL-INTERNAL",
    "ALL-EXTERNAL",
    "EnvelopeFrom",
    "Received:ip",
    "Received:revip",
    "X-Spam-Relays-Trusted",
    "X-Spam-Relays-Untrusted",
    "X-Spam-Relays-Internal",
    "X-SenderDomain",
    "X-AuthorDomain",
];

static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    let mut settings = Settings::default();
    for tld in ["com", "org", "net", "uk", "de", "example", "xn--p1ai"] {
        settings.tlds.top.insert(tld.as_bytes().to_vec());
    }
    settings.tlds.two.insert(b"co.uk".to_vec());
    settings.originating_ip_headers = vec!["X-Originating-IP".to_owned()];
    settings
});

/// Every view of a message, within the limits that each states.
pub fn views(message: &[u8]) {
    check(message);
}

/// HTML as the body of a message.
pub fn html(html: &[u8]) {
    check(
        &[
            b"Subject: s\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n",
            html,
        ]
        .concat(),
    );
}

/// Text in which URIs are looked for, and the same text as the target of a link.
pub fn uris(text: &[u8]) {
    check(&[b"Subject: s\nContent-Type: text/plain; charset=utf-8\n\n", text].concat());
    let link = [
        b"Content-Type: text/html\n\n<base href=\"http://a.example/b/\"><a href='",
        text,
        b"'>x</a>",
    ];
    check(&link.concat());
}

/// Received fields, one a line.
pub fn received(lines: &[u8]) {
    let mut message = Vec::new();
    for line in lines.split(|byte| *byte == b'\n').take(200) {
        message.extend_from_slice(b"Received: ");
        message.extend_from_slice(line);
        message.push(b'\n');
    }
    message.extend_from_slice(b"\nbody\n");
    check(&message);
}

/// Computes every view twice, from the same bytes, and compares.
fn check(message: &[u8]) {
    let bytes = Bytes::copy_from_slice(message);
    let views = Views::new(&bytes, &SETTINGS);
    assert_eq!(
        views.header_block().len() + views.pristine_body().len(),
        views.full().len()
    );
    let again = Views::new(&bytes, &SETTINGS);
    for name in SELECTORS {
        let selector = Selector::parse(name);
        assert_eq!(views.get(&selector), again.get(&selector));
    }
    assert!(views.body().iter().all(|line| line.len() <= 2_049));
    assert!(views.rawbody().iter().all(|chunk| chunk.len() <= 4_096));
    let forms = views.uris().list.iter().flat_map(|uri| &uri.cleaned);
    assert!(forms.clone().all(|form| form.len() <= 8_192));
    assert_eq!(views.uris(), again.uris());
    let relays = views.relays();
    assert!(relays.internal <= relays.trusted && relays.trusted <= relays.all.len());
    assert_eq!(views.parts_in_order().count(), views.parts().len());
    let rendered = views.html().filter(|html| html.html);
    assert!(rendered.map(|html| html.html_length).sum::<usize>() <= message.len() * 2 + 64);
    views.flags();
    views.envelope_from();
}

/// The MIME structure: parts lie within one another, and within the message.
pub fn mime(message: &[u8]) {
    let spool = Spool::from(message.to_vec());
    let limits = Limits::default();
    let structure = split(&spool, &limits).unwrap();
    assert!(!structure.parts.is_empty() && structure.parts.len() <= limits.parts);
    for (index, part) in structure.parts.iter().enumerate() {
        assert!(part.header.start <= part.header.end && part.body.start <= part.body.end);
        assert!(part.body.end <= spool.len() && part.depth <= limits.depth);
        let Some(parent) = part.parent else { continue };
        assert!(parent < index);
        let around = &structure.parts[parent].body;
        assert!(around.start <= part.header.start && part.body.end <= around.end);
    }
    let few = Limits {
        header_bytes: 300,
        depth: 3,
        parts: 5,
        boundary_bytes: 10,
    };
    assert!(split(&spool, &few).unwrap().parts.len() <= 5);
    summary(message);
}

/// Whatever a message is, what is wrapped comes out again to the byte, and nothing that comes out is longer than what
/// went in.
pub fn unwrap(message: &[u8]) {
    let spool = Spool::from(message.to_vec());
    for original in originals(&spool).unwrap() {
        assert!(original.unwrap().len() <= spool.len());
    }
    let verdict = Verdict {
        score: Score(9_000),
        required: Score(5_000),
        spam: true,
        hits: vec![RuleHit {
            name: "A".into(),
            score: None,
            description: None,
        }],
    };
    let report = String::from_utf8_lossy(&message[..message.len().min(200)]).into_owned();
    let wrapped = wrap_report(&spool, &verdict, &report, "fuzz").unwrap();
    let original = unwrap_report(&wrapped).unwrap();
    assert!(original.is_some_and(|original| original.same_bytes(&spool).unwrap()));
    let stripped = strip_markup(&spool).unwrap();
    assert!(stripped.len() <= spool.len());
    assert_eq!(fingerprint_of(&spool).unwrap(), fingerprint_of(&spool).unwrap());
}
