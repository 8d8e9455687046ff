//! The links and pictures of a message: where they lead, measured against its sender. Does not follow them.

use isbg_message::views::Uri;

use super::link_shapes::{has_login, has_token, is_counted, is_disguised, is_numbered, is_redirector};
use super::sender::{Sender, sender};
use super::{Call, Function, brand, domain, fold, hosts};

pub(super) const FUNCTIONS: &[(&str, Function)] =
    &[("check_isbg_link", check), ("check_isbg_image", check_image)];

/// So much text is folded.
const TEXT_BYTES: usize = 30_000;
/// So many links are looked at, and so many bytes of each.
const LINKS: usize = 300;
const URL_BYTES: usize = 2_048;
/// A letter has no more links than this; a newsletter has.
const MANY: usize = 6;

/// A link.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// As it stands.
    pub url: String,
    /// Its host in lower case; empty for `mailto:` and whatever else has none.
    pub host: String,
    /// The same with the letters' case as it stands.
    pub written: String,
    /// What stands behind the host.
    pub path: String,
    /// What is shown for it.
    pub text: String,
}

/// What is worked out once for a message.
#[derive(Debug, Default)]
pub(super) struct Links {
    links: Vec<Link>,
    images: Vec<Link>,
}

impl Link {
    pub fn new(uri: &Uri) -> Self {
        let url = String::from_utf8_lossy(&uri.raw[..uri.raw.len().min(URL_BYTES)])
            .trim()
            .to_owned();
        let text = uri
            .anchor_text
            .iter()
            .map(|text| String::from_utf8_lossy(text))
            .collect::<Vec<_>>();
        let mut link = Self {
            text: text.join(" ").trim().to_owned(),
            ..Self::default()
        };
        let start = url.get(..8).unwrap_or(&url).to_ascii_lowercase();
        let rest = ["http://", "https://", "//"]
            .iter()
            .find(|scheme| start.starts_with(**scheme))
            .and_then(|scheme| url.get(scheme.len()..));
        if let Some(rest) = rest {
            let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
            let authority = &rest[..end];
            let host = authority.rsplit('@').next().unwrap_or_default();
            let port = host
                .rfind(':')
                .filter(|at| host[at + 1..].bytes().all(|b| b.is_ascii_digit()));
            link.written = host[..port.unwrap_or(host.len())].to_owned();
            link.host = link.written.to_lowercase();
            link.path = rest[end..].to_owned();
        }
        link.url = url;
        link
    }

    /// Whether it leads to neither the sender, nor a service that sends for others, nor a site that everybody links to.
    pub fn is_alien(&self, from: &Sender) -> bool {
        self.is_action(from) && !hosts::is_in(hosts::SENDING, &self.host) && !from.owns(&self.host)
    }

    /// Whether it leads anywhere but to a site that everybody links to.
    fn is_action(&self, from: &Sender) -> bool {
        !self.host.is_empty()
            && (!(hosts::is_in(hosts::NEUTRAL, &self.host) || brand::is_known(&self.host))
                || hosts::is_in(hosts::SHORTENERS, &self.host)
                || hosts::is_hosting(&self.host)
                || hosts::is_in(hosts::SHARED, &self.host)
                || is_redirector(self)
                || from.owns(&self.host))
    }
}

fn collect(call: &Call<'_, '_>) -> Links {
    let mut found = Links::default();
    let has = |uri: &Uri, kinds: &[&str]| uri.types.iter().any(|kind| kinds.contains(&kind.as_str()));
    for uri in call.views.html().flat_map(|html| &html.uris) {
        if has(uri, &["a", "area", "form"]) && found.links.len() < LINKS {
            found.links.push(Link::new(uri));
        }
        if has(uri, &["img", "body", "table", "td"]) && found.images.len() < LINKS {
            found.images.push(Link::new(uri));
        }
    }
    for uri in call.views.uris().list.iter().filter(|uri| has(uri, &["parsed"])) {
        let known = found.links.iter().any(|link| link.url.as_bytes() == uri.raw);
        if !known && !has(uri, &["a"]) && found.links.len() < LINKS {
            found.links.push(Link::new(uri));
        }
    }
    found
}

fn all<'a>(call: &'a Call<'_, '_>) -> &'a Links {
    call.state.links.get_or_init(|| collect(call))
}

/// Links of HTML and of text.
pub(super) fn links<'a>(call: &'a Call<'_, '_>) -> &'a [Link] {
    &all(call).links
}

/// Pictures.
pub(super) fn images<'a>(call: &'a Call<'_, '_>) -> &'a [Link] {
    &all(call).images
}

/// The beginning of the text, folded, with a blank at its end.
pub(super) fn text<'a>(call: &'a Call<'_, '_>) -> &'a str {
    call.state.folded.get_or_init(|| {
        let bytes = &call.state.body(call.views).text;
        fold::fold(&String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_BYTES)])) + " "
    })
}

