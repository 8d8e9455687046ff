//! Functions over the facts about HTML. Does not render.

use isbg_message::views::Html;

use super::{Call, Function, capture, charset};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("html_tag_balance", tag_balance),
    ("html_image_only", image_only),
    ("html_image_ratio", image_ratio),
    ("html_charset_faraway", charset_faraway),
    ("html_tag_exists", tag_exists),
    ("html_test", test),
    ("html_eval", eval),
    ("html_text_match", text_match),
    ("html_text_not_match", text_not_match),
    ("html_title_subject_ratio", title_subject_ratio),
    ("html_range", range),
    ("check_iframe_src", iframe),
];

/// `< 5`, `!= 0` and the like, with an optional sum of numbers on the right.
fn compare(value: f64, expression: &str) -> bool {
    let text = expression.trim();
    type Holds = fn(f64, f64) -> bool;
    let operators: [(&str, Holds); 6] = [
        ("<=", |a, b| a <= b),
        (">=", |a, b| a >= b),
        ("==", |a, b| a == b),
        ("!=", |a, b| a != b),
        ("<", |a, b| a < b),
        (">", |a, b| a > b),
    ];
    let found = operators
        .iter()
        .find_map(|(sign, holds)| Some((text.strip_prefix(sign)?, holds)));
    let Some((rest, holds)) = found else { return false };
    match crate::meta::parse(rest) {
        Ok(ops) => holds(value, crate::meta::evaluate(&ops, |_, _| 0.0)),
        Err(_) => false,
    }
}

fn tag_balance(call: &Call<'_, '_>) -> bool {
    let tag = call.argument(0).as_bytes();
    call.views
        .html()
        .filter_map(|html| html.inside.get(tag))
        .any(|open| compare(*open as f64, call.argument(1)))
}

fn tag_exists(call: &Call<'_, '_>) -> bool {
    let tag = call.argument(0).as_bytes();
    call.views.html().any(|html| html.inside.contains_key(tag))
}

fn image_only(call: &Call<'_, '_>) -> bool {
    let (min, max) = (call.number(0), call.number(1));
    call.views.html().any(|html| {
        let length = html.length as f64;
        html.inside.contains_key(&b"img"[..]) && length > min && length <= max
    })
}

fn image_ratio(call: &Call<'_, '_>) -> bool {
    let (min, max) = (call.number(0), call.number(1));
    call.views
        .html()
        .filter(|html| html.image_area > 0.0)
        .any(|html| {
            let ratio = html.non_space_len as f64 / html.image_area;
            ratio > min && ratio <= max
        })
}

fn charset_faraway(call: &Call<'_, '_>) -> bool {
    let Some(locales) = charset::locales(call.settings) else {
        return false;
    };
    let parts = call.views.parts().iter().filter(|part| part.html().is_some());
    parts
        .filter_map(|part| meta_charset(part.decoded()))
        .any(|name| !charset::is_expected(name, &locales))
}

/// The character set that the document itself names.
fn meta_charset(document: &[u8]) -> Option<&[u8]> {
    capture!(
        "(?i)<meta\\b[^>]*\\bcharset\\s*=\\s*[\"']?([^\"'\\s;>]+)",
        document
    )
}

/// A fact as a number; `None` where SpamAssassin leaves it undefined.
fn fact(html: &Html, name: &str) -> Option<f64> {
    let flag = |on: bool| on.then_some(1.0);
    if !html.html {
        // An empty document: nothing is known of it.
        return None;
    }
    match name {
        "html" => Some(1.0),
        "image_area" => Some(html.image_area),
        "length" => Some(html.length as f64),
        "html_length" => Some(html.html_length as f64),
        "non_space_len" => Some(html.non_space_len as f64),
        "ratio" => html.ratio,
        "min_size" => Some(html.min_size as f64),
        "max_size" => Some(html.max_size as f64),
        "closed_extra_ratio" => html.closed_extra_ratio,
        "bad_tag_ratio" => html.bad_tag_ratio,
        "non_element_ratio" => html.non_element_ratio,
        "obfuscation_ratio" => html.obfuscation_ratio,
        "backhair_count" => html.backhair_count.map(|count| count as f64),
        "font_low_contrast" => flag(html.font_low_contrast),
        "font_invalid_color" => flag(html.font_invalid_color),
        "font_face_bad" => flag(html.font_face_bad),
        "form_action_mailto" => flag(html.form_action_mailto),
        "embeds" => flag(html.embeds),
        "uri_truncated" => flag(html.uri_truncated),
        _ => None,
    }
}

fn test(call: &Call<'_, '_>) -> bool {
    call.views
        .html()
        .any(|html| fact(html, call.argument(0)).is_some_and(|value| value != 0.0))
}

fn eval(call: &Call<'_, '_>) -> bool {
    call.views
        .html()
        .filter_map(|html| fact(html, call.argument(0)))
        .any(|value| compare(value, call.argument(1)))
}

fn range(call: &Call<'_, '_>) -> bool {
    let (min, max) = (call.number(1), call.limit(2));
    call.views
        .html()
        .filter_map(|html| fact(html, call.argument(0)))
        .any(|value| value > min && max.is_none_or(|max| value <= max))
}

fn texts<'h>(html: &'h Html, name: &str) -> &'h [Vec<u8>] {
    match name {
        "comment" => &html.comment,
        "script" => &html.script,
        "title" => &html.title,
        "anchor" => &html.anchor,
        _ => &[],
    }
}

fn text_match(call: &Call<'_, '_>) -> bool {
    let mut texts = call.views.html().flat_map(|html| texts(html, call.argument(0)));
    texts.any(|text| call.matches(1, text))
}

fn text_not_match(call: &Call<'_, '_>) -> bool {
    let mut texts = call.views.html().flat_map(|html| texts(html, call.argument(0)));
    texts.any(|text| !call.matches(1, text))
}

fn title_subject_ratio(call: &Call<'_, '_>) -> bool {
    let subject = call.header("Subject").len();
    if subject == 0 {
        return false;
    }
    call.views.html().any(|html| {
        let longest = html
            .title
            .iter()
            .filter(|title| title.as_slice() != b"0")
            .map(Vec::len)
            .max();
        longest.unwrap_or(0) as f64 / subject as f64 > call.number(0)
    })
}

fn iframe(call: &Call<'_, '_>) -> bool {
    let mut uris = call.views.html().flat_map(|html| &html.uris);
    uris.any(|uri| uri.types.iter().any(|kind| kind == "iframe"))
}
