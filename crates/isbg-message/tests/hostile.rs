//! Hostile bytes: everything gives an answer that is sound, in linear time.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

use isbg_message::mime::{Structure, split};
use isbg_message::{
    Limits, fingerprint, fingerprint_of, forwarded, header, originals, strip_markup, summary,
};
use isbg_spool::Spool;
use proptest::prelude::*;

/// Runs every function over the bytes and checks what must hold for any of them.
fn survives(bytes: Vec<u8>) -> Structure {
    let spool = Spool::from(bytes.clone());
    let (head, body) = header::split(&bytes);
    assert_eq!(head.len() + body.len(), bytes.len());
    let in_fields: usize = header::fields(head).map(|field| field.raw.len()).sum();
    assert!(head.len() - in_fields <= 2);
    summary(&bytes);
    assert_eq!(
        fingerprint(head, bytes.len() as u64),
        fingerprint_of(&spool).unwrap()
    );
    for part in originals(&spool).unwrap().chain(forwarded(&spool).unwrap()) {
        assert!(part.unwrap().len() <= spool.len());
    }
    let stripped = strip_markup(&spool).unwrap();
    if bytes.len() < 100_000 {
        assert!(strip_markup(&stripped).unwrap().same_bytes(&stripped).unwrap());
    }
    let structure = split(&spool, &Limits::default()).unwrap();
    for (index, part) in structure.parts.iter().enumerate() {
        assert!(part.header.start <= part.header.end && part.header.end <= part.body.start);
        assert!(part.body.start <= part.body.end && part.body.end <= spool.len());
        assert_eq!(part.parent.is_none(), index == 0);
        if let Some(parent) = part.parent.map(|parent| &structure.parts[parent]) {
            assert!(part.depth == parent.depth + 1);
            assert!(parent.body.start <= part.header.start && part.body.end <= parent.body.end);
        }
    }
    structure
}

fn adversarial() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&[u8]; 19] = [
        b"Content-Type: multipart/mixed; boundary=a\n",
        b"Content-Type: multipart/mixed; boundary=\"a\xff b\"\r\n",
        b"Content-Type: multipart/report; boundary=a--\n",
        b"Content-Type: message/rfc822; x-spam-type=original\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: quoted-printable\n",
        b"X-Spam-Prev-Subject: x\n",
        b"Subject: =?utf-8?b?4pg=?=\n =?utf-8?q?=83",
        b"\n",
        b"\r\n",
        b"\r",
        b"\0",
        b" ",
        b"=\n=4",
        b"--a\n",
        b"--a--\n",
        b"--a----\n",
        b"--a\xff b\r\n",
        b"YQ==",
    ];
    let piece = proptest::sample::select(&PIECES[..]);
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        survives(bytes);
    }

    #[test]
    fn random_mime(bytes in adversarial()) {
        survives(bytes);
    }
}

#[test]
fn nested_messages_without_end() {
    let structure = survives(b"Content-Type: message/rfc822\n\n".repeat(100_000));
    assert!(structure.limited && structure.parts.len() <= 52);
}

#[test]
fn nested_multiparts_without_end() {
    let mut message = Vec::new();
    for level in 0..100_000 {
        message.extend(format!("Content-Type: multipart/mixed; boundary={level}\n\n--{level}\n").bytes());
    }
    assert!(survives(message).limited);
}

#[test]
fn a_million_parts() {
    let mut message = b"Content-Type: multipart/mixed; boundary=a\n\n".to_vec();
    message.extend(b"--a\n\nx\n".repeat(1_000_000));
    let structure = survives(message);
    assert!(structure.limited && structure.parts.len() == Limits::default().parts);
}

#[test]
fn a_million_of_everything_else() {
    for piece in [
        "--\n",
        "A: b\n",
        "A:",
        ":",
        "(",
        " \n",
        ";",
        "=?",
        "=?a?q?",
        "\"\\",
        "X-Spam-Prev-To: x\n",
    ] {
        survives(
            format!(
                "Content-Type: multipart/mixed; boundary=a{}",
                piece.repeat(1_000_000)
            )
            .into_bytes(),
        );
        survives(format!("Subject: {}", piece.repeat(1_000_000)).into_bytes());
        survives(piece.repeat(1_000_000).into_bytes());
    }
}
