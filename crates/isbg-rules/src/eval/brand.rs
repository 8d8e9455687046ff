//! Whether a message borrows a well-known name: in the sender's name, in the text's signature, or in a link. Does not know
//! whether the sender was authenticated; a rule combines that.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::brand_table::{ABOUT, BESIDE, BRANDS, Brand};
use super::sender::{Sender, sender};
use super::{Call, Function, domain, fold, hosts, links};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[("check_isbg_brand", check)];

/// What stands behind a name where its owner speaks of itself.
const SPEAKS: [&str; 9] = [
    "team",
    "account",
    "support team",
    "security team",
    "customer service",
    "inc",
    "konto",
    "kundenservice",
    "kundendienst",
];

/// Names to be found, and the place of each one's brand in the table. Without an automaton nothing is found.
struct Names {
    automaton: Option<AhoCorasick>,
    places: Vec<usize>,
}

impl Names {
    /// Where in a text names stand, with their brands.
    fn find<'t>(&'t self, text: &'t str) -> impl Iterator<Item = (&'static Brand, Range<usize>)> + 't {
        let found = self
            .automaton
            .iter()
            .flat_map(move |automaton| automaton.find_overlapping_iter(text));
        found.filter_map(|found| {
            let place = self.places.get(found.pattern().as_usize())?;
            Some((BRANDS.get(*place)?, found.range()))
        })
    }
}

/// All names.
static NAMES: LazyLock<Names> =
    LazyLock::new(|| names(|brand, name| (!brand.common).then(|| name.to_owned())));

/// The longer names without blanks, as hosts have them.
static LABELS: LazyLock<Names> = LazyLock::new(|| {
    names(|brand, name| {
        let label = name.replace(' ', "");
        (!brand.common && label.len() >= 6).then_some(label)
    })
});

fn names(form: fn(&Brand, &str) -> Option<String>) -> Names {
    let (mut names, mut places) = (Vec::new(), Vec::new());
    for (at, brand) in BRANDS.iter().enumerate() {
        for name in brand.names.iter().filter_map(|name| form(brand, name)) {
            names.push(name);
            places.push(at);
        }
    }
    Names {
        automaton: AhoCorasick::new(&names).ok(),
        places,
    }
}

fn check(call: &Call<'_, '_>) -> bool {
    let from = sender(call);
    match call.argument(0) {
        "name" => from.borrows,
        "path" => path_elsewhere(from),
        "name_lookalike" => {
            named(from).is_some_and(|brand| !is_owner(brand, &from.host) && has_label(brand, &from.host))
        }
        "subject" => in_subject(call, from),
        "signature" => signed(call, from),
        "link" => link_host(call, from),
        "image" => image(call, from),
        _ => false,
    }
}

/// The brand whose name stands in the sender's name.
fn named(from: &Sender) -> Option<&'static Brand> {
    let name = from.folded.as_str();
    if name.is_empty() || name.split(' ').any(|word| ABOUT.contains(&word)) {
        return None;
    }
    BRANDS
        .iter()
        .find(|brand| brand.names.iter().any(|known| is_name(brand, known, name)))
}

fn is_name(brand: &Brand, known: &str, name: &str) -> bool {
    if !fold::has_words(name, known) {
        return false;
    }
    !brand.common
        || name.split(' ').all(|word| {
            known.split(' ').any(|part| part == word) || BESIDE.contains(&word) || word.len() == 1
        })
}

/// Whether a brand stands in the sender's name, and the sender's domain has nothing of it.
pub(super) fn is_borrowed(from: &Sender) -> bool {
    from.count > 0
        && named(from).is_some_and(|brand| !is_owner(brand, &from.host) && !has_label(brand, &from.host))
}

/// The sender's domain is a brand's, and bounces go to neither the brand nor a service that sends for others. What a
/// forwarder has put in the path says so.
fn path_elsewhere(from: &Sender) -> bool {
    let owner = BRANDS
        .iter()
        .find(|brand| hosts::is_in(brand.domains, &from.host));
    owner.is_some_and(|brand| {
        from.has_path
            && !from.is_forwarded
            && !from.is_free_mail()
            && !is_owner(brand, &from.path_host)
            && !has_label(brand, &from.path_host)
            && !hosts::is_in(hosts::SENDING, &from.path_host)
            && !domain::related(
                domain::organization(&from.path_host),
                domain::organization(&from.host),
            )
    })
}

/// Whether a host belongs to any of the brands.
pub(super) fn is_known(host: &str) -> bool {
    BRANDS.iter().any(|brand| hosts::is_in(brand.domains, host))
}

/// Whether a host is the brand's: in its list, or its name under another country's domain.
fn is_owner(brand: &Brand, host: &str) -> bool {
    if hosts::is_in(brand.domains, host) {
        return true;
    }
    let label = domain::label(host).replace('-', "");
    !hosts::is_cheap(host) && brand.names.iter().any(|name| name.replace(' ', "") == label)
}

