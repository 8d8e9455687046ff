//! The hops of a message: Received fields made sense of, and which of them are trusted. Does not look names up.

mod auth;
mod envelope;
mod line;
mod pattern;
mod shapes;
mod text;

use super::head::Header;
use super::{Relay, Relays, Settings, ip};
pub(crate) use envelope::sender as envelope_sender;
use line::Line;
use pattern::Budget;

/// More Received fields than this are not looked at.
const FIELDS: usize = 200;

/// Reads the hops and decides on trust.
pub(crate) fn relays(headers: &[Header], settings: &Settings) -> Relays {
    let mut lines: Vec<Vec<u8>> = headers
        .iter()
        .filter(|header| header.is(b"received"))
        .take(FIELDS)
        .map(|header| header.decoded().to_vec())
        .collect();
    for name in &settings.originating_ip_headers {
        if let Some(value) = super::head::last(headers, name.as_bytes())
            && let Some(range) = ip::find(value)
        {
            lines.push([b"from X-Originating-IP: ", &value[range]].concat());
        }
    }
    let mut walk = Walk::new(settings);
    for line in lines {
        walk.line(&line);
    }
    walk.relays
}

/// Going back hop by hop, from us to the sender.
struct Walk<'s> {
    settings: &'s Settings,
    relays: Relays,
    trusted: bool,
    internal: bool,
    found_msa: bool,
    /// From a line that named no hop.
    sender_of_next: Option<Vec<u8>>,
    budget: Budget,
}

impl<'s> Walk<'s> {
    fn new(settings: &'s Settings) -> Self {
        Self {
            settings,
            relays: Relays::default(),
            trusted: true,
            internal: true,
            found_msa: false,
            sender_of_next: None,
            budget: Budget::new(),
        }
    }

    fn line(&mut self, text: &[u8]) {
        let sender = self.sender_of_next.take();
        match line::parse(text, &self.budget) {
            Line::Hop(mut relay) => {
                if sender
                    .as_ref()
                    .is_some_and(|sender| !matches!(sender.as_slice(), b"" | b"0"))
                {
                    relay.envfrom = sender;
                }
                self.hop(relay);
                return;
            }
            Line::Local => {}
            Line::SenderOfNext(sender) => self.sender_of_next = sender,
            Line::Fetched => {
                // Only our own program is believed that it fetched the mail.
                if self.relays.all.len() == self.relays.trusted {
                    self.relays.all.clear();
                    self.relays.trusted = 0;
                    self.relays.internal = 0;
                }
            }
            Line::Unparseable => self.relays.unparseable += 1,
        }
        self.count_field();
    }

    fn count_field(&mut self) {
        let next = |field: Option<usize>| Some(field.map_or(0, |field| field + 1));
        if self.trusted {
            self.relays.last_trusted_field = next(self.relays.last_trusted_field);
        }
        if self.internal {
            self.relays.last_internal_field = next(self.relays.last_internal_field);
        }
    }

    fn hop(&mut self, mut relay: Relay) {
        if self.trusted && !self.found_msa {
            self.judge(&mut relay);
        }
        relay.intl = self.internal;
        self.count_field();
        self.relays.trusted += usize::from(self.trusted);
        self.relays.internal += usize::from(self.internal);
        self.relays.all.push(relay);
    }

    fn judge(&mut self, relay: &mut Relay) {
        let trust = &self.settings.trust;
        let (trusted, internal) = match (&trust.trusted, &trust.internal) {
            (None, None) => {
                // Nobody said anything: a hop inside a private network, or one that checked a password, is ours.
                if !relay.ip_private && relay.auth.is_empty() {
                    self.trusted = false;
                    self.internal = false;
                }
                return;
            }
            (Some(trusted), internal) => (trusted, internal.as_ref().unwrap_or(trusted)),
            (None, Some(internal)) => (internal, internal),
        };
        if relay.auth.is_empty() && !trusted.contains_or_loopback(&relay.ip) {
            self.trusted = false;
            self.internal = false;
            return;
        }
        if self.internal && relay.auth.is_empty() && !internal.contains_or_loopback(&relay.ip) {
            self.internal = false;
        }
        if trust.msa.contains(&relay.ip) {
            self.found_msa = true;
            relay.msa = true;
        }
    }
}

/// A relay as one record of `X-Spam-Relays-…`.
pub(crate) fn record(relay: &Relay) -> Vec<u8> {
    let envfrom = relay
        .envfrom
        .as_deref()
        .filter(|sender| *sender != b"0")
        .unwrap_or_default();
    let flag = |set: bool| if set { &b"1"[..] } else { &b"0"[..] };
    let fields: [(&str, &[u8]); 10] = [
        ("ip", &relay.ip),
        ("rdns", &relay.rdns),
        ("helo", &relay.helo),
        ("by", &relay.by),
        ("ident", &relay.ident),
        ("envfrom", envfrom),
        ("intl", flag(relay.intl)),
        ("id", &relay.id),
        ("auth", &relay.auth),
        ("msa", flag(relay.msa)),
    ];
    let mut text = b"[".to_vec();
    for (name, value) in fields {
        text.push(b' ');
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value);
    }
    text.extend_from_slice(b" ]");
    text
}
