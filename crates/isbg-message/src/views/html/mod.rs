//! HTML rendered to text as SpamAssassin does it, with the facts that rules ask for. A stream of tokens and a stack of
//! styles, no tree: linear in the text, whatever its nesting. Does not know charsets.

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
use links::{URI_BYTES, lax_value, value};
use style::{Hidden, Styles};
use tokens::{Attribute, Token};

/// When the URIs of a document are longer than this, all together, further ones are left out. SpamAssassin has no such limit.
const URIS_BYTES: usize = 4 * 1024 * 1024;

/// Renders an HTML document. `Html::html_length` and its relatives are left to the caller, who knows the part.
pub(crate) fn render(source: &Text) -> (Text, Html) {
    let mut renderer = Renderer::new(source.text.chars().count(), source.wide);
    let source = prepare(&source.text);
    tokens::tokenize(&source, &mut |token| renderer.token(token));
    renderer.finish()
}

/// `&nbsp;` is a blank, `<br/>` is `<br>`, and typographic double quotes are plain ones.
fn prepare(source: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(source);
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
    // The same, and the byte order mark below, where bytes of UTF-8 were taken for characters.
    if text.contains("\u{e2}\u{80}") {
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

    fn uri(&mut self, uri: &str) -> usize {
        if let Some(index) = self.uri_index.get(uri) {
            return *index;
        }
        self.uri_bytes += uri.len();
        let index = self.links.len();
        self.links.push(Link {
            uri: uri.to_owned(),
            ..Link::default()
        });
        self.uri_index.insert(uri.to_owned(), index);
        index
    }

    fn trimmed_uri<'u>(&mut self, uri: &'u str) -> &'u str {
        let uri = links::trimmed(uri);
        match uri.char_indices().nth(URI_BYTES) {
            Some((end, _)) => {
                self.html.uri_truncated = true;
                &uri[..end]
            }
            None => uri,
        }
    }

    fn push_uri(&mut self, tag: &str, uri: &str) {
        let uri = self.trimmed_uri(uri);
        let scheme = uri.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let absolute =
            uri.contains(':') && matches!(scheme.as_str(), "data" | "mailto" | "file" | "cid" | "tel");
        let target = if absolute {
            uri.to_owned()
        } else {
            links::resolve(&self.base, uri)
        };
        if uri.is_empty() || target.is_empty() {
            return;
        }
        if self.uri_bytes > URIS_BYTES {
            self.html.uri_truncated = true;
            return;
        }
        let index = self.uri(&target);
        let types = &mut self.links[index].types;
        if !types.iter().any(|known| known == tag) {
            types.push(tag.to_owned());
        }
    }

    fn links(&mut self, tag: &str, attributes: &[Attribute<'_>]) {
        match tag {
            "body" | "table" | "tr" | "td" => {
                if let Some(uri) = value(attributes, "background") {
                    self.push_uri(tag, uri);
                }
            }
            "a" | "area" | "link" => {
                if let Some(uri) = lax_value(attributes, "href") {
                    self.push_uri(tag, &uri.replace('\u{feff}', ""));
                }
                if let Some(uri) = value(attributes, "data-saferedirecturl") {
                    self.push_uri(tag, uri);
                }
            }
            "img" | "frame" | "iframe" | "embed" | "script" | "bgsound" => {
                if let Some(uri) = lax_value(attributes, "src") {
                    self.push_uri(tag, uri);
                }
            }
            "form" => {
                if let Some(uri) = value(attributes, "action") {
                    self.push_uri(tag, uri);
                }
            }
            "base" => {
                if let Some(uri) = value(attributes, "href").filter(|uri| !matches!(*uri, "" | "0")) {
                    let uri = self.trimmed_uri(uri).to_owned();
                    self.push_uri(tag, &uri);
                    if let Some(base) = links::base(&uri) {
                        self.base = base;
                    }
                }
            }
            "meta" => {
                let refreshes = value(attributes, "http-equiv")
                    .is_some_and(|kind| kind.to_ascii_lowercase().contains("refresh"));
                if let Some(uri) = value(attributes, "content")
                    .filter(|_| refreshes)
                    .and_then(links::refresh)
                {
                    self.push_uri(tag, uri);
                }
            }
            _ => {}
        }
    }

    fn tests(&mut self, tag: &str, attributes: &[Attribute<'_>]) {
        match tag {
            "font" => {
                self.html.font_face_bad |=
                    value(attributes, "face").is_some_and(|face| !tags::is_good_face(face));
            }
            "img" => {
                if self.is_inside("a") {
                    self.anchor_text("<img>\n");
                }
                let size = (value(attributes, "width"), value(attributes, "height"));
                if let (Some(width), Some(height)) = size {
                    self.html.image_area += tags::pixels(width, 8.0) * tags::pixels(height, 6.0);
                }
            }
            "form" => {
                self.html.form_action_mailto |=
                    value(attributes, "action").is_some_and(|to| to.to_ascii_lowercase().contains("mailto:"));
            }
            "object" | "embed" => self.html.embeds = true,
            "a" => {
                let href = lax_value(attributes, "href")
                    .unwrap_or_default()
                    .replace('\u{feff}', "");
                let href = self.trimmed_uri(&href).to_owned();
                self.anchor = self.uri(&href);
                self.links[self.anchor].anchor_text.push(String::new());
                self.anchors.push(String::new());
            }
            "title" => self.titles.push(String::new()),
            _ => {}
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

/// Nothing but blanks.
fn is_blank(text: &str) -> bool {
    text.chars().all(is_collapsible)
}

/// Runs of blanks become one.
fn collapse(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let odd = bytes.iter().enumerate().any(|(at, byte)| match byte {
        9..=13 => true,
        b' ' => bytes.get(at + 1) == Some(&b' '),
        _ => false,
    });
    if !odd {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_collapsible) {
        out.push_str(&rest[..at]);
        out.push(' ');
        rest = rest[at..].trim_start_matches(is_collapsible);
    }
    out.push_str(rest);
    Cow::Owned(out)
}
