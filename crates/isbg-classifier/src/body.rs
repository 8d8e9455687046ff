//! The text a reader sees, and the words, links and tags of the body. Does not read the header, except for the subject.

use crate::decode;
use crate::fold::fold;
use crate::html::{self, Page, clip};
use crate::mail::{Mail, Part};
use crate::tokens::Tokens;

/// Bytes of visible text that are used.
const TEXT_BYTES: usize = 4000;
/// Bytes of visible text whose words are used.
const WORDS_BYTES: usize = 6000;
/// Bytes of all parts together that are decoded.
const SOURCE_BYTES: usize = 128 * 1024;
/// Text parts that are read.
const PART_LIMIT: usize = 8;
/// Bytes of a subject.
const SUBJECT_BYTES: usize = 200;

/// What the body says.
#[derive(Debug)]
pub(crate) struct Body {
    /// The subject, folded.
    pub subject: String,
    /// The visible text, folded.
    pub text: String,
}

/// Reads the text parts of `mail`, adding its words, links and tags to `words`.
pub(crate) fn read(mail: &Mail<'_>, words: &mut Tokens) -> Body {
    let value = mail.field("Subject").unwrap_or_default();
    let subject = fold(&decode::header_text(value, 1000), SUBJECT_BYTES);
    let mut text = String::new();
    let mut left = SOURCE_BYTES;
    for word in split_words(&subject) {
        words.push(&[b"subject:", word.as_bytes()]);
    }
    for part in shown(mail).take(PART_LIMIT) {
        if text.len() >= WORDS_BYTES {
            break;
        }
        let room = WORDS_BYTES - text.len();
        let bytes = decode::transfer(part.body, part.encoding, left);
        left -= bytes.len().min(left);
        let source = decode::charset(&bytes, part.content_type.charset.as_deref());
        if part.content_type.kind == "text/html" || looks_like_html(part, &source) {
            let page = html::scan(&source, room);
            marks(&page, words);
            text.push_str(&fold(&page.text, room));
        } else {
            let plain = fold(clip(&source, 4 * WORDS_BYTES), room);
            plain_links(&plain, words);
            text.push_str(&plain);
        }
        text.push('\n');
    }
    for word in split_words(&text) {
        words.push(&[word.as_bytes()]);
    }
    text.truncate(clip(&text, TEXT_BYTES).len());
    Body { subject, text }
}

/// The text parts that a mail program shows: of alternatives not the plain one if there is one in HTML.
fn shown<'m, 'a>(mail: &'m Mail<'a>) -> impl Iterator<Item = &'m Part<'a>> {
    let replaced = |at: usize, part: &Part<'_>| {
        part.alternative
            && part.content_type.kind == "text/plain"
            && mail.parts[at + 1..]
                .iter()
                .any(|later| later.content_type.kind == "text/html" && later.depth >= part.depth)
    };
    mail.parts
        .iter()
        .enumerate()
        .filter(move |(at, part)| part.is_text() && !replaced(*at, part))
        .map(|(_, part)| part)
}

fn looks_like_html(part: &Part<'_>, source: &str) -> bool {
    part.content_type.kind != "text/plain" && clip(source.trim_start(), 6).eq_ignore_ascii_case("<html>")
}

fn split_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '\'' | '-' | '$' | '%'))
        .filter(|word| (2..=40).contains(&word.len()))
}

/// Tokens of a page's tags and links.
fn marks(page: &Page, words: &mut Tokens) {
    for tag in &page.tags {
        words.push(&[b"tag:", tag.as_bytes()]);
    }
    for (name, count) in [
        ("images", page.images),
        ("links", page.anchors),
        ("hidden", page.hidden),
    ] {
        let size = count.checked_ilog2().map_or(0, |size| size + 1);
        words.push(&[name.as_bytes(), b":", size.to_string().as_bytes()]);
    }
    for link in &page.links {
        self::link(link, words);
    }
}

