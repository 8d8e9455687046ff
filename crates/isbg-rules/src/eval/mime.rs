//! Functions over the MIME structure and how parts are encoded. Does not render.

use isbg_message::views::Part;

use super::{Call, Function, capture, charset, is_match};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("check_for_mime", |call| {
        attachments(call).fact(call.argument(0)) != 0.0
    }),
    ("check_for_mime_html", |call| {
        is_html(call) || attachments(call).html > 0
    }),
    ("check_for_mime_html_only", |call| {
        let found = attachments(call);
        is_html(call) || (found.html > 0 && found.text == 0)
    }),
    ("check_mime_multipart_ratio", |call| {
        let ratio = attachments(call).multipart_ratio;
        ratio >= call.number(0) && ratio < call.number(1)
    }),
    ("check_msg_parse_flags", parse_flags),
    ("check_for_ascii_text_illegal", |call| {
        attachments(call).ascii_illegal > 0
    }),
    ("check_abundant_unicode_ratio", |call| {
        let found = attachments(call);
        let form = is_match!("^\\d{0,3}\\.\\d{1,3}$", call.argument(0).as_bytes());
        form && found.unicode as f64 / found.normal.max(1) as f64 >= call.number(0)
    }),
    ("check_for_faraway_charset", faraway_charset),
    ("check_for_uppercase", |call| {
        let share = uppercase(call);
        share > call.number(0) && share <= call.number(1)
    }),
    ("check_ma_non_text", alternative_without_text),
    ("check_base64_length", |call| {
        let length = base64_length(call) as f64;
        call.limit(1).is_none_or(|max| length <= max) && length >= call.number(0)
    }),
    ("check_qp_ratio", |call| {
        let found = attachments(call);
        found.qp_bytes as f64 * call.number(0) <= found.qp_encoded as f64
    }),
];

/// What is known of all parts together.
#[derive(Debug, Default)]
pub(super) struct Attachments {
    html: usize,
    text: usize,
    base64: usize,
    qp: usize,
    attachment: usize,
    base64_text: bool,
    bad_iso_charset: bool,
    faraway_charset: bool,
    alternative: bool,
    charsets: Vec<Vec<u8>>,
    qp_long_line: bool,
    qp_bytes: usize,
    qp_encoded: i64,
    ascii_illegal: usize,
    /// Bytes of plain text, and numeric references in it.
    normal: usize,
    unicode: usize,
    multipart_ratio: f64,
    limit_exceeded: bool,
}

impl Attachments {
    fn fact(&self, name: &str) -> f64 {
        let flag = |on| f64::from(u8::from(on));
        match name {
            "mime_body_html_count" => self.html as f64,
            "mime_body_text_count" => self.text as f64,
            "mime_base64_count" => self.base64 as f64,
            "mime_qp_count" if self.qp_bytes > 0 => self.qp_encoded as f64,
            "mime_qp_count" => self.qp as f64,
            "mime_attachment" => self.attachment as f64,
            "mime_base64_encoded_text" => flag(self.base64_text),
            "mime_bad_iso_charset" => flag(self.bad_iso_charset),
            "mime_faraway_charset" => flag(self.faraway_charset),
            "mime_multipart_alternative" => flag(self.alternative),
            "mime_qp_long_line" => flag(self.qp_long_line),
            "mime_ascii_text_illegal" => self.ascii_illegal as f64,
            "mime_multipart_ratio" => self.multipart_ratio,
            "mimepart_limit_exceeded" => flag(self.limit_exceeded),
            _ => 0.0,
        }
    }
}

