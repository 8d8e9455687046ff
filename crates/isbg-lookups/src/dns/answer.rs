//! What a DNS server's answer says about the name that was asked for. Does not know who asked, or how.

use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use isbg_types::dns::{Data, Kind};

use super::transport::Question;

/// So many aliases are followed.
const MAX_ALIASES: usize = 8;

/// So many records of one answer are taken.
const MAX_RECORDS: usize = 256;

/// What is known of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether the name exists. It may, and have no records of the kind asked for.
    pub exists: bool,
    /// The records, in the server's order.
    pub records: Vec<Data>,
    /// How long all of this may be remembered; zero if the server does not say (RFC 2308 section 5).
    pub ttl: Duration,
}

pub(super) fn record_type(kind: Kind) -> RecordType {
    match kind {
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::AAAA,
        Kind::Mx => RecordType::MX,
        Kind::Ns => RecordType::NS,
        Kind::Ptr => RecordType::PTR,
        Kind::Txt => RecordType::TXT,
    }
}

/// Takes the records that belong to the question, by way of aliases or at once, and no others.
pub(super) fn read(message: &Message, question: &Question) -> Answer {
    let mut name = &question.name;
    let mut ttl = u32::MAX;
    for _ in 0..MAX_ALIASES {
        let alias = message.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == *name => Some((&target.0, record.ttl)),
            _ => None,
        });
        let Some((target, its_ttl)) = alias else { break };
        name = target;
        ttl = ttl.min(its_ttl);
    }
    let mut records = Vec::new();
    for record in &message.answers {
        if record.name == *name && record.record_type() == question.kind && records.len() < MAX_RECORDS {
            records.extend(data(&record.data));
            ttl = ttl.min(record.ttl);
        }
    }
    if records.is_empty() {
        let soa = message.authorities.iter().find_map(|record| match &record.data {
            RData::SOA(soa) => Some(soa.minimum.min(record.ttl)),
            _ => None,
        });
        ttl = ttl.min(soa.unwrap_or(0));
    }
    Answer {
        exists: message.metadata.response_code != ResponseCode::NXDomain,
        records,
        ttl: Duration::from_secs(ttl.into()),
    }
}

fn data(record: &RData) -> Option<Data> {
    Some(match record {
        RData::A(address) => Data::A(address.0),
        RData::AAAA(address) => Data::Aaaa(address.0),
        RData::MX(mx) => Data::Mx {
            preference: mx.preference,
            exchange: text(&mx.exchange),
        },
        RData::NS(name) => Data::Name(text(&name.0)),
        RData::PTR(name) => Data::Name(text(&name.0)),
        RData::TXT(txt) => Data::Txt(txt.txt_data.concat()),
        _ => return None,
    })
}

fn text(name: &Name) -> String {
    let mut text = name.to_ascii();
    if text.len() > 1 && text.ends_with('.') {
        text.pop();
    }
    text
}
