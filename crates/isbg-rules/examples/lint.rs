//! Loads rule directories and prints what was found wrong, and how many rules of each kind there are.

use std::collections::BTreeMap;

use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};
use isbg_rules::ruleset::Test;

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths = std::env::args_os().skip(1).map(Into::into).collect();
    let rules = load(&Sources::of(paths))?;
    for lint in &rules.lint {
        println!("{lint}");
    }
    let matcher = Matcher::new(rules, Mode::default())?;
    for (rule, error) in matcher.compile_all() {
        println!("{}: {error}", matcher.rules().rules[rule].name);
    }
    for (rule, reason) in matcher.unknown() {
        println!("{}: {reason}", matcher.rules().rules[*rule].name);
    }
    let rules = matcher.rules();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in &rules.rules {
        let kind = match &rule.test {
            Test::Header(_) => "header",
            Test::Exists { .. } => "exists",
            Test::MimeHeader(_) => "mimeheader",
            Test::Text { .. } => "text",
            Test::Eval { .. } => "eval",
            Test::Meta(_) => "meta",
            Test::UriDetail(_) => "uri_detail",
            Test::Network { .. } => "network",
            Test::Empty => "empty",
            Test::Unrunnable(_) => "unrunnable",
        };
        *kinds.entry(kind).or_default() += 1;
    }
    println!("{} rules: {kinds:?}", rules.rules.len());
    Ok(())
}
