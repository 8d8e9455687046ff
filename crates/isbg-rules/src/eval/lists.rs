//! Functions over welcome lists, block lists and lists of URI hosts. Does not know how lists are written.

use std::collections::BTreeSet;

use isbg_message::views::{Networks, Relay};

use crate::load::text::{glob_matches, to_bytes};
use crate::ruleset::AddressList;

use super::{Call, Function, capture};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("check_from_in_blocklist", |call| {
        any_listed(call, "blocklist_from", senders(call))
    }),
    ("check_to_in_blocklist", |call| {
        any_listed(call, "blocklist_to", receivers(call))
    }),
    ("check_to_in_welcomelist", |call| {
        any_listed(call, "welcomelist_to", receivers(call))
    }),
    ("check_to_in_more_spam", |call| {
        any_listed(call, "more_spam_to", receivers(call))
    }),
    ("check_to_in_all_spam", |call| {
        any_listed(call, "all_spam_to", receivers(call))
    }),
    ("check_from_in_list", |call| {
        any_listed(call, call.argument(0), senders(call))
    }),
    ("check_to_in_list", |call| {
        any_listed(call, call.argument(0), receivers(call))
    }),
    ("check_replyto_in_list", |call| {
        let address = call.header("Reply-To:addr");
        !address.is_empty() && any_listed(call, call.argument(0), &[address])
    }),
    ("check_from_in_welcomelist", |call| welcome(call) > 0),
    ("check_forged_in_welcomelist", |call| {
        welcome(call) < 0 && default_welcome(call) == 0
    }),
    ("check_from_in_default_welcomelist", |call| {
        default_welcome(call) > 0
    }),
    ("check_forged_in_default_welcomelist", |call| {
        default_welcome(call) < 0 && welcome(call) == 0
    }),
    ("check_mailfrom_matches_rcvd", sender_matches_relay),
    ("check_uri_host_listed", |call| {
        enlisted(call).contains(call.argument(0))
    }),
    ("check_uri_host_in_blocklist", |call| {
        enlisted(call).contains("BLOCK")
    }),
    ("check_uri_host_in_welcomelist", |call| {
        enlisted(call).contains("WELCOME")
    }),
    ("check_subject_in_welcomelist", |call| {
        subject_listed(call, "welcomelist_subject")
    }),
    ("check_subject_in_blocklist", |call| {
        subject_listed(call, "blocklist_subject")
    }),
    ("have_any_bounce_relays", |call| {
        !call.settings.bounce_relays.is_empty()
    }),
    ("check_welcomelist_bounce_relays", bounce_relays),
];

/// Whether an address or host is in a list, ASCII case aside.
pub(super) fn is_listed(list: &AddressList, address: &[u8]) -> bool {
    let address = address.to_ascii_lowercase();
    list.iter().any(|glob| glob_matches(&to_bytes(glob), &address))
}

fn any_listed(call: &Call<'_, '_>, list: &str, addresses: &[Vec<u8>]) -> bool {
    let list = call.settings.addresses.get(list);
    list.is_some_and(|list| addresses.iter().any(|address| is_listed(list, address)))
}

/// All addresses the message claims to come from.
pub(super) fn senders<'a>(call: &'a Call<'_, '_>) -> &'a [Vec<u8>] {
    call.state.senders.get_or_init(|| {
        let resent = call.values("Resent-From:first:addr");
        if !resent.is_empty() {
            return unique(resent);
        }
        let fields = [
            "From",
            "Envelope-Sender",
            "Resent-Sender",
            "X-Envelope-From",
            "EnvelopeFrom",
        ];
        let all = fields
            .iter()
            .flat_map(|name| call.values(&format!("{name}:addr")));
        unique(
            all.filter(|address| !address.is_empty())
                .map(|address| single_dots(&address))
                .collect(),
        )
    })
}

fn single_dots(address: &[u8]) -> Vec<u8> {
    let mut out = address.to_vec();
    out.dedup_by(|b, a| *a == b'.' && *b == b'.');
    out
}

fn unique(addresses: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut seen = BTreeSet::new();
    addresses
        .into_iter()
        .filter(|address| seen.insert(address.clone()))
        .collect()
}

