//! The directives that define rules. Does not know scores or flags.

use crate::meta;
use crate::pattern;
use crate::ruleset::{EvalView, View};

use super::draft::{Draft, DraftTest};
use super::pattern_source::{self, PatternFault, RawPattern};
use super::text;

/// SpamAssassin refuses longer names.
const MAX_NAME: usize = 100;
/// What header selectors may be modified by.
const MODIFIERS: &[&str] = &[
    "raw", "addr", "name", "host", "domain", "ip", "revip", "first", "last",
];

/// Handles `key NAME value`; `false` if the key defines no rule.
pub fn define(draft: &mut Draft, key: &str, value: &str) -> bool {
    let (name, value) = text::first_word(value);
    let defined = match key {
        "header" => header(draft, name, value),
        "body" => text_rule(draft, name, value, View::Body),
        "rawbody" => text_rule(draft, name, value, View::RawBody),
        "full" => text_rule(draft, name, value, View::Full),
        "uri" => pattern_rule(draft, name, value, View::Uri),
        "meta" => meta_rule(draft, name, value),
        "mimeheader" => mime_header(draft, name, value),
        "uri_detail" => uri_detail(draft, name, value),
        "askdns" | "uridnsbl" | "uridnssub" | "urirhsbl" | "urirhssub" | "urinsrhsbl" | "urinsrhssub"
        | "urifullnsrhsbl" | "urifullnsrhssub" => network(draft, key, name, value),
        "reuse" => {
            if text::is_rule_name(name) && !draft.tests.contains_key(name) {
                add(draft, name, DraftTest::Empty);
            }
            Ok(())
        }
        _ => return false,
    };
    if let Err(message) = defined {
        draft.error(format!("{name}: {message}"));
    }
    true
}

type Defined = Result<(), String>;

fn add(draft: &mut Draft, name: &str, test: DraftTest) {
    let place = draft.place.clone();
    draft.tests.insert(name.to_owned(), (test, place));
    draft.priorities.entry(name.to_owned()).or_insert(0);
}

fn check_name(name: &str, value: &str) -> Defined {
    if !text::is_rule_name(name) {
        return Err("a rule's name is made of letters, digits and underscores".to_owned());
    }
    if name.len() > MAX_NAME {
        return Err("the name is longer than 100 characters".to_owned());
    }
    if value.is_empty() {
        return Err("the definition is missing".to_owned());
    }
    Ok(())
}

/// Reads a pattern; where it is valid and cannot be run, the rule is kept as one that cannot be run.
fn pattern_or_unrunnable(draft: &mut Draft, name: &str, text: &str) -> Result<Option<RawPattern>, String> {
    match pattern_source::read(text) {
        Ok(raw) => {
            if let Some(why) = pattern::always_matches(&text::to_bytes(&raw.body)) {
                draft.warning(format!("{name}: the pattern always matches: {why}"));
            }
            if raw.captures_names() {
                draft.priorities.insert(name.to_owned(), -10_000);
            }
            Ok(Some(raw))
        }
        Err(fault @ PatternFault::Invalid(_)) => Err(fault.to_string()),
        Err(fault @ PatternFault::Unrunnable(_)) => {
            add(
                draft,
                name,
                DraftTest::Unrunnable {
                    reason: fault.to_string(),
                },
            );
            Ok(None)
        }
    }
}

impl RawPattern {
    /// Whether it captures for other rules: a group whose name begins with a capital letter.
    fn captures_names(&self) -> bool {
        ["(?<", "(?P<", "(?'", "(?P'"].iter().any(|opening| {
            self.body.match_indices(opening).any(|(at, _)| {
                self.body
                    .as_bytes()
                    .get(at + opening.len())
                    .is_some_and(u8::is_ascii_uppercase)
            })
        })
    }
}

