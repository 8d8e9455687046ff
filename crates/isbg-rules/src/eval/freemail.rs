//! Functions that tell free mail addresses, where anybody can have one. Does not know other lists.

use std::sync::OnceLock;

use isbg_message::views::Lines;

use crate::load::text::glob_matches;
use crate::pattern::Program;

use super::{Call, Function, capture, is_match};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("check_freemail_from", |call| {
        let addresses = lower(super::lists::senders(call).to_vec());
        addresses
            .iter()
            .any(|address| is_freemail(call, address) && wanted(call, 0, address))
    }),
    ("check_freemail_header", |call| {
        let addresses = lower(call.values(&format!("{}:addr", call.argument(0))));
        addresses
            .iter()
            .any(|address| is_freemail(call, address) && wanted(call, 1, address))
    }),
    ("check_freemail_body", |call| {
        in_body(call)
            .iter()
            .flat_map(|found| found.iter())
            .any(|address| wanted(call, 0, address))
    }),
    ("check_freemail_replyto", reply_to),
];

/// How much of a body is looked at.
const MOST_ADDRESSES: usize = 40;
const MOST_LINKED: usize = 20;
/// The part before the `@` is no longer than this.
const MOST_LOCAL: usize = 64;

fn lower(addresses: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    addresses
        .into_iter()
        .map(|address| address.to_ascii_lowercase())
        .collect()
}

fn wanted(call: &Call<'_, '_>, pattern_at: usize, address: &[u8]) -> bool {
    call.arguments.len() <= pattern_at || call.matches(pattern_at, address)
}

fn setting(call: &Call<'_, '_>, key: &str, default: usize) -> usize {
    call.settings
        .other(key)
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

fn is_freemail(call: &Call<'_, '_>, address: &[u8]) -> bool {
    let settings = call.settings;
    let Ok(text) = std::str::from_utf8(address) else {
        return false;
    };
    let domain = text.rsplit('@').next().unwrap_or_default();
    if text.is_empty()
        || settings.freemail_welcomelist.contains(text)
        || settings.freemail_welcomelist.contains(domain)
    {
        return false;
    }
    if is_match!(
        "(?i)^(?:abuse|support|sales|info|helpdesk|contact|kontakt|(?:post|host|domain)master|undisclosed.*\
        |request-[a-f0-9]{16}|bounced?-|[a-f0-9]{8}(?:\\.[a-f0-9]{8}|-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12})\
        |.+=.+=.+)@",
        address
    ) {
        return false;
    }
    for list in ["welcomelist_auth", "def_welcomelist_auth"] {
        let imported = setting(call, &format!("freemail_import_{list}"), 0) != 0;
        let listed = || {
            settings
                .addresses
                .get(list)
                .is_some_and(|list| super::lists::is_listed(list, address))
        };
        if imported && listed() {
            return false;
        }
    }
    settings.freemail_domains.contains(domain)
        || settings
            .freemail_globs
            .iter()
            .any(|glob| labels_match(glob, domain))
}

/// A glob whose `*` stays within one label.
fn labels_match(glob: &str, domain: &str) -> bool {
    let count = |text: &str| text.split('.').count();
    let mut pairs = glob.split('.').zip(domain.split('.'));
    count(glob) == count(domain) && pairs.all(|(glob, label)| glob_matches(glob.as_bytes(), label.as_bytes()))
}

fn reply_to(call: &Call<'_, '_>) -> bool {
    let what = if call.arguments.is_empty() {
        "replyto"
    } else {
        call.argument(0)
    };
    let envelope = call.values("EnvelopeFrom").into_iter().next().unwrap_or_default();
    let bulk = is_match!(
        "(?i)(?:^(?:post|host|domain)master|^double-bounce|^(?:sentto|owner|return|(?:gr)?bounced?)-.+\
        |-(?:request|bounces?|admin|owner)|\\b(?:do[._-t]?)?no[._-t]?repl(?:y|ies)|.+=.+)@",
        &envelope
    );
    if bulk && setting(call, "freemail_skip_bulk_envfrom", 1) != 0 {
        return false;
    }
    let from = lower(call.values("From:addr"));
    let reply = lower(call.values("Reply-To:addr"));
    let free = |addresses: &[Vec<u8>]| addresses.iter().any(|address| is_freemail(call, address));
    let (from_is_free, reply_is_free) = (free(&from), free(&reply));
    if from_is_free && reply_is_free && !from.iter().any(|address| reply.contains(address)) {
        return true;
    }
    let compared = match what {
        "replyto" if reply_is_free => &reply,
        "reply" if reply_is_free && !reply.is_empty() && from_is_free => &reply,
        "reply" if reply.is_empty() && from_is_free => &from,
        _ => return false,
    };
    let Some(body) = in_body(call) else { return false };
    body.iter()
        .any(|address| compared.iter().any(|other| other != address))
}

/// The free mail addresses in the body; `None` where there are so many that they mean nothing.
fn in_body<'a>(call: &'a Call<'_, '_>) -> Option<&'a [Vec<u8>]> {
    let found = call.state.body_freemails.get_or_init(|| {
        let addresses = addresses(call);
        let skip = setting(call, "freemail_skip_when_over_max", 1) != 0;
        if skip && addresses.len() >= setting(call, "freemail_max_body_emails", 5) {
            return None;
        }
        let free: Vec<Vec<u8>> = addresses
            .into_iter()
            .filter(|address| is_freemail(call, address))
            .collect();
        let many = skip && free.len() >= setting(call, "freemail_max_body_freemails", 3);
        (!many).then_some(free)
    });
    found.as_deref()
}