/// All addresses the message may be meant for.
pub(super) fn receivers<'a>(call: &'a Call<'_, '_>) -> &'a [Vec<u8>] {
    call.state.receivers.get_or_init(|| {
        let resent = ["Resent-To:first:addr", "Resent-Cc:first:addr"];
        let resent: Vec<Vec<u8>> = resent.iter().flat_map(|selector| call.values(selector)).collect();
        if !resent.is_empty() {
            return unique(resent);
        }
        let received = call.values("Received");
        let named = received
            .iter()
            .take(3)
            .filter_map(|line| capture!(" for <?(\\S+@\\S+?)>?;", line));
        let mut all: Vec<Vec<u8>> = named
            .filter(|address| has_full_host(address))
            .map(<[u8]>::to_vec)
            .collect();
        let fields = [
            "To",
            "Apparently-To",
            "Delivered-To",
            "Envelope-Recipients",
            "Apparently-Resent-To",
            "X-Envelope-To",
            "Envelope-To",
            "X-Delivered-To",
            "X-Original-To",
            "X-Rcpt-To",
            "X-Real-To",
            "Cc",
        ];
        all.extend(
            fields
                .iter()
                .flat_map(|name| call.values(&format!("{name}:addr"))),
        );
        unique(all)
    })
}

fn has_full_host(address: &[u8]) -> bool {
    let host = address.rsplit(|b| *b == b'@').next().unwrap_or_default();
    super::is_match!(
        "(?i)^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\\.?$",
        host
    )
}

fn welcome(call: &Call<'_, '_>) -> i8 {
    *call.state.welcome.get_or_init(|| {
        let list = call.settings.addresses.get("welcomelist_from");
        listed_by_relay(call, "welcomelist_from_rcvd", |address| {
            list.is_some_and(|list| is_listed(list, address))
        })
    })
}

fn default_welcome(call: &Call<'_, '_>) -> i8 {
    *call
        .state
        .default_welcome
        .get_or_init(|| listed_by_relay(call, "def_welcomelist_from_rcvd", |_| false))
}

/// 1 if a sender is listed and came from where the list says, -1 if listed but from elsewhere, else 0.
fn listed_by_relay(call: &Call<'_, '_>, list: &str, plainly: impl Fn(&[u8]) -> bool) -> i8 {
    let mut found = 0;
    for address in senders(call) {
        if plainly(address) {
            return 1;
        }
        match relayed(call, list, address) {
            1 => return 1,
            -1 => found = -1,
            _ => {}
        }
    }
    found
}

/// The hops that vouch for the sender: the first untrusted one, or all if all are trusted.
fn vouching<'v>(call: &'v Call<'_, '_>) -> &'v [Relay] {
    let untrusted = super::relay::untrusted(call);
    if untrusted.is_empty() {
        &call.views.relays().all
    } else {
        &untrusted[..1]
    }
}

fn relayed(call: &Call<'_, '_>, list: &str, address: &[u8]) -> i8 {
    let relays = vouching(call);
    let Some(list) = call.settings.relayed.get(list) else {
        return 0;
    };
    if relays.is_empty() {
        return 0;
    }
    let address = address.to_ascii_lowercase();
    let mut forged = false;
    for (glob, domains) in list {
        if !glob_matches(&to_bytes(glob), &address) {
            continue;
        }
        if domains
            .iter()
            .any(|domain| relays.iter().any(|relay| comes_from(relay, domain)))
        {
            return 1;
        }
        forged |= !domains.is_empty();
    }
    let exempt = call.settings.addresses.get("welcomelist_allows_relays");
    let exempt = exempt.is_some_and(|list| is_listed(list, &address));
    if forged && !exempt { -1 } else { 0 }
}

/// Whether a hop is of a domain, by its name, or by its address where the entry is `[address]` or `[network]/len`.
fn comes_from(relay: &Relay, entry: &str) -> bool {
    let Some((inside, length)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        let rdns = relay.rdns.to_ascii_lowercase();
        let rest = rdns.strip_suffix(entry.as_bytes());
        return rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(b"."));
    };
    if relay.ip.is_empty() {
        return false;
    }
    let numeric = length.is_empty() && inside.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if numeric {
        let network = format!("{}.", inside.trim_end_matches('.'));
        return relay.ip == inside.as_bytes() || relay.ip.starts_with(network.as_bytes());
    }
    let mut networks = Networks::default();
    networks.add(&format!("{inside}{length}")) && networks.contains(&relay.ip)
}

