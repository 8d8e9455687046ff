//! Reads one response into atoms, strings and lists. Does not know what any of them means.

use std::ops::Range;

use memchr::{memchr2, memchr3};

use super::Limits;
use super::raw::{Content, Raw};

/// What was odd about a response. None of it makes the response unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// A `(` without its `)`.
    OpenList,
    /// A `)` without its `(`.
    StrayParenthesis,
    /// A quoted string without its end.
    OpenString,
    /// Lists nested deeper than the limit; what lies deeper was left out.
    TooDeep,
    /// More elements than the limit; the rest was left out.
    TooMany,
    /// A control character outside of strings.
    Control,
}

#[derive(Debug, Clone)]
enum Kind {
    Atom(Range<usize>),
    Quoted(Range<usize>),
    /// Quoted, with the escapes resolved in `Tree::unescaped`.
    Unescaped(Range<usize>),
    Literal(usize),
    /// With the index behind its last descendant.
    List(usize),
}

/// A response's elements, kept flat so that neither reading nor freeing it recurses.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    raw: Raw,
    elements: Vec<Kind>,
    unescaped: Vec<u8>,
    oddities: Vec<Oddity>,
}

impl Tree {
    /// Reads the text from `start` on. Takes any bytes and time linear in their number.
    pub fn read(raw: Raw, start: usize, limits: &Limits) -> Self {
        let mut reader = Reader {
            tree: Self::default(),
            raw: &raw,
            position: start,
            literal: raw
                .literals
                .iter()
                .take_while(|literal| literal.at < start)
                .count(),
            open: Vec::new(),
            skipped: 0,
            limits,
        };
        reader.run();
        let mut tree = reader.tree;
        tree.raw = raw;
        tree
    }

    /// The outermost elements.
    pub fn nodes(&self) -> Nodes<'_> {
        Nodes {
            tree: self,
            next: 0,
            end: self.elements.len(),
        }
    }

    /// All elements that are no lists, whatever list they are in.
    pub fn leaves(&self) -> impl Iterator<Item = Node<'_>> {
        let leaf = |index: &usize| !matches!(self.elements[*index], Kind::List(_));
        (0..self.elements.len())
            .filter(leaf)
            .map(|index| Node { tree: self, index })
    }

    /// What was odd.
    pub fn oddities(&self) -> &[Oddity] {
        &self.oddities
    }

    /// Whether lists or strings do not end where they should.
    pub fn is_unbalanced(&self) -> bool {
        let unbalanced = [Oddity::OpenList, Oddity::OpenString, Oddity::StrayParenthesis];
        unbalanced.iter().any(|oddity| self.oddities.contains(oddity))
    }

    /// The response as it came.
    pub fn raw(&self) -> &Raw {
        &self.raw
    }
}

struct Reader<'a> {
    tree: Tree,
    raw: &'a Raw,
    position: usize,
    literal: usize,
    open: Vec<usize>,
    /// How many lists are open below the depth that is kept.
    skipped: usize,
    limits: &'a Limits,
}

impl Reader<'_> {
    fn run(&mut self) {
        let raw = self.raw;
        loop {
            let bound = raw
                .literals
                .get(self.literal)
                .map_or(raw.text.len(), |literal| literal.at);
            let Some(&byte) = raw.text[..bound.min(raw.text.len())].get(self.position) else {
                if self.literal == raw.literals.len() {
                    break;
                }
                self.push(Kind::Literal(self.literal));
                self.literal += 1;
                continue;
            };
            match byte {
                b' ' => self.position += 1,
                b'(' => self.open_list(),
                b')' => self.close_list(),
                b'"' => self.quoted(bound),
                _ => self.atom(bound),
            }
        }
        if !self.open.is_empty() || self.skipped > 0 {
            self.odd(Oddity::OpenList);
        }
        while let Some(list) = self.open.pop() {
            self.tree.elements[list] = Kind::List(self.tree.elements.len());
        }
    }

    fn odd(&mut self, oddity: Oddity) {
        if !self.tree.oddities.contains(&oddity) {
            self.tree.oddities.push(oddity);
        }
    }

    fn push(&mut self, kind: Kind) {
        if self.skipped > 0 {
            return;
        }
        if self.tree.elements.len() >= self.limits.elements {
            return self.odd(Oddity::TooMany);
        }
        self.tree.elements.push(kind);
    }

    fn open_list(&mut self) {
        self.position += 1;
        let deep = self.open.len() >= self.limits.depth;
        if self.skipped > 0 || deep || self.tree.elements.len() >= self.limits.elements {
            if self.skipped == 0 {
                self.odd(if deep { Oddity::TooDeep } else { Oddity::TooMany });
            }
            self.skipped += 1;
            return;
        }
        self.open.push(self.tree.elements.len());
        self.tree.elements.push(Kind::List(0));
    }

    fn close_list(&mut self) {
        self.position += 1;
        if self.skipped > 0 {
            self.skipped -= 1;
        } else if let Some(list) = self.open.pop() {
            self.tree.elements[list] = Kind::List(self.tree.elements.len());
        } else {
            self.odd(Oddity::StrayParenthesis);
        }
    }

    fn quoted(&mut self, bound: usize) {
        let text = &self.raw.text[..bound];
        let start = self.position + 1;
        let mut copied = start;
        let mut at = start;
        let unescaped = self.tree.unescaped.len();
        let end = loop {
            match memchr2(b'"', b'\\', &text[at..]) {
                Some(step) if text[at + step] == b'"' => break at + step,
                Some(step) => {
                    self.tree.unescaped.extend_from_slice(&text[copied..at + step]);
                    copied = at + step + 1;
                    at = (copied + 1).min(text.len());
                }
                None => {
                    self.odd(Oddity::OpenString);
                    break text.len();
                }
            }
        };
        self.position = (end + 1).min(text.len());
        if copied == start {
            return self.push(Kind::Quoted(start..end));
        }
        self.tree.unescaped.extend_from_slice(&text[copied.min(end)..end]);
        self.push(Kind::Unescaped(unescaped..self.tree.unescaped.len()));
    }

    fn atom(&mut self, bound: usize) {
        let text = &self.raw.text[..bound];
        let start = self.position;
        let mut end = atom_end(text, start);
        if has_section(&text[start..end]) {
            end = section_end(text, start);
        }
        if text[start..end].iter().any(u8::is_ascii_control) {
            self.odd(Oddity::Control);
        }
        self.position = end;
        self.push(Kind::Atom(start..end));
    }
}