/// Different addresses in links and in the text, in lower case.
fn addresses(call: &Call<'_, '_>) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    let uris = call.views.uris().list.iter();
    let linked = uris.filter(|uri| {
        let is = |kind: &str| uri.types.iter().any(|known| known == kind);
        is("a") && !is("parsed")
    });
    for uri in linked {
        let Some(rest) = uri
            .raw
            .get(7..)
            .filter(|_| uri.raw[..7].eq_ignore_ascii_case(b"mailto:"))
        else {
            continue;
        };
        if let Some((0, end)) = next_address(call, rest, 0) {
            add(&mut found, &rest[..end]);
            if found.len() >= MOST_LINKED {
                break;
            }
        }
    }
    let mut changed = Lines::default();
    let mut full = false;
    for line in call.views.body().iter() {
        if full {
            changed.push(line);
            continue;
        }
        let line = without_addressees(call, &without_links(line));
        let mut at = 0;
        while let Some((start, end)) = next_address(call, &line, at) {
            at = end;
            add(&mut found, &line[start..end]);
            if found.len() >= MOST_ADDRESSES {
                full = true;
                break;
            }
        }
        changed.push(&line);
    }
    // Nobody else sets it.
    drop(call.state.changed_body.set(changed));
    found
}

fn add(found: &mut Vec<Vec<u8>>, address: &[u8]) {
    let address = address.to_ascii_lowercase();
    if !found.contains(&address) {
        found.push(address);
    }
}

/// The line with a blank for each web address that holds an `@`.
fn without_links(line: &[u8]) -> Vec<u8> {
    static LINK: OnceLock<Option<Program>> = OnceLock::new();
    let link = LINK.get_or_init(|| super::compile("(?i)<?https?://\\S{0,255}(?:@|%40)\\S{0,255}"));
    let mut out = Vec::with_capacity(line.len());
    let mut at = 0;
    while let Some(Ok(Some((start, end)))) = link.as_ref().map(|link| link.find_from(line, at)) {
        out.extend_from_slice(&line[at..start]);
        out.push(b' ');
        at = end;
    }
    out.extend_from_slice(&line[at..]);
    out
}

/// The line with a blank for each address in angle brackets, or before a word with a colon, as in quoted mail: these are
/// no contacts that the text gives. Words such as `tel:` do not count.
fn without_addressees(call: &Call<'_, '_>, line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let (mut copied, mut at) = (0, 0);
    while let Some((start, end)) = next_address(call, line, at) {
        at = end;
        let after = &line[end..];
        // Where a link begins the address does not, but it may after one of its points.
        let by_link = line[..start].to_ascii_lowercase().ends_with(b"mailto:");
        let start = match by_link {
            true => after_point(&line[..end], start),
            false => Some(start),
        };
        let word = capture!(
            "(?i)^(\\s{1,10}(?!(?:fa(?:x|csi)|tel|phone|e?-?mail))[a-z]{2,11}:)",
            after
        );
        let after = if after.starts_with(b">") {
            Some(1)
        } else {
            word.map(<[u8]>::len)
        };
        let (Some(start), Some(after)) = (start, after) else {
            continue;
        };
        let start = if line[copied..start].ends_with(b"<") {
            start - 1
        } else {
            start
        };
        out.extend_from_slice(&line[copied..start]);
        out.push(b' ');
        (copied, at) = (end + after, end + after);
    }
    out.extend_from_slice(&line[copied..]);
    out
}

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte)
}

/// The next address from `from` on: where it begins and ends. Its host ends in a known top-level domain.
fn next_address(call: &Call<'_, '_>, text: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        let sign = at + memchr::memchr(b'@', text.get(at..)?)?;
        at = sign + 1;
        // The local part: runs of letters with single points between, not after another such letter.
        let local = |b: &u8| is_local(*b) || *b == b'.';
        let mut start = text[from..sign]
            .iter()
            .rposition(|b| !local(b))
            .map_or(from, |other| from + other + 1);
        if let Some(double) = memchr::memmem::rfind(&text[start..sign], b"..") {
            start += double + 2;
        }
        while text[start..sign].first() == Some(&b'.') {
            start += 1;
        }
        // It does not begin in the midst of a word, nor does it grow too long: its beginning is cut off then.
        let in_word = start == from && from > 0 && is_local(text[from - 1]);
        let mut first = Some(start);
        if in_word {
            first = after_point(&text[..at], start);
        }
        while let Some(start) = first.filter(|start| sign.saturating_sub(*start) > MOST_LOCAL) {
            first = after_point(&text[..at], start);
        }
        let start = first.filter(|start| *start < sign && text[sign - 1] != b'.');
        if let Some((start, end)) = start.zip(host_end(call, text, at)) {
            return Some((start, end));
        }
    }
}

/// The place behind the next point before the `@`.
fn after_point(address: &[u8], start: usize) -> Option<usize> {
    let rest = address.get(start..)?;
    let point = memchr::memchr2(b'.', b'@', rest)?;
    (rest[point] == b'.').then_some(start + point + 1)
}

/// Where the longest valid host that begins here ends.
fn host_end(call: &Call<'_, '_>, text: &[u8], start: usize) -> Option<usize> {
    let len = text[start..]
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        .count();
    let host = &text[start..start + len];
    let labels: Vec<&[u8]> = host.split(|b| *b == b'.').collect();
    let mut end = 0;
    let mut best = None;
    for (count, label) in labels.iter().enumerate().take(5) {
        let ends = end + label.len();
        if count > 0 && call.views.tlds().is_valid(&host[..ends]) {
            best = Some(start + ends);
        }
        let plain =
            !label.is_empty() && label.len() <= 61 && !label.starts_with(b"-") && !label.ends_with(b"-");
        if !plain {
            break;
        }
        end = ends + 1;
    }
    best
}