fn check(call: &Call<'_, '_>) -> bool {
    let from = sender(call);
    let alien = |test: fn(&Link) -> bool| links(call).iter().any(|link| link.is_alien(from) && test(link));
    match call.argument(0) {
        "any" => links(call).iter().any(|link| !link.host.is_empty()),
        "alien" => alien(|_| true),
        "many" => links(call).iter().filter(|link| !link.host.is_empty()).count() > MANY,
        "docs" => {
            let mut actions = links(call).iter().filter(|link| link.is_action(from)).peekable();
            actions.peek().is_some() && actions.all(|link| hosts::is_in(hosts::SHARED, &link.host))
        }
        "foreign" => only_alien(call, from),
        "single" => only_alien(call, from) && organizations(call, from) == 1,
        "shortener" => alien(|link| hosts::is_in(hosts::SHORTENERS, &link.host)),
        "hosting" => alien(|link| hosts::is_hosting(&link.host)),
        "only_hosting" => {
            let own = |link: &&Link| link.is_action(from);
            let hidden =
                |link: &Link| hosts::is_hosting(&link.host) || hosts::is_in(hosts::SHORTENERS, &link.host);
            links(call).iter().any(|link| own(&link))
                && links(call)
                    .iter()
                    .filter(own)
                    .all(|link| hidden(link) && link.is_alien(from))
        }
        "redirector" => alien(is_redirector),
        "ip" => alien(|link| domain::is_ip(&link.host)),
        "numbered" => alien(|link| is_numbered(&link.host)),
        "cheap" => alien(|link| hosts::is_cheap(&link.host)),
        "random" => {
            alien(|link| link.written.split('.').any(domain::looks_random) && !hosts::is_hosting(&link.host))
        }
        "confusable" => alien(|link| link.host.split('.').any(is_disguised)),
        "port" => alien(|link| link.url.contains(&format!("{}:", link.written)) && !link.path.is_empty()),
        "wordpress" => alien(|link| {
            [
                "/wp-content/",
                "/wp-includes/",
                "/wp-admin/",
                "/.well-known/",
                "/cgi-bin/",
            ]
            .iter()
            .any(|part| link.path.contains(part))
        }),
        "login" => alien(has_login),
        "numeric" => alien(is_counted),
        "token" => alien(|link| has_token(&link.path)),
        "address" => alien(|link| {
            link.path
                .split_once('#')
                .is_some_and(|(_, fragment)| fragment.contains('@'))
        }),
        "text_other" => links(call)
            .iter()
            .any(|link| link.is_alien(from) && shows_other(link, from)),
        "free_mailto" => mailto(call, |host| {
            hosts::is_in(hosts::FREE_MAIL, host) && host != from.host
        }),
        "alien_mailto" => mailto(call, |host| host != from.host && !from.owns(host)),
        _ => false,
    }
}

/// There are links that lead somewhere, and none of them to the sender or a service that sends for him.
fn only_alien(call: &Call<'_, '_>, from: &Sender) -> bool {
    let mut actions = links(call).iter().filter(|link| link.is_action(from)).peekable();
    actions.peek().is_some() && actions.all(|link| link.is_alien(from))
}

fn organizations(call: &Call<'_, '_>, from: &Sender) -> usize {
    let found: std::collections::BTreeSet<&str> = links(call)
        .iter()
        .filter(|link| link.is_action(from))
        .map(|link| domain::organization(&link.host))
        .collect();
    found.len()
}

/// What is shown is the name of a site, and the link leads to another one.
fn shows_other(link: &Link, from: &Sender) -> bool {
    let shown = link.text.trim();
    if shown.contains(char::is_whitespace) || shown.contains('@') || shown.len() > 200 {
        return false;
    }
    let lower = shown.to_lowercase();
    let rest = lower
        .strip_prefix("https://")
        .or_else(|| lower.strip_prefix("http://"));
    let is_url = rest.is_some() || lower.starts_with("www.");
    let host = rest
        .unwrap_or(&lower)
        .split(['/', '?', '#', ':'])
        .next()
        .unwrap_or_default();
    is_url
        && host.contains('.')
        && !domain::related(domain::organization(host), domain::organization(&link.host))
        && !from.owns(host)
}

/// A link to write to a mailbox of which the test holds.
fn mailto(call: &Call<'_, '_>, test: impl Fn(&str) -> bool) -> bool {
    links(call).iter().any(|link| {
        let start = link.url.get(..7).unwrap_or_default();
        let address = link.url.get(7..).and_then(|rest| rest.split(['?', '&']).next());
        let host = address
            .and_then(|address| address.rsplit_once('@'))
            .map(|(_, host)| host.trim().to_lowercase());
        start.eq_ignore_ascii_case("mailto:") && host.is_some_and(|host| test(&host))
    })
}

fn check_image(call: &Call<'_, '_>) -> bool {
    let from = sender(call);
    let any = |test: fn(&Link) -> bool| {
        images(call)
            .iter()
            .any(|image| !from.owns(&image.host) && test(image))
    };
    match call.argument(0) {
        "free" => any(|image| hosts::is_in(hosts::IMAGE_HOSTS, &image.host)),
        "ip" => any(|image| domain::is_ip(&image.host)),
        "cheap" => any(|image| hosts::is_cheap(&image.host)),
        "any" => !images(call).is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(url: &str, text: &str) -> Link {
        Link::new(&Uri {
            raw: url.into(),
            anchor_text: vec![text.into()],
            ..Uri::default()
        })
    }

    #[test]
    fn hosts_and_paths() {
        for (url, host, path) in [
            (
                "HTTPS://User:x@WWW.Example.COM:8080/a?b#c",
                "www.example.com",
                "/a?b#c",
            ),
            ("//cdn.example.com/x", "cdn.example.com", "/x"),
            ("mailto:a@example.org", "", ""),
            ("https://", "", ""),
            ("http://ex\u{e4}mple.org", "ex\u{e4}mple.org", ""),
        ] {
            let link = link(url, "");
            assert_eq!((link.host.as_str(), link.path.as_str()), (host, path), "{url}");
        }
    }

    #[test]
    fn what_is_shown() {
        let from = Sender {
            own: vec!["shop.example".into()],
            ..Sender::default()
        };
        assert!(shows_other(
            &link("http://evil.example", "https://www.paypal.com/login"),
            &from
        ));
        for text in [
            "https://evil.example/x",
            "PayPal.com",
            "see www.paypal.com",
            "www.shop.example",
        ] {
            assert!(!shows_other(&link("http://evil.example", text), &from), "{text}");
        }
    }
}
