//! HTML rendered to text as SpamAssassin does it, with the facts that rules ask for. A stream of tokens and a stack of
//! styles, no tree: linear in the text, whatever its nesting. Does not know charsets.

mod attributes;
mod color;
mod entities;
pub(crate) mod links;
mod style;
mod tags;
mod tokens;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use memchr::memmem;

pub use super::Html;
use super::Uri;
use super::text::{Text, encoded, is_space, is_wide};
use style::{Hidden, Styles};
use tokens::{Attribute, Token};

/// Renders an HTML document. `Html::html_length` and its relatives are left to the caller, who knows the part.
pub(crate) fn render(source: &Text) -> (Text, Html) {
    let mut renderer = Renderer::new(source.text.chars().count(), source.wide);
    let source = prepare(source);
    tokens::tokenize(&source, &mut |token| renderer.token(token));
    renderer.finish()
}

/// `&nbsp;` is a blank, `<br/>` is `<br>`, and typographic double quotes are plain ones.
fn prepare(source: &Text) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(&*source.text);
    if memmem::find(text.as_bytes(), b"&nbsp;").is_some() {
        text = text.replace("&nbsp;", " ").into();
    }
    if memmem::find(text.as_bytes(), b"/>").is_some() {
        text = without_slashes(&text).into();
    }
    if memmem::find(text.as_bytes(), "\u{201c}".as_bytes()).is_some()
        || memmem::find(text.as_bytes(), "\u{201d}".as_bytes()).is_some()
    {
        text = text.replace(['\u{201c}', '\u{201d}'], "\"").into();
    }
    // The same where the text is bytes of UTF-8 that nobody took for such.
    if !source.wide && text.contains("\u{e2}\u{80}") {
        text = text
            .replace("\u{e2}\u{80}\u{9c}", "\"")
            .replace("\u{e2}\u{80}\u{9d}", "\"")
            .into();
    }
    text
}

/// `<word/>` becomes `<word>`.
fn without_slashes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (slash, _) in text.match_indices("/>") {
        let before = text[from..slash].trim_end_matches(char::is_whitespace);
        let name = before.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
        if name.len() < before.len() && name.ends_with('<') {
            out.push_str(before);
        } else {
            out.push_str(&text[from..=slash]);
        }
        from = slash + 1;
    }
    out.push_str(&text[from..]);
    out
}

/// One piece of the rendered text: what was appended last.
#[derive(Debug, Clone, Copy, Default)]
struct Piece {
    start: usize,
    whitespace: bool,
    invisible: bool,
}

/// A URI while the document is read.
#[derive(Default)]
struct Link {
    uri: String,
    types: Vec<String>,
    anchor_text: Vec<String>,
}

struct Renderer {
    text: String,
    /// Whether the document is characters rather than ASCII bytes; see [`Text`].
    wide: bool,
    links: Vec<Link>,
    anchors: Vec<String>,
    titles: Vec<String>,
    last: Option<Piece>,
    styles: Styles,
    html: Html,
    /// Where each URI is in `links`.
    uri_index: HashMap<String, usize>,
    base: String,
    uri_bytes: usize,
    /// URI of the last link that was opened.
    anchor: usize,
    tags: u64,
    elements: u64,
    tags_seen: u64,
    elements_seen: u64,
    closed_extra: u64,
    obfuscation: u64,
    backhair: BTreeSet<(usize, usize)>,
    inside: HashMap<String, i64>,
}

impl Renderer {
    fn new(length: usize, wide: bool) -> Self {
        Self {
            text: String::new(),
            wide,
            links: Vec::new(),
            anchors: Vec::new(),
            titles: Vec::new(),
            last: None,
            styles: Styles::new(),
            html: Html {
                html: true,
                length,
                ..Html::default()
            },
            uri_index: HashMap::new(),
            base: String::new(),
            uri_bytes: 0,
            anchor: 0,
            tags: 0,
            elements: 0,
            tags_seen: 0,
            elements_seen: 0,
            closed_extra: 0,
            obfuscation: 0,
            backhair: BTreeSet::new(),
            inside: HashMap::new(),
        }
    }