fn atom_end(text: &[u8], start: usize) -> usize {
    let rest = &text[start..];
    let end = memchr3(b' ', b'(', b')', rest).unwrap_or(rest.len());
    start + memchr::memchr(b'"', &rest[..end]).unwrap_or(end)
}

/// Whether the atom is a FETCH item with a section, in which spaces, lists and strings are part of the name.
fn has_section(atom: &[u8]) -> bool {
    [&b"BODY["[..], b"BINARY[", b"BINARY.SIZE["].iter().any(|name| {
        atom.get(..name.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(name))
    })
}

/// Where `BODY[HEADER.FIELDS (A B)]<0>` ends; an unclosed section ends where an atom would. Sections that we ask for
/// are short, and without a bound many unclosed ones would take quadratic time.
fn section_end(text: &[u8], start: usize) -> usize {
    let window = &text[start..text.len().min(start + 1024)];
    match memchr::memchr(b']', window) {
        Some(close) => atom_end(text, start + close),
        None => atom_end(text, start),
    }
}

/// The elements of a list, one after the other.
#[derive(Debug, Clone)]
pub struct Nodes<'a> {
    tree: &'a Tree,
    next: usize,
    end: usize,
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        if self.next >= self.end {
            return None;
        }
        let node = Node {
            tree: self.tree,
            index: self.next,
        };
        self.next = match self.tree.elements[self.next] {
            Kind::List(end) => end,
            _ => self.next + 1,
        };
        Some(node)
    }
}

/// One element.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    tree: &'a Tree,
    index: usize,
}

impl<'a> Node<'a> {
    /// An atom's bytes, flags and numbers included.
    pub fn atom(self) -> Option<&'a [u8]> {
        match &self.tree.elements[self.index] {
            Kind::Atom(range) => Some(&self.tree.raw.text[range.clone()]),
            _ => None,
        }
    }

    /// The bytes of an atom, a quoted string (escapes resolved) or a literal in memory.
    pub fn bytes(self) -> Option<&'a [u8]> {
        let raw = &self.tree.raw;
        match &self.tree.elements[self.index] {
            Kind::Atom(range) | Kind::Quoted(range) => Some(&raw.text[range.clone()]),
            Kind::Unescaped(range) => Some(&self.tree.unescaped[range.clone()]),
            Kind::Literal(number) => match &raw.literals[*number].content {
                Content::Stored(range) => Some(&raw.store[range.clone()]),
                Content::Spooled(spool) => spool.in_memory().map(|bytes| &bytes[..]),
                Content::Omitted(_) => None,
            },
            Kind::List(_) => None,
        }
    }

    /// The same as text; bytes that are no UTF-8 become U+FFFD.
    pub fn text(self) -> Option<String> {
        self.bytes()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Whether this is `NIL`.
    pub fn is_nil(self) -> bool {
        self.atom().is_some_and(|atom| atom.eq_ignore_ascii_case(b"NIL"))
    }

    /// Whether this is an atom of that name, in any letter case.
    pub fn is(self, name: &str) -> bool {
        self.atom()
            .is_some_and(|atom| atom.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// An atom that is a number. `None` for negative ones and those beyond 2^64.
    pub fn number(self) -> Option<u64> {
        let atom = self.atom()?;
        let digits = atom.iter().all(u8::is_ascii_digit);
        std::str::from_utf8(atom).ok()?.parse().ok().filter(|_| digits)
    }

    /// An atom that is a number of up to 32 bits.
    pub fn number32(self) -> Option<u32> {
        self.number().and_then(|number| u32::try_from(number).ok())
    }

    /// A list's elements.
    pub fn list(self) -> Option<Nodes<'a>> {
        match self.tree.elements[self.index] {
            Kind::List(end) => Some(Nodes {
                tree: self.tree,
                next: self.index + 1,
                end,
            }),
            _ => None,
        }
    }

    /// A literal's content.
    pub fn literal(self) -> Option<&'a Content> {
        match self.tree.elements[self.index] {
            Kind::Literal(number) => self.tree.raw.literals.get(number).map(|literal| &literal.content),
            _ => None,
        }
    }

    /// The element after this one in the flat order, whatever list it is in.
    pub(super) fn following(self) -> Option<Self> {
        let index = self.index + 1;
        (index < self.tree.elements.len()).then_some(Self {
            tree: self.tree,
            index,
        })
    }
}
