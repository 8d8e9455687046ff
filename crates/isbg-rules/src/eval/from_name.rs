//! Functions over an address in the display name of From that is not the sender's. Does not judge the name otherwise.

use crate::load::text::glob_matches;

use super::{Call, Function, capture};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("check_fromname_spoof", |call| {
        let facts = facts(call);
        let set = call.settings.other("fns_check").unwrap_or("1");
        let level = match call.argument(0) {
            level @ ("0" | "1" | "2") => level,
            _ => set,
        };
        let more = match level {
            "0" => true,
            "2" => facts.domain_differs,
            _ => facts.owner_differs,
        };
        facts.address_differs && more
    }),
    ("check_fromname_different", |call| facts(call).address_differs),
    ("check_fromname_domain_differ", |call| facts(call).domain_differs),
    ("check_fromname_contains_email", |call| facts(call).has_address),
    ("check_fromname_equals_to", |call| facts(call).is_recipient),
    ("check_fromname_owners_differ", |call| facts(call).owner_differs),
    ("check_fromname_equals_replyto", |call| facts(call).is_reply_to),
];

/// What is known of the name.
#[derive(Debug, Default)]
pub(super) struct FromName {
    has_address: bool,
    address_differs: bool,
    domain_differs: bool,
    owner_differs: bool,
    is_reply_to: bool,
    is_recipient: bool,
}

/// The address lists of owners begin so; the rest is the owner in lower case.
pub(crate) const OWNERS: &str = "FNS_";

fn facts<'a>(call: &'a Call<'_, '_>) -> &'a FromName {
    call.state.from_name.get_or_init(|| {
        let mut facts = FromName::default();
        look(call, &mut facts);
        facts
    })
}

/// `None`: there is no more to find out.
fn look(call: &Call<'_, '_>, facts: &mut FromName) -> Option<()> {
    let settings = call.settings;
    let ignoring = settings
        .other
        .iter()
        .filter(|(key, _)| key == "fns_ignore_headers");
    for header in ignoring.flat_map(|(_, value)| value.split_ascii_whitespace()) {
        if !matches!(call.header(header).as_slice(), b"" | b"0") {
            return None;
        }
    }
    let domain = |address: &[u8]| {
        let found = call.views.tlds().of_uri(&[b"mailto:", address].concat());
        found.map(|(domain, _)| domain)
    };
    let first = |selector: &str| {
        let value = call.values(selector).into_iter().next().unwrap_or_default();
        value.to_ascii_lowercase()
    };
    let from = first("From:addr");
    let from_domain = domain(&from)?;
    let name = first("From:name");
    let address = capture!(
        "\\b([\\w.!#$%&'*+/=?^`{|}~-]+@\\w[\\w-]*\\.\\w[\\w.-]++)\\b",
        &name
    )?;
    let address_domain = domain(address)?;
    facts.has_address = true;
    // The name must be little else than the address.
    let odd = |text: &[u8]| text.iter().filter(|b| !b.is_ascii_alphanumeric()).count();
    let rest = (name.len() + odd(&name)).saturating_sub(address.len() + odd(address));
    let most = settings
        .other("fns_extrachars")
        .and_then(|value| value.parse().ok());
    if rest > most.unwrap_or(50) {
        return None;
    }
    facts.address_differs = address != from;
    facts.domain_differs = address_domain != from_domain;
    facts.owner_differs = owner(call, address, &address_domain) != owner(call, &from, &from_domain);
    facts.is_reply_to = address == first("Reply-To:addr");
    facts.is_recipient = super::lists::receivers(call).iter().any(|to| to == address);
    Some(())
}

/// Whose an address is: by the lists, else the first label of its domain.
fn owner(call: &Call<'_, '_>, address: &[u8], domain: &[u8]) -> Vec<u8> {
    let user = address.split(|b| *b == b'@').next().unwrap_or_default();
    let registered = [user, b"@", domain].concat();
    for address in [address, &registered] {
        for (list, entries) in &call.settings.addresses {
            let Some(owner) = list.strip_prefix(OWNERS) else {
                continue;
            };
            if entries.iter().any(|glob| glob_matches(glob.as_bytes(), address)) {
                return owner.as_bytes().to_vec();
            }
        }
    }
    let label = domain.split(|b| *b == b'.').next().unwrap_or_default();
    if label.is_empty() {
        domain.to_vec()
    } else {
        label.to_vec()
    }
}