fn header(draft: &mut Draft, name: &str, value: &str) -> Defined {
    check_name(name, value)?;
    if let Some(call) = value
        .strip_prefix("eval:")
        .or_else(|| value.strip_prefix("rbleval:"))
    {
        let is_rbl = call.starts_with("check_rbl") || call.starts_with("check_dns");
        return eval(
            draft,
            name,
            call,
            if is_rbl { EvalView::Rbl } else { EvalView::Header },
        );
    }
    if let Some(selector) = value.strip_prefix("exists:") {
        let selector = selector.strip_suffix(':').unwrap_or(selector);
        if !is_selector_text(selector) || selector.contains(':') {
            return Err("that is no header name".to_owned());
        }
        add(
            draft,
            name,
            DraftTest::Exists {
                selector: selector.to_owned(),
            },
        );
        return Ok(());
    }
    let (selector, negated, rest) = comparison(value)?;
    let selector = checked_selector(selector)?;
    let (pattern, if_unset) = without_if_unset(rest);
    if let Some(pattern) = pattern_or_unrunnable(draft, name, pattern)? {
        add(
            draft,
            name,
            DraftTest::Header {
                selector,
                negated,
                if_unset,
                pattern,
            },
        );
    }
    Ok(())
}

fn is_selector_text(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':');
    !text.is_empty() && text.bytes().all(allowed)
}

fn checked_selector(selector: &str) -> Result<String, String> {
    let selector = selector.strip_suffix(':').unwrap_or(selector);
    if !is_selector_text(selector) {
        return Err("that is no header name".to_owned());
    }
    let mut parts = selector.split(':');
    parts.next();
    for modifier in parts {
        let modifier = modifier.to_ascii_lowercase();
        if !MODIFIERS.contains(&modifier.as_str()) {
            return Err(format!("the header modifier `:{modifier}` does not exist"));
        }
    }
    Ok(selector.to_owned())
}

/// Splits `selector =~ pattern` or `selector !~ pattern`.
fn comparison(value: &str) -> Result<(&str, bool, &str), String> {
    let found = [("=~", false), ("!~", true)]
        .into_iter()
        .filter_map(|(operator, negated)| Some((value.find(operator)?, negated)))
        .min();
    let Some((at, negated)) = found else {
        return Err("write it as `Header =~ /pattern/`".to_owned());
    };
    let selector = text::trim(&value[..at]);
    let rest = text::trim(&value[at + 2..]);
    if rest.is_empty() || selector.contains(text::is_space) {
        return Err("write it as `Header =~ /pattern/`".to_owned());
    }
    Ok((selector, negated, rest))
}

/// Takes a trailing `[if-unset: text]` off.
fn without_if_unset(text: &str) -> (&str, Option<Vec<u8>>) {
    let split = text.strip_suffix(']').and_then(|inside| {
        let at = inside.find("[if-unset:")?;
        let before = &inside[..at];
        let value = text::trim(&inside[at + "[if-unset:".len()..]);
        let spaced = before.ends_with(text::is_space);
        (spaced && !value.is_empty()).then(|| (text::trim(before), text::to_bytes(value)))
    });
    match split {
        Some((pattern, value)) => (pattern, Some(value)),
        None => (text, None),
    }
}

fn text_rule(draft: &mut Draft, name: &str, value: &str, view: View) -> Defined {
    let Some(call) = value.strip_prefix("eval:") else {
        return pattern_rule(draft, name, value, view);
    };
    check_name(name, value)?;
    let view = match view {
        View::Body => EvalView::Body,
        View::RawBody => EvalView::RawBody,
        View::Full | View::Uri => EvalView::Full,
    };
    eval(draft, name, call, view)
}

fn pattern_rule(draft: &mut Draft, name: &str, value: &str, view: View) -> Defined {
    check_name(name, value)?;
    if let Some(pattern) = pattern_or_unrunnable(draft, name, value)? {
        add(draft, name, DraftTest::Text { view, pattern });
    }
    Ok(())
}

fn eval(draft: &mut Draft, name: &str, call: &str, view: EvalView) -> Defined {
    let call = text::trim(call);
    let function = call.split('(').next().unwrap_or_default();
    let is_word = !function.is_empty() && function.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !is_word || !call.ends_with(')') || !call.contains('(') {
        return Err("write it as `eval:function(arguments)`".to_owned());
    }
    add(
        draft,
        name,
        DraftTest::Eval {
            view,
            call: call.to_owned(),
        },
    );
    Ok(())
}

