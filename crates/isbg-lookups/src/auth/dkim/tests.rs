//! Signatures made by Mail::DKIM over mail of ours, with a key made for these tests.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use isbg_types::dns::{Answer, Answers, Data, Reply};

use super::*;

const MAIL: &str = "From: Ann <ann@a.example>\r\nTo: bob@b.example\r\nSubject: A  letter\r\n\tin two lines\r\n\
    Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@a.example>\r\n\r\n\
    Dear Bob, \r\n\r\nall  is well. \r\n\r\n\r\n";

const KEY: &str = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDX//B/bdbUAs2hpPEaBe+AIV2eic06Vqc9JFeN9tMTvV65SzrYFlMcQQVYdtpIX9Qv655oatpPC+5CWNRMUfTC7oCCpHbmMrcLDDxyc5gMMupup/fvfXUw5dWvLFIqwuanMmWo1vgtrFq/qmg/pC5vpio5ANipJ4rjXyKpWRKinQIDAQAB";

const RELAXED: &str = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; h=from:to:subject:date:message-id\
    ; s=sel; bh=DRQPKZe1SOUJjSy9fZJBfAK4Db9CGcDQwn1gKvj0zG8=; b=qu8MyJSrwgWFsUGEpBjAxCj9d5zJ7rLEAkYDGs0l\
    gj44cY32NvQcKayd5Xue4pEdcyZ2J/v6/iTtfXg7FIgtgN987HDohIfG3z40DkKpFbsFcImAYU84viEOzNA/kDdGvYmkrv+mQOJk\
    feIXNmiGwX8hbE/iWMU+lALAmqIh2ss=";
const SIMPLE: &str = "DKIM-Signature: v=1; a=rsa-sha256; c=simple; d=a.example; h=from:to:subject:date:message-id; s=sel; \
    bh=2lpqPkhYLi1/rhohxlsLSjlfHWKETcm/VPpm45NPHfE=; b=jq4OhexcgBDNJbJftiyUaddHPoG9fe1ugAd58K4VvzBSEIHzR\
    wODzna3VbFHLZGolXlGSRI3WWzIjMGclBN76lctirygXF9mJ7BzofnJJF3kuQbgsJn8pDem2cvSzXVyxI4ygmNGOWIKlL+F4IR3+\
    Un3eIB5zy9HqUt8mcHJIQI=";
const MIXED: &str = "DKIM-Signature: v=1; a=rsa-sha256; c=simple/relaxed; d=a.example; h=from:to:subject:date:message-id\
    ; s=sel; bh=DRQPKZe1SOUJjSy9fZJBfAK4Db9CGcDQwn1gKvj0zG8=; b=Ut5enPjrlTYH4NKMo3MWr9uXte1Q2VUVsQPrvdhj\
    PoMJhxL2qVQ2ROhG4zLuazuplVuAk/uCvtoCaWUv0s+We8bgggSe0O/cffw8WiJX9mFWvfo0LK63nG1t8pQqebyaP+R1FuVncr6E\
    LVAivAosUFMq+ZmKuUXysKPVVtUfjLU=";
const SHA1: &str = "DKIM-Signature: v=1; a=rsa-sha1; c=relaxed/simple; d=a.example; h=from:to:subject:date:message-id; s\
    =sel; bh=WvE+tcEsT7X3AvqKhCsTWDwpdAw=; b=Hw3m0KXl3dkPcV8coWnbtboGZQnhTIAJOU/hsn+VLmyfPrWSwb4oKLv73yl\
    ekVbnZwqYngZb5KR7SX1H6q6z+bBXDnMhPH8kybUVTOg7feok8csxI4Wm4enGTNNVaNM/T1WI9nDdW6qKvA6kBdugNyDrkX4l9sL\
    691389VDeHYM=";
const EXPIRING: &str = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed; d=a.example; h=from:to:subject:date:message-id; s=sel\
    ; x=1790000000; bh=2lpqPkhYLi1/rhohxlsLSjlfHWKETcm/VPpm45NPHfE=; b=NwhvQQxm+qBWxkHl3S5X5c/6FjjtzjBHX\
    0yoAT9Ic9F4hKVyxIdClypPz/Z3HUzXyHIhyEc+llJIIPFiMsLqTafagmaWDVkTLP/7EG0Xa8ZVWGmrUAhxQ9SsMTbZlLp/utwq0\
    eM5MTBOujyeQaLyy8sDacYpjgMVN6amWm6rUNk=";

