//! The conditions of `if` and `ifplugin` lines. Does not keep track of which block is open.

use crate::meta::{self, MetaError};

use super::features;

/// What conditions may ask about.
pub struct Facts<'a> {
    /// Short names of the plugins that are loaded.
    pub is_loaded: &'a dyn Fn(&str) -> bool,
    /// Names given by `enable_compat`.
    pub is_compat: &'a dyn Fn(&str) -> bool,
    /// Whether tests that need the network are off.
    pub local_tests_only: bool,
}

/// Whether a condition holds.
///
/// # Errors
/// If it is no expression, or uses a name that conditions do not know.
pub fn holds(text: &str, facts: &Facts<'_>) -> Result<bool, MetaError> {
    let ops = meta::parse(text)?;
    let mut unknown = None;
    let value = meta::evaluate(&ops, |name, argument| {
        let answer = match (name.as_str(), argument) {
            ("version", None) => Some(features::VERSION),
            ("perl_version", None) => Some(features::PERL_VERSION),
            ("local_tests_only", None) => Some(f64::from(u8::from(facts.local_tests_only))),
            ("plugin", Some(plugin)) => Some(f64::from(u8::from(loaded(plugin, facts)))),
            ("can" | "has", Some(feature)) => Some(f64::from(u8::from(can(feature, facts)))),
            _ => None,
        };
        answer.unwrap_or_else(|| {
            unknown.get_or_insert_with(|| name.clone());
            0.0
        })
    });
    match unknown {
        Some(name) => Err(MetaError::Token(name)),
        None => Ok(value != 0.0 && !value.is_nan()),
    }
}

fn loaded(plugin: &str, facts: &Facts<'_>) -> bool {
    // A plugin that was folded into the core; rule files still ask for it.
    if plugin.strip_prefix(features::PLUGIN) == Some("RaciallyCharged") {
        return true;
    }
    features::find(plugin).is_some_and(|plugin| (facts.is_loaded)(plugin.name))
}

fn can(feature: &str, facts: &Facts<'_>) -> bool {
    match feature.strip_prefix("Mail::SpamAssassin::Conf::compat_") {
        Some(name) => (facts.is_compat)(name),
        None => features::has(feature, facts.is_loaded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let facts = Facts {
            is_loaded: &|name| name == "HashBL",
            is_compat: &|name| name == "welcomelist_blocklist",
            local_tests_only: true,
        };
        for (text, expected) in [
            ("version >= 4.000000", true),
            ("(version < 4.0)", false),
            (
                "version > 3.003000 && !plugin(Mail::SpamAssassin::Plugin::DKIM)",
                true,
            ),
            ("plugin(Mail::SpamAssassin::Plugin::HashBL)", true),
            ("plugin (Mail::SpamAssassin::Plugin::HashBL)", true),
            ("can(Mail::SpamAssassin::Plugin::HashBL::has_hashbl_tag)", true),
            ("can(Mail::SpamAssassin::Plugin::URIDetail::has_host_key)", false),
            ("can(Mail::SpamAssassin::Conf::feature_bug6558_free)", true),
            (
                "!can(Mail::SpamAssassin::Conf::compat_welcomelist_blocklist)",
                false,
            ),
            ("has(Mail::SpamAssassin::Conf::no_such_thing)", false),
            ("local_tests_only", true),
            ("perl_version >= 5.010000", true),
        ] {
            assert_eq!(holds(text, &facts), Ok(expected), "{text}");
        }
        assert!(holds("something", &facts).is_err());
        assert!(holds("version >", &facts).is_err());
    }
}