fn meta_rule(draft: &mut Draft, name: &str, value: &str) -> Defined {
    check_name(name, value)?;
    let stars = value.replace(text::is_space, "");
    if stars.contains("**") {
        return Err("`**` is not an operator".to_owned());
    }
    let plain = super::finish::without_rules_matching(value, |_| "0".to_owned());
    let ops = meta::parse(&plain).map_err(|error| error.to_string())?;
    if ops.iter().any(|op| matches!(op, meta::Op::Call(..))) {
        return Err("functions do not belong into a meta rule".to_owned());
    }
    if meta::evaluate(&ops, |_, _| 0.0).is_nan() {
        return Err(meta::MetaError::DivisionByZero.to_string());
    }
    add(
        draft,
        name,
        DraftTest::Meta {
            text: value.to_owned(),
        },
    );
    Ok(())
}

fn mime_header(draft: &mut Draft, name: &str, value: &str) -> Defined {
    check_name(name, value)?;
    let (selector, negated, rest) = comparison(value)?;
    let selector = selector.strip_suffix(':').unwrap_or(selector);
    let header = selector.strip_suffix(":raw").unwrap_or(selector);
    if header.is_empty() || header.contains(':') {
        return Err("that is no header name".to_owned());
    }
    let (pattern, if_unset) = without_if_unset(rest);
    let selector = selector.to_owned();
    if let Some(pattern) = pattern_or_unrunnable(draft, name, pattern)? {
        // An absent header is tested as an empty text.
        add(
            draft,
            name,
            DraftTest::MimeHeader {
                selector,
                negated,
                if_unset,
                pattern,
            },
        );
    }
    Ok(())
}

fn uri_detail(draft: &mut Draft, name: &str, value: &str) -> Defined {
    check_name(name, value)?;
    // Several lines of one rule add up; of one property the last counts.
    let mut properties = match draft.tests.get(name) {
        Some((DraftTest::UriDetail { properties }, _)) => properties.clone(),
        _ => Vec::new(),
    };
    for condition in split_conditions(value) {
        let (key, negated, pattern) = comparison(condition)?;
        if !matches!(key, "raw" | "type" | "cleaned" | "text" | "domain" | "host") {
            return Err(format!("the property {key} does not exist"));
        }
        match pattern_or_unrunnable(draft, name, pattern)? {
            Some(pattern) => {
                properties.retain(|(known, ..)| known != key);
                properties.push((key.to_owned(), negated, pattern));
            }
            None => return Ok(()),
        }
    }
    add(draft, name, DraftTest::UriDetail { properties });
    Ok(())
}

/// Splits `key =~ /a/ key !~ /b/` where the next key with its operator begins.
fn split_conditions(value: &str) -> Vec<&str> {
    let starts: Vec<usize> = value
        .char_indices()
        .filter(|(at, _)| *at == 0 || value[..*at].ends_with(text::is_space))
        .map(|(at, _)| at)
        .filter(|at| {
            let rest = &value[*at..];
            let word = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
            let after = rest[word..].trim_start_matches(text::is_space);
            word > 0 && (after.starts_with("=~") || after.starts_with("!~"))
        })
        .collect();
    let ends = starts.iter().skip(1).copied().chain([value.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| text::trim(&value[*start..end]))
        .collect()
}

fn network(draft: &mut Draft, key: &str, name: &str, value: &str) -> Defined {
    check_name(name, value)?;
    if key != "askdns" {
        // The rule itself is a `body` rule as a rule.
        let list = (key.to_owned(), value.to_owned());
        draft.settings.uri_lists.insert(name.to_owned(), list);
        if draft.tests.contains_key(name) {
            return Ok(());
        }
    }
    add(
        draft,
        name,
        DraftTest::Network {
            directive: key.to_owned(),
            arguments: value.to_owned(),
        },
    );
    Ok(())
}
