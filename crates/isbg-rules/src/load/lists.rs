//! Lists of addresses, hosts and domains. Does not know what they are for.

use super::draft::Draft;
use super::text;

/// Lists whose entries are plain address globs.
const ADDRESS_LISTS: &[&str] = &[
    "welcomelist_from",
    "welcomelist_allows_relays",
    "blocklist_from",
    "welcomelist_to",
    "more_spam_to",
    "all_spam_to",
    "blocklist_to",
    "welcomelist_auth",
    "def_welcomelist_auth",
    "welcomelist_from_spf",
    "def_welcomelist_from_spf",
];

/// Handles a list directive; `false` if the key is none.
pub fn apply(draft: &mut Draft, key: &str, value: &str) -> bool {
    let complete = !value.is_empty();
    let done = if ADDRESS_LISTS.contains(&key) {
        complete && add_addresses(draft, key, value)
    } else {
        match key {
            "unwelcomelist_from" => complete && remove_addresses(draft, &["welcomelist_from"], value),
            "unblocklist_from" => complete && remove_addresses(draft, &["blocklist_from"], value),
            "unwelcomelist_auth" => {
                complete && remove_addresses(draft, &["welcomelist_auth", "def_welcomelist_auth"], value)
            }
            "unwelcomelist_from_spf" => {
                complete
                    && remove_addresses(
                        draft,
                        &["welcomelist_from_spf", "def_welcomelist_from_spf"],
                        value,
                    )
            }
            "welcomelist_from_rcvd" | "def_welcomelist_from_rcvd" => relayed(draft, key, value, true),
            "welcomelist_from_dkim" | "def_welcomelist_from_dkim" => relayed(draft, key, value, false),
            "unwelcomelist_from_rcvd" => {
                complete
                    && remove_relayed(
                        draft,
                        &["welcomelist_from_rcvd", "def_welcomelist_from_rcvd"],
                        value,
                    )
            }
            "unwelcomelist_from_dkim" => {
                complete
                    && remove_relayed(
                        draft,
                        &["welcomelist_from_dkim", "def_welcomelist_from_dkim"],
                        value,
                    )
            }
            "enlist_addrlist" => named(value).is_some_and(|(list, rest)| add_addresses(draft, list, rest)),
            "enlist_uri_host" => named(value).is_some_and(|(list, rest)| add_hosts(draft, list, rest)),
            "delist_uri_host" => complete && remove_hosts(draft, value),
            "blocklist_uri_host" => complete && add_hosts(draft, "BLOCK", value),
            "welcomelist_uri_host" => complete && add_hosts(draft, "WELCOME", value),
            "util_rb_tld" => suffixes(draft, 1, value),
            "util_rb_2tld" => suffixes(draft, 2, value),
            "util_rb_3tld" => suffixes(draft, 3, value),
            "util_rb_4tld" => suffixes(draft, 4, value),
            "clear_util_rb" => {
                draft.settings.suffixes.clear();
                true
            }
            _ => match of_plugins(draft, key, value) {
                Some(done) => done,
                None => return false,
            },
        }
    };
    if !done {
        draft.error(format!("`{key}` has no valid value"));
    }
    true
}

