//! The views of hostile messages: always an answer, in linear time, within the limits.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

use bytes::Bytes;
use isbg_message::views::{Selector, Settings, Views};
use proptest::prelude::*;

const SELECTORS: [&str; 20] = [
    "Subject",
    "From:addr",
    "From:name",
    "To:raw",
    "ToCc:addr",
    "MESSAGEID",
    "ALL",
    "ALL:raw",
    "ALL-TRUSTED",
    "ALL-UNTRUSTED:raw",
    "EnvelopeFrom",
    "Received:ip",
    "Received:revip",
    "From:host",
    "From:addr:domain",
    "From:last",
    "X-Spam-Relays-Untrusted",
    "X-Spam-Relays-Internal",
    "X-SenderDomain",
    "X-AuthorDomain",
];

fn settings() -> Settings {
    let mut settings = Settings::default();
    for tld in ["com", "org", "uk", "xn--p1ai"] {
        settings.tlds.top.insert(tld.as_bytes().to_vec());
    }
    settings.tlds.two.insert(b"co.uk".to_vec());
    settings.originating_ip_headers = vec!["X-Originating-IP".to_owned()];
    settings
}

/// Computes every view and checks what must hold for any message.
fn survives(message: Vec<u8>) {
    let settings = settings();
    let length = message.len();
    let views = Views::new(&Bytes::from(message), &settings);
    assert_eq!(
        views.header_block().len() + views.pristine_body().len(),
        views.full().len()
    );
    for selector in SELECTORS {
        views.get(&Selector::parse(selector));
    }
    assert!(views.body().iter().all(|line| line.len() <= 2_049));
    assert!(views.rawbody().iter().all(|chunk| chunk.len() <= 4_096));
    assert!(
        views
            .uris()
            .list
            .iter()
            .flat_map(|uri| &uri.cleaned)
            .all(|form| form.len() <= 8_192)
    );
    let relays = views.relays();
    assert!(relays.internal <= relays.trusted && relays.trusted <= relays.all.len());
    let in_order = views.parts_in_order().count();
    assert_eq!(in_order, views.parts().len());
    let html = views.html().filter(|html| html.html);
    assert!(html.map(|html| html.html_length).sum::<usize>() <= length * 2 + 64);
    views.flags();
}

const PIECES: &[&[u8]] = &[
    b"From: \"a\" <a@example.org>, (c) b@[1.2.3.4] (d\\)\n",
    b"To: =?utf-8?q?=E4?= =?utf-16?b?//4A?= <>,;\n",
    b"Subject: =?iso-2022-jp?b?GyRC?==?x?q?=\n",
    b"Received: from a (b [1.2.3.4]) by c (Postfix) with ESMTP id x; Mon, 2 Jan 2006 15:04:05 +0000\n",
    b"Received: from [IPv6:::1] (helo=a) by b with smtp (Exim 4) (authenticated) \n",
    b"Received: from a (HELO b) (c@::ffff:1.2.3.4) by d with SMTP\r\n",
    b"Received: (from a@localhost) by b",
    b"Content-Type: text/html; charset=utf-7; name=\"a.html\n",
    b"Content-Type: multipart/digest; boundary=b\n",
    b"Content-Type: multipart/mixed; boundary=\"b\n",
    b"Content-Type: message/rfc822\n",
    b"Content-Type: text/plain; charset=gb2312; name*0=a; name*1=b\n",
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: quoted-printable\n",
    b"Content-Disposition: x; name=\"\"\n",
    b"From \n",
    b"\n",
    b"\r\n",
    b"\n \n",
    b"--b\n",
    b"--b--\n",
    b"=\n=3D=4",
    b"PGEgaHJlZj0i",
    b"<a href=\"http://Example.COM:80/%41\\?x#&#46;y\">",
    b"<a x/href=//www.example.org><img width=1 height=5%>",
    b"<base href=http://example.com/a/b.html><p style='color:#f;background:rgb(1%,2,3), url(\"'>",
    b"<font size=+9 color=rgb(300,0,0) face=,><small>",
    b"</a></p></font></body></title",
    b"<title>x<style>y<script>z",
    b"</script></style>",
    b"<!-- - -- ><!DOCTYPE \"<![CDATA[ ]]><!-",
    b"<meta http-equiv=refresh content=\"0;url= /../x;y\">",
    b"&nbsp;&#160;&eacute;&#xd83d;&#xde00;&#0;&#x110000;&ampx;&",
    b"http://user:pass@0x7f.1.0.08/?u=http://b.co.uk/ www.example.org mailto:a%40b@example.com",
    b"foo.example.com/bar?x@y &#12290; a@b@example.org",
    b"\x1b(B\x1b$B\xa0\xff\xfe\0",
    "é\u{301}\u{2028}\u{201c}".as_bytes(),
    b"<",
    b">",
    b"\"",
];

proptest! {
    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        survives(bytes);
    }

    #[test]
    fn adversarial_pieces(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..80)) {
        survives(pieces.concat());
    }

    #[test]
    fn adversarial_html(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..80)) {
        survives([b"Content-Type: text/html; charset=utf-8\n\n", &pieces.concat()[..]].concat());
    }
}

#[test]
fn nesting_without_end() {
    survives(b"Content-Type: message/rfc822\n\n".repeat(100_000));
    survives(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(50_000));
    let mut levels = Vec::new();
    for level in 0..20_000 {
        levels.extend(format!("Content-Type: multipart/mixed; boundary={level}\n\n--{level}\n").bytes());
    }
    survives(levels);
}

#[test]
fn a_great_many_parts() {
    let mut message = b"Content-Type: multipart/mixed; boundary=b\n\n".to_vec();
    message.extend(b"--b\nContent-Type: text/html\n\n<a href=x>x\n".repeat(50_000));
    survives(message);
}

#[test]
fn a_great_many_of_one_piece() {
    for piece in PIECES {
        let many = piece.repeat(300_000 / piece.len());
        survives(many.clone());
        survives([b"Subject: x\n\n", &many[..]].concat());
        survives([b"Content-Type: text/html\n\n", &many[..]].concat());
    }
}

#[test]
fn deep_and_broad_html() {
    for piece in [
        "<ul><li>",
        "<div style='color:red'>",
        "<b a=1 b=2>",
        "<table><tr><td>",
        "</p>",
        "<a href=x>y</a>",
        "<a ",
    ] {
        let html = format!("Content-Type: text/html\n\n{}</div></td>", piece.repeat(60_000));
        survives(html.into_bytes());
    }
    let attributes: String = (0..60_000).map(|number| format!("a{number}=b ")).collect();
    survives(format!("Content-Type: text/html\n\n<p {attributes}>x").into_bytes());
}

#[test]
fn received_lines_that_fit_everything_and_nothing() {
    let line = format!("Received: from {}\n", "a (b [1.2.3.4]) by c with d ".repeat(280));
    survives(line.repeat(300).into_bytes());
    let line = format!("Received: from a ({}\n", "(HELO [::1 ".repeat(700));
    survives(line.repeat(300).into_bytes());
}
