//! Functions over URIs and the texts of links. Does not find URIs.

use super::{Call, Function, capture, is_match};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("check_for_http_redirector", redirector),
    ("check_https_ip_mismatch", ip_mismatch),
    ("check_uri_truncated", |call| {
        call.views.uris().truncated || call.views.html().any(|html| html.uri_truncated)
    }),
    ("check_https_http_mismatch", http_mismatch),
];

fn redirector(call: &Call<'_, '_>) -> bool {
    let tlds = call.views.tlds();
    let domain = |host: &[u8]| tlds.registered(&host.to_ascii_lowercase());
    let uris = call.views.uris().list.iter().flat_map(|uri| &uri.cleaned);
    uris.into_iter().any(|uri| {
        let mut rest = uri.as_slice();
        loop {
            let Some(from) = capture!("(?i)^https?://([^/:?]+)", rest) else {
                return false;
            };
            let Some(inner) = capture!("(?i)^https?://[^/:?]+.+?(https?:/{0,2}[^/:?]+.*)$", rest) else {
                return false;
            };
            let to = capture!("(?i)^https?:/{0,2}([^/:?]+)", inner).unwrap_or_default();
            if domain(from) != domain(to) {
                return true;
            }
            rest = inner;
        }
    })
}

fn ip_mismatch(call: &Call<'_, '_>) -> bool {
    let mut uris = call.views.html().flat_map(|html| &html.uris);
    uris.any(|uri| {
        is_match!("(?i)^https?:/*(?:[^@/]+@)?\\d+\\.\\d+\\.\\d+\\.\\d+", &uri.raw)
            && uri.anchor_text.iter().any(|text| {
                !is_match!("(?i)^https:/*(?:[^@/]+@)?\\d+\\.\\d+\\.\\d+\\.\\d+", text)
                    && is_match!("(?i)https:", text)
            })
    })
}

fn is_address(host: &[u8]) -> bool {
    super::relay::is_ipv4(host) || host.contains(&b':')
}

fn http_mismatch(call: &Call<'_, '_>) -> bool {
    let least = if call.number(0) == 0.0 {
        1.0
    } else {
        call.number(0)
    };
    let tlds = call.views.tlds();
    call.views.html().any(|html| {
        let (mut hit, mut anchors) = (false, 0.0);
        for uri in html.uris.iter().filter(|uri| !uri.anchor_text.is_empty()) {
            let Some(host) = capture!("(?i)^https?://([^/:?#]+)", &uri.raw) else {
                continue;
            };
            let domain = tlds.registered(&host.to_ascii_lowercase());
            if is_address(host) || !tlds.is_valid(&domain) {
                continue;
            }
            anchors += 1.0;
            hit |= uri.anchor_text.iter().any(|text| {
                let Some(shown) = capture!("(?i)https://([^\\s/:?#]+)", text) else {
                    return false;
                };
                if is_address(shown) {
                    return true;
                }
                let shown = tlds.registered(&shown.to_ascii_lowercase());
                tlds.is_valid(&shown) && shown != domain
            });
        }
        hit && anchors >= least && call.limit(1).is_none_or(|max| anchors < max)
    })
}
