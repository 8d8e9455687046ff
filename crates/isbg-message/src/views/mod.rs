//! What SpamAssassin's rules read of a message: header selectors, body, rawbody, full, URIs, MIME parts, HTML facts,
//! relays. The same bytes as SpamAssassin 4 gives its rules. Does not know any rule.

mod address;
mod charset;
mod decode;
mod domain;
mod facts;
mod head;
mod html;
mod ip;
mod kind;
mod labels;
mod legacy;
mod multipart;
mod network;
mod parts;
mod received;
mod render;
mod select;
mod take;
mod text;
mod uri;
mod words;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

pub use domain::{Tlds, is_fqdn};
pub use facts::{Html, Lines, ParseFlags, Relay, Relays, Uri, Uris};
pub use head::Header;
pub use ip::is_private;
pub use network::Networks;
pub use parts::Part;
pub use render::Rendered;
pub use select::Selector;
pub use text::Text;

/// The bare addresses of an unfolded header value.
pub(crate) fn addresses(value: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    address::parse(value)
        .into_iter()
        .filter_map(|found| found.address)
}

/// Finds where in a URI its real target stands, if it is a redirecting one.
pub type Redirector = Arc<dyn Fn(&[u8]) -> Option<Range<usize>> + Send + Sync>;

/// Whom we believe what they say about where a message came from.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// `trusted_networks`, if configured.
    pub trusted: Option<Networks>,
    /// `internal_networks`, if configured.
    pub internal: Option<Networks>,
    /// `msa_networks`.
    pub msa: Networks,
}

/// What of the rules' configuration the views depend on.
#[derive(Clone)]
pub struct Settings {
    /// The networks.
    pub trust: Trust,
    /// The lists of top-level domains.
    pub tlds: Tlds,
    /// `redirector_pattern`, in order.
    pub redirectors: Vec<Redirector>,
    /// `envelope_sender_header`.
    pub envelope_sender_header: Option<String>,
    /// `originating_ip_headers`, in order.
    pub originating_ip_headers: Vec<String>,
    /// `body_part_scan_size` in characters; 0: no limit. Default 50,000.
    pub body_part_scan_size: usize,
    /// `rawbody_part_scan_size` in bytes; 0: no limit. Default 500,000.
    pub rawbody_part_scan_size: usize,
    /// `parse_dkim_uris`. Default true.
    pub parse_dkim_uris: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trust: Trust::default(),
            tlds: Tlds::default(),
            redirectors: Vec::new(),
            envelope_sender_header: None,
            originating_ip_headers: Vec::new(),
            body_part_scan_size: 50_000,
            rawbody_part_scan_size: 500_000,
            parse_dkim_uris: true,
        }
    }
}

/// The views of one message. Each is computed when it is first asked for, and kept.
///
/// All of it is bytes: UTF-8 where SpamAssassin gives UTF-8, and whatever the message holds where it does not.
pub struct Views<'s> {
    settings: &'s Settings,
    head: head::Head,
    parts: Vec<Part>,
    all_headers: OnceCell<(Vec<Vec<u8>>, bool)>,
    body: OnceCell<Lines>,
    rawbody: OnceCell<Lines>,
    uris: OnceCell<Uris>,
    relays: OnceCell<Relays>,
    envelope_from: OnceCell<Option<Vec<u8>>>,
}

impl<'s> Views<'s> {
    /// Takes a message apart. Decodes and renders nothing yet.
    pub fn new(message: &Bytes, settings: &'s Settings) -> Self {
        let mut head = head::split(message);
        head.headers.retain(|field| !head::is_of_a_scorer(field));
        let parts = parts::tree(&mut head);
        Self {
            settings,
            head,
            parts,
            all_headers: OnceCell::new(),
            body: OnceCell::new(),
            rawbody: OnceCell::new(),
            uris: OnceCell::new(),
            relays: OnceCell::new(),
            envelope_from: OnceCell::new(),
        }
    }