/// A part's declared type and character set, as far as they are given.
fn declared(part: &Part) -> (String, Option<Vec<u8>>) {
    let Some(field) = part.header("content-type").filter(|value| !value.is_empty()) else {
        return ("text/plain".to_owned(), Some(b"us-ascii".to_vec()));
    };
    let charset = capture!("(?i)\\bcharset\\s*=\\s*[\"']?(.*?)[\"']?(?:;|$)", field);
    let charset = charset.map(<[u8]>::to_ascii_lowercase);
    let kind = field
        .split(|b| *b == b';')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let kind = String::from_utf8_lossy(&kind).trim_start().to_owned();
    let kind = match kind.split_once('/') {
        Some((main, sub)) => {
            let sub = sub
                .split(|c: char| c.is_ascii_whitespace())
                .next()
                .unwrap_or_default();
            format!("{main}/{sub}")
        }
        None => kind,
    };
    let is_text =
        kind.starts_with("text") && !kind[4..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let kept = ["text/x-vcard", "text/calendar", "text/html"];
    if kind.is_empty() || (is_text && !kept.contains(&kind.as_str())) {
        return ("text/plain".to_owned(), charset);
    }
    let odd = |c: &char| !c.is_ascii_graphic() || "\"(),:;<=>?@[\\]".contains(*c);
    (kind.chars().filter(|c| !odd(c)).collect(), charset)
}

fn lower(part: &Part, name: &str) -> Vec<u8> {
    part.header(name)
        .map(|value| value.to_ascii_lowercase())
        .unwrap_or_default()
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(text, word).is_some()
}

fn attachments<'a>(call: &'a Call<'_, '_>) -> &'a Attachments {
    call.state.attachments.get_or_init(|| {
        let mut found = Attachments {
            multipart_ratio: 1.0,
            ..Attachments::default()
        };
        found.limit_exceeded = call.views.flags().mimepart_limit_exceeded;
        let locales = charset::locales(call.settings);
        // The last part of each kind that is no attachment, with its bytes.
        let (mut text, mut html) = (None, None);
        for part in call.views.parts_in_order() {
            let (kind, charset) = declared(part);
            let encoding = lower(part, "content-transfer-encoding");
            let disposition = lower(part, "content-disposition");
            found.alternative |= kind == "multipart/alternative";
            note_header(
                &mut found,
                &kind,
                charset.as_deref().unwrap_or_default(),
                &encoding,
                &disposition,
            );
            if let Some(locales) = &locales {
                let known = charset
                    .as_deref()
                    .is_none_or(|name| charset::is_expected(name, locales));
                found.faraway_charset |= !known;
            }
            if !part.is_leaf {
                continue;
            }
            let plain = kind == "text/plain";
            if !contains(&disposition, b"attachment") && (plain || kind == "text/html") {
                let bytes = if found.alternative { part.raw.len() } else { 0 };
                *(if plain { &mut text } else { &mut html }) = Some(bytes);
            }
            for line in part.raw.split_inclusive(|b| *b == b'\n') {
                note_line(&mut found, line, &kind, charset.as_deref(), &encoding);
            }
        }
        if let (true, Some(text), Some(html)) = (found.alternative, text, html)
            && html > 0
        {
            found.multipart_ratio = text as f64 / html as f64;
        }
        found
    })
}

fn note_header(found: &mut Attachments, kind: &str, charset: &[u8], encoding: &[u8], disposition: &[u8]) {
    if kind == "text/html" {
        found.html += 1;
    } else if kind.starts_with("text") {
        found.text += 1;
    }
    let base64 = contains(encoding, b"base64");
    if base64 {
        found.base64 += 1;
    } else if contains(encoding, b"quoted-printable") {
        found.qp += 1;
    }
    found.attachment += usize::from(contains(disposition, b"attachment"));
    let shown = disposition.starts_with(b"attachment") || disposition.starts_with(b"inline");
    let ascii = charset.is_empty()
        || charset == b"0"
        || is_match!(
            "us-ascii|ansi_x3\\.4-1968|iso-ir-6|ansi_x3\\.4-1986|iso_646\\.irv:1991|ascii|iso646-us|us|ibm367|cp367\
            |csascii",
            charset
        );
    found.base64_text |= kind.starts_with("text") && base64 && ascii && !shown;
    found.bad_iso_charset |= is_match!("(?i)iso-\\S+-\\S+\\b", charset)
        && !is_match!("iso-(?:8859-\\d{1,2}|2022-(?:jp|kr))\\b", charset);
    if charset.iter().any(u8::is_ascii_alphabetic) {
        found.charsets.push(charset.to_vec());
    }
}

fn note_line(found: &mut Attachments, line: &[u8], kind: &str, charset: Option<&[u8]>, encoding: &[u8]) {
    if encoding == b"quoted-printable" && !line.starts_with(b"SPAM: ") {
        found.qp_long_line |= line.len() > 79;
        found.qp_bytes += line.len();
        found.qp_encoded += needlessly_encoded(line);
    }
    if kind != "text/plain" {
        return;
    }
    let ascii = charset.is_none_or(|name| name == b"us-ascii");
    if ascii && line.iter().any(|b| matches!(b, 0 | b'\r' | 0x80..)) {
        found.ascii_illegal += 1;
    }
    if matches!(encoding, b"" | b"7bit" | b"8bit") {
        let references = line
            .windows(8)
            .filter(|place| {
                let digits = place[3..7]
                    .iter()
                    .all(|b| b.is_ascii_digit() || matches!(b, b'A'..=b'F'));
                place.starts_with(b"&#x") && digits && place[7] == b';'
            })
            .count();
        found.unicode += references;
        found.normal += line.len() - references * 8;
    }
}