/// Before this, [`EXPIRING`] counts.
const EXPIRES: u64 = 1_790_000_000;

fn signed(signature: &str) -> String {
    format!("{signature}\r\n{MAIL}")
}

/// Judges with these texts under the name of the key; `None`: nobody answers.
fn judged(mail: &str, key: Option<&[&str]>, now: u64) -> Vec<Signature> {
    let found = Signatures::of(mail.as_bytes());
    let empty = Answers::new();
    let mut inquiry = Inquiry::new(&empty);
    if let Some(judged) = found.judge(now, &mut inquiry) {
        return judged;
    }
    let answer = |_: &Question| match key {
        Some(texts) => Answer::Reply(Reply {
            exists: !texts.is_empty(),
            records: texts.iter().map(|text| Data::Txt((*text).into())).collect(),
        }),
        None => Answer::Silence,
    };
    let answers: Answers = inquiry
        .wanted
        .into_iter()
        .map(|name| (name.clone(), answer(&name)))
        .collect();
    assert!(
        answers
            .keys()
            .all(|name| name.name().ends_with("._domainkey.a.example"))
    );
    found.judge(now, &mut Inquiry::new(&answers)).unwrap()
}

fn state(mail: &str, key: Option<&[&str]>) -> SignatureState {
    judged(mail, key, EXPIRES)[0].state
}

#[test]
fn what_another_program_signed() {
    for signature in [RELAXED, SIMPLE, MIXED, SHA1, EXPIRING] {
        let mail = signed(signature);
        let judged = judged(&mail, Some(&[KEY]), EXPIRES);
        assert_eq!(judged.len(), 1);
        let found = &judged[0];
        assert_eq!(found.state, SignatureState::Pass, "{signature}");
        assert_eq!(
            (found.domain.as_str(), found.selector.as_str()),
            ("a.example", "sel")
        );
        assert_eq!(
            (found.identity.as_str(), found.key_bits),
            ("@a.example", Some(1024))
        );
        assert_eq!(
            state(&mail.replace("\r\n", "\n"), Some(&[KEY])),
            SignatureState::Pass,
            "bare line feeds"
        );
        assert_eq!(
            state(&mail.replace("well", "ill"), Some(&[KEY])),
            SignatureState::Fail,
            "the body"
        );
        assert_eq!(
            state(&mail.replace("letter", "word"), Some(&[KEY])),
            SignatureState::Fail,
            "the header"
        );
    }
}

#[test]
fn how_much_may_change_on_the_way() {
    let refolded = |mail: &str| mail.replace("A  letter\r\n\tin", "A letter in");
    assert_eq!(
        state(&refolded(&signed(RELAXED)), Some(&[KEY])),
        SignatureState::Pass
    );
    assert_eq!(
        state(&refolded(&signed(SIMPLE)), Some(&[KEY])),
        SignatureState::Fail
    );
    let more_lines = |mail: &str| format!("{mail}\r\n\r\n");
    assert_eq!(
        state(&more_lines(&signed(SIMPLE)), Some(&[KEY])),
        SignatureState::Pass
    );
    let folded = RELAXED.replace("; b=", ";\r\n b=").replace("UGEp", "UGEp\r\n\t ");
    assert_eq!(state(&signed(&folded), Some(&[KEY])), SignatureState::Pass);
    let added = format!("From: Eve <eve@e.example>\r\n{}", signed(RELAXED));
    assert_eq!(
        state(&added, Some(&[KEY])),
        SignatureState::Pass,
        "the field at the bottom was signed"
    );
    let below = signed(RELAXED).replace("To: bob", "From: Eve <eve@e.example>\r\nTo: bob");
    assert_eq!(state(&below, Some(&[KEY])), SignatureState::Fail);
}

