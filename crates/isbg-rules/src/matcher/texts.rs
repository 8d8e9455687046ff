//! The texts that patterns are tried on, one by one. Does not know patterns.

use std::collections::BTreeSet;

use isbg_message::views::{Part, Views};

use crate::eval;
use crate::ruleset::View;

/// The value of a part's header as a MIME header rule sees it.
pub(super) fn part_header(part: &Part, selector: &str) -> Option<Vec<u8>> {
    let (name, raw) = match selector.strip_suffix(":raw") {
        Some(name) => (name, true),
        None => (selector, false),
    };
    if name == "ALL" {
        let lines = part.headers.iter().map(|header| {
            let value = if raw {
                header.raw.to_vec()
            } else {
                [&header.decoded()[..], b"\n"].concat()
            };
            [&header.name[..], if raw { b":" } else { b": " }, &value].concat()
        });
        return Some(lines.collect::<Vec<_>>().concat());
    }
    if raw {
        let last = part
            .headers
            .iter()
            .rev()
            .find(|header| header.is(name.as_bytes()));
        // An absent header is an empty text here.
        return Some(last.map(|header| header.raw.to_vec()).unwrap_or_default());
    }
    part.header(name).map(|value| [&value[..], b"\n"].concat())
}

/// Hands each text of a view to `each`; the URIs in the order of their bytes.
pub(super) fn for_each_text(views: &Views<'_>, state: &eval::State, view: View, each: &mut dyn FnMut(&[u8])) {
    match view {
        View::Body => state.body(views).iter().for_each(each),
        View::RawBody => views.rawbody().iter().for_each(each),
        View::Full => each(views.full()),
        View::Uri => {
            let uris: BTreeSet<&[u8]> = views
                .uris()
                .list
                .iter()
                .flat_map(|uri| uri.cleaned.iter().map(Vec::as_slice))
                .collect();
            uris.into_iter().for_each(each);
        }
    }
}
