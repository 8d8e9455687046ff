//! Questions to the domain name system and what came back, as plain data. Does not ask.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The kinds of records that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Mail exchangers.
    Mx,
    /// Name servers.
    Ns,
    /// The name behind an address.
    Ptr,
    /// Text.
    Txt,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// A mail exchanger.
    Mx {
        /// Lower ones are tried first.
        preference: u16,
        /// Its name, without the last dot.
        exchange: String,
    },
    /// A name server, or the name behind an address: a name without the last dot.
    Name(String),
    /// The record's character strings, joined. At most 65,535 bytes, of any value.
    Txt(Vec<u8>),
}

/// A name and a kind of record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    name: String,
    kind: Kind,
}

impl Question {
    /// A question about `name`, which is put in lower case and loses its last dot. `None` for what cannot stand in a
    /// question: labels that are empty or longer than 63 bytes, names longer than 253, and anything but printable
    /// ASCII (RFC 1035 §2.3.4).
    pub fn new(name: &str, kind: Kind) -> Option<Self> {
        let name = name.trim_end_matches('.');
        let fits =
            |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_graphic());
        let valid = name.len() <= 253 && name.split('.').all(fits);
        valid.then(|| Self {
            name: name.to_ascii_lowercase(),
            kind,
        })
    }

    /// The name, in lower case, without a dot at its end.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of record.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The name itself and all domains above it, the longest first.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        let dots = self.name.match_indices('.').map(|(at, _)| at + 1);
        std::iter::once(0).chain(dots).map(|at| &self.name[at..])
    }
}

/// What is there under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Whether the name exists. It may, and have no records of the kind asked for.
    pub exists: bool,
    /// The records.
    pub records: Vec<Data>,
}

impl Reply {
    /// The texts among the records.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.records.iter().filter_map(|record| match record {
            Data::Txt(text) => Some(text.as_slice()),
            _ => None,
        })
    }
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was answered.
    Reply(Reply),
    /// No answer came, or the question could not be asked: what it would have been is unknown.
    Silence,
    /// The rules' settings forbid to ask.
    Denied,
}

/// Questions that were settled.
pub type Answers = BTreeMap<Question, Answer>;

/// What is known about a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// The reply.
    Reply(&'a Reply),
    /// Unknown for good.
    Silence,
    /// Not to be asked.
    Denied,
    /// Not asked yet.
    Waiting,
}

/// An evaluation's view of the answers. It is evaluated anew whenever more of what it wants has been answered, until it
/// wants nothing more.
#[derive(Debug)]
pub struct Inquiry<'a> {
    answers: &'a Answers,
    /// What was asked for and is not settled yet.
    pub wanted: BTreeSet<Question>,
}

impl<'a> Inquiry<'a> {
    /// Begins with what has been answered so far.
    pub fn new(answers: &'a Answers) -> Self {
        Self {
            answers,
            wanted: BTreeSet::new(),
        }
    }

    /// What is known about a question; if nothing, it is wanted.
    pub fn ask(&mut self, question: Question) -> Heard<'a> {
        match self.answers.get(&question) {
            Some(Answer::Reply(reply)) => Heard::Reply(reply),
            Some(Answer::Silence) => Heard::Silence,
            Some(Answer::Denied) => Heard::Denied,
            None => {
                self.wanted.insert(question);
                Heard::Waiting
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let question = Question::new("A.Example.", Kind::A).unwrap();
        assert_eq!(question.name(), "a.example");
        assert_eq!(question.domains().collect::<Vec<_>>(), ["a.example", "example"]);
        for bad in [
            "",
            ".",
            "a..b",
            "a b.example",
            "ä.example",
            &"a".repeat(64),
            &"a.".repeat(128),
        ] {
            assert_eq!(Question::new(bad, Kind::A), None, "{bad}");
        }
    }

    #[test]
    fn what_is_not_known_is_wanted_once() {
        let known = Question::new("a.example", Kind::A).unwrap();
        let unknown = Question::new("b.example", Kind::Txt).unwrap();
        let answers = Answers::from([(known.clone(), Answer::Silence)]);
        let mut inquiry = Inquiry::new(&answers);
        assert_eq!(inquiry.ask(known), Heard::Silence);
        assert_eq!(inquiry.ask(unknown.clone()), Heard::Waiting);
        assert_eq!(inquiry.ask(unknown.clone()), Heard::Waiting);
        assert_eq!(inquiry.wanted, BTreeSet::from([unknown]));
    }
}
