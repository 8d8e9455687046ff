//! Rules over the properties of each URI (`uri_detail`). Does not find URIs.

use std::sync::OnceLock;

use isbg_message::views::Uri;

use crate::load;
use crate::pattern::{Limit, Program};
use crate::ruleset::{Source, UriProperty};

use super::run::Run;

/// The compiled patterns of a rule, property by property.
pub(super) type Programs = Vec<OnceLock<Option<Program>>>;

/// Room for the compiled patterns.
pub(super) fn programs(properties: &[UriProperty]) -> Programs {
    properties.iter().map(|_| OnceLock::new()).collect()
}

impl Run<'_, '_, '_> {
    /// Whether there is a URI for which all the properties hold.
    pub(super) fn detail(&mut self, rule: usize, properties: &[UriProperty]) -> bool {
        let Some(programs) = self.matcher.details.get(&rule) else {
            return false;
        };
        for uri in &self.views.uris().list {
            let mut pairs = properties.iter().zip(programs);
            let holds = pairs.try_fold(true, |all, (property, program)| {
                let program = program.get_or_init(|| compiled(&property.pattern));
                match program {
                    Some(program) if all => property_holds(uri, property, program),
                    _ => Ok(false),
                }
            });
            match holds {
                Ok(true) => return true,
                Ok(false) => {}
                Err(limit) => self.limit(rule, limit),
            }
        }
        false
    }
}

fn compiled(source: &Source) -> Option<Program> {
    load::compile_with(source, |_| Vec::new()).ok().flatten()
}

/// Whether one of the texts of the property matches, or does not: there must be one.
fn property_holds(uri: &Uri, property: &UriProperty, program: &Program) -> Result<bool, Limit> {
    let texts: Vec<&[u8]> = match property.key.as_str() {
        "raw" => vec![&uri.raw],
        "type" => uri.types.iter().map(|kind| kind.as_bytes()).collect(),
        "cleaned" => uri.cleaned.iter().map(Vec::as_slice).collect(),
        "text" => uri.anchor_text.iter().map(Vec::as_slice).collect(),
        "domain" => uri.domains.iter().map(Vec::as_slice).collect(),
        "host" => uri.hosts.iter().map(|(host, _)| host.as_slice()).collect(),
        _ => Vec::new(),
    };
    for text in texts {
        if program.is_match(text)? != property.negated {
            return Ok(true);
        }
    }
    Ok(false)
}
