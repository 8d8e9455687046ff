//! Functions over the recipients' addresses among themselves. Does not know any list.

use super::{Call, Function};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("sorted_recipients", |call| facts(call).sorted),
    ("similar_recipients", |call| {
        let similar = facts(call).similar;
        call.limit(0).is_none_or(|min| similar >= min) && call.limit(1).is_none_or(|max| similar < max)
    }),
];

/// Addresses from which on an order, or a likeness, means something; and how much of them is compared.
const SORTED_FROM: usize = 7;
const SIMILAR_FROM: usize = 5;
const COMPARED: usize = 2;
const MOST: usize = 256;

/// What is known of the recipients.
#[derive(Debug, Default)]
pub(super) struct Recipients {
    sorted: bool,
    /// Likenesses for each pair.
    similar: f64,
}

fn facts<'a>(call: &'a Call<'_, '_>) -> &'a Recipients {
    call.state.recipients.get_or_init(|| {
        let mut all = call.values("ToCc:addr");
        if all.len() < SIMILAR_FROM {
            all.extend(call.values("Bcc:addr"));
        }
        // An empty address, or "0", ends the list.
        let given = all
            .into_iter()
            .take_while(|address| !address.is_empty() && address.as_slice() != b"0");
        let mut addresses: Vec<Vec<u8>> = Vec::new();
        for address in given {
            let again = addresses
                .last()
                .is_some_and(|last| last.eq_ignore_ascii_case(&address));
            if !again && addresses.len() < MOST {
                addresses.push(address);
            }
        }
        let similar = if addresses.len() < SIMILAR_FROM {
            0.0
        } else {
            likeness(&addresses)
        };
        Recipients {
            sorted: addresses.len() >= SORTED_FROM && addresses.is_sorted(),
            similar,
        }
    })
}

fn likeness(addresses: &[Vec<u8>]) -> f64 {
    let start = |text: &[u8]| text[..text.len().min(COMPARED)].to_vec();
    let users: Vec<Vec<u8>> = addresses.iter().map(|address| start(address)).collect();
    let hosts: Vec<&[u8]> = addresses
        .iter()
        .filter_map(|address| Some(&address[address.iter().position(|b| *b == b'@')? + 1..]))
        .collect();
    let host = |at: usize| hosts.get(at).copied().unwrap_or_default();
    let (mut alike, mut pairs) = (0u32, 0u32);
    for first in 0..addresses.len() {
        for second in first + 1..addresses.len() {
            alike += u32::from(users[first] == users[second]);
            let (a, b) = (host(first), host(second));
            alike += u32::from(start(a) == start(b) && a != b);
            pairs += 1;
        }
    }
    f64::from(alike) / f64::from(pairs.max(1))
}
