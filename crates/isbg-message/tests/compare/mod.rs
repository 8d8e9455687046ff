//! Our views of a message as the oracle prints them, compared with what it printed. Knows no rule files.

use std::collections::BTreeSet;

use isbg_message::views::{Html, Lines, Part, Selector, Uri, Views};
use serde_json::{Map, Value, json};

/// Calls `report` with the name of each view, ours, and theirs.
pub fn compare(
    views: &Views<'_>,
    theirs: &Value,
    selectors: &[(String, Selector)],
    report: &mut dyn FnMut(&str, Value, Value),
) {
    for (name, selector) in selectors {
        let ours = views.get(selector).map_or(Value::Null, |value| text(&value));
        report(&format!("get {name}"), ours, theirs["get"][name].clone());
    }
    report("body", lines(views.body()), theirs["body"].clone());
    report("rawbody", lines(views.rawbody()), theirs["rawbody"].clone());
    report("full", text(views.full()), theirs["full"].clone());
    report(
        "header block",
        text(views.header_block()),
        theirs["header_block"].clone(),
    );
    let cleaned: BTreeSet<&[u8]> = views
        .uris()
        .list
        .iter()
        .flat_map(|uri| uri.cleaned.iter().map(|form| &form[..]))
        .collect();
    let cleaned: Vec<Value> = cleaned.into_iter().map(text).collect();
    report("uris", Value::Array(cleaned), theirs["uris"].clone());
    let mut detail: Vec<&Uri> = views.uris().list.iter().collect();
    detail.sort_by(|a, b| a.raw.cmp(&b.raw));
    report(
        "uri detail",
        detail.into_iter().map(uri).collect(),
        theirs["uri_detail"].clone(),
    );
    report(
        "parts",
        views.parts_in_order().map(part).collect(),
        theirs["parts"].clone(),
    );
    report("html", views.html().map(html).collect(), theirs["html"].clone());
    report("relays", relays(views), theirs["relays"].clone());
    report("flags", flags(views), theirs["flags"].clone());
}

fn relays(views: &Views<'_>) -> Value {
    let relays = views.relays();
    let field = |field: Option<usize>| field.map_or(-1, |field| field as i64);
    json!({
        "trusted": relays.trusted, "internal": relays.internal, "all": relays.all.len(),
        "unparseable": relays.unparseable, "last_trusted": field(relays.last_trusted_field),
        "last_internal": field(relays.last_internal_field),
    })
}

fn flags(views: &Views<'_>) -> Value {
    let flags = views.flags();
    let flags: Vec<&str> = [
        (flags.missing_head_body_separator, "missing_head_body_separator"),
        (flags.truncated_header, "truncated_header"),
        (flags.missing_mime_headers, "missing_mime_headers"),
        (
            flags.missing_mime_head_body_separator,
            "missing_mime_head_body_separator",
        ),
        (flags.mime_epilogue_exists, "mime_epilogue_exists"),
        (flags.mimepart_limit_exceeded, "mimepart_limit_exceeded"),
    ]
    .into_iter()
    .filter_map(|(set, name)| set.then_some(name))
    .collect();
    json!(flags)
}

/// Bytes as the oracle prints them: one character each.
fn text(bytes: &[u8]) -> Value {
    Value::String(bytes.iter().map(|byte| char::from(*byte)).collect())
}

fn texts(list: &[Vec<u8>]) -> Value {
    list.iter().map(|bytes| text(bytes)).collect()
}

fn sorted(list: &[Vec<u8>]) -> Value {
    let mut list = list.to_vec();
    list.sort();
    texts(&list)
}

fn lines(lines: &Lines) -> Value {
    lines.iter().map(text).collect()
}

fn uri(uri: &Uri) -> Value {
    let types: BTreeSet<&String> = uri.types.iter().collect();
    let hosts: Map<String, Value> = uri
        .hosts
        .iter()
        .map(|(host, domain)| (host.iter().map(|byte| char::from(*byte)).collect(), text(domain)))
        .collect();
    json!({
        "raw": text(&uri.raw), "types": types, "cleaned": sorted(&uri.cleaned), "hosts": hosts,
        "anchor_text": texts(&uri.anchor_text), "domains": sorted(&uri.domains),
    })
}

