//! What begins with `<!`: comments, document types, marked sections. Does not know elements.

use super::{Markup, Token, Tokenizer, is_blank};

/// What SGML marked sections `<![CDATA[…]]>` say about the text in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    Include,
    Rcdata,
    Cdata,
    Ignore,
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'-')
}

impl Tokenizer<'_, '_> {
    /// `<!…`
    pub(super) fn declaration(&mut self, open: usize) -> Markup {
        let at = open + 2;
        match self.bytes[at] {
            b'-' if self.bytes.get(at + 1) == Some(&b'-') => return self.comment(open),
            b'[' => {
                if let Some(markup) = self.marked_section(at + 1) {
                    return markup;
                }
            }
            b'>' => {}
            byte if byte.is_ascii_alphabetic() => match self.doctype(at) {
                Markup::None => {}
                Markup::Ends(end) => {
                    self.event(Token::Declaration(&self.text[open..end]));
                    return Markup::Ends(end);
                }
                Markup::Open => return Markup::Open,
            },
            _ => {}
        }
        // Anything else up to the next `>` counts as a comment.
        match self.find(b'>', at) {
            Some(end) => {
                self.event(Token::Comment(&self.text[open..=end]));
                Markup::Ends(end + 1)
            }
            None => Markup::Open,
        }
    }

    fn comment(&mut self, open: usize) -> Markup {
        let start = open + 4;
        let short = [&b">"[..], b"->"]
            .into_iter()
            .find(|end| self.bytes[start..].starts_with(end));
        let end = match short {
            Some(end) => Some(start + end.len()),
            None if self.any_gt_ends_comment => self.find(b'>', start).map(|end| end + 1),
            None => self.end_of_comment(start),
        };
        match end {
            Some(end) => {
                self.event(Token::Comment(&self.text[open..end]));
                Markup::Ends(end)
            }
            None => Markup::Open,
        }
    }

    /// Behind `--`, blanks, `>`.
    fn end_of_comment(&self, start: usize) -> Option<usize> {
        let mut from = start;
        while let Some(dash) = self.find(b'-', from) {
            if self.bytes.get(dash + 1) == Some(&b'-') {
                let end = self.skip_blanks(dash + 2);
                if self.bytes.get(end) == Some(&b'>') {
                    return Some(end + 1);
                }
            }
            from = dash + 1;
        }
        None
    }

    /// Behind `<![`. `None`: it is no marked section.
    fn marked_section(&mut self, at: usize) -> Option<Markup> {
        let mut at = self.skip_blanks(at);
        let mut section = None;
        let mut named = false;
        while self
            .bytes
            .get(at)
            .is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':'))
        {
            let start = at;
            while self.bytes.get(at).copied().is_some_and(is_name) {
                at += 1;
            }
            named = true;
            section = section.max(match self.text[start..at].to_ascii_lowercase().as_str() {
                "include" => Some(Section::Include),
                "rcdata" => Some(Section::Rcdata),
                "cdata" => Some(Section::Cdata),
                "ignore" => Some(Section::Ignore),
                _ => None,
            });
            at = self.skip_blanks(at);
            if at == self.bytes.len() {
                return Some(Markup::Open);
            }
        }
        if self.bytes.get(at) != Some(&b'[') {
            return None;
        }
        let default = if named { None } else { Some(Section::Include) };
        if let Some(section) = section.or(default) {
            self.sections.push(section);
            self.cdata = self.section() == Some(Section::Cdata);
        }
        Some(Markup::Ends(at + 1))
    }

    /// Behind `<!`: DOCTYPE or ENTITY with its words, quoted strings and comments.
    fn doctype(&self, start: usize) -> Markup {
        let length = self.bytes[start..]
            .iter()
            .take_while(|byte| is_name(**byte))
            .count();
        let mut at = start + length;
        if at == self.bytes.len() {
            return Markup::Open;
        }
        let name = &self.text[start..at];
        if !["doctype", "entity"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
        {
            return Markup::None;
        }
        loop {
            at = self.skip_blanks(at);
            let next = match self.bytes.get(at) {
                None => None,
                Some(b'>') => return Markup::Ends(at + 1),
                Some(quote @ (b'"' | b'\'')) => self.find(*quote, at + 1).map(|end| end + 1),
                Some(b'-') if self.bytes.get(at + 1).is_some_and(|byte| *byte != b'-') => {
                    return Markup::None;
                }
                Some(b'-') => self
                    .bytes
                    .get(at + 2..)
                    .and_then(|rest| memchr::memmem::find(rest, b"--"))
                    .map(|end| at + 2 + end + 2),
                Some(_) => {
                    let word = self.bytes[at..]
                        .iter()
                        .take_while(|byte| !is_blank(**byte) && **byte != b'>');
                    Some(at + word.count()).filter(|end| *end < self.bytes.len())
                }
            };
            match next {
                Some(next) => at = next,
                None => return Markup::Open,
            }
        }
    }
}
