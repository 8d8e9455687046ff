//! DNS messages as bytes (RFC 1035 section 4): reads questions, writes answers. Does not know the zone.

use super::Record;

pub(super) const NOERROR: u8 = 0;
pub(super) const FORMERR: u8 = 1;
pub(super) const NXDOMAIN: u8 = 3;

/// Type number and name of what a zone can hold.
const TYPES: [(u16, &str); 7] = [
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (12, "PTR"),
    (15, "MX"),
    (16, "TXT"),
    (28, "AAAA"),
];

/// How long answers may be remembered, in seconds.
const TTL: u32 = 300;

/// What was asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub id: u16,
    /// As it was spelled, without the last dot.
    pub name: String,
    pub kind: u16,
    /// Whether the client speaks EDNS.
    pub extended: bool,
    /// How long an answer over UDP may be.
    pub room: usize,
}

impl Question {
    /// Questions that nobody asked, much like this one.
    pub(super) fn forgeries(&self) -> [Self; 2] {
        [
            Self {
                id: self.id.wrapping_add(1),
                ..self.clone()
            },
            Self {
                name: format!("not-{}", self.name),
                ..self.clone()
            },
        ]
    }
}

pub(super) fn type_name(kind: u16) -> String {
    TYPES
        .iter()
        .find(|(number, _)| *number == kind)
        .map_or_else(|| format!("TYPE{kind}"), |(_, name)| (*name).to_owned())
}

pub(super) fn type_of(record: &Record) -> u16 {
    let name = match record {
        Record::A(_) => "A",
        Record::Aaaa(_) => "AAAA",
        Record::Cname(_) => "CNAME",
        Record::Mx(..) => "MX",
        Record::Ns(_) => "NS",
        Record::Ptr(_) => "PTR",
        Record::Txt(_) => "TXT",
    };
    TYPES
        .iter()
        .find(|(_, known)| *known == name)
        .map_or(0, |(number, _)| *number)
}

/// Reads a query with one question and at most one additional record, which then is EDNS's.
pub(super) fn question(bytes: &[u8]) -> Option<Question> {
    let number = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    if number(4)? != 1 {
        return None;
    }
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(bytes.get(at..at + length)?).into_owned());
        at += length;
    }
    let extended = number(10)? == 1;
    // Behind type and class: the root's name, the type, and EDNS's size where the class would be.
    let room = if extended { number(at + 7)?.max(512) } else { 512 };
    Some(Question {
        id: number(0)?,
        name: labels.join("."),
        kind: number(at)?,
        extended,
        room: room.into(),
    })
}

/// The answer with these records, each with its owner. What does not fit makes it a truncated one without records.
pub(super) fn answer(question: &Question, records: &[(String, Record)], code: u8, room: usize) -> Vec<u8> {
    let whole = written(question, records, code, false);
    if whole.len() <= room {
        whole
    } else {
        written(question, &[], code, true)
    }
}

fn written(question: &Question, records: &[(String, Record)], code: u8, truncated: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |numbers: &[u16]| {
        for number in numbers {
            bytes.extend(number.to_be_bytes());
        }
    };
    // A response to a recursive query, recursion being available.
    let flags = 0x8180 | u16::from(truncated) << 9 | u16::from(code);
    let count = u16::try_from(records.len()).unwrap_or(u16::MAX);
    put(&[question.id, flags, 1, count, 0, 0]);
    name(&mut bytes, &question.name);
    bytes.extend(question.kind.to_be_bytes());
    bytes.extend(1_u16.to_be_bytes());
    for (owner, record) in records {
        name(&mut bytes, owner);
        bytes.extend(type_of(record).to_be_bytes());
        bytes.extend(1_u16.to_be_bytes());
        bytes.extend(TTL.to_be_bytes());
        let data = data(record);
        bytes.extend(u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(data);
    }
    bytes
}

fn data(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    match record {
        Record::A(address) => bytes.extend(address.octets()),
        Record::Aaaa(address) => bytes.extend(address.octets()),
        Record::Cname(target) | Record::Ns(target) | Record::Ptr(target) => name(&mut bytes, target),
        Record::Mx(preference, target) => {
            bytes.extend(preference.to_be_bytes());
            name(&mut bytes, target);
        }
        Record::Txt(text) if text.is_empty() => bytes.push(0),
        Record::Txt(text) => {
            for piece in text.as_bytes().chunks(255) {
                string(&mut bytes, piece);
            }
        }
    }
    bytes
}

/// A name, label by label, not compressed.
fn name(bytes: &mut Vec<u8>, name: &str) {
    for label in name.split('.').filter(|label| !label.is_empty()) {
        string(bytes, label.as_bytes());
    }
    bytes.push(0);
}

fn string(bytes: &mut Vec<u8>, text: &[u8]) {
    let text = text.get(..255).unwrap_or(text);
    bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    bytes.extend(text);
}