fn part(part: &Part) -> Value {
    let values = |name: &str| -> Value {
        part.headers
            .iter()
            .filter(|header| header.is(name.as_bytes()))
            .map(|header| text(header.decoded()))
            .collect()
    };
    let optional = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(Value::Null, |bytes| text(bytes));
    let mut value = json!({
        "type": part.kind, "effective_type": part.effective_type(), "name": optional(&part.name),
        "charset": optional(&part.charset), "leaf": i32::from(part.is_leaf),
        "headers": part.headers.iter().map(|header| text(&header.name)).collect::<Value>(),
        "content_type": values("content-type"), "disposition": values("content-disposition"),
    });
    if part.is_leaf {
        let opaque = ["image", "application", "video", "audio"]
            .iter()
            .any(|kind| part.kind.starts_with(kind));
        if !opaque {
            value["decoded"] = text(part.decoded());
        }
        value["rendered"] = part
            .rendered()
            .map_or(Value::Null, |rendered| text(&rendered.text.bytes()));
    }
    value
}

fn html(html: &Html) -> Value {
    let number = |number: Option<f64>| -> Value {
        let Some(number) = number else {
            return Value::Null;
        };
        let rounded: f64 = format!("{number:.8e}").parse().unwrap_or(number);
        if rounded.fract() == 0.0 {
            json!(rounded as i64)
        } else {
            json!(rounded)
        }
    };
    let whole = |number: usize| json!(html.html.then_some(number));
    let inside: Map<String, Value> = html
        .inside
        .iter()
        .map(|(tag, count)| (tag.iter().map(|byte| char::from(*byte)).collect(), json!(count)))
        .collect();
    let flag = |set: bool| json!(i32::from(set));
    json!({
        "image_area": number(html.html.then_some(html.image_area)), "length": whole(html.length), "html_length": whole(html.html_length),
        "non_space_len": whole(html.non_space_len), "ratio": number(html.ratio), "min_size": html.html.then_some(html.min_size),
        "max_size": html.html.then_some(html.max_size), "closed_extra_ratio": number(html.closed_extra_ratio),
        "bad_tag_ratio": number(html.bad_tag_ratio), "non_element_ratio": number(html.non_element_ratio),
        "obfuscation_ratio": number(html.obfuscation_ratio), "backhair_count": html.backhair_count,
        "font_low_contrast": flag(html.font_low_contrast), "font_invalid_color": flag(html.font_invalid_color),
        "font_face_bad": flag(html.font_face_bad), "form_action_mailto": flag(html.form_action_mailto),
        "embeds": flag(html.embeds), "uri_truncated": flag(html.uri_truncated), "comment": texts(&html.comment),
        "script": texts(&html.script), "title": texts(&html.title), "anchor": texts(&html.anchor), "inside": inside,

    })
}

/// Where two values first differ, and a little of both from there on.
pub fn first_difference(ours: &Value, theirs: &Value) -> String {
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            let at = ours.iter().zip(theirs).position(|(one, other)| one != other);
            let at = at.unwrap_or(ours.len().min(theirs.len()));
            let item = |list: &[Value]| list.get(at).cloned().unwrap_or(json!("(none)"));
            format!(
                "[{at} of {}/{}] {}",
                ours.len(),
                theirs.len(),
                first_difference(&item(ours), &item(theirs))
            )
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            let value = |map: &Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or(Value::Null);
            let differing = keys
                .into_iter()
                .find(|key| value(ours, key) != value(theirs, key));
            let key = differing.cloned().unwrap_or_default();
            format!(
                ".{key} {}",
                first_difference(&value(ours, &key), &value(theirs, &key))
            )
        }
        (Value::String(one), Value::String(other)) => {
            let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
            let at = one
                .iter()
                .zip(&other)
                .position(|(a, b)| a != b)
                .unwrap_or(one.len().min(other.len()));
            let near = |text: &[char]| -> String {
                text[at.saturating_sub(60).min(text.len())..(at + 60).min(text.len())]
                    .iter()
                    .collect()
            };
            format!(
                "@{at} of {}/{}\n    ours   {:?}\n    theirs {:?}",
                one.len(),
                other.len(),
                near(&one),
                near(&other)
            )
        }
        _ => {
            let clip = |value: &Value| value.to_string().chars().take(200).collect::<String>();
            format!("\n    ours   {}\n    theirs {}", clip(ours), clip(theirs))
        }
    }
}
