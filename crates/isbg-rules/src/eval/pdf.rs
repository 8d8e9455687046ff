//! Functions over attached PDF files, as far as their plain lines tell. Decompresses and draws nothing.

use std::collections::{BTreeMap, BTreeSet};

use isbg_message::views::Part;

use super::{Call, Function, capture, is_match};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("pdf_count", |call| within(call, facts(call).count as f64)),
    ("pdf_image_count", |call| within(call, facts(call).images as f64)),
    ("pdf_pixel_coverage", |call| {
        facts(call)
            .pixels
            .is_some_and(|pixels| within(call, pixels as f64))
    }),
    ("pdf_image_to_text_ratio", |call| {
        let text: usize = call.body().iter().map(<[u8]>::len).sum();
        let ratio = facts(call)
            .pixels
            .filter(|_| text > 0)
            .map(|pixels| text as f64 / pixels as f64);
        ratio.is_some_and(|ratio| {
            call.limit(1)
                .is_some_and(|max| ratio >= call.number(0) && ratio < max)
        })
    }),
    ("pdf_image_size_exact", |call| {
        let size = (call.number(0) as u64, call.number(1) as u64);
        facts(call).sizes.contains(&size)
    }),
    ("pdf_image_size_range", |call| {
        facts(call).sizes.iter().any(|(height, width)| {
            let (height, width) = (*height as f64, *width as f64);
            height >= call.number(0)
                && width >= call.number(1)
                && call.limit(2).is_none_or(|max| height <= max)
                && call.limit(3).is_none_or(|max| width <= max)
        })
    }),
    ("pdf_named", |call| {
        facts(call).names.contains(call.argument(0).as_bytes())
    }),
    ("pdf_name_regex", |call| {
        facts(call)
            .names
            .iter()
            .any(|name| call.matches_delimited(0, name))
    }),
    ("pdf_match_details", |call| {
        let found = facts(call).details.get(call.argument(0));
        found.is_some_and(|texts| texts.iter().any(|text| call.matches_delimited(1, text)))
    }),
    ("pdf_is_encrypted", |call| facts(call).encrypted),
    ("pdf_is_empty_body", |call| {
        let lines = call.body().iter().skip(1);
        let filled = lines.filter(|line| !line.iter().all(u8::is_ascii_whitespace));
        facts(call).count > 0 && filled.map(<[u8]>::len).sum::<usize>() as f64 <= call.number(0)
    }),
];

/// What is known of a message's PDF files.
#[derive(Debug, Default)]
pub(super) struct Pdfs {
    count: usize,
    images: usize,
    /// The area of the images of the last file that has some.
    pixels: Option<u64>,
    /// Height and width of each image, and summed up for each file.
    sizes: BTreeSet<(u64, u64)>,
    names: BTreeSet<Vec<u8>>,
    encrypted: bool,
    details: BTreeMap<&'static str, BTreeSet<Vec<u8>>>,
}

fn within(call: &Call<'_, '_>, value: f64) -> bool {
    !call.arguments.is_empty() && value >= call.number(0) && call.limit(1).is_none_or(|max| value <= max)
}

fn facts<'a>(call: &'a Call<'_, '_>) -> &'a Pdfs {
    call.state.pdfs.get_or_init(|| {
        let mut facts = Pdfs::default();
        for part in call.views.parts_in_order().filter(|part| is_pdf(part)) {
            read(part, &mut facts);
            facts.count += 1;
        }
        facts
    })
}

fn is_pdf(part: &Part) -> bool {
    let name = part.name.as_deref().unwrap_or_default();
    part.is_leaf
        && is_match!(
            "^(?:image|application)/(?:pdf|octet-stream)$",
            part.kind.as_bytes()
        )
        && (part.kind.ends_with("/pdf") || is_match!("(?i)\\.[fp]df$", name))
}

fn read(part: &Part, facts: &mut Pdfs) {
    let data = part.decoded();
    let head = data.get(..1_100).unwrap_or(data);
    if !is_match!("(?s)^(?:\\xef\\xbb\\xbf)?.{0,1024}%PDF-\\d\\.\\d", head) {
        return;
    }
    facts
        .names
        .extend(part.name.iter().filter(|name| !name.is_empty()).cloned());
    let (mut height, mut width, mut area, mut image) = (0u64, 0u64, 0u64, false);
    for line in data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        image |= memchr::memmem::find(line, b"/Image").is_some();
        facts.encrypted |= line.starts_with(b"/Encrypt");
        if image && let Some((high, wide)) = size(line) {
            height = height.saturating_add(high);
            width = width.saturating_add(wide);
            area = area.saturating_add(high.saturating_mul(wide));
            facts.sizes.insert((high, wide));
            facts.images += 1;
            image = false;
        }
        if memchr::memchr(b'/', line).is_some() {
            details(line, facts);
        }
    }
    if area > 0 {
        facts.sizes.insert((height, width));
        facts.pixels = Some(area);
    }
}

