//! Functions over the text of the message. Does not know headers.

use std::collections::{BTreeSet, HashMap};

use isbg_message::views::Part;

use super::{Call, Function, capture};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("multipart_alternative_difference", |call| {
        let difference = alternatives(call).difference;
        (call.number(0) == 0.0 || difference > call.number(0))
            && call.limit(1).is_none_or(|max| difference <= max)
    }),
    ("multipart_alternative_difference_count", |call| {
        let found = alternatives(call);
        found.html as f64 > call.number(1) && found.text as f64 / found.html as f64 > call.number(0)
    }),
    ("check_blank_line_ratio", blank_line_ratio),
    ("tvd_vertical_words", |call| {
        let share = vertical(call) as f64;
        let max = if call.number(1) >= 100.0 {
            101.0
        } else {
            call.number(1)
        };
        share >= call.number(0) && share < max
    }),
    ("check_stock_info", |call| {
        call.number(0) == 0.0 || stock_info(call) as f64 >= call.number(0)
    }),
    ("check_body_length", |call| {
        call.views.pristine_body().len() as f64 <= call.number(0)
    }),
    ("plaintext_body_length", |call| {
        plain_lengths(call).is_some_and(|(body, _)| within(call, body as f64))
    }),
    ("plaintext_sig_length", |call| {
        plain_lengths(call).is_some_and(|(_, sig)| within(call, sig as f64))
    }),
    ("plaintext_body_sig_ratio", |call| {
        let ratio = |(body, sig): (usize, usize)| if sig > 0 { body as f64 / sig as f64 } else { 1e6 };
        plain_lengths(call).is_some_and(|lengths| within(call, ratio(lengths)))
    }),
];

fn within(call: &Call<'_, '_>, value: f64) -> bool {
    value >= call.number(0) && call.limit(1).is_none_or(|max| value <= max)
}

/// How the text and the HTML of an alternative differ.
#[derive(Debug, Default)]
pub(super) struct Alternatives {
    /// Per cent of the HTML's words that the text lacks; of several alternatives the greatest.
    difference: f64,
    html: usize,
    text: usize,
}

fn alternatives<'a>(call: &'a Call<'_, '_>) -> &'a Alternatives {
    call.state.alternatives.get_or_init(|| {
        let mut found = Alternatives::default();
        let parts = call.views.parts();
        let order: Vec<&str> = call
            .views
            .parts_in_order()
            .map(|part| part.kind.as_str())
            .collect();
        if order == ["multipart/alternative", "text/html", "text/calendar"] {
            return found;
        }
        for part in parts.iter().filter(|part| is_alternative(&part.kind)) {
            one_alternative(parts, part, &mut found);
        }
        found
    })
}

