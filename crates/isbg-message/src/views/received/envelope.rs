//! Who sent the envelope, found in what the receiving programs noted. Does not check that it is true.

use super::super::{Selector, Views};

/// Fields in which receiving programs note the sender, in order of preference.
const NOTED: [(&str, &[u8]); 3] = [
    ("X-Envelope-From", b"x-envelope-from:"),
    ("Envelope-Sender", b"envelope-sender:"),
    ("Return-Path", b"return-path:"),
];

/// The sender's address; empty for bounces, `None` where nothing can be believed.
pub(crate) fn sender(views: &Views<'_>) -> Option<Vec<u8>> {
    let plausible = |sender: &Vec<u8>| {
        sender.is_empty()
            || sender
                .iter()
                .position(|byte| *byte == b'@')
                .is_some_and(|at| at > 0)
    };
    let first_address = |name: &str| {
        let values = views.values(&Selector::parse(&format!("{name}:first:addr")));
        values.into_iter().next().map(|value| value.into_owned())
    };
    if let Some(name) = &views.settings.envelope_sender_header {
        // Whoever configures one wants no other.
        return first_address(name).filter(plausible);
    }
    let relays = views.relays();
    let hop = relays
        .all
        .get(relays.trusted)
        .or(relays.all[..relays.trusted].last());
    if let Some(sender) = hop.and_then(|hop| hop.envfrom.clone()).filter(plausible) {
        return Some(sender);
    }
    let has_sender = first_address("X-Sender").is_some_and(|sender| sender.contains(&b'@'));
    let fetched = |header: &super::super::Header| {
        header.is(b"received") && memchr::memmem::find(header.decoded(), b"(fetchmail").is_some()
    };
    if has_sender && views.headers().iter().any(fetched) {
        return None;
    }
    for (name, prefix) in NOTED {
        if let Some(sender) = first_address(name) {
            if !stands_below_received(views, prefix) {
                return Some(sender);
            }
            if name == "X-Envelope-From" {
                return None;
            }
        }
    }
    None
}

/// Whether a Received field stands above the field: then another machine may have written it.
fn stands_below_received(views: &Views<'_>, prefix: &[u8]) -> bool {
    let begins = |line: &[u8], prefix: &[u8]| {
        line.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let mut lines = views.all_headers().iter();
    lines.by_ref().any(|line| begins(line, b"received:")) && lines.any(|line| begins(line, prefix))
}
