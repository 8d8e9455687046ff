//! Turns what was read into the rule set: tags replaced, names resolved, scores and flags settled. Does not read.

use std::collections::{BTreeMap, HashMap};

use crate::lint::Severity;
use crate::meta::{self, Op};
use crate::ruleset::{HeaderTest, Rule, RuleSet, Source, Test, TestFlags, UriProperty};

use super::draft::{Draft, DraftTest, Place};
use super::pattern_source::{self, PatternFault, RawPattern};
use super::replace;

/// Finishes the draft.
pub fn finish(mut draft: Draft) -> RuleSet {
    let tests = std::mem::take(&mut draft.tests);
    let names: Vec<String> = tests.keys().cloned().collect();
    let index: HashMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(at, name)| (name.as_str(), at))
        .collect();
    let mut rules = Vec::with_capacity(tests.len());
    for (name, (test, place)) in &tests {
        let test = settled(&mut draft, name, test, place, &names, &index);
        rules.push(rule(&draft, name, test));
    }
    fix_priorities(&mut rules);
    inherit_net(&mut rules);
    RuleSet {
        rules,
        settings: draft.settings,
        lint: draft.lint,
        versions: draft.versions,
    }
}

fn rule(draft: &Draft, name: &str, test: Test) -> Rule {
    let flags = draft
        .flags
        .get(name)
        .map(|words| test_flags(words))
        .unwrap_or_default();
    let scores = draft.scores.get(name).copied().unwrap_or_else(|| {
        let size = if name.starts_with("T_") { 0.01 } else { 1.0 };
        [if flags.nice { -size } else { size }; 4]
    });
    let priority = match draft.priorities.get(name).copied().unwrap_or(0) {
        0 if flags.net => -100,
        other => other,
    };
    Rule {
        name: name.to_owned(),
        test,
        scores,
        flags,
        priority,
        description: draft.descriptions.get(name).cloned(),
    }
}

fn test_flags(words: &str) -> TestFlags {
    let mut flags = TestFlags::default();
    for word in super::text::words(words) {
        match word {
            "net" => flags.net = true,
            "nice" => flags.nice = true,
            "learn" => flags.learn = true,
            "userconf" => flags.user_configured = true,
            "noautolearn" => flags.no_autolearn = true,
            "autolearn_force" => flags.autolearn_force = true,
            "multiple" => flags.multiple = true,
            "domains_only" => flags.domains_only = true,
            "ips_only" => flags.ips_only = true,
            "a" => flags.a = true,
            "ns" => flags.ns = true,
            "notrim" => flags.notrim = true,
            "nosubject" => flags.no_subject = true,
            "concat" => flags.concat = true,
            other => {
                if let Some(most) = other.strip_prefix("maxhits=") {
                    flags.max_hits = most.parse().ok();
                } else if let Some(range) = other.strip_prefix("range=") {
                    flags.range = part_range(range);
                }
            }
        }
    }
    flags
}

/// `3`, `2-5`, `2-` or `-5`.
fn part_range(text: &str) -> Option<(u32, u32)> {
    let number = |text: &str, default| {
        if text.is_empty() {
            Some(default)
        } else {
            text.parse().ok()
        }
    };
    match text.split_once('-') {
        Some((first, last)) => Some((number(first, 0)?, number(last, 1000)?)),
        None => text.parse().ok().map(|only| (only, only)),
    }
}

fn settled(
    draft: &mut Draft,
    name: &str,
    test: &DraftTest,
    place: &Place,
    names: &[String],
    index: &HashMap<&str, usize>,
) -> Test {
    let result = match test {
        DraftTest::Header {
            selector,
            negated,
            if_unset,
            pattern,
        } => source(draft, name, pattern).map(|pattern| {
            Test::Header(HeaderTest {
                selector: selector.clone(),
                negated: *negated,
                if_unset: if_unset.clone(),
                pattern,
            })
        }),
        DraftTest::MimeHeader {
            selector,
            negated,
            if_unset,
            pattern,
        } => {
            // Tags are not replaced in these.
            pattern_source::finished(pattern, &pattern.body).map(|pattern| {
                Test::MimeHeader(HeaderTest {
                    selector: selector.clone(),
                    negated: *negated,
                    if_unset: if_unset.clone(),
                    pattern,
                })
            })
        }
        DraftTest::Text { view, pattern } => {
            source(draft, name, pattern).map(|pattern| Test::Text { view: *view, pattern })
        }
        DraftTest::UriDetail { properties } => properties
            .iter()
            .map(|(key, negated, pattern)| {
                let pattern = pattern_source::finished(pattern, &pattern.body)?;
                Ok(UriProperty {
                    key: key.clone(),
                    negated: *negated,
                    pattern,
                })
            })
            .collect::<Result<_, PatternFault>>()
            .map(Test::UriDetail),
        DraftTest::Exists { selector } => Ok(Test::Exists {
            selector: selector.clone(),
        }),
        DraftTest::Eval { view, call } => return eval(draft, name, *view, call, place),
        DraftTest::Meta { text } => return Test::Meta(meta(draft, name, text, place, names, index)),
        DraftTest::Network { directive, arguments } => Ok(Test::Network {
            directive: directive.clone(),
            arguments: arguments.clone(),
        }),
        DraftTest::Empty => Ok(Test::Empty),
        DraftTest::Unrunnable { reason } => Ok(Test::Unrunnable(reason.clone())),
    };
    let test = result.unwrap_or_else(|fault| Test::Unrunnable(fault.to_string()));
    if let Test::Unrunnable(reason) = &test {
        draft.note(
            place,
            Severity::Warning,
            format!("{name} cannot be run here: {reason}"),
        );
    }
    test
}