/// Quoted-printable codes for characters that need none, those for blanks at the end of the line aside.
fn needlessly_encoded(line: &[u8]) -> i64 {
    let needless = |code: &[u8]| {
        let hexadecimal = |b: u8| b.is_ascii_digit() || matches!(b, b'A'..=b'F');
        matches!(code, [b'2' | b'4' | b'5' | b'6', low] if hexadecimal(*low))
            || matches!(code, [b'3', low] if hexadecimal(*low) && *low != b'D')
            || matches!(code, [b'7', low] if hexadecimal(*low) && *low != b'F')
            || code == b"09"
    };
    let count = line
        .windows(3)
        .filter(|place| place[0] == b'=' && needless(&place[1..]))
        .count() as i64;
    if count == 0 {
        return 0;
    }
    let blank = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
    let end = line.iter().rposition(|b| !blank(b)).map_or(0, |at| at + 1);
    let trailing = line[..end]
        .rchunks(3)
        .take_while(|code| matches!(**code, [b'=', b'0', b'9'] | [b'=', b'2', b'0']))
        .count() as i64;
    count - trailing
}

fn is_html(call: &Call<'_, '_>) -> bool {
    let kind = call.header("Content-Type");
    kind.get(..9)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"text/html"))
}

fn parse_flags(call: &Call<'_, '_>) -> bool {
    let flags = call.views.flags();
    match call.argument(0) {
        "missing_head_body_separator" => flags.missing_head_body_separator,
        "truncated_header" => flags.truncated_header,
        "missing_mime_headers" => flags.missing_mime_headers,
        "missing_mime_head_body_separator" => flags.missing_mime_head_body_separator,
        "mime_epilogue_exists" => flags.mime_epilogue_exists,
        "mimepart_limit_exceeded" => flags.mimepart_limit_exceeded,
        _ => false,
    }
}

fn header_charset(call: &Call<'_, '_>) -> Option<Vec<u8>> {
    let field = call.header("Content-Type");
    let double = capture!("(?i)charset=\"([^\"]+)\"", &field);
    let single = || capture!("(?i)charset='([^']+)'", &field);
    let bare = || capture!("(?i)charset=(\\S+)", &field);
    double.or_else(single).or_else(bare).map(<[u8]>::to_vec)
}

fn faraway_charset(call: &Call<'_, '_>) -> bool {
    let Some(locales) = charset::locales(call.settings) else {
        return false;
    };
    let known = header_charset(call).is_none_or(|name| charset::is_expected(&name, &locales));
    if known {
        return false;
    }
    let text: &[u8] = &call.body().text;
    let high = text.iter().filter(|b| !b.is_ascii()).count();
    high > 3 && text.len() + call.body().ends.len() - high <= high
}

fn uppercase(call: &Call<'_, '_>) -> f64 {
    *call.state.uppercase.get_or_init(|| {
        let mut charsets = attachments(call).charsets.clone();
        charsets.extend(header_charset(call));
        if charsets
            .iter()
            .any(|name| name.is_ascii() && charset::looks_like_capitals(name))
        {
            return 0.0;
        }
        let (mut length, mut lower, mut upper) = (0usize, 0usize, 0usize);
        for line in call.body().iter() {
            let encoded = is_match!("^(?:[A-Za-z0-9+/=]{60,76} ){2}", line);
            if encoded || !is_match!("\\S\\s+\\S", line) {
                continue;
            }
            let line = without_japanese(line);
            length += line.len();
            lower += line
                .iter()
                .filter(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                .count();
            upper += line.iter().filter(|b| b.is_ascii_uppercase()).count();
        }
        if length < 200 || upper + lower == 0 {
            0.0
        } else {
            upper as f64 / (upper + lower) as f64 * 100.0
        }
    })
}

/// The line without what stands between the first switch to Japanese and the last one back.
fn without_japanese(line: &[u8]) -> Vec<u8> {
    let start = memchr::memmem::find(line, b"\x1b$B");
    let end = memchr::memmem::rfind(line, b"\x1b(B");
    match (start, end) {
        (Some(start), Some(end)) if start + 3 <= end => [&line[..start], &line[end + 3..]].concat(),
        _ => line.to_vec(),
    }
}

fn alternative_without_text(call: &Call<'_, '_>) -> bool {
    let parts = call.views.parts();
    let alternatives = parts.iter().filter(|part| part.kind == "multipart/alternative");
    alternatives
        .flat_map(|part| &part.children)
        .filter_map(|child| parts.get(*child))
        .any(|part| {
            !matches!(part.kind.as_str(), "multipart/related" | "application/rtf")
                && !part.kind.starts_with("text/")
        })
}

fn base64_length(call: &Call<'_, '_>) -> usize {
    *call.state.base64_length.get_or_init(|| {
        let parts = call.views.parts().iter().filter(|part| part.is_leaf);
        parts
            .filter(|part| declared(part).0 != "application/ics")
            .filter(|part| lower(part, "content-transfer-encoding") == b"base64")
            .flat_map(|part| part.raw.split_inclusive(|b| *b == b'\n').map(<[u8]>::len))
            .max()
            .unwrap_or(0)
    })
}
