//! The text of an HTML part that a reader would see, with its links and tags. A lenient scanner, not a renderer: it does
//! not know style sheets, only what an element says of itself.

use memchr::{memchr, memmem};

use crate::entities::push_text;

/// Links that are kept, and bytes of one.
const LINK_LIMIT: usize = 100;
const LINK_BYTES: usize = 512;
/// Bytes of one tag that are looked at for attributes.
const TAG_BYTES: usize = 2048;

/// What a scan found.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Visible text, entities decoded.
    pub text: String,
    /// Targets of links and images, as written.
    pub links: Vec<String>,
    /// Names of elements in lower case, each once, in order of appearance.
    pub tags: Vec<String>,
    /// Images and links counted, and characters that were hidden.
    pub images: usize,
    pub anchors: usize,
    pub hidden: usize,
}

/// Scans `source`, stopping when `cap` bytes of visible text are found.
pub(crate) fn scan(source: &str, cap: usize) -> Page {
    let mut page = Page::default();
    let mut hiding: Option<Hiding> = None;
    let mut rest = source;
    while !rest.is_empty() && page.text.len() < cap {
        let (text, markup) = rest.split_at(memchr(b'<', rest.as_bytes()).unwrap_or(rest.len()));
        match hiding {
            None => push_text(&mut page.text, text),
            Some(_) => page.hidden += text.len(),
        }
        rest = match markup.as_bytes() {
            [] => break,
            [b'<', b'!', b'-', b'-', ..] => after(markup, b"-->"),
            [b'<', b'!' | b'?', ..] => after(markup, b">"),
            [b'<', b'/', first, ..] if first.is_ascii_alphabetic() => {
                let (tag, rest) = Tag::read(markup, 2);
                close(&mut hiding, &tag.name);
                break_line(&mut page.text, &tag.name);
                rest
            }
            [b'<', first, ..] if first.is_ascii_alphabetic() => {
                let (tag, rest) = Tag::read(markup, 1);
                if matches!(
                    tag.name.as_str(),
                    "script" | "style" | "title" | "noscript" | "textarea"
                ) {
                    after_end_tag(rest, &tag.name)
                } else {
                    open(&mut page, &mut hiding, &tag);
                    rest
                }
            }
            _ => {
                push_text(&mut page.text, "<");
                &markup[1..]
            }
        };
    }
    page
}

/// The element whose content is not shown, and how many of its name are open within.
struct Hiding {
    name: String,
    nested: usize,
}

fn open(page: &mut Page, hiding: &mut Option<Hiding>, tag: &Tag<'_>) {
    if !page.tags.contains(&tag.name) && page.tags.len() < 64 {
        page.tags.push(tag.name.clone());
    }
    let link = match tag.name.as_str() {
        "a" | "area" => tag.attribute("href"),
        "img" => tag.attribute("src"),
        "form" => tag.attribute("action"),
        _ => None,
    };
    match tag.name.as_str() {
        "img" => page.images += 1,
        "a" => page.anchors += 1,
        _ => {}
    }
    if let Some(link) = link
        && page.links.len() < LINK_LIMIT
    {
        let mut target = String::new();
        push_text(&mut target, clip(link.trim(), LINK_BYTES));
        page.links.push(target);
    }
    break_line(&mut page.text, &tag.name);
    // These close themselves when the next one starts.
    let chained = matches!(
        tag.name.as_str(),
        "p" | "li" | "td" | "th" | "tr" | "option" | "dt" | "dd"
    );
    match hiding {
        Some(hidden) if hidden.name == tag.name && chained => *hiding = None,
        Some(hidden) if hidden.name == tag.name => hidden.nested += 1,
        _ => {}
    }
    if hiding.is_none() && !tag.is_void() && tag.is_hidden() {
        *hiding = Some(Hiding {
            name: tag.name.clone(),
            nested: 0,
        });
    }
}

fn close(hiding: &mut Option<Hiding>, name: &str) {
    if let Some(hidden) = hiding
        && hidden.name == name
    {
        match hidden.nested {
            0 => *hiding = None,
            _ => hidden.nested -= 1,
        }
    }
}

/// Elements that start a new line or cell; all others may stand within a word.
fn break_line(text: &mut String, name: &str) {
    let breaks = matches!(
        name,
        "p" | "br"
            | "div"
            | "tr"
            | "td"
            | "th"
            | "li"
            | "ul"
            | "ol"
            | "table"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "hr"
            | "center"
            | "blockquote"
            | "pre"
            | "img"
            | "option"
            | "section"
    );
    if breaks && !text.ends_with('\n') {
        text.push('\n');
    }
}

