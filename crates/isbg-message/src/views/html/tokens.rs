//! Splits HTML into text, tags, comments and declarations, with the leniency of Perl's HTML::Parser, on which
//! SpamAssassin builds: no tree, no implied tags. Linear in the text. Does not know what a tag means.

mod declaration;

use std::borrow::Cow;

use memchr::memchr;

use self::declaration::Section;
use super::entities::{self, Place};

/// What the text is made of.
#[derive(Debug)]
pub(super) enum Token<'t> {
    /// A start tag: name in lower case, and its attributes.
    Start(Cow<'t, str>, Vec<Attribute<'t>>),
    /// An end tag.
    End(Cow<'t, str>),
    /// Text with character references replaced.
    Text(Cow<'t, str>),
    /// A comment with its delimiters, and everything else that is taken for one.
    Comment(&'t str),
    /// `<!DOCTYPE …>`
    Declaration(&'t str),
}

/// An attribute: name in lower case, value with character references replaced; without a value its own name.
#[derive(Debug)]
pub(super) struct Attribute<'t> {
    pub name: Cow<'t, str>,
    pub value: Cow<'t, str>,
}

/// More attributes of one tag are read over.
const ATTRIBUTES: usize = 256;

/// Elements whose content is text up to their end tag, and whether character references are left alone in it.
const LITERAL: [(&str, bool); 7] = [
    ("script", true),
    ("style", true),
    ("xmp", true),
    ("iframe", true),
    ("plaintext", true),
    ("title", false),
    ("textarea", false),
];

enum Markup {
    /// It is not markup but text.
    None,
    /// It does not end.
    Open,
    /// It ends here.
    Ends(usize),
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, 9..=13 | b' ')
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Calls `emit` for every token of `text`, in order.
pub(super) fn tokenize<'t>(text: &'t str, emit: &mut dyn FnMut(Token<'t>)) {
    let mut tokenizer = Tokenizer {
        text,
        bytes: text.as_bytes(),
        at: 0,
        literal: None,
        cdata: false,
        unclosed: Vec::new(),
        sections: Vec::new(),
        any_gt_ends_comment: false,
        pending_end: None,
        emit,
    };
    tokenizer.run();
    tokenizer.finish();
    if let Some(name) = tokenizer.pending_end.take() {
        emit(Token::End(Cow::Borrowed(name)));
    }
}

struct Tokenizer<'t, 'e> {
    text: &'t str,
    bytes: &'t [u8],
    /// Everything before is done.
    at: usize,
    literal: Option<&'static str>,
    cdata: bool,
    /// Of these no end tag follows; so they need not be looked for again.
    unclosed: Vec<&'static str>,
    sections: Vec<Section>,
    /// Set at the end of the text, for comments that nothing ends.
    any_gt_ends_comment: bool,
    /// An element that was not closed and ends before the next tag.
    pending_end: Option<&'static str>,
    emit: &'e mut dyn FnMut(Token<'t>),
}

impl<'t> Tokenizer<'t, '_> {
    fn section(&self) -> Option<Section> {
        self.sections.iter().max().copied()
    }

    fn event(&mut self, token: Token<'t>) {
        if self.section() == Some(Section::Ignore) {
            return;
        }
        if !matches!(token, Token::Text(_) | Token::Comment(_))
            && let Some(name) = self.pending_end.take()
        {
            (self.emit)(Token::End(Cow::Borrowed(name)));
        }
        (self.emit)(token);
    }

    fn text(&mut self, start: usize, end: usize) {
        if start < end {
            let text = &self.text[start..end];
            let decoded = if self.cdata {
                Cow::Borrowed(text)
            } else {
                entities::decode(text, Place::Content)
            };
            self.event(Token::Text(decoded));
        }
    }

    fn find(&self, byte: u8, from: usize) -> Option<usize> {
        memchr(byte, self.bytes.get(from..)?).map(|at| from + at)
    }

    fn skip_blanks(&self, mut at: usize) -> usize {
        while self.bytes.get(at).copied().is_some_and(is_blank) {
            at += 1;
        }
        at
    }

    /// Goes on until nothing is left, or only what more text would decide.
    fn run(&mut self) {
        loop {
            let going = if let Some(name) = self.literal {
                self.literal_text(name)
            } else if matches!(self.section(), Some(Section::Cdata | Section::Rcdata)) {
                self.section_text()
            } else {
                self.markup()
            };
            if !going {
                return;
            }
        }
    }

    fn literal_text(&mut self, name: &'static str) -> bool {
        if self.unclosed.contains(&name) {
            return false;
        }
        let mut from = self.at;
        while let Some(open) = self.find(b'<', from) {
            from = open + 1;
            let named = self.bytes[from..]
                .strip_prefix(b"/")
                .and_then(|rest| rest.get(..name.len()));
            if name == "plaintext" || !named.is_some_and(|own| own.eq_ignore_ascii_case(name.as_bytes())) {
                continue;
            }
            let end = self.skip_blanks(from + 1 + name.len());
            if self.bytes.get(end) == Some(&b'>') {
                self.text(self.at, open);
                self.event(Token::End(Cow::Borrowed(name)));
                self.literal = None;
                self.cdata = false;
                self.at = end + 1;
                return true;
            }
        }
        self.unclosed.push(name);
        false
    }

    fn section_text(&mut self) -> bool {
        let mut from = self.at;
        while let Some(end) = self.find(b']', from) {
            if self.bytes[end..].starts_with(b"]]>") {
                self.text(self.at, end);
                self.leave_section(end + 3);
                return true;
            }
            from = end + 1;
        }
        false
    }

    fn leave_section(&mut self, at: usize) {
        self.sections.pop();
        self.cdata = self.section() == Some(Section::Cdata);
        self.at = at;
    }

    /// Text up to the next tag, and that tag.
    fn markup(&mut self) -> bool {
        // A `<` that begins no tag is text, and so is what follows it.
        let mut from = self.at;
        loop {
            let open = self.find(b'<', from).unwrap_or(self.bytes.len());
            if self.section().is_some()
                && let Some(end) = memchr::memmem::find(&self.bytes[from..open], b"]]>")
            {
                self.text(self.at, from + end);
                self.leave_section(from + end + 3);
                return true;
            }
            if open == self.bytes.len() {
                self.last_text();
                return false;
            }
            self.text(self.at, open);
            self.at = open;
            if self.bytes.len() - open < 3 {
                return false;
            }
            match self.tag(open) {
                Markup::Open => return false,
                Markup::Ends(end) => {
                    self.at = end;
                    return true;
                }
                Markup::None => from = open + 1,
            }
        }
    }

    /// At the very end text is given without its last word, which might go on.
    fn last_text(&mut self) {
        let rest = &self.bytes[self.at..];
        let mut end = rest.len();
        if !rest.last().copied().is_some_and(is_blank) {
            end -= rest.iter().rev().take_while(|byte| !is_blank(**byte)).count();
        }
        end -= rest[..end]
            .iter()
            .rev()
            .take_while(|byte| is_blank(**byte))
            .count();
        self.text(self.at, self.at + end);
        self.at += end;
    }

    fn tag(&mut self, open: usize) -> Markup {
        match self.bytes[open + 1] {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b':' => self.start_tag(open),
            b'/' => self.end_tag(open),
            b'!' => self.declaration(open),
            b'?' => self
                .find(b'>', open + 2)
                .map_or(Markup::Open, |end| Markup::Ends(end + 1)),
            _ => Markup::None,
        }
    }

    fn start_tag(&mut self, open: usize) -> Markup {
        let until = |mut at: usize, stops: fn(u8) -> bool| {
            while self.bytes.get(at).is_some_and(|byte| !stops(*byte)) {
                at += 1;
            }
            at
        };
        let ends_name = |byte: u8| is_blank(byte) || byte == b'>';
        let name_end = until(open + 2, ends_name);
        let name = &self.text[open + 1..name_end];
        let mut at = self.skip_blanks(name_end);
        let mut attributes: Vec<Attribute<'t>> = Vec::new();
        while self.bytes.get(at).is_some_and(|byte| *byte != b'>') {
            let name_start = at;
            at = until(at + 1, |byte| is_blank(byte) || matches!(byte, b'=' | b'>'));
            let name = &self.text[name_start..at];
            at = self.skip_blanks(at);
            let mut value = Cow::Borrowed(name);
            if self.bytes.get(at) == Some(&b'=') {
                at = self.skip_blanks(at + 1);
                let (start, end, next) = match self.bytes.get(at) {
                    Some(quote @ (b'"' | b'\'')) => match self.find(*quote, at + 1) {
                        Some(end) => (at + 1, end, end + 1),
                        None => return Markup::Open,
                    },
                    _ => {
                        let end = until(at, ends_name);
                        (at, end, end)
                    }
                };
                value = entities::decode(&self.text[start..end], Place::Attribute);
                at = self.skip_blanks(next);
            }
            let name = lower(name);
            if attributes.len() < ATTRIBUTES && !attributes.iter().any(|other| other.name == name) {
                attributes.push(Attribute { name, value });
            }
        }
        if at >= self.bytes.len() {
            return Markup::Open;
        }
        self.event(Token::Start(lower(name), attributes));
        if let Some((name, cdata)) = LITERAL
            .iter()
            .find(|(literal, _)| literal.eq_ignore_ascii_case(name))
        {
            self.literal = Some(name);
            self.cdata = *cdata;
        }
        Markup::Ends(at + 1)
    }

    fn end_tag(&mut self, open: usize) -> Markup {
        let start = open + 2;
        let length = self.bytes[start..]
            .iter()
            .take_while(|byte| !is_blank(**byte) && **byte != b'>')
            .count();
        let Some(end) = self.end_of_tag(start + length) else {
            return Markup::Open;
        };
        if length > 0 {
            self.event(Token::End(lower(&self.text[start..start + length])));
        } else {
            self.event(Token::Comment(&self.text[open..=end]));
        }
        Markup::Ends(end + 1)
    }

    /// The next `>` outside of quotes that follow a blank.
    fn end_of_tag(&self, from: usize) -> Option<usize> {
        let mut quote = None;
        let mut before = b' ';
        for (index, byte) in self.bytes.iter().enumerate().skip(from) {
            match byte {
                b'>' if quote.is_none() => return Some(index),
                b'"' | b'\'' if quote == Some(*byte) => quote = None,
                b'"' | b'\'' if quote.is_none() && is_blank(before) => quote = Some(*byte),
                _ => {}
            }
            before = *byte;
        }
        None
    }

    /// No more text will come: what is left is decided.
    fn finish(&mut self) {
        if let Some(name @ ("script" | "style")) = self.literal {
            // As if its end tag followed.
            self.text(self.at, self.bytes.len());
            self.event(Token::End(Cow::Borrowed(name)));
            return;
        }
        while self.at < self.bytes.len() {
            match self.literal {
                Some(name @ ("script" | "style")) => {
                    // It began in what was only now decided to be markup: it is empty.
                    self.literal = None;
                    self.event(Token::End(Cow::Borrowed(name)));
                    self.run();
                    continue;
                }
                Some("title") => {
                    self.pending_end = self.literal.take();
                    self.run();
                    continue;
                }
                Some(_) => break,
                None => {}
            }
            if self.bytes[self.at] != b'<' {
                break;
            }
            if !self.any_gt_ends_comment {
                self.any_gt_ends_comment = true;
                self.run();
                continue;
            }
            let next = self.bytes.get(self.at + 1);
            if next.is_none_or(|byte| {
                byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':' | b'!' | b'/' | b'?')
            }) {
                self.event(Token::Comment(&self.text[self.at..]));
                return;
            }
            break;
        }
        self.text(self.at, self.bytes.len());
    }
}
