//! Mail that is malformed, hostile or merely strange. Each piece has a name that says what is odd about it.

/// The pieces: name and bytes. Line ends are as they are: not all are CRLF.
pub fn odd() -> Vec<(&'static str, Vec<u8>)> {
    let mut mail: Vec<(&'static str, Vec<u8>)> =
        SMALL.iter().map(|(name, text)| (*name, text.to_vec())).collect();
    mail.extend(large());
    mail
}

const SMALL: &[(&str, &[u8])] = &[
    ("empty", b""),
    ("only a line end", b"\r\n"),
    ("no headers", b"\r\nAll body, no headers.\r\n"),
    ("no body", b"From: a@example.org\r\nSubject: no body\r\n"),
    ("no blank line", b"From: a@example.org\r\nSubject: x\r\nThis line is neither header nor body\r\nmore\r\n"),
    ("zero bytes", b"From: a@example.org\r\nSubject: ze\0ro\r\n\r\nze\0ro\r\n\0"),
    ("bare line feeds", b"From: a@example.org\nSubject: bare line feeds\n\nOne\nTwo\n"),
    ("bare carriage returns", b"From: a@example.org\rSubject: x\r\r\nOne\rTwo\r\n\rThree\r"),
    ("mixed line ends", b"From: a@example.org\r\nSubject: mixed\nTo: b@example.org\r\r\n\r\nOne\nTwo\r\nThree"),
    ("no line end at the end", b"From: a@example.org\r\nSubject: x\r\n\r\nThe last line has no end"),
    ("byte order mark", b"\xef\xbb\xbfFrom: a@example.org\r\nSubject: marked\r\n\r\nx\r\n"),
    ("mbox line first", b"From a@example.org Mon May  4 10:00:00 2026\r\nFrom: a@example.org\r\nSubject: x\r\n\r\nx\r\n"),
    ("from line in the body", b"From: a@example.org\r\nSubject: x\r\n\r\nFrom here on\r\n>From there\r\n.\r\n..\r\n"),
    ("tab after the colon", b"From:\ta@example.org\r\nSubject:\t  odd   spacing\t\r\nX-Empty:\r\n\r\nx\r\n"),
    (
        "folded with nothing",
        b"From: a@example.org\r\nSubject: one\r\n \r\n\ttwo\r\n \t \r\nTo:\r\n b@example.org\r\n\r\nx\r\n",
    ),
    ("raw 8-bit headers", b"From: J\xf6rg <a@example.org>\r\nSubject: Gr\xfc\xdfe \xff\xfe\r\n\r\n\xe4\xf6\xfc\r\n"),
    (
        "8-bit boundary",
        b"From: a@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=\"\xfcber\"\r\n\r\n--\xfcber\r\n\r\nx\r\n--\xfcber--\r\n",
    ),
    (
        "boundary that never comes",
        b"From: a@example.org\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=never\r\n\r\n--other\r\n\r\nx\r\n",
    ),
    (
        "empty boundary",
        b"From: a@example.org\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nx\r\n----\r\n",
    ),
    (
        "multipart without an end",
        b"From: a@example.org\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
        Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>x",
    ),
    (
        "broken base64",
        b"From: a@example.org\r\nSubject: =?utf-8?B?broken!?= =?nothing?X?y?= =?utf-8?Q?=C3?=\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nSGVs*bG8=SGVsbG8\r\n=\r\nA\r\n",
    ),
    (
        "unknown charset and encoding",
        b"From: a@example.org\r\nSubject: x\r\nContent-Type: text/plain; charset=klingon-8\r\n\
        Content-Transfer-Encoding: uu-quoted\r\n\r\n\xe4\xf6\r\n",
    ),
    (
        "content type twice",
        b"From: a@example.org\r\nSubject: x\r\nContent-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=b\r\n\
        content-type\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
    ),
    ("no message id", b"From: a@example.org\r\nSubject: no id\r\nDate: Mon, 4 May 2026 10:00:00 +0000\r\n\r\nx\r\n"),
    ("same id, first", b"From: a@example.org\r\nSubject: first\r\nMessage-ID: <same@example.org>\r\n\r\none\r\n"),
    ("same id, second", b"From: a@example.org\r\nSubject: second\r\nMessage-ID: <same@example.org>\r\n\r\ntwo\r\n"),
    ("two ids", b"From: a@example.org\r\nMessage-ID: <1@example.org>\r\nMessage-ID: <2@example.org>\r\n\r\nx\r\n"),
    (
        "impossible dates",
        b"From: a@example.org\r\nDate: Sun, 99 Foo 20266 77:88:99 +9999\r\nDate: \r\nReceived: ; -1\r\n\r\nx\r\n",
    ),
    (
        "score in the subject",
        b"From: a@example.org\r\nSubject: score=0 required=0 tests=none\r\nTo: b@example.org\r\n\r\nscore=0 required=0\r\n",
    ),
    (
        "verdict brought along",
        b"X-Spam-Checker-Version: SpamAssassin 4.0.1 on elsewhere.example.org\r\nX-Spam-Flag: NO\r\n\
        X-Spam-Status: No, score=-50.0 required=5.0 tests=NONE\r\nX-Spam-Level: \r\nFrom: a@example.org\r\n\
        Subject: cheap pills\r\n\r\nClick here!\r\n",
    ),
    (
        "wrapper that nobody made",
        b"From: a@example.org\r\nSubject: cheap pills\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=w\r\n\r\n--w\r\nContent-Type: text/plain\r\n\r\n\
        Cheap pills, visible to everybody.\r\n--w\r\nContent-Type: message/rfc822; x-spam-type=original\r\n\r\n\
        From: friend@example.org\r\nSubject: lunch\r\n\r\nHarmless words about lunch.\r\n--w--\r\n",
    ),
    (
        "encoded line ends in the subject",
        b"From: a@example.org\r\nSubject: =?utf-8?Q?hello=0D=0ABcc:_c@example.org=0D=0A=0D=0Abody?=\r\n\r\nx\r\n",
    ),
    (
        "terminal escapes",
        b"From: \x1b[2J\x1b]0;owned\x07 <a@example.org>\r\n\
        Subject: \x1b[31mred \xe2\x80\xae reversed \xe2\x80\x8b\r\n\r\n\x1b[1;1H\r\n",
    ),
    (
        "words of the protocol",
        b"From: a@example.org\r\nSubject: {10}\r\n\r\na1 UID EXPUNGE 1:*\r\n)\r\n+ go on\r\n* BYE\r\n{5000}\r\n",
    ),
    ("template words", b"From: a@example.org\r\nSubject: %s %n {0} $(id) `id` ../../x\r\n\r\n%s%n\r\n"),
    (
        "addresses without an end",
        b"From: \"a <b@example.org\r\nTo: (((((((( <c@[::1], group: d@example.org\r\nCc: ;;,,:<>@\r\nSubject: x\r\n\r\nx\r\n",
    ),
    (
        "numbered parameters",
        b"From: a@example.org\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary*0=b; boundary*99999=c; \
        boundary*=utf-8''%zz\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
    ),
];

fn large() -> Vec<(&'static str, Vec<u8>)> {
    let head = "From: a@example.org\r\nSubject: large\r\nMIME-Version: 1.0\r\n";
    let body = "\r\nx\r\n";
    let repeated = |text: &str, count: usize| text.repeat(count);
    let mail = [
        (
            "one header of 200 kB",
            format!("{head}X-Long: {}\r\n{body}", repeated("long ", 40_000)),
        ),
        (
            "one folded header of 5000 lines",
            format!("{head}X-Folded: a{}\r\n{body}", repeated("\r\n b", 5_000)),
        ),
        (
            "5000 headers",
            format!("{head}{}{body}", repeated("X-Many: yes\r\n", 5_000)),
        ),
        (
            "5000 received lines",
            format!(
                "{}{head}{body}",
                repeated("Received: from a by b; nonsense\r\n", 5_000)
            ),
        ),
        (
            "one line of a megabyte",
            format!("{head}\r\n{}", repeated("endless ", 131_072)),
        ),
        (
            "5000 recipients",
            format!(
                "{head}To: {}z@example.org\r\n{body}",
                repeated("y@example.org, ", 5_000)
            ),
        ),
        (
            "2000 parts",
            format!(
                "{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n",
                repeated("--b\r\n\r\nx\r\n", 2_000)
            ),
        ),
        (
            "many opening tags",
            format!(
                "{head}Content-Type: text/html\r\n\r\n{}",
                repeated("<div><table><b ", 20_000)
            ),
        ),
        (
            "comments in comments",
            format!("{head}X-Comment: {}\r\n{body}", repeated("(", 20_000)),
        ),
        (
            "encoded words in a row",
            format!(
                "{head}X-Words: {}\r\n{body}",
                repeated("=?utf-8?B?w7w=?= ", 5_000)
            ),
        ),
        ("deep multiparts", deep_multiparts(head, 300)),
        (
            "message in message",
            format!(
                "{}{head}{body}",
                repeated("Content-Type: message/rfc822\r\n\r\n", 300)
            ),
        ),
        ("three megabytes of attachment", attachment(head, 3_000_000)),
    ];
    mail.into_iter()
        .map(|(name, text)| (name, text.into_bytes()))
        .collect()
}

fn deep_multiparts(head: &str, depth: usize) -> String {
    let mut text = head.to_owned();
    for level in 0..depth {
        text += &format!("Content-Type: multipart/mixed; boundary=\"b{level}\"\r\n\r\n--b{level}\r\n");
    }
    text += "Content-Type: text/plain\r\n\r\nat the bottom\r\n";
    for level in (0..depth).rev() {
        text += &format!("--b{level}--\r\n");
    }
    text
}

fn attachment(head: &str, size: usize) -> String {
    let line = format!("{}\r\n", "QUJD".repeat(19));
    format!(
        "{head}Content-Type: application/octet-stream; name=\"big.bin\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}",
        line.repeat(size / line.len())
    )
}