struct Tag<'a> {
    name: String,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    /// Reads the tag at the start of `markup`, whose name starts at `at`; returns what follows it.
    fn read(markup: &'a str, at: usize) -> (Self, &'a str) {
        let bytes = markup.as_bytes();
        let name_end = bytes[at..]
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b':')
            .map_or(bytes.len(), |length| at + length);
        let mut end = name_end;
        let mut quote = None;
        // A quote that never closes must not swallow the document.
        let limit = bytes.len().min(name_end + TAG_BYTES);
        while end < limit {
            match (quote, bytes[end]) {
                (None, b'>') => break,
                (None, b'"' | b'\'') if bytes[end - 1] == b'=' => quote = Some(bytes[end]),
                (Some(open), byte) if open == byte => quote = None,
                _ => {}
            }
            end += 1;
        }
        if end == limit {
            end = memchr(b'>', &bytes[name_end..]).map_or(bytes.len(), |found| name_end + found);
        }
        let tag = Self {
            name: clip(&markup[at..name_end], 32).to_ascii_lowercase(),
            attributes: clip(&markup[name_end..end], TAG_BYTES),
        };
        (tag, &markup[(end + 1).min(markup.len())..])
    }

    fn attribute(&self, name: &str) -> Option<&'a str> {
        let bytes = self.attributes.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let skip = bytes[at..].iter().position(|byte| byte.is_ascii_alphabetic())?;
            let start = at + skip;
            let end = bytes[start..]
                .iter()
                .position(|byte| matches!(byte, b'=' | b' ' | b'\t' | b'\r' | b'\n' | b'/'))
                .map_or(bytes.len(), |length| start + length);
            let key = &self.attributes[start..end];
            let mut value_start = end
                + bytes[end..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_whitespace())
                    .count();
            if bytes.get(value_start) != Some(&b'=') {
                if key.eq_ignore_ascii_case(name) {
                    return Some("");
                }
                at = end.max(start + 1);
                continue;
            }
            value_start += 1;
            value_start += bytes[value_start..]
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            let (value, next) = match bytes.get(value_start) {
                Some(&quote @ (b'"' | b'\'')) => {
                    let from = value_start + 1;
                    let to = memchr(quote, &bytes[from..]).map_or(bytes.len(), |length| from + length);
                    (&self.attributes[from..to], to + 1)
                }
                _ => {
                    let length = bytes[value_start..].iter().position(u8::is_ascii_whitespace);
                    let to = length.map_or(bytes.len(), |length| value_start + length);
                    (&self.attributes[value_start..to], to)
                }
            };
            if key.eq_ignore_ascii_case(name) {
                return Some(value);
            }
            at = next;
        }
        None
    }

    fn is_void(&self) -> bool {
        matches!(
            self.name.as_str(),
            "br" | "img" | "hr" | "input" | "meta" | "link" | "area" | "base" | "col" | "embed" | "wbr"
        ) || self.attributes.ends_with('/')
    }

    /// Whether the element says that its content is not to be seen.
    fn is_hidden(&self) -> bool {
        if self.name == "font" && self.attribute("size").is_some_and(|size| size == "0") {
            return true;
        }
        if self.attributes.is_empty() {
            return false;
        }
        let Some(style) = self.attribute("style") else {
            return self.attributes.contains("hidden") && self.attribute("hidden").is_some();
        };
        let compact: String = style
            .chars()
            .filter(|letter| !letter.is_whitespace())
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        compact.split(';').any(|rule| {
            matches!(
                rule.trim_end_matches("!important"),
                "display:none" | "visibility:hidden" | "mso-hide:all" | "opacity:0" | "color:transparent"
            ) || rule.strip_prefix("font-size:").is_some_and(tiny)
        })
    }
}

/// Whether a font size is nought or one pixel.
fn tiny(size: &str) -> bool {
    let digits = size.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (number, unit) = size.split_at(digits.unwrap_or(size.len()));
    match number.parse::<f32>() {
        Ok(number) => number == 0.0 || (number <= 1.0 && unit.starts_with('p')),
        Err(_) => false,
    }
}

fn after<'a>(text: &'a str, end: &[u8]) -> &'a str {
    memmem::find(text.as_bytes(), end).map_or("", |found| &text[found + end.len()..])
}

/// What follows the end tag of an element whose content is not text; nothing where there is none, as in a browser.
fn after_end_tag<'a>(text: &'a str, name: &str) -> &'a str {
    for found in memmem::find_iter(text.as_bytes(), b"</") {
        let tail = &text.as_bytes()[found + 2..];
        if tail.len() >= name.len() && tail[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
            return after(&text[found..], b">");
        }
    }
    ""
}

pub(crate) fn clip(text: &str, cap: usize) -> &str {
    let mut end = text.len().min(cap);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_links_and_tags() {
        let page = scan(
            "<html><head><title>t</title><style>p{}</style></head><!-- no --><BODY><p>Vi<b>ag</b>ra &amp; &#x41;&lt</p>\
             <a href='http://a.example/x?a&amp;b'>go</a> 1 < 2<img src=cid:1></body>",
            10_000,
        );
        assert_eq!(page.text, "\nViagra & A<\ngo 1 < 2\n");
        assert_eq!(page.links, ["http://a.example/x?a&b", "cid:1"]);
        assert_eq!(page.tags, ["html", "head", "body", "p", "b", "a", "img"]);
    }

    #[test]
    fn what_is_hidden_is_not_text() {
        for markup in [
            "<div style='display: none !important'>x<div>x</div>x</div>ok",
            "<span style=\"font-size:0px\">x</span>ok",
            "<span hidden>x</span>ok",
            "<p style=\"color:red;font-size:0\">x<p>ok",
            "<script>x</script>ok",
        ] {
            assert_eq!(scan(markup, 100).text.trim(), "ok", "{markup}");
        }
        assert_eq!(scan("<i style='font-size:0.9em'>seen</i>", 100).text, "seen");
    }

    #[test]
    fn broken_markup_ends() {
        for markup in [
            "<",
            "<a",
            "<a href=\"",
            "<!--",
            "<script>",
            "</",
            "&",
            "&#",
            "<a \"><b>text",
            "<p/",
        ] {
            scan(markup, 100);
        }
        assert!(scan(&"<a title=\"".repeat(100_000), 100).text.is_empty());
    }
}
