//! Header and body as they are signed (RFC 6376 §3.4, §3.7). Does not hash.

use isbg_message::header::Field;
use memchr::memmem;

/// How much a message may be changed on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    Simple,
    Relaxed,
}

/// The forms of header and body in a `c=` tag.
pub(super) fn forms(tag: &[u8]) -> Option<(Form, Form)> {
    let form = |name: &[u8]| match name.to_ascii_lowercase().as_slice() {
        b"simple" => Some(Form::Simple),
        b"relaxed" => Some(Form::Relaxed),
        _ => None,
    };
    match memchr::memchr(b'/', tag) {
        Some(at) => Some((form(&tag[..at])?, form(&tag[at + 1..])?)),
        None => Some((form(tag)?, Form::Simple)),
    }
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Lines without their ends, whichever way they end.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = text.strip_suffix(b"\n").unwrap_or(text);
    whole
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Adds a text with each run of blanks as one, and without blanks at its end.
fn push_relaxed(out: &mut Vec<u8>, text: &[u8]) {
    let end = text
        .iter()
        .rposition(|byte| !is_blank(byte))
        .map_or(0, |at| at + 1);
    let mut in_blanks = false;
    for byte in &text[..end] {
        if !is_blank(byte) {
            out.push(*byte);
        } else if !in_blanks {
            out.push(b' ');
        }
        in_blanks = is_blank(byte);
    }
}

/// The body: without empty lines at its end, every line ended by CRLF.
pub(super) fn body(body: &[u8], form: Form) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    let mut end = 0;
    if !body.is_empty() {
        for line in lines(body) {
            let start = out.len();
            match form {
                Form::Simple => out.extend_from_slice(line),
                Form::Relaxed => push_relaxed(&mut out, line),
            }
            let empty = out.len() == start;
            out.extend_from_slice(b"\r\n");
            if !empty {
                end = out.len();
            }
        }
    }
    out.truncate(end);
    if out.is_empty() && form == Form::Simple {
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// The fields that are signed, the last of each name first, and the signature's own without its value.
pub(super) fn head(signature: &Field<'_>, fields: &[Field<'_>], names: &[&[u8]], form: Form) -> Vec<u8> {
    let mut out = Vec::new();
    let mut used = vec![false; fields.len()];
    for name in names {
        let mut from_last = (0..fields.len()).rev();
        let found = from_last.find(|at| !used[*at] && fields[*at].name.eq_ignore_ascii_case(name));
        if let Some(at) = found {
            used[at] = true;
            push_field(&mut out, fields[at].name, fields[at].raw, form);
        }
    }
    push_field(&mut out, signature.name, &without_value(signature.raw), form);
    out.truncate(out.len().saturating_sub(2));
    out
}

fn push_field(out: &mut Vec<u8>, name: &[u8], raw: &[u8], form: Form) {
    match form {
        Form::Simple => {
            for line in lines(raw) {
                out.extend_from_slice(line);
                out.extend_from_slice(b"\r\n");
            }
        }
        Form::Relaxed => {
            let colon = memchr::memchr(b':', raw).map_or(raw.len(), |at| at + 1);
            out.extend(name.iter().map(u8::to_ascii_lowercase));
            out.push(b':');
            let unfolded: Vec<u8> = lines(&raw[colon..]).collect::<Vec<_>>().concat();
            let start = unfolded
                .iter()
                .position(|byte| !is_blank(byte))
                .unwrap_or(unfolded.len());
            push_relaxed(out, &unfolded[start..]);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// A signature field with an empty `b=` tag.
fn without_value(raw: &[u8]) -> Vec<u8> {
    let mut start = memchr::memchr(b':', raw).map_or(raw.len(), |at| at + 1);
    loop {
        let rest = &raw[start..];
        let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
        let tag = &rest[..end];
        if let Some(at) = memchr::memchr(b'=', tag)
            && tag[..at].trim_ascii() == b"b"
        {
            // Only the line end after the last tag belongs to the field and not to the value.
            let last = end == rest.len();
            let tail = if last {
                &tag[tag.trim_ascii_end().len()..]
            } else {
                &b""[..]
            };
            let tail = memmem::find(tail, b"\n").map_or(&b""[..], |_| &b"\r\n"[..]);
            return [&raw[..start + at + 1], tail, &rest[end..]].concat();
        }
        if end == rest.len() {
            return raw.to_vec();
        }
        start += end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6376 §3.4.5 and §3.4.4.
    #[test]
    fn bodies() {
        let text = b" C \r\nD \t E\r\n\r\n\r\n";
        assert_eq!(body(text, Form::Relaxed), b" C\r\nD E\r\n");
        assert_eq!(body(text, Form::Simple), b" C \r\nD \t E\r\n");
        assert_eq!(body(b"x\ny", Form::Simple), b"x\r\ny\r\n");
        for empty in [&b""[..], b"\r\n", b"\n\n"] {
            assert_eq!(body(empty, Form::Simple), b"\r\n");
            assert_eq!(body(empty, Form::Relaxed), b"");
        }
    }

    #[test]
    fn fields() {
        let block =
            b"A: X\r\nB : Y\t\r\n\tZ  \r\nA: later\r\nDKIM-Signature: v=1; b=ab\r\n cd; h=a:b\r\n\r\n";
        let fields: Vec<Field<'_>> = isbg_message::header::fields(block).collect();
        let names: [&[u8]; 4] = [b"a", b"b", b"a", b"nobody"];
        assert_eq!(
            head(&fields[3], &fields, &names, Form::Relaxed),
            b"a:later\r\nb:Y Z\r\na:X\r\ndkim-signature:v=1; b=; h=a:b"
        );
        assert_eq!(
            head(&fields[3], &fields, &names[..1], Form::Simple),
            b"A: later\r\nDKIM-Signature: v=1; b=; h=a:b"
        );
    }

    #[test]
    fn a_value_at_the_end() {
        assert_eq!(
            without_value(b"DKIM-Signature: v=1; b=ab\r\n\tcd\r\n"),
            b"DKIM-Signature: v=1; b=\r\n"
        );
        assert_eq!(
            without_value(b"DKIM-Signature: bh=b; b = x ;d=1\r\n"),
            b"DKIM-Signature: bh=b; b =;d=1\r\n"
        );
    }
}
