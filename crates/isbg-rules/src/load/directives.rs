//! Hands each directive to what understands it. Does not read lines or files.

use super::draft::Draft;
use super::lines::Kind;
use super::{features, known, lists, rules, settings, text};

/// Applies one directive.
pub fn apply(draft: &mut Draft, key: &str, value: &str, kind: Kind) {
    if kind == Kind::Prefs && !draft.prefs_unrestricted {
        if known::ADMINISTRATIVE.contains(&key) {
            return draft.error(format!("`{key}` is not allowed in user preferences"));
        }
        if known::PRIVILEGED.contains(&key) && !draft.allow_user_rules {
            return draft.error(format!("`{key}` needs `allow_user_rules 1` in the site's files"));
        }
    }
    let mut owners = features::bringing(key).peekable();
    if owners.peek().is_some() && !owners.any(|plugin| draft.is_loaded(plugin.name)) {
        return draft.error(format!("`{key}` belongs to a plugin that is not loaded"));
    }
    let done = rules::define(draft, key, value)
        || about_rules(draft, key, value)
        || lists::apply(draft, key, value)
        || settings::apply(draft, key, value);
    if done {
        return;
    }
    if known::OTHER_SETTINGS.contains(&key) || features::bringing(key).next().is_some() {
        draft.settings.other.push((key.to_owned(), value.to_owned()));
    } else {
        draft.error(format!("the directive `{key}` is not known"));
    }
}

/// Directives that say more about a rule; `false` if the key is none of them.
fn about_rules(draft: &mut Draft, key: &str, value: &str) -> bool {
    let (name, rest) = text::first_word(value);
    match key {
        "score" => {
            if let Err(message) = score(draft, name, rest) {
                draft.error(format!("{name}: {message}"));
            }
        }
        "describe" | "tflags" if rest.is_empty() => draft.error(format!("`{key}` needs a rule and a text")),
        "describe" => drop(draft.descriptions.insert(name.to_owned(), text::to_utf8(rest))),
        "tflags" => drop(draft.flags.insert(name.to_owned(), rest.to_owned())),
        "priority" => match rest.parse::<i32>() {
            Ok(priority) if text::is_rule_name(name) => {
                draft.priorities.insert(name.to_owned(), priority);
            }
            _ => draft.error("`priority` needs a rule and a whole number"),
        },
        "test" => {}
        "replace_start" | "replace_end" if value.is_empty() => draft.error(format!("`{key}` needs a text")),
        "replace_start" => value.clone_into(&mut draft.replace_start),
        "replace_end" => value.clone_into(&mut draft.replace_end),
        "replace_tag" => drop(draft.replace_tags.insert(name.to_owned(), rest.to_owned())),
        "replace_pre" => drop(
            draft
                .replace_around
                .insert(("pre", name.to_owned()), rest.to_owned()),
        ),
        "replace_inter" => drop(
            draft
                .replace_around
                .insert(("inter", name.to_owned()), rest.to_owned()),
        ),
        "replace_post" => drop(
            draft
                .replace_around
                .insert(("post", name.to_owned()), rest.to_owned()),
        ),
        "replace_rules" => draft.replace_rules.extend(text::words(value).map(str::to_owned)),
        _ => return false,
    }
    true
}

fn score(draft: &mut Draft, name: &str, value: &str) -> Result<(), String> {
    let words: Vec<&str> = text::words(value).collect();
    if words.len() != 1 && words.len() != 4 {
        return Err("a score is one number, or four".to_owned());
    }
    let mut relative = false;
    let mut numbers = Vec::with_capacity(4);
    for word in words {
        let inside = word.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        relative |= inside.is_some();
        numbers.push(number(inside.unwrap_or(word)).ok_or_else(|| format!("{word} is not a number"))?);
    }
    let mut scores = [0.0; 4];
    for (set, score) in scores.iter_mut().enumerate() {
        *score = numbers[if numbers.len() == 4 { set } else { 0 }];
    }
    if relative {
        let Some(before) = draft.scores.get(name) else {
            return Err("a score in parentheses needs an earlier score to add to".to_owned());
        };
        for (score, before) in scores.iter_mut().zip(before) {
            *score += before;
        }
    }
    draft.scores.insert(name.to_owned(), scores);
    Ok(())
}

/// Digits with an optional minus sign and fraction, as scores are written.
pub fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (plain(whole) && plain(fraction))
        .then(|| text.parse().ok())
        .flatten()
}