fn is_alternative(kind: &str) -> bool {
    let rest = kind.strip_prefix("multipart/alternative");
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

fn one_alternative(parts: &[Part], part: &Part, found: &mut Alternatives) {
    let (mut html, mut text): (HashMap<String, i64>, HashMap<String, i64>) = Default::default();
    let mut pending: Vec<usize> = part.children.clone();
    while let Some(at) = pending.pop() {
        let Some(part) = parts.get(at) else { continue };
        pending.extend(&part.children);
        let Some(rendered) = part
            .rendered()
            .filter(|_| part.is_leaf && part.kind.starts_with("text"))
        else {
            continue;
        };
        let is_html = part.effective_type() == "text/html";
        let words = if is_html { &mut html } else { &mut text };
        let spoken = |word: &&str| word.chars().any(|c| c == '_' || c.is_alphanumeric());
        for word in rendered.text.text.split(char::is_whitespace).filter(spoken) {
            *words.entry(word.to_owned()).or_default() += 1;
        }
        let image = part
            .html()
            .is_some_and(|facts| facts.inside.contains_key(&b"img"[..]));
        if is_html && html.is_empty() && image {
            html.insert("\n".to_owned(), 1);
        }
    }
    if html.is_empty() {
        return;
    }
    (found.html, found.text) = (html.len(), text.len());
    let lacking = html
        .iter()
        .filter(|(word, count)| text.get(*word).is_none_or(|there| *count - there >= 1))
        .count();
    found.difference = found.difference.max(lacking as f64 / html.len() as f64 * 100.0);
}

fn blank_line_ratio(call: &Call<'_, '_>) -> bool {
    let (mut blank, mut lines) = (0usize, 0usize);
    for chunk in call.views.rawbody().iter() {
        let ended = chunk.is_empty() || chunk.ends_with(b"\n");
        for line in chunk.split_inclusive(|b| *b == b'\n') {
            lines += 1;
            blank += usize::from(line.iter().all(|b| matches!(b, b' ' | b'\t'..=b'\r')));
        }
        // What stands behind the last line end is a blank line too.
        lines += usize::from(ended);
        blank += usize::from(ended);
    }
    let least = call.number(2).max(1.0);
    let ratio = if (lines as f64) < least {
        -1.0
    } else {
        100.0 * blank as f64 / lines as f64
    };
    ratio <= call.number(1) && (call.number(0) == 0.0 || ratio > call.number(0))
}

/// The greatest share of blanks in a line, in per cent of its other bytes.
fn vertical(call: &Call<'_, '_>) -> i64 {
    *call.state.vertical.get_or_init(|| {
        let shares = call.body().iter().filter(|line| line.len() > 5).map(|line| {
            let blanks = line.iter().filter(|b| **b == b' ').count();
            let others = line.len() - blanks;
            if blanks > others || others == 0 {
                100
            } else {
                (100 * blanks / others) as i64
            }
        });
        shares.max().unwrap_or(-1)
    })
}

/// How many different things that are told of stocks stand before a colon.
fn stock_info(call: &Call<'_, '_>) -> usize {
    let part = call.views.parts_in_order().find(|part| part.kind == "text/plain");
    let Some(rendered) = part.and_then(Part::rendered) else {
        return 0;
    };
    let text = rendered.text.bytes();
    let mut found: BTreeSet<Vec<u8>> = BTreeSet::new();
    for line in text.split(|b| *b == b'\n') {
        let Some(label) = capture!("^\\s*([^:\\s][^:\\n]{2,29})\\s*:\\s*\\S", line) else {
            continue;
        };
        let letters: Vec<u8> = label
            .iter()
            .filter(|b| b.is_ascii_alphabetic())
            .map(u8::to_ascii_lowercase)
            .collect();
        let known = capture!(
            "(^trad(?:e|ing)date|company(?:name)?|s\\w?(?:t\\w?o\\w?c\\w?k|y\\w?m(?:\\w?b\\w?o\\w?l)?)|t(?:arget|icker)\
            |(?:opening|current)p(?:rice)?|p(?:rojected|osition)|expectations|weeks?high|marketperformance\
            |(?:year|week|month|day|price)(?:target|estimates?)|sector|r(?:ecommendation|ating))$",
            &letters
        );
        found.extend(known.map(<[u8]>::to_vec));
    }
    found.len()
}

/// Bytes before and after the signature mark of the first plain text part.
fn plain_lengths(call: &Call<'_, '_>) -> Option<(usize, usize)> {
    let part = call
        .views
        .parts_in_order()
        .find(|part| part.is_leaf && part.kind.starts_with("text/plain"))?;
    let text = part.decoded();
    let mut lengths = (text.len(), 0);
    let mut at = 0;
    for line in text.split_inclusive(|b| *b == b'\n') {
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        let end = at + bare.len();
        let mark = bare.strip_suffix(b"\r").unwrap_or(bare);
        if matches!(mark, b"--" | b"-- ") && text.len() - end > 4 {
            lengths = (at, text.len() - end);
        }
        at += line.len();
    }
    Some(lengths)
}