    fn token(&mut self, token: Token<'_>) {
        match token {
            Token::Start(name, attributes) => self.tag(&name, Some(&attributes)),
            Token::End(name) => self.tag(&name, None),
            Token::Text(text) => self.plain(&text),
            Token::Comment(text) => self.html.comment.push(encoded(text, self.wide)),
            Token::Declaration(text) => {
                if text
                    .get(..9)
                    .is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"))
                {
                    self.elements += 1;
                    self.tags += 1;
                    self.inside.insert("!doctype".to_owned(), 0);
                }
            }
        }
    }

    fn is_inside(&self, tag: &str) -> bool {
        self.inside.get(tag).is_some_and(|count| *count > 0)
    }

    /// A start tag with its attributes, or an end tag.
    fn tag(&mut self, name: &str, attributes: Option<&[Attribute<'_>]>) {
        let namespace = tags::is_office_namespace(name);
        let known = tags::is_element(name);
        let seen = self.inside.contains_key(name);
        if known || namespace {
            self.elements += 1;
            self.elements_seen += u64::from(!seen);
        }
        self.tags += 1;
        self.tags_seen += u64::from(!seen);
        if !seen {
            self.inside.insert(name.to_owned(), 0);
        }
        if let Some(count) = self.inside.get_mut(name) {
            *count += if attributes.is_some() { 1 } else { -1 };
            if *count < 0 {
                *count = 0;
                self.closed_extra += 1;
            }
        }
        if namespace || !(known || tags::is_trick(name)) {
            return;
        }
        match attributes {
            Some(attributes) => self.styles.start(name, attributes),
            None => self.styles.end(name),
        }
        if let Some(whitespace) = tags::whitespace(name) {
            self.whitespace(whitespace);
        }
        if let Some(attributes) = attributes {
            self.links(name, attributes);
            self.tests(name, attributes);
        }
    }

    /// Line breaks and blanks that tags stand for.
    fn whitespace(&mut self, whitespace: &str) {
        if let Some(last) = self.last
            && !last.whitespace
            && !last.invisible
            && self.text.len() > last.start
            && self.text.ends_with(' ')
        {
            self.text.pop();
        }
        self.append(whitespace, true, false);
    }

    fn append(&mut self, text: &str, whitespace: bool, invisible: bool) {
        self.last = Some(Piece {
            start: self.text.len(),
            whitespace,
            invisible,
        });
        self.text.push_str(text);
    }

    fn plain(&mut self, text: &str) {
        if self.is_inside("script") {
            self.html.script.push(encoded(text, self.wide));
            return;
        }
        if self.is_inside("style") {
            return;
        }
        if self.is_inside("a") {
            self.anchor_text(text);
        }
        if self.is_inside("title")
            && let Some(title) = self.titles.last_mut()
        {
            title.push_str(text);
        }
        let mut invisible = false;
        if !is_blank(text)
            && let Some(hidden) = self.styles.hidden()
        {
            invisible = true;
            self.html.hidden_length += text.chars().filter(|c| !c.is_whitespace()).count();
            self.html.font_low_contrast |= hidden == Hidden::LowContrast;
            self.html.font_invalid_color |= hidden == Hidden::InvalidColor;
        }
        if let Some(last) = self.last {
            self.count_obfuscation(last.start, text);
        }
        let mut collapsed = collapse(text);
        if !invisible
            && self.last.is_some_and(|last| last.whitespace)
            && let Some(rest) = collapsed.strip_prefix(' ')
        {
            collapsed = rest.to_owned().into();
        }
        self.append(&collapsed, false, invisible);
    }

    fn anchor_text(&mut self, text: &str) {
        let link = self
            .links
            .get_mut(self.anchor)
            .and_then(|link| link.anchor_text.last_mut());
        for anchor in [link, self.anchors.last_mut()].into_iter().flatten() {
            anchor.push_str(text);
        }
    }

    /// Words that a tag cuts in two.
    fn count_obfuscation(&mut self, last_start: usize, text: &str) {
        let before = &self.text[last_start..];
        let wide = self.wide;
        let is_lettery = |c: char| !is_space(c, wide) && !c.is_ascii_punctuation();
        let is_word = |c: char| tags::is_word(c) && (wide || c.is_ascii());
        if !(text.starts_with(is_lettery) && before.ends_with(is_lettery)) {
            return;
        }
        self.obfuscation += 1;
        let boundary =
            |one: Option<char>, other: Option<char>| one.is_some_and(is_word) != other.is_some_and(is_word);
        let tail: Vec<char> = before.chars().rev().take(8).collect();
        let tail_run = tail.iter().take(7).take_while(|c| is_lettery(**c)).count();
        let tail_len = (1..=tail_run)
            .rev()
            .find(|len| boundary(tail.get(*len).copied(), Some(tail[*len - 1])));
        let head: Vec<char> = text.chars().take(8).collect();
        let head_run = head.iter().take(7).take_while(|c| is_lettery(**c)).count();
        let head_len = (1..=head_run)
            .rev()
            .find(|len| boundary(Some(head[*len - 1]), head.get(*len).copied()));
        if let (Some(tail), Some(head)) = (tail_len, head_len) {
            self.backhair.insert((tail, head));
        }
    }

    fn finish(mut self) -> (Text, Html) {
        let ratio = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let html = &mut self.html;
        html.min_size = self.styles.min_size;
        html.max_size = self.styles.max_size;
        html.closed_extra_ratio = ratio(self.closed_extra, self.tags);
        if self.elements > 0 {
            html.bad_tag_ratio = ratio(self.tags - self.elements, self.tags);
        }
        if self.elements_seen > 0 {
            html.non_element_ratio = ratio(self.tags_seen - self.elements_seen, self.tags_seen);
        }
        if self.obfuscation > 0 {
            html.obfuscation_ratio = ratio(self.obfuscation, self.tags);
        }
        html.backhair_count = (!self.backhair.is_empty()).then_some(self.backhair.len());
        html.inside = self
            .inside
            .into_iter()
            .map(|(tag, count)| (tag.into_bytes(), count))
            .collect();
        let wide = self.wide;
        let encode = |texts: Vec<String>| texts.iter().map(|text| encoded(text, wide)).collect();
        html.title = encode(self.titles);
        html.anchor = encode(self.anchors);
        let uris = self.links.into_iter().map(|link| Uri {
            raw: encoded(&link.uri, wide),
            types: link.types,
            anchor_text: encode(link.anchor_text),
            ..Uri::default()
        });
        html.uris = uris.collect();
        let wide = is_wide(&self.text, wide);
        (
            Text {
                text: self.text,
                wide,
            },
            self.html,
        )
    }
}

fn is_collapsible(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// A no-break space in UTF-8, read byte by byte: SpamAssassin takes the two characters for a blank.
const READ_AS_BYTES: &str = "\u{c2}\u{a0}";

/// Nothing but blanks.
fn is_blank(text: &str) -> bool {
    match text.chars().all(is_collapsible) {
        true => true,
        false => text.contains(READ_AS_BYTES) && text.replace(READ_AS_BYTES, "").chars().all(is_collapsible),
    }
}

/// Runs of blanks become one.
fn collapse(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let odd = bytes.iter().enumerate().any(|(at, byte)| match byte {
        9..=13 => true,
        b' ' => bytes.get(at + 1) == Some(&b' '),
        // The first byte of that no-break space.
        0xc3 => bytes[at..].starts_with(READ_AS_BYTES.as_bytes()),
        _ => false,
    });
    if !odd {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (number, piece) in text.split(READ_AS_BYTES).enumerate() {
        if number > 0 {
            out.push(' ');
        }
        let mut rest = piece;
        while let Some(at) = rest.find(is_collapsible) {
            out.push_str(&rest[..at]);
            out.push(' ');
            rest = rest[at..].trim_start_matches(is_collapsible);
        }
        out.push_str(rest);
    }
    Cow::Owned(out)
}