/// The pattern with its tags replaced; where the result is invalid, the pattern stays as it was written.
fn source(draft: &mut Draft, name: &str, raw: &RawPattern) -> Result<Source, PatternFault> {
    if !draft.replace_rules.contains(name) {
        return pattern_source::finished(raw, &raw.body);
    }
    let expanded = replace::expand(draft, &raw.body);
    match pattern_source::finished(raw, &expanded) {
        Err(fault @ PatternFault::Invalid(_)) => {
            draft.note(
                &Place::default(),
                Severity::Error,
                format!("{name}: with its tags replaced: {fault}"),
            );
            pattern_source::finished(raw, &raw.body)
        }
        other => other,
    }
}

fn eval(draft: &mut Draft, name: &str, view: crate::ruleset::EvalView, call: &str, place: &Place) -> Test {
    let (function, rest) = call.split_once('(').unwrap_or((call, ""));
    match arguments(rest.strip_suffix(')').unwrap_or(rest)) {
        Some(arguments) => {
            let function = super::lines::normal_key(function);
            Test::Eval {
                view,
                function,
                arguments,
            }
        }
        None => {
            draft.note(
                place,
                Severity::Error,
                format!("{name}: the arguments of `{call}` cannot be read"),
            );
            Test::Empty
        }
    }
}

/// Arguments: quoted texts, or bare words of letters, digits, points, colons and hyphens.
fn arguments(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = super::text::trim(text);
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let (argument, after) = match quote {
            Some(quote) => {
                let (inside, after) = rest[1..].split_once(quote)?;
                (inside, after)
            }
            None => {
                let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-');
                let len = rest.find(|c| !bare(c)).unwrap_or(rest.len());
                if len == 0 {
                    return None;
                }
                rest.split_at(len)
            }
        };
        found.push(argument.to_owned());
        let after = super::text::trim(after);
        rest = match after.strip_prefix(',') {
            Some(next) => super::text::trim(next),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(found)
}

fn meta(
    draft: &mut Draft,
    name: &str,
    text: &str,
    place: &Place,
    names: &[String],
    index: &HashMap<&str, usize>,
) -> Vec<Op<usize>> {
    let plain = without_rules_matching(text, |glob| {
        let found: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|other| *other != name && super::text::glob_matches(glob.as_bytes(), other.as_bytes()))
            .collect();
        if found.is_empty() {
            "0".to_owned()
        } else {
            found.join("+")
        }
    });
    let local = f64::from(u8::from(draft.local_tests_only));
    let ops = match meta::parse(&plain) {
        Ok(ops) => ops,
        Err(error) => {
            draft.note(place, Severity::Error, format!("{name}: {error}"));
            return vec![Op::Number(0.0)];
        }
    };
    let mut undefined = Vec::new();
    let ops = ops
        .into_iter()
        .map(|op| match op {
            Op::Name(other) if other == "local_tests_only" => Op::Number(local),
            Op::Name(other) => match index.get(other.as_str()) {
                Some(at) => Op::Name(*at),
                None => {
                    undefined.push(other);
                    Op::Number(0.0)
                }
            },
            Op::Number(number) => Op::Number(number),
            Op::Call(..) => Op::Number(0.0),
            Op::Not => Op::Not,
            Op::Negate => Op::Negate,
            Op::Binary(operator) => Op::Binary(operator),
            Op::Select => Op::Select,
        })
        .collect();
    if !undefined.is_empty() {
        let message = format!("{name} depends on what no rule defines: {}", undefined.join(", "));
        draft.note(place, Severity::Warning, message);
    }
    ops
}

/// Replaces each `rules_matching(glob)` by an expression, in parentheses.
pub fn without_rules_matching(text: &str, expression: impl Fn(&str) -> String) -> String {
    const FUNCTION: &str = "rules_matching(";
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(FUNCTION) {
        let inside = &rest[at + FUNCTION.len()..];
        let Some((glob, after)) = inside.split_once(')') else {
            break;
        };
        out.push_str(&rest[..at]);
        out.push_str(&format!(" ({}) ", expression(super::text::trim(glob))));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The rules a meta rule depends on.
pub fn dependencies(test: &Test) -> impl Iterator<Item = usize> + '_ {
    let ops: &[Op<usize>] = match test {
        Test::Meta(ops) => ops,
        _ => &[],
    };
    ops.iter().filter_map(|op| match op {
        Op::Name(at) => Some(*at),
        _ => None,
    })
}

/// What a meta rule depends on is evaluated no later than the rule itself.
fn fix_priorities(rules: &mut [Rule]) {
    let mut order: BTreeMap<(i32, usize), ()> = BTreeMap::new();
    for (at, rule) in rules.iter().enumerate() {
        order.insert((rule.priority, at), ());
    }
    for ((_, at), ()) in order {
        let base = rules[at].priority;
        let dependencies: Vec<usize> = dependencies(&rules[at].test).collect();
        for dependency in dependencies {
            let rule = &mut rules[dependency];
            if rule.priority > base {
                rule.priority = if rule.flags.net { base.max(-100) } else { base };
            }
        }
    }
}

/// A meta rule over a network rule is one itself.
fn inherit_net(rules: &mut [Rule]) {
    let inherits: Vec<usize> = (0..rules.len())
        .filter(|at| dependencies(&rules[*at].test).any(|other| rules[other].flags.net))
        .collect();
    for at in inherits {
        rules[at].flags.net = true;
    }
}
