//! From the settings of a rule set to those of the views. Makes no view.

use isbg_message::views::{self, Tlds};

use crate::load;
use crate::pattern::Pattern;
use crate::ruleset::{RuleSet, Source};

/// The settings under which the views of a message are made.
pub(super) fn view_settings(rules: &RuleSet) -> views::Settings {
    let settings = &rules.settings;
    let suffixes = |labels: u8| {
        let known = settings.suffixes.get(&labels);
        known
            .into_iter()
            .flatten()
            .map(|name| load::text::to_bytes(name))
            .collect()
    };
    let networks = |configured: &crate::ruleset::Networks| {
        let mut networks = views::Networks::default();
        for entry in &configured.entries {
            networks.add(entry);
        }
        networks
    };
    let trust = views::Trust {
        trusted: settings
            .trusted_networks
            .configured
            .then(|| networks(&settings.trusted_networks)),
        internal: settings
            .internal_networks
            .configured
            .then(|| networks(&settings.internal_networks)),
        msa: networks(&settings.msa_networks),
    };
    views::Settings {
        trust,
        tlds: Tlds {
            top: suffixes(1),
            two: suffixes(2),
            three: suffixes(3),
        },
        redirectors: settings
            .redirector_patterns
            .iter()
            .filter_map(redirector)
            .collect(),
        envelope_sender_header: settings.envelope_sender_header.clone(),
        originating_ip_headers: settings.originating_ip_headers.clone(),
        body_part_scan_size: settings.body_part_scan_size,
        rawbody_part_scan_size: settings.rawbody_part_scan_size,
        parse_dkim_uris: settings.other("parse_dkim_uris") != Some("0"),
    }
}

/// A redirector pattern as a function: where its first group matched.
fn redirector(source: &Source) -> Option<views::Redirector> {
    let program = Pattern::plain(&source.text, source.flags)
        .ok()?
        .compile_with_groups()
        .ok()?;
    Some(std::sync::Arc::new(move |uri: &[u8]| program.first_group(uri)))
}
