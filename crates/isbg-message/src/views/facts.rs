//! The shapes of what the views hold. Plain data; does not know how any of it is found.

use std::collections::BTreeMap;

/// Pieces of text that a rule is tried on one by one: paragraphs of the body, chunks of the raw body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines {
    /// All of them, one behind the other.
    pub text: Vec<u8>,
    /// Where each one ends in `text`.
    pub ends: Vec<usize>,
}

impl Lines {
    /// Appends one.
    pub fn push(&mut self, line: &[u8]) {
        self.text.extend_from_slice(line);
        self.ends.push(self.text.len());
    }

    /// One after another.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.ends.iter().enumerate().map(|(index, end)| {
            let start = if index == 0 { 0 } else { self.ends[index - 1] };
            &self.text[start..*end]
        })
    }
}

/// A URI with all that was found out about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Uri {
    /// As it stands in the message; a missing scheme is added where it comes from text.
    pub raw: Vec<u8>,
    /// Where it stands: HTML tag names, and `parsed` (text), `unlinked`, `schemeless`, `domainkeys`.
    pub types: Vec<String>,
    /// What `uri` rules are tried on: itself and its canonical forms. Empty for those kept for their domain only.
    pub cleaned: Vec<Vec<u8>>,
    /// The text of each link to it.
    pub anchor_text: Vec<Vec<u8>>,
    /// Registered domains of its forms, in lower case.
    pub domains: Vec<Vec<u8>>,
    /// Hosts of its forms, in lower case, with the domain of each.
    pub hosts: Vec<(Vec<u8>, Vec<u8>)>,
}

/// All URIs of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Uris {
    /// Each `raw` once.
    pub list: Vec<Uri>,
    /// Whether one was cut for its length.
    pub truncated: bool,
}

/// One hop, as told by a Received field. Empty text: not told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names are SpamAssassin's keys in X-Spam-Relays-…")]
pub struct Relay {
    pub ip: Vec<u8>,
    pub rdns: Vec<u8>,
    pub helo: Vec<u8>,
    pub by: Vec<u8>,
    pub ident: Vec<u8>,
    /// `None` where not told; told and empty (`<>`) is different.
    pub envfrom: Option<Vec<u8>>,
    pub intl: bool,
    pub id: Vec<u8>,
    pub auth: Vec<u8>,
    pub msa: bool,
    /// Whether `ip` is in a private or reserved range.
    pub ip_private: bool,
    /// Whether the receiving program had looked for a name of `ip` and found none.
    pub no_reverse_dns: bool,
}

/// The hops of a message, newest first, apart by trust. A hop is trusted or not, and internal or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relays {
    /// All of them.
    pub all: Vec<Relay>,
    /// How many at the start of `all` are trusted; the rest is untrusted.
    pub trusted: usize,
    /// How many at the start of `all` are internal; the rest is external.
    pub internal: usize,
    /// Received fields that nobody could make sense of.
    pub unparseable: usize,
    /// Index among the Received fields of the last trusted hop. `None`: none.
    pub last_trusted_field: Option<usize>,
    /// Index among the Received fields of the last internal hop. `None`: none.
    pub last_internal_field: Option<usize>,
}

/// What was odd about a message's form. Several functions of the rules ask for these by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ParseFlags {
    /// No empty line between header and body.
    pub missing_head_body_separator: bool,
    /// A header name, value, or all of them together were cut.
    pub truncated_header: bool,
    /// A MIME part began without a header.
    pub missing_mime_headers: bool,
    /// No empty line between header and body of a MIME part.
    pub missing_mime_head_body_separator: bool,
    /// Text after the last boundary.
    pub mime_epilogue_exists: bool,
    /// A multipart had more parts than are looked at.
    pub mimepart_limit_exceeded: bool,
}

/// Facts about one HTML part, under the names that SpamAssassin's `html_test`, `html_eval`, `html_range` and
/// `html_text_match` use.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs, reason = "the names are SpamAssassin's")]
pub struct Html {
    /// Whether there was anything to read. Without it nothing else counts.
    pub html: bool,
    pub image_area: f64,
    /// Characters before rendering.
    pub length: usize,
    /// Characters of the rendered text.
    pub html_length: usize,
    /// The same without blanks.
    pub non_space_len: usize,
    /// Characters, without blanks, of text that cannot be seen: hidden, tiny, or in the colour of its ground. Not
    /// SpamAssassin's.
    pub hidden_length: usize,
    /// `None` for an empty part.
    pub ratio: Option<f64>,
    pub min_size: i64,
    pub max_size: i64,
    /// `None` without any tag; so are the next two.
    pub closed_extra_ratio: Option<f64>,
    pub bad_tag_ratio: Option<f64>,
    pub non_element_ratio: Option<f64>,
    /// `None` where nothing was obfuscated.
    pub obfuscation_ratio: Option<f64>,
    pub backhair_count: Option<usize>,
    pub comment: Vec<Vec<u8>>,
    pub script: Vec<Vec<u8>>,
    pub title: Vec<Vec<u8>>,
    pub anchor: Vec<Vec<u8>>,
    /// For each tag seen, in lower case, how many are open at the end.
    pub inside: BTreeMap<Vec<u8>, i64>,
    pub font_low_contrast: bool,
    pub font_invalid_color: bool,
    pub font_face_bad: bool,
    pub form_action_mailto: bool,
    pub embeds: bool,
    /// URIs of tags, with `raw`, `types` and `anchor_text` only.
    pub uris: Vec<Uri>,
    pub uri_truncated: bool,
}