#[test]
fn keys() {
    let mail = signed(RELAXED);
    let with = |tags: &str| format!("{tags}; {}", KEY.replace("v=DKIM1; ", ""));
    for (texts, wanted) in [
        (&[][..], SignatureState::Fail),
        (&["v=DKIM1; p="], SignatureState::Fail),
        (&["nonsense"], SignatureState::Fail),
        (&["v=DKIM1; p=AAAA"], SignatureState::Fail),
        (&["v=DKIM1; p=%%%"], SignatureState::Fail),
        (&[&KEY.replace("k=rsa", "k=ed25519")], SignatureState::Fail),
        (&[&KEY.replace("DKIM1", "DKIM2")], SignatureState::Fail),
        (&[&with("h=sha1")], SignatureState::Fail),
        (&[&with("h=sha1:sha256; s=email; t=y:s")], SignatureState::Pass),
        (&[&with("s=tlsrpt")], SignatureState::Fail),
        (&[KEY, "more"], SignatureState::Pass),
    ] {
        assert_eq!(state(&mail, Some(texts)), wanted, "{texts:?}");
    }
    assert_eq!(state(&mail, None), SignatureState::Unknown, "nobody answers");
    assert_eq!(
        judged(&signed(EXPIRING), Some(&[KEY]), EXPIRES + 1)[0].state,
        SignatureState::Fail
    );
}

#[test]
fn signatures_that_make_no_sense() {
    for (from, to) in [
        ("v=1", "v=2"),
        ("a=rsa-sha256", "a=rot13"),
        ("c=relaxed/relaxed", "c=strange"),
        ("c=relaxed/relaxed", "c=relaxed/relaxed; l=100000"),
        ("c=relaxed/relaxed", "c=relaxed/relaxed; l=-1"),
        ("c=relaxed/relaxed", "c=relaxed/relaxed; x=never"),
        ("c=relaxed/relaxed", "c=relaxed/relaxed; i=@b.example"),
        ("h=from:", "h="),
        ("bh=", "hb="),
        ("d=a.example", "d="),
    ] {
        let mail = signed(&RELAXED.replace(from, to));
        assert_eq!(state(&mail, Some(&[KEY])), SignatureState::Fail, "{to}");
    }
    assert_eq!(judged(MAIL, Some(&[KEY]), 0), []);
    let many = format!("{}\r\n", RELAXED).repeat(100);
    assert_eq!(
        judged(&format!("{many}{MAIL}"), Some(&[KEY]), 0).len(),
        MOST_SIGNATURES
    );
}

#[test]
fn a_part_of_the_body_and_another_kind_of_key() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let key = format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(pair.public_key()));
    let part = canonical::body(MAIL.split_once("\r\n\r\n").unwrap().1.as_bytes(), Form::Relaxed);
    let hash = STANDARD.encode(digest(&digest::SHA256, &part[..10]));
    let unsigned = format!(
        "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed; d=a.example; s=e; l=10; h=from; bh={hash}; b="
    )
    .replace("c=relaxed;", "c=relaxed/relaxed;");
    let draft = signed(&unsigned);
    let claim = Signatures::of(draft.as_bytes()).0.remove(0).claim.unwrap();
    let signature = STANDARD.encode(pair.sign(digest(&digest::SHA256, &claim.signed).as_ref()));
    let mail = format!("{}more text below", signed(&format!("{unsigned}{signature}")));
    let found = &judged(&mail, Some(&[&key]), 0)[0];
    assert_eq!((found.state, found.key_bits), (SignatureState::Pass, None));
    assert_eq!(
        state(&mail, Some(&[KEY])),
        SignatureState::Fail,
        "the other kind of key"
    );
}

proptest::proptest! {
    #[test]
    fn no_message_is_too_strange(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), at in 0..400usize) {
        let mut mail = signed(RELAXED).into_bytes();
        let at = at.min(mail.len());
        mail.splice(at..at, bytes);
        judged(&String::from_utf8_lossy(&mail), Some(&[KEY]), 0);
        Signatures::of(&mail);
    }

    #[test]
    fn no_key_is_too_strange(text in "[vkphst=;:/ A-Za-z0-9+]{0,80}") {
        let tagged = format!("v=DKIM1; {text}");
        judged(&signed(RELAXED), Some(&[&text]), 0);
        judged(&signed(RELAXED), Some(&[&tagged]), 0);
    }
}