/// The lists of plugins; `None` if the key is none.
fn of_plugins(draft: &mut Draft, key: &str, value: &str) -> Option<bool> {
    let complete = !value.is_empty();
    Some(match key {
        "fns_add_addrlist" => {
            named(value).is_some_and(|(list, rest)| add_addresses(draft, &owners(list), rest))
        }
        "fns_remove_addrlist" => {
            named(value).is_some_and(|(list, rest)| remove_addresses(draft, &[&owners(list)], rest))
        }
        "authres_networks" => {
            draft.settings.authres.networks = value.to_ascii_lowercase();
            matches!(
                draft.settings.authres.networks.as_str(),
                "internal" | "trusted" | "all"
            )
        }
        "authres_trusted_authserv" => {
            draft.settings.authres.trusted.extend(lower_words(value));
            complete
        }
        "authres_ignored_authserv" => {
            draft.settings.authres.ignored.extend(lower_words(value));
            complete
        }
        "freemail_domains" => {
            let (globs, domains): (Vec<String>, _) =
                lower_words(value).partition(|word| word.contains(['*', '?']));
            draft.settings.freemail_globs.extend(globs);
            draft.settings.freemail_domains.extend::<Vec<String>>(domains);
            complete
        }
        "freemail_welcomelist" => {
            draft.settings.freemail_welcomelist.extend(lower_words(value));
            complete
        }
        "welcomelist_bounce_relays" => {
            draft.settings.bounce_relays.extend(lower_words(value));
            complete
        }
        "uridnsbl_skip_domain" => {
            draft.settings.skipped_uri_domains.extend(lower_words(value));
            complete
        }
        "clear_uridnsbl_skip_domain" => {
            let skipped = &mut draft.settings.skipped_uri_domains;
            skipped.retain(|known| !lower_words(value).any(|domain| domain == *known));
            if !complete {
                skipped.clear();
            }
            true
        }
        "welcomelist_subject" | "blocklist_subject" => {
            let list = draft.settings.subjects.entry(key.to_owned()).or_default();
            list.insert(value.to_ascii_lowercase());
            complete
        }
        _ => return None,
    })
}

/// The address list of an owner of senders.
fn owners(name: &str) -> String {
    format!("{}{}", crate::eval::from_name::OWNERS, name.to_ascii_lowercase())
}

fn lower_words(value: &str) -> impl Iterator<Item = String> + '_ {
    text::words(value).map(str::to_ascii_lowercase)
}

/// `(NAME) value`.
fn named(value: &str) -> Option<(&str, &str)> {
    let (name, rest) = value.strip_prefix('(')?.split_once(')')?;
    let rest = rest.strip_prefix(text::is_space)?;
    (!name.is_empty() && !text::trim(rest).is_empty()).then(|| (name, text::trim(rest)))
}

fn add_addresses(draft: &mut Draft, list: &str, value: &str) -> bool {
    let list = draft.settings.addresses.entry(list.to_owned()).or_default();
    list.extend(lower_words(value));
    true
}

fn remove_addresses(draft: &mut Draft, lists: &[&str], value: &str) -> bool {
    for list in lists {
        if let Some(list) = draft.settings.addresses.get_mut(*list) {
            for address in lower_words(value) {
                list.remove(&address);
            }
        }
    }
    true
}

fn relayed(draft: &mut Draft, key: &str, value: &str, domain_needed: bool) -> bool {
    let words: Vec<String> = lower_words(value).collect();
    let (address, domain) = match &words[..] {
        [address, domain] => (address.clone(), domain.clone()),
        [address] if !domain_needed => (address.clone(), String::new()),
        _ => return false,
    };
    let list = draft.settings.relayed.entry(key.to_owned()).or_default();
    list.entry(address).or_default().push(domain);
    true
}

fn remove_relayed(draft: &mut Draft, lists: &[&str], value: &str) -> bool {
    for list in lists {
        if let Some(list) = draft.settings.relayed.get_mut(*list) {
            for address in lower_words(value) {
                list.remove(&address);
            }
        }
    }
    true
}

fn add_hosts(draft: &mut Draft, list: &str, value: &str) -> bool {
    let list = draft.settings.uri_hosts.entry(list.to_owned()).or_default();
    for host in lower_words(value) {
        match host.strip_prefix('!') {
            Some(exception) => list.insert(exception.to_owned(), false),
            None => list.insert(host, true),
        };
    }
    true
}

fn remove_hosts(draft: &mut Draft, value: &str) -> bool {
    let (only, hosts) = match named(value) {
        Some((list, hosts)) => (Some(list), hosts),
        None => (None, value),
    };
    for (name, list) in &mut draft.settings.uri_hosts {
        if only.is_none_or(|only| only == name) {
            for host in lower_words(hosts) {
                list.remove(host.trim_start_matches('!'));
            }
        }
    }
    true
}

fn suffixes(draft: &mut Draft, labels: u8, value: &str) -> bool {
    let well_formed = |word: &str| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.len() == usize::from(labels) && parts.iter().all(|part| !part.is_empty())
    };
    if value.is_empty() || !text::words(value).all(well_formed) {
        return false;
    }
    draft
        .settings
        .suffixes
        .entry(labels)
        .or_default()
        .extend(lower_words(value));
    true
}