fn sender_matches_relay(call: &Call<'_, '_>) -> bool {
    let sender = call.header("EnvelopeFrom:addr");
    let Some(at) = sender.iter().rposition(|b| *b == b'@') else {
        return false;
    };
    let domain = sender[at + 1..].to_ascii_lowercase();
    let dotted = domain
        .iter()
        .enumerate()
        .any(|(at, b)| *b == b'.' && at > 0 && at + 1 < domain.len());
    let tlds = call.views.tlds();
    dotted
        && vouching(call)
            .iter()
            .filter(|relay| !relay.rdns.is_empty())
            .any(|relay| tlds.registered(&relay.rdns.to_ascii_lowercase()) == tlds.registered(&domain))
}

/// The names of the lists that a host of some URI is in.
fn enlisted<'a>(call: &'a Call<'_, '_>) -> &'a BTreeSet<String> {
    call.state.enlisted.get_or_init(|| {
        let mut found = BTreeSet::new();
        if call.settings.uri_hosts.is_empty() {
            return found;
        }
        let mail = |raw: &[u8]| {
            raw.get(..7)
                .is_some_and(|start| start.eq_ignore_ascii_case(b"mailto:"))
        };
        let uris = call.views.uris().list.iter().filter(|uri| !mail(&uri.raw));
        let hosts: BTreeSet<&[u8]> = uris
            .flat_map(|uri| uri.hosts.iter().map(|(host, _)| host.as_slice()))
            .collect();
        for host in hosts {
            let names = names_of(&String::from_utf8_lossy(host));
            for (list, entries) in &call.settings.uri_hosts {
                let verdict = names.iter().find_map(|name| entries.get(name.as_str()));
                if verdict == Some(&true) {
                    found.insert(list.clone());
                }
            }
        }
        found
    })
}

/// A host and the domains above it, nearest first; of long names the last eleven.
fn names_of(host: &str) -> Vec<String> {
    if let Some(literal) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return vec![literal.to_owned()];
    }
    if super::relay::is_ipv4(host.as_bytes()) {
        return vec![host.to_owned()];
    }
    let mut names = vec![host.to_owned()];
    let mut rest = host;
    while let Some((_, above)) = rest.split_once('.') {
        names.push(above.to_owned());
        rest = above;
    }
    let skip = names.len().saturating_sub(11);
    names.drain(..skip);
    names.retain(|name| !name.is_empty());
    names
}

fn subject_listed(call: &Call<'_, '_>, list: &str) -> bool {
    let subject = call.header("Subject").to_ascii_lowercase();
    let Some(list) = call.settings.subjects.get(list) else {
        return false;
    };
    // An entry may stand anywhere in the subject.
    !subject.is_empty()
        && list
            .iter()
            .any(|glob| glob_matches(&to_bytes(&format!("*{glob}*")), &subject))
}

/// Whether a Received field that a bounce quotes names one of the relays whose bounces are welcome.
fn bounce_relays(call: &Call<'_, '_>) -> bool {
    let relays = &call.settings.bounce_relays;
    if relays.is_empty() {
        return false;
    }
    let names = |text: &[u8]| {
        let mut words = text.split(|b| matches!(b, b' ' | b'\t'..=b'\r'));
        words.any(|word| {
            word.iter().rposition(|b| *b == b'.').is_some_and(|at| at > 0) && is_listed(relays, word)
        })
    };
    let quoted = |line: &[u8]| super::is_match!("(?i)^[> ]*Received:", line);
    if call.body().iter().any(|line| quoted(line) && names(line)) {
        return true;
    }
    let mut field: Vec<u8> = Vec::new();
    let mut begun = false;
    for line in call.views.pristine_body().split(|b| *b == b'\n') {
        begun |= quoted(line);
        if !begun {
            continue;
        }
        if line.first().is_some_and(|b| matches!(b, b' ' | b'\t'..=b'\r')) {
            if field.len() < 65_536 {
                field.extend_from_slice(line);
            }
        } else {
            field = line.to_vec();
        }
        if quoted(&field) && names(&field) {
            return true;
        }
    }
    false
}
