//! The body as rules see it: text of all parts put together, cut to paragraphs or chunks. Does not know what is inside
//! HTML.

use memchr::{memchr, memrchr};

use super::charset::{self, Insist};
use super::parts::{LINE_BYTES, Part, leaves};
use super::text::{Text, encoded, is_space};
use super::{Html, Lines, html};

/// What a text part says to people.
#[derive(Debug)]
pub struct Rendered {
    /// The text, blanks not yet collapsed.
    pub text: Text,
    /// What is known of the HTML, if it was HTML.
    pub html: Option<Html>,
}

/// `None`: not text for people.
pub(crate) fn render(part: &Part) -> Option<Rendered> {
    let kind = part.effective_type();
    if !part.is_leaf || !matches!(kind, "text/plain" | "text/html") {
        return None;
    }
    let source = part.decoded();
    let text = charset::normalize(source, part.charset.as_deref().unwrap_or(b"us-ascii"), Insist::No);
    if kind == "text/plain" {
        return Some(Rendered { text, html: None });
    }
    if source.is_empty() {
        // Nothing is read of an empty document, not even that it is one.
        return Some(Rendered {
            text,
            html: Some(Html::default()),
        });
    }
    let (text, mut html) = html::render(&text);
    let (mut length, mut blanks) = (0, 0);
    for c in text.text.chars() {
        length += 1;
        blanks += usize::from(is_space(c, text.wide) && (text.wide || c != '\u{c}'));
    }
    html.html_length = length;
    html.non_space_len = length - blanks;
    html.ratio = Some((source.len() as f64 - length as f64) / source.len() as f64);
    Some(Rendered {
        text,
        html: Some(html),
    })
}

/// The paragraphs, with the Subject (which ends with a line end) in front.
pub(crate) fn body(parts: &[Part], subject: &[u8], limit: usize) -> Lines {
    if leaves(parts).next().is_none() {
        return Lines::default();
    }
    let mut text = String::new();
    let mut wide = false;
    for part in leaves(parts) {
        if !text.is_empty() {
            text.push('\n');
        }
        if let Some(rendered) = part.rendered() {
            text.push_str(cut(&rendered.text.text, limit));
            wide |= rendered.text.wide;
        }
    }
    let mut bytes = subject.to_vec();
    collapse(&text, wide, &mut bytes);
    let mut lines = Lines::default();
    for line in super::head::lines(&bytes) {
        short_lines(line, &mut lines);
    }
    lines
}

/// The first `limit` characters, or a little more to end at a line end or blank.
fn cut(text: &str, limit: usize) -> &str {
    if limit == 0 || text.len() <= limit {
        return text;
    }
    let Some((start, _)) = text.char_indices().nth(limit) else {
        return text;
    };
    let near = |c: char| {
        text[start..]
            .chars()
            .take(1_025)
            .position(|other| other == c)
            .map(|_| ())
    };
    let end = |c: char| {
        near(c)
            .and_then(|()| text[start..].find(c))
            .map(|at| start + at + 1)
    };
    &text[..end('\n').or_else(|| end(' ')).unwrap_or(start)]
}

/// Blank lines become paragraph ends, other runs of blanks one blank.
fn collapse(text: &str, wide: bool, out: &mut Vec<u8>) {
    let blank = |c: char| is_space(c, wide);
    let mut rest = text;
    while !rest.is_empty() {
        let plain = rest.find(blank).unwrap_or(rest.len());
        // A NUL stands for a paragraph end in what SpamAssassin does here, so it becomes one.
        let bytes = encoded(&rest[..plain], wide);
        out.extend(bytes.into_iter().map(|byte| if byte == 0 { b'\n' } else { byte }));
        rest = &rest[plain..];
        let run = &rest[..rest.len() - rest.trim_start_matches(blank).len()];
        if run.is_empty() {
            continue;
        }
        let (first, last) = (memchr(b'\n', run.as_bytes()), memrchr(b'\n', run.as_bytes()));
        match (first, last) {
            (Some(first), Some(last)) if first < last => {
                if first > 0 {
                    out.push(b' ');
                }
                out.push(b'\n');
                if last + 1 < run.len() {
                    out.push(b' ');
                }
            }
            _ => out.push(b' '),
        }
        rest = &rest[run.len()..];
    }
}

fn short_lines(mut line: &[u8], lines: &mut Lines) {
    while line.len() > LINE_BYTES {
        let end = memrchr(b' ', &line[..=LINE_BYTES]).map_or(LINE_BYTES, |at| at + 1);
        lines.push(&line[..end]);
        line = &line[end..];
    }
    lines.push(line);
}

/// The chunks of the decoded, unrendered text.
pub(crate) fn rawbody(parts: &[Part], limit: usize) -> Lines {
    let mut lines = Lines::default();
    for part in leaves(parts) {
        let kind = part.effective_type();
        let textual = ["text", "message"].iter().any(|prefix| {
            kind.strip_prefix(prefix)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        });
        if textual && part.kind != "text/calendar" {
            chunks(cut_bytes(part.decoded(), limit), &mut lines);
        }
    }
    lines
}

fn cut_bytes(text: &[u8], limit: usize) -> &[u8] {
    if limit == 0 || text.len() <= limit {
        return text;
    }
    let near = &text[limit..text.len().min(limit + 1_025)];
    let end = [b'\n', b'>', b' ']
        .into_iter()
        .find_map(|byte| memchr(byte, near));
    &text[..end.map_or(limit, |at| limit + at + 1)]
}

fn chunks(text: &[u8], lines: &mut Lines) {
    let mut start = 0;
    if text.len() > LINE_BYTES {
        while text.len() - start > 2 * LINE_BYTES {
            let near = &text[start + LINE_BYTES..start + 2 * LINE_BYTES];
            let end = [b'\n', b'>', b' ']
                .into_iter()
                .find_map(|byte| memchr(byte, near))
                .unwrap_or(0);
            let end = start + LINE_BYTES + end + 1;
            lines.push(&text[start..end]);
            start = end;
        }
        if start == text.len() {
            return;
        }
    }
    lines.push(&text[start..]);
}