/// Whether a name of the brand is a part of the host's labels.
fn has_label(brand: &Brand, host: &str) -> bool {
    brand.names.iter().any(|name| {
        let name = name.replace(' ', "");
        host.split(['.', '-'])
            .any(|label| label == name || (name.len() >= 6 && label.contains(&name)))
            || host.replace('-', "").contains(&name) && name.len() >= 8
    })
}

fn is_from(brand: &Brand, from: &Sender) -> bool {
    from.own
        .iter()
        .any(|own| is_owner(brand, own) || has_label(brand, own))
        || is_owner(brand, &from.host)
}

/// A brand that is no common word stands in the subject, and the mail is not the brand's.
fn in_subject(call: &Call<'_, '_>, from: &Sender) -> bool {
    let Some(subject) = call.views.header("Subject") else {
        return false;
    };
    let subject = fold::fold(&String::from_utf8_lossy(subject));
    NAMES.find(&subject).any(|(brand, range)| {
        let name = subject.get(range).unwrap_or_default();
        fold::has_words(&subject, name) && !is_from(brand, from)
    })
}

/// The text speaks as the brand (`the … team`, `your … account`, `© …`), no link leads to the brand, and neither does the
/// sender's domain. Mail that quotes another message is left out: its text is somebody else's.
fn signed(call: &Call<'_, '_>, from: &Sender) -> bool {
    let text = links::text(call);
    if [
        "forwarded message",
        "original message",
        "weitergeleitete nachricht",
        "message transfere",
    ]
    .iter()
    .any(|mark| fold::has_words(text, mark))
    {
        return false;
    }
    NAMES.find(text).any(|(brand, range)| {
        let before = text.get(..range.start).unwrap_or_default();
        let after = text.get(range.end..).unwrap_or_default();
        let is_word = (before.is_empty() || before.ends_with(' ')) && after.starts_with(' ');
        let after = after.trim_start();
        let speaks = SPEAKS.iter().any(|words| {
            let rest = after.strip_prefix(words);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        is_word
            && speaks
            && (before.ends_with("the ") || before.ends_with("your ") || after.starts_with("team"))
            && !is_from(brand, from)
            && !links::links(call).iter().any(|link| is_owner(brand, &link.host))
    })
}

/// A link's host has a brand's name in it and is neither the brand's nor the sender's.
fn link_host(call: &Call<'_, '_>, from: &Sender) -> bool {
    links::links(call)
        .iter()
        .filter(|link| link.is_alien(from))
        .any(|link| {
            LABELS.find(&link.host).next().is_some()
                && !BRANDS.iter().any(|brand| is_owner(brand, &link.host))
        })
}

/// Pictures are taken from the servers of a brand that is not the sender and that no link leads to.
fn image(call: &Call<'_, '_>, from: &Sender) -> bool {
    const SERVERS: &[&str] = &[
        "fbcdn.net",
        "msauth.net",
        "msftauth.net",
        "logincdn.msauth.net",
        "microsoftonline.com",
        "office.net",
        "docusign.net",
        "media-amazon.com",
        "ssl-images-amazon.com",
        "paypalobjects.com",
        "nflxext.com",
        "dhl.com",
        "fedex.com",
        "cdn-apple.com",
        "mzstatic.com",
        "trustwallet.com",
        "metamask.io",
        "ledger.com",
        "coinbase.com",
        "bradesco",
        "bb.com.br",
        "licdn.com",
        "ups.com",
        "usps.com",
    ];
    links::images(call)
        .iter()
        .any(|image| hosts::is_in(SERVERS, &image.host) && !from.owns(&image.host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(name: &str, host: &str) -> Sender {
        Sender {
            count: 1,
            name: name.into(),
            folded: fold::fold(name),
            host: host.into(),
            own: vec![domain::organization(host).into()],
            ..Sender::default()
        }
    }

    #[test]
    fn borrowed_names() {
        for (name, host, is) in [
            ("PayPal Service", "mail.example.com", true),
            ("PayPal", "paypal.com", false),
            ("PayPal", "e.paypal.de", false),
            ("PayPal", "paypal.xyz", false),
            ("P\u{430}yP\u{430}l", "example.com", true),
            ("Team for Microsoft account", "example.org", true),
            ("Microsoft", "accountprotection.microsoft.com", false),
            ("Anna Apple", "example.org", false),
            ("Apple", "example.org", true),
            ("Apple Support", "example.org", true),
            ("Ripple Rewards", "example.org", true),
            ("Spotify via Zendesk", "zendesk.com", false),
            ("Groups at Example", "example.org", false),
            ("DHL Paket", "dhl-news.de", false),
            ("Tesla Owners Club", "example.org", false),
            ("", "example.org", false),
        ] {
            assert_eq!(is_borrowed(&from(name, host)), is, "{name} {host}");
        }
    }

    #[test]
    fn owners() {
        let paypal = BRANDS
            .iter()
            .find(|brand| brand.names.contains(&"paypal"))
            .unwrap();
        assert!(
            is_owner(paypal, "paypal.fr")
                && is_owner(paypal, "mail.paypal.com")
                && !is_owner(paypal, "paypal.top")
        );
        assert!(has_label(paypal, "paypal.com.example.org") && has_label(paypal, "my-paypal.example"));
    }
}