/// Height and width that a line gives.
fn size(line: &[u8]) -> Option<(u64, u64)> {
    let width = capture!("^(\\d+)\\s+\\d+\\s+\\d+\\s+\\d+\\s+\\d+\\s+\\d+\\s+cm$", line);
    let height = capture!("^\\d+\\s+\\d+\\s+\\d+\\s+(\\d+)\\s+\\d+\\s+\\d+\\s+cm$", line);
    let width = width.or_else(|| capture!("/Width\\s(\\d+)/Height\\s\\d+", line))?;
    let height = height.or_else(|| capture!("/Width\\s\\d+/Height\\s(\\d+)", line))?;
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u64>().ok();
    Some((number(height)?, number(width)?)).filter(|(height, width)| *height > 0 && *width > 0)
}

/// What a line says about who made the file, and when.
fn details(line: &[u8], facts: &mut Pdfs) {
    let found = [
        (
            "author",
            capture!("/Author\\s{0,2}(\\(.*?(?<!\\\\)\\)|<[^>]*>)", line),
        ),
        (
            "creator",
            capture!("/Creator\\s{0,2}(\\(.*?(?<!\\\\)\\)|<[^>]*>)", line),
        ),
        ("created", capture!("/CreationDate\\s{0,2}\\(D:(\\d+)", line)),
        ("modified", capture!("/ModDate\\s{0,2}\\(D:(\\d+)", line)),
        (
            "producer",
            capture!("/Producer\\s{0,2}(\\(.*?(?<!\\\\)\\)|<[^>]*>)", line),
        ),
        (
            "title",
            capture!("/Title\\s{0,2}(\\(.*?(?<!\\\\)\\)|<[^>]*>)", line),
        ),
    ];
    for (key, text) in found {
        if let Some(text) = text {
            facts.details.entry(key).or_default().insert(string(text));
        }
    }
}

/// A string of PDF, in parentheses or as hexadecimal digits in angle brackets; 256 bytes of it.
fn string(text: &[u8]) -> Vec<u8> {
    let mut out = match text.strip_prefix(b"<") {
        Some(digits) => hexadecimal(digits),
        None => unescaped(text.strip_prefix(b"(").unwrap_or(text)),
    };
    if out.starts_with(b"\xfe\xff") || out.starts_with(b"\xff\xfe") {
        out = out.split_off(2);
        out.retain(|byte| *byte != 0);
    }
    out.truncate(256);
    out
}

fn hexadecimal(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut high = None;
    for byte in text {
        let digit = char::from(*byte).to_digit(16);
        match (high.take(), digit) {
            (Some(high), Some(low)) => out.push((high * 16 + low) as u8),
            (None, digit) => high = digit,
            (Some(_), None) => {}
        }
    }
    out
}

fn unescaped(text: &[u8]) -> Vec<u8> {
    let text = text.strip_suffix(b")").unwrap_or(text);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let rest = &text[at + 1..];
        match (byte, rest) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..]) => {
                out.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                at += 4;
            }
            (b'\\', [sign @ (b'(' | b')' | b'\\'), ..]) => {
                out.push(*sign);
                at += 2;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings() {
        for (text, expected) in [
            (&b"(plain)"[..], &b"plain"[..]),
            (b"(a\\(b\\)\\101)", b"a(b)A"),
            (b"(\xfe\xff\0a\0b)", b"ab"),
            (b"<feff00610062>", b"ab"),
            (b"<41 4>", b"A"),
        ] {
            assert_eq!(string(text), expected);
        }
    }

    #[test]
    fn sizes_stand_in_one_line() {
        assert_eq!(size(b"300 0 0 200 10 20 cm"), Some((200, 300)));
        assert_eq!(size(b"<</Width 40/Height 30/X 1>>"), Some((30, 40)));
        assert_eq!(size(b"/Width 40"), None);
        assert_eq!(size(b"0 0 0 0 0 0 cm"), None);
    }
}
