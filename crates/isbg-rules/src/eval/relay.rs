//! Functions over the hops a message took. Does not parse Received fields.

use isbg_message::views::{Relay, is_private};

use super::{Call, Function, is_match};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("check_for_numeric_helo", numeric_helo),
    ("check_for_illegal_ip", |_| false),
    ("check_all_trusted", |call| {
        let relays = call.views.relays();
        relays.trusted > 0 && relays.trusted == relays.all.len() && relays.unparseable == 0
    }),
    ("check_no_relays", |call| {
        let relays = call.views.relays();
        relays.all.is_empty() && relays.unparseable == 0
    }),
    ("check_relays_unparseable", |call| {
        call.views.relays().unparseable > 0
    }),
    ("check_for_sender_no_reverse", sender_no_reverse),
    (
        "check_for_from_domain_in_received_headers",
        from_domain_in_received,
    ),
    ("check_for_forged_received_trail", |call| mismatches(call).0 > 1),
    ("check_for_forged_received_ip_helo", |call| mismatches(call).1 > 0),
    ("helo_ip_mismatch", helo_ip_mismatch),
    ("check_for_no_rdns_dotcom_helo", no_rdns_dotcom_helo),
];

/// The hops from the first that is not trusted on.
pub(super) fn untrusted<'v>(call: &'v Call<'_, '_>) -> &'v [Relay] {
    let relays = call.views.relays();
    relays.all.get(relays.trusted..).unwrap_or_default()
}

/// Four numbers of up to 255, without leading zeros, with points between, and nothing else.
pub(super) fn is_ipv4(text: &[u8]) -> bool {
    let parts: Vec<&[u8]> = text.split(|b| *b == b'.').collect();
    parts.len() == 4
        && parts.iter().all(|part| {
            let text = std::str::from_utf8(part).unwrap_or("x");
            let plain = part.len() == 1 || part.first() != Some(&b'0');
            plain && part.iter().all(u8::is_ascii_digit) && text.parse::<u8>().is_ok()
        })
}

fn numeric_helo(call: &Call<'_, '_>) -> bool {
    untrusted(call)
        .iter()
        .any(|relay| is_ipv4(&relay.helo) && !is_private(&relay.helo))
}

fn sender_no_reverse(call: &Call<'_, '_>) -> bool {
    let last = untrusted(call).last();
    last.is_some_and(|relay| relay.rdns.contains(&b'.') && !relay.ip_private)
}

fn from_domain_in_received(call: &Call<'_, '_>) -> bool {
    let domain = call.argument(0).to_ascii_lowercase();
    let wanted = call.argument(1) == "true";
    let from = String::from_utf8_lossy(&call.header("From:addr")).to_ascii_lowercase();
    if !from.contains(&domain) {
        return false;
    }
    let ends = |host: &[u8]| {
        let host = String::from_utf8_lossy(host).to_ascii_lowercase();
        host.strip_suffix(&domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with(['.', '-']))
    };
    let found = call
        .views
        .relays()
        .all
        .iter()
        .any(|relay| ends(&relay.rdns) && ends(&relay.by));
    found == wanted
}

fn helo_ip_mismatch(call: &Call<'_, '_>) -> bool {
    let public = |ip: &[u8]| is_ipv4(ip) && !is_private(ip);
    untrusted(call).iter().any(|relay| {
        let network = relay
            .helo
            .iter()
            .rposition(|b| *b == b'.')
            .map_or(0, |dot| dot + 1);
        public(&relay.helo) && public(&relay.ip) && !relay.ip.starts_with(&relay.helo[..network])
    })
}

fn no_rdns_dotcom_helo(call: &Call<'_, '_>) -> bool {
    // The last of the hops with a name decides.
    let hops = untrusted(call).iter().filter(|relay| !relay.ip_private);
    let mut found = false;
    for relay in hops {
        let big = is_match!(
            "(?i)(?:\\.|^)(?:lycos\\.com|lycos\\.co\\.uk|hotmail\\.com|localhost\\.com|excite\\.com|caramail\\.com\
            |cs\\.com|aol\\.com|msn\\.com|yahoo\\.com|drizzle\\.com)$",
            &relay.helo
        );
        found = big && relay.no_reverse_dns;
    }
    found
}

/// The last labels of a host name: two if the last one is long or usual enough, else three.
fn domain_of(host: &[u8]) -> Vec<u8> {
    let host = host.to_ascii_lowercase();
    if !host.iter().any(u8::is_ascii_alphabetic) {
        return host;
    }
    let mut labels: Vec<&[u8]> = host.split(|b| *b == b'.').collect();
    while labels.last().is_some_and(|label| label.is_empty()) {
        labels.pop();
    }
    let last = labels.last().copied().unwrap_or_default();
    let usual = |label: &[u8]| {
        [&b"ie"[..], b"fr", b"de"]
            .iter()
            .any(|known| label.windows(2).any(|pair| pair == *known))
    };
    let long = last
        .split(|b| b.is_ascii_whitespace())
        .any(|word| word.len() >= 3);
    let keep = if labels.len() > 1 && (long || usual(last)) {
        2
    } else if labels.len() > 2 {
        3
    } else {
        return host.clone();
    };
    labels[labels.len() - keep..].join(&b'.')
}

/// How often neighbouring hops contradict each other: by name, and by an address in HELO.
fn mismatches(call: &Call<'_, '_>) -> (usize, usize) {
    let is_host = |name: &[u8]| is_match!("^\\w+(?:[\\w.-]+\\.)+\\w+$", name);
    let relays = untrusted(call);
    let (mut by_name, mut by_address) = (0, 0);
    let mut previous: Option<Vec<u8>> = None;
    for relay in relays {
        let by = domain_of(&relay.by);
        let mut from = Some(domain_of(&relay.rdns));
        if is_host(&by) {
            let local = from
                .as_deref()
                .is_some_and(|from| matches!(from, b"localhost" | b"localhost.localdomain"));
            if local && relay.ip == b"127.0.0.1" {
                from = None;
            }
            let class = |ip: &[u8]| {
                ip.split(|b| *b == b'.')
                    .take(2)
                    .map(<[u8]>::to_vec)
                    .collect::<Vec<_>>()
            };
            let helo = domain_of(&relay.helo);
            if is_ipv4(&helo) && is_ipv4(&relay.ip) && class(&helo) != class(&relay.ip) && !is_private(&helo)
            {
                by_address += 1;
            }
            if let Some(previous) = &previous {
                let known = by == b"msn.com" && previous == b"hotmail.com";
                by_name += usize::from(is_host(previous) && by != *previous && !known);
            }
        }
        previous = from;
    }
    (by_name, by_address)
}