fn plain_links(text: &str, words: &mut Tokens) {
    for (at, _) in text.match_indices("://").take(50) {
        let start = text[..at]
            .rfind(|letter: char| !letter.is_ascii_alphabetic())
            .map_or(0, |space| space + 1);
        let start = (start..=at)
            .find(|&start| text.is_char_boundary(start))
            .unwrap_or(at);
        let end = text[at..]
            .find([' ', '>', '"', ')'])
            .map_or(text.len(), |end| at + end);
        link(clip(&text[start..end], 512), words);
    }
}

/// Tokens of one link: scheme, host and its parents, first step of the path, file extension.
fn link(target: &str, words: &mut Tokens) {
    let Some((scheme, rest)) = target.split_once(':') else {
        return;
    };
    let scheme = scheme.to_ascii_lowercase();
    words.push(&[b"url-scheme:", scheme.as_bytes()]);
    let Some(rest) = rest.strip_prefix("//") else {
        return;
    };
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.to_ascii_lowercase();
    if host.contains('@') {
        words.push(&[b"url-user"]);
    }
    let host = host.rsplit('@').next().unwrap_or_default();
    let (host, port) = host.split_once(':').unwrap_or((host, ""));
    if !port.is_empty() {
        words.push(&[b"url-port:", port.as_bytes()]);
    }
    if host.contains("xn--") {
        words.push(&[b"url-punycode"]);
    }
    if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        words.push(&[b"url-ip"]);
    }
    let mut parent = host;
    for _ in 0..4 {
        words.push(&[b"url:", parent.as_bytes()]);
        match parent.split_once('.') {
            Some((_, rest)) => parent = rest,
            None => break,
        }
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut steps = path.split('/').skip(1);
    if let Some(first) = steps.next().filter(|step| step.len() >= 2) {
        words.push(&[b"url-path:", first.as_bytes()]);
    }
    if let Some((_, extension)) = path
        .rsplit_once('.')
        .filter(|(_, extension)| extension.len() <= 5)
    {
        words.push(&[b"url-extension:", extension.as_bytes()]);
    }
    words.push(&[
        b"url-depth:",
        path.matches('/').count().min(9).to_string().as_bytes(),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(raw: &[u8]) -> (String, Vec<String>) {
        let mut words = Tokens::with_cap(1000);
        let body = read(&Mail::split(raw), &mut words);
        let words = words
            .iter()
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        (format!("{}|{}", body.subject, body.text.trim()), words)
    }

    #[test]
    fn the_text_is_what_a_reader_sees() {
        let raw = b"Subject: =?utf-8?q?H=C3=A9llo?=\nContent-Type: multipart/mixed; boundary=m\n\n\
            --m\nContent-Type: multipart/alternative; boundary=a\n\n\
            --a\nContent-Type: text/plain\n\ngood words\n\
            --a\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n\
            <b>Buy</b> <a href=3D'https://user@sub.shop.example:8080/path/x.php?q'>now</a><i style=3D'font-size:0'>x</i>\n\
            --a--\n--m\nContent-Type: text/plain\n\nfooter\n\
            --m\nContent-Type: text/plain\nContent-Disposition: attachment\n\nnot shown\n--m--\n";
        let (text, words) = read_text(raw);
        assert_eq!(text, "hello|buy now \nfooter");
        for word in [
            "subject:hello",
            "buy",
            "footer",
            "tag:b",
            "hidden:1",
            "links:1",
            "url:sub.shop.example",
            "url:example",
            "url-user",
            "url-port:8080",
            "url-path:path",
            "url-extension:php",
        ] {
            assert!(words.iter().any(|found| found == word), "{word} in {words:?}");
        }
        assert!(!words.iter().any(|found| found == "good" || found == "shown"));
    }

    #[test]
    fn links_in_plain_text() {
        let (_, words) =
            read_text(b"A: b\n\nsee (http://192.0.2.7/a) and x://\xc3\xa9, hTTps://xn--a.example.");
        for word in ["url-ip", "url-punycode", "url-scheme:https", "url:192.0.2.7"] {
            assert!(words.iter().any(|found| found == word), "{word} in {words:?}");
        }
    }
}
