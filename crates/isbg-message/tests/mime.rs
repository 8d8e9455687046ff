//! Which part stands where.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

use isbg_message::Limits;
use isbg_message::mime::{Part, split};
use isbg_spool::Spool;

/// Each part as (depth, type, body).
fn parts(message: &str) -> Vec<(usize, String, String)> {
    let spool = Spool::from(message.as_bytes().to_vec());
    let structure = split(&spool, &Limits::default()).unwrap();
    let body = |part: &Part| message[part.body.start as usize..part.body.end as usize].to_owned();
    structure
        .parts
        .iter()
        .map(|part| (part.depth, part.content_type.essence.clone(), body(part)))
        .collect()
}

fn leaf(depth: usize, body: &str) -> (usize, String, String) {
    (depth, "text/plain".to_owned(), body.to_owned())
}

#[test]
fn plain_messages() {
    assert_eq!(parts("A: b\r\n\r\nbody\r\n"), [leaf(0, "body\r\n")]);
    assert_eq!(parts("A: b\n"), [leaf(0, "")]);
    assert_eq!(parts(""), [leaf(0, "")]);
    assert_eq!(parts("\n--x\n"), [leaf(0, "--x\n")]);
}

#[test]
fn nesting_and_line_ends() {
    let found = parts(
        "Content-Type: multipart/mixed; boundary=\"a\"\r\n\r\npreamble\r\n--a\r\n\r\none\r\n\r\n--a  \n\
         Content-Type: multipart/alternative; boundary=a1\n\n--a1\n\ntwo\n--a1--\nepilogue\n--a1\nno part\n\
         --a\n\nthree--a\n\n--a--\n--a\nafter\n",
    );
    let leaves: Vec<_> = found
        .iter()
        .filter(|part| part.1 == "text/plain")
        .cloned()
        .collect();
    assert_eq!(
        leaves,
        [leaf(1, "one\r\n"), leaf(2, "two"), leaf(1, "three--a\n")]
    );
    assert_eq!(found[2].1, "multipart/alternative");
    assert_eq!(found[2].2, "--a1\n\ntwo\n--a1--\nepilogue\n--a1\nno part");
}

#[test]
fn missing_boundaries() {
    let head = "Content-Type: multipart/mixed; boundary=a\n\n";
    assert_eq!(parts(&format!("{head}no boundary\n")).len(), 1);
    assert_eq!(parts(&format!("{head}--a\n\nopen\n"))[1..], [leaf(1, "open\n")]);
    assert_eq!(parts(&format!("{head}--a--\n\nclosed at once\n")).len(), 1);
    assert_eq!(
        parts(&format!("{head}--a\n--a\nX: y\n--a--\n"))[1..],
        [leaf(1, ""), leaf(1, "")]
    );
    assert_eq!(parts("Content-Type: multipart/mixed\n\n--\n\nx\n--\n").len(), 1);
}

#[test]
fn messages_inside() {
    let found = parts(
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\nSubject: x\n\
         Content-Type: multipart/mixed; boundary=b\n\n--b\n\ninner\n--a\n\nouter\n--a--\n",
    );
    assert_eq!(found[1].1, "message/rfc822");
    assert!(found[1].2.starts_with("Subject: x\n") && found[1].2.ends_with("inner"));
    assert_eq!(found[3..], [leaf(3, "inner"), leaf(1, "outer")]);
    assert_eq!(
        parts("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdA==\n").len(),
        1
    );
}

#[test]
fn eight_bit_boundary() {
    let message =
        b"Content-Type: multipart/mixed; boundary=\"\xe4\xff\"\n\n--\xe4\xff\n\nx\n--\xe4\xff--\n".to_vec();
    let structure = split(&Spool::from(message), &Limits::default()).unwrap();
    assert_eq!(structure.parts.len(), 2);
    assert_eq!(structure.parts[1].body.end - structure.parts[1].body.start, 1);
}

#[test]
fn the_last_content_type_counts() {
    assert_eq!(
        parts("Content-Type: text/html\nContent-Type: a/b\n\n")[0].1,
        "a/b"
    );
}

#[test]
fn limits_hold() {
    let limits = Limits {
        header_bytes: 64,
        depth: 2,
        parts: 4,
        boundary_bytes: 3,
    };
    let check = |message: String, count: usize| {
        let structure = split(&Spool::from(message.into_bytes()), &limits).unwrap();
        assert_eq!(structure.parts.len(), count);
        assert!(structure.limited);
    };
    check("Content-Type: message/rfc822\n\n".repeat(9), 3);
    check(
        format!("Content-Type: multipart/a; boundary=b\n\n{}", "--b\n\n".repeat(9)),
        4,
    );
    check(
        "Content-Type: multipart/a; boundary=bbbb\n\n--bbbb\n\n".to_owned(),
        1,
    );
    check(format!("A: b\nA: {}\nA: b\n\nx", "x".repeat(99)), 1);
}
