//! Mail made up by a seed that is meant to confuse whoever reads it: MIME, HTML, header fields, charsets and Received
//! lines put together at random from pieces that have trouble in them. Judges nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Numbers;
use pieces::{ADDRESSES, CHARSETS, HOSTS, TAGS, TEXTS, URIS, WITH};

mod pieces;

/// Bytes of one message, about.
const MOST: usize = 40_000;

/// A message that is hard to read. The same seed gives the same bytes on every machine.
pub fn hostile(seed: u64) -> Vec<u8> {
    let mut made = Maker {
        numbers: Numbers(seed.wrapping_mul(0x9E37_79B9).wrapping_add(0x0BAD_5EED)),
        out: Vec::new(),
    };
    made.head();
    made.part(0);
    let end = if made.numbers.below(4) == 0 { "\n" } else { "\r\n" };
    let mut out = made.out;
    if end == "\n" {
        out.retain(|byte| *byte != b'\r');
    }
    out
}

struct Maker {
    numbers: Numbers,
    out: Vec<u8>,
}

impl Maker {
    fn one_in(&mut self, chance: usize) -> bool {
        self.numbers.below(chance) == 0
    }

    fn pick(&mut self, list: &[&'static str]) -> &'static str {
        self.numbers.pick(list)
    }

    fn say(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn ip(&mut self) -> String {
        let nets = [
            "192.0.2",
            "198.51.100",
            "203.0.113",
            "10.1.2",
            "127.0.0",
            "172.16.9",
            "192.168.0",
            "64.0.0",
        ];
        format!("{}.{}", self.numbers.pick(&nets), self.numbers.below(300))
    }

    fn host(&mut self) -> String {
        let names = [
            "mail.example.org",
            "mx.example.net",
            "localhost",
            "friend",
            "dsl-192-0-2-9.example.com",
            "[192.0.2.9]",
            "192.0.2.9",
            "gmail.com",
            "a_b.example.org",
            "unknown",
            "!192.0.2.1!",
            "mail-ej1.google.com",
        ];
        self.numbers.pick(&names).to_owned()
    }

    fn date(&mut self) -> String {
        let zones = ["+0000", "-0700", "+0530", "GMT", "EST", "(CEST)", "", "+9999"];
        let months = ["Jan", "feb", "March", "Sept", "Dec", "Xyz"];
        format!(
            "{} {} {} {:02}:{:02}:{:02} {}",
            self.numbers.below(33),
            self.numbers.pick(&months),
            [2026, 26, 1970, 99][self.numbers.below(4)],
            self.numbers.below(25),
            self.numbers.below(60),
            self.numbers.below(61),
            self.numbers.pick(&zones)
        )
    }

    fn received(&mut self) {
        let (from, rdns, by, ip, date) = (self.host(), self.host(), self.host(), self.ip(), self.date());
        let with = self.pick(&WITH);
        let line = match self.numbers.below(12) {
            0 => format!("from {from} ({rdns} [{ip}]) by {by} (Postfix) with {with} id 4F2A1; {date}"),
            1 => format!("from {from} ([{ip}]) by {by} with {with}; {date}"),
            2 => format!("from {from} (HELO {rdns}) ({ip}) by {by} with SMTP; {date}"),
            3 => format!(
                "from [{ip}] (helo={rdns}) by {by} with esmtp (Exim 4.96) (envelope-from <a@example.org>) id 1x; {date}"
            ),
            4 => format!(
                "from {from} ({rdns} [{ip}] (may be forged)) (authenticated bits=0) by {by} (8.15.2/8.15.2) with {with} id x; {date}"
            ),
            5 => format!("by {by} with {with} id x; {date}"),
            6 => format!("(qmail 1234 invoked from network); {date}"),
            7 => format!("from {from} [{ip}] by {by} with HTTP; {date}"),
            8 => format!(
                "from {from} (account a@example.org [{ip}] verified) by {by} (CommuniGate Pro SMTP 6.1) with ESMTPSA id 7; {date}"
            ),
            9 => {
                format!("from {ip} by {by} (envelope-from <b@example.com>, uid 0) with qmail-scanner; {date}")
            }
            10 => format!(
                "from {from} (IPv6:2001:db8::{}) by {by} with {with}; {date}",
                self.numbers.below(9)
            ),
            _ => format!("{from} {rdns}; ({ip} {date}"),
        };
        let fold = if self.one_in(2) { "\r\n\t" } else { " " };
        self.say(&format!(
            "Received: {}\r\n",
            line.replacen(" by ", &format!("{fold}by "), 1)
        ));
    }

    /// Text in a header field, now and then as damaged encoded words.
    fn phrase(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..self.numbers.below(5) {
            if self.one_in(2) {
                let charset = self.pick(&CHARSETS);
                let bytes = self.bytes(24);
                let word = match self.one_in(2) {
                    true => format!("=?{charset}?B?{}?=", STANDARD.encode(&bytes)),
                    false => {
                        let coded: String = bytes.iter().map(|byte| format!("={byte:02X}")).collect();
                        format!("=?{charset}?q?{coded}_x?=")
                    }
                };
                out.extend_from_slice(word.as_bytes());
                if self.one_in(9) {
                    out.truncate(out.len() - 1);
                }
            } else if self.one_in(6) {
                let raw: Vec<u8> = self.bytes(6).into_iter().filter(|byte| *byte >= 0x20).collect();
                out.extend(raw);
            } else {
                out.extend(self.pick(&TEXTS).replace(['\r', '\n'], "").bytes());
            }
            out.extend_from_slice([&b" "[..], b"\r\n ", b"", b"\t"][self.numbers.below(4)]);
        }
        while out.last().is_some_and(u8::is_ascii_whitespace) {
            out.pop();
        }
        out
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.numbers.below(most))
            .map(|_| match self.numbers.below(3) {
                0 => 0x20 + self.numbers.below(0x5f) as u8,
                1 => 0xa1 + self.numbers.below(0x5e) as u8,
                _ => self.numbers.below(256) as u8,
            })
            .filter(|byte| !matches!(byte, b'\r' | b'\n' | 0))
            .collect()
    }

    fn field(&mut self, name: &str, value: &[u8]) {
        self.say(name);
        let colon = [": ", ":", " : ", ":\t"][3 - self.numbers.below(12).min(3)];
        self.say(colon);
        self.out.extend_from_slice(value);
        self.say("\r\n");
    }

    fn head(&mut self) {
        for _ in 0..self.numbers.below(6) {
            self.received();
        }
        if self.one_in(4) {
            let address = self.pick(&ADDRESSES);
            self.field("Return-Path", address.as_bytes());
        }
        for name in ["From", "To", "Cc", "Reply-To", "Sender"] {
            let times = [1, 1, self.numbers.below(2), self.numbers.below(3)][self.numbers.below(4)];
            for _ in 0..if matches!(name, "From" | "To") {
                times.max(1)
            } else {
                times.min(1)
            } {
                let address = self.pick(&ADDRESSES);
                self.field(name, address.as_bytes());
            }
        }
        let subject = self.phrase();
        self.field("Subject", &subject);
        let date = self.date();
        self.field("Date", date.as_bytes());
        for (name, value) in [
            ("Message-ID", "<20260504100000.1@example.org>"),
            ("MIME-Version", "1.0"),
            ("X-Mailer", "Microsoft Outlook Express 6.00.2900.2180"),
            ("X-MimeOLE", "Produced By Microsoft MimeOLE V6.00.2900.2180"),
            ("X-Originating-IP", "[192.0.2.44]"),
            ("List-Unsubscribe", "<mailto:leave@example.org>"),
            ("Precedence", "bulk"),
            ("X-Spam-Flag", "YES"),
        ] {
            if self.one_in(3) {
                self.field(name, value.as_bytes());
            }
        }
        let odd = self.phrase();
        self.field("X-Odd", &odd);
        if self.one_in(12) {
            self.say("this line is no field\r\n");
        }
    }

    /// The fields and the content of a part.
    fn part(&mut self, depth: usize) {
        if depth < 4 && self.out.len() < MOST && self.one_in(3) {
            return self.multipart(depth);
        }
        let kinds = [
            "text/plain",
            "text/html",
            "TEXT/HTML",
            "text/x-amp-html",
            "image/gif",
            "application/pdf",
            "text/calendar",
            "message/rfc822",
            "application/octet-stream",
            "text",
            "multipart/mixed",
        ];
        let kind = self.numbers.pick(&kinds);
        let charset = self.pick(&CHARSETS);
        let quote = ["", "\"", "'"][self.numbers.below(3)];
        self.say(&format!("Content-Type: {kind}; charset={quote}{charset}{quote}"));
        if self.one_in(4) {
            self.say(";\r\n name=\"page.htm\"");
        }
        self.say("\r\n");
        let coding = [
            "7bit",
            "base64",
            "quoted-printable",
            "8bit",
            "Base64",
            "x-uuencode",
        ][self.numbers.below(6)];
        self.say(&format!("Content-Transfer-Encoding: {coding}\r\n\r\n"));
        let html = kind.to_ascii_lowercase().contains("html") || self.one_in(6);
        let text = if html { self.html() } else { self.text() };
        match coding.to_ascii_lowercase().as_str() {
            "base64" => {
                let coded = STANDARD.encode(&text);
                for line in coded.as_bytes().chunks(76) {
                    self.out.extend_from_slice(line);
                    self.say("\r\n");
                }
            }
            "quoted-printable" => {
                for byte in text {
                    match byte {
                        b'\r' | b'\n' | b' '..=b'<' | b'>'..=b'~' => self.out.push(byte),
                        _ => self.say(&format!("={byte:02X}")),
                    }
                }
            }
            _ => self.out.extend(text),
        }
        self.say("\r\n");
    }

    fn multipart(&mut self, depth: usize) {
        let kind = ["mixed", "alternative", "related", "report", "signed"][self.numbers.below(5)];
        let boundary =
            ["=_b", "----=_NextPart", "b b", "x"][self.numbers.below(4)].to_owned() + &depth.to_string();
        self.say(&format!(
            "Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n\r\npreamble\r\n"
        ));
        for _ in 0..self.numbers.below(4) + 1 {
            self.say(&format!("--{boundary}\r\n"));
            if self.one_in(8) {
                self.say("no header at all\r\n");
            } else {
                self.part(depth + 1);
            }
        }
        if !self.one_in(5) {
            self.say(&format!("--{boundary}--\r\n"));
        }
        if self.one_in(5) {
            self.say("epilogue\r\n");
        }
    }

    fn uri(&mut self) -> String {
        let (scheme, host) = (self.pick(&URIS), self.pick(&HOSTS));
        let tails = [
            "",
            "/",
            "/a%20b?x=1&y=2",
            "/%68%74tp",
            "?a@b.example.com",
            "/#frag",
            ")",
            ".",
            "/\u{e9}",
            "\\path",
        ];
        format!("{scheme}{host}{}", self.numbers.pick(&tails))
    }

    fn text(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..self.numbers.below(40) {
            match self.numbers.below(6) {
                0 => out.extend(self.uri().into_bytes()),
                1 => out.extend(self.pick(&ADDRESSES).bytes()),
                2 => out.extend(self.bytes(12)),
                _ => out.extend(self.pick(&TEXTS).bytes()),
            }
            out.extend_from_slice([&b" "[..], b"\r\n", b"\r\n\r\n", b""][self.numbers.below(4)]);
        }
        out
    }

    fn html(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..self.numbers.below(60) {
            let tag = self.pick(&TAGS);
            let name = tag.split(' ').next().unwrap_or_default();
            let piece = match self.numbers.below(10) {
                0 => format!("</{name}>"),
                1 => format!("<!-- {} -->", self.pick(&TEXTS)),
                2 => format!("<a href=\"{}\">{}</a>", self.uri(), self.uri()),
                3 => format!("<a href={}>{}", self.uri(), self.pick(&TEXTS)),
                4 => format!(
                    "<img src='{}' width={} height=\"{}%\">",
                    self.uri(),
                    self.numbers.below(900),
                    self.numbers.below(200)
                ),
                5 => [
                    "<",
                    "<!",
                    "<a <b>",
                    "</",
                    "<![CDATA[x]]>",
                    "<?x?>",
                    "<x:y z>",
                    "<p\r\nclass=a>",
                ][self.numbers.below(8)]
                .to_owned(),
                6 => format!("<{tag}>"),
                7 => format!("<{tag}>{}</{name}>", self.pick(&TEXTS)),
                _ => self.pick(&TEXTS).to_owned(),
            };
            out.extend(piece.into_bytes());
            if self.one_in(10) {
                out.extend(self.bytes(10));
            }
        }
        out
    }
}
