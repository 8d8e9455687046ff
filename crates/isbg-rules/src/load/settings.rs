//! Settings with a single value or a list of networks. Does not know rules or address lists.

use isbg_types::Score;

use crate::ruleset::Networks;

use super::draft::Draft;
use super::pattern_source;
use super::text;

/// Handles a setting; `false` if the key is none that has a meaning of its own.
pub fn apply(draft: &mut Draft, key: &str, value: &str) -> bool {
    if is_missing(key, value) {
        draft.error(format!("`{key}` needs a value"));
        return true;
    }
    let settings = &mut draft.settings;
    match key {
        "required_score" | "required_hits" => {
            match super::directives::number(value).and_then(Score::from_points) {
                Some(score) => settings.required_score = score,
                None => draft.error("`required_score` needs a number"),
            }
        }
        "ok_locales" => value.clone_into(&mut settings.ok_locales),
        "trusted_networks" => networks(&mut settings.trusted_networks, value),
        "internal_networks" => networks(&mut settings.internal_networks, value),
        "msa_networks" => networks(&mut settings.msa_networks, value),
        "clear_trusted_networks" => settings.trusted_networks = Networks::default(),
        "clear_internal_networks" => settings.internal_networks = Networks::default(),
        "clear_msa_networks" => settings.msa_networks = Networks::default(),
        "originating_ip_headers" => {
            for header in text::words(value) {
                let known = &mut settings.originating_ip_headers;
                if !known.iter().any(|other| other.eq_ignore_ascii_case(header)) {
                    known.push(header.to_owned());
                }
            }
        }
        "clear_originating_ip_headers" => settings.originating_ip_headers.clear(),
        "envelope_sender_header" => settings.envelope_sender_header = Some(value.to_owned()),
        "always_trust_envelope_sender" | "normalize_charset" | "allow_user_rules" => flag(draft, key, value),
        "body_part_scan_size" | "rawbody_part_scan_size" => match value.parse() {
            Ok(bytes) if key == "body_part_scan_size" => settings.body_part_scan_size = bytes,
            Ok(bytes) => settings.rawbody_part_scan_size = bytes,
            Err(_) => draft.error(format!("`{key}` needs a number of bytes")),
        },
        "redirector_pattern" => redirector(draft, value),
        "loadplugin" | "tryplugin" => {
            let (name, _) = text::first_word(value);
            draft.load_plugin(name, key == "tryplugin");
        }
        "enable_compat" => drop(draft.compat.insert(value.to_owned())),
        _ => return false,
    }
    true
}

fn is_missing(key: &str, value: &str) -> bool {
    let valued = [
        "required_score",
        "required_hits",
        "ok_locales",
        "trusted_networks",
        "internal_networks",
        "msa_networks",
        "originating_ip_headers",
        "envelope_sender_header",
        "redirector_pattern",
        "loadplugin",
        "tryplugin",
        "enable_compat",
    ];
    value.is_empty() && valued.contains(&key)
}

fn networks(networks: &mut Networks, value: &str) {
    networks.configured = true;
    networks.entries.extend(text::words(value).map(str::to_owned));
}

fn flag(draft: &mut Draft, key: &str, value: &str) {
    let on = match value.to_ascii_lowercase().as_str() {
        "1" | "yes" => true,
        "0" | "no" => false,
        _ => return draft.error(format!("`{key}` is 1 or 0")),
    };
    match key {
        "always_trust_envelope_sender" => draft.settings.always_trust_envelope_sender = on,
        "normalize_charset" => draft.settings.normalize_charset = on,
        _ => draft.allow_user_rules = on,
    }
}

fn redirector(draft: &mut Draft, value: &str) {
    let read = pattern_source::read(value).and_then(|raw| pattern_source::finished(&raw, &raw.body));
    match read {
        Ok(source) => draft.settings.redirector_patterns.push(source),
        Err(fault) => draft.error(fault.to_string()),
    }
}