    /// The text that a `header` rule with this selector is matched on; `None` where there is no such thing in the message.
    pub fn get(&self, selector: &Selector) -> Option<Cow<'_, [u8]>> {
        let mut values = self.values(selector);
        if values.len() <= 1 {
            return values.pop();
        }
        let between: &[u8] = if values[0].ends_with(b"\n") { b"" } else { b"\n" };
        Some(Cow::Owned(values.join(between)))
    }

    /// The same, one by one.
    pub fn values(&self, selector: &Selector) -> Vec<Cow<'_, [u8]>> {
        select::values(self, selector)
    }

    /// The message's header fields, in order.
    pub fn headers(&self) -> &[Header] {
        self.parts.first().map_or(&[], |part| &part.headers)
    }

    /// The decoded value of the last field of that name, without a line end.
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        head::last(self.headers(), name.as_bytes())
    }

    /// `Name: value` of each field, decoded, with a line end: what `ALL` is made of.
    pub fn all_headers(&self) -> &[Vec<u8>] {
        &self.all_headers_cut().0
    }

    fn all_headers_cut(&self) -> &(Vec<Vec<u8>>, bool) {
        self.all_headers
            .get_or_init(|| select::all_headers(self.headers()))
    }

    /// The header block as it stands.
    pub fn header_block(&self) -> &[u8] {
        &self.head.full[..self.head.header_len]
    }

    /// The body as it stands, undecoded.
    pub fn pristine_body(&self) -> &[u8] {
        &self.head.full[self.head.header_len..]
    }

    /// What `full` rules are matched on: the message as it stands.
    pub fn full(&self) -> &[u8] {
        &self.head.full
    }

    /// What `body` rules are matched on: the Subject, then the paragraphs of the rendered text.
    pub fn body(&self) -> &Lines {
        self.body.get_or_init(|| {
            let mut subject = self
                .header("subject")
                .map_or_else(Vec::new, |subject| subject.to_vec());
            subject.push(b'\n');
            render::body(&self.parts, &subject, self.settings.body_part_scan_size)
        })
    }

    /// What `rawbody` rules are matched on: chunks of the decoded, unrendered text.
    pub fn rawbody(&self) -> &Lines {
        self.rawbody
            .get_or_init(|| render::rawbody(&self.parts, self.settings.rawbody_part_scan_size))
    }

    /// The MIME tree as a list; the message itself is the first.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The parts in the order in which they stand in the message, containers before their content.
    pub fn parts_in_order(&self) -> impl Iterator<Item = &Part> {
        parts::in_order(&self.parts)
            .into_iter()
            .map(|index| &self.parts[index])
    }

    /// Facts about each HTML part. Where SpamAssassin speaks of "the" HTML it means the last one.
    pub fn html(&self) -> impl DoubleEndedIterator<Item = &Html> {
        let html: Vec<&Html> = parts::leaves(&self.parts).filter_map(Part::html).collect();
        html.into_iter()
    }

    /// What `uri` and `uri_detail` rules are matched on.
    pub fn uris(&self) -> &Uris {
        self.uris.get_or_init(|| {
            let mut collector = uri::Collector::new(self.settings);
            collector.text(self.body());
            self.html().for_each(|html| collector.html(html));
            if self.settings.parse_dkim_uris {
                for name in ["domainkey-signature", "dkim-signature"] {
                    let signatures = self.headers().iter().filter(|header| header.is(name.as_bytes()));
                    signatures.for_each(|header| collector.signature(header.decoded()));
                }
            }
            collector.finish()
        })
    }

    /// The hops, from the Received fields.
    pub fn relays(&self) -> &Relays {
        self.relays
            .get_or_init(|| received::relays(self.headers(), self.settings))
    }

    /// What was odd about the message's form.
    pub fn flags(&self) -> ParseFlags {
        let mut flags = self.head.flags;
        flags.truncated_header |= self.all_headers_cut().1;
        flags
    }

    /// The lists of top-level domains.
    pub fn tlds(&self) -> &Tlds {
        &self.settings.tlds
    }

    /// The sender of the envelope, as far as it can be believed.
    pub fn envelope_from(&self) -> Option<&[u8]> {
        self.envelope_from
            .get_or_init(|| received::envelope_sender(self))
            .as_deref()
    }

    /// Relays `from..to` as `X-Spam-Relays-…` has them.
    fn relay_text(&self, from: usize, to: usize) -> Cow<'_, [u8]> {
        let records: Vec<Vec<u8>> = self.relays().all[from..to].iter().map(received::record).collect();
        Cow::Owned(records.join(&b' '))
    }

    /// Fields that are not in the message but made from it.
    fn derived_field(&self, name: &str) -> Option<Vec<u8>> {
        match name {
            "x-senderdomain" => {
                let hosts = self.values(&Selector::parse("EnvelopeFrom:first:addr:host"));
                hosts.first().map(|host| host.to_ascii_lowercase())
            }
            "x-authordomain" => {
                let mut hosts: Vec<Vec<u8>> = Vec::new();
                let mut seen: Vec<Cow<'_, [u8]>> = Vec::new();
                for host in self.values(&Selector::parse("From:addr:host")) {
                    if !seen.contains(&host) {
                        hosts.push(host.to_ascii_lowercase());
                        seen.push(host);
                    }
                }
                (!hosts.is_empty()).then(|| hosts.join(&b' '))
            }
            _ => None,
        }
    }
}
