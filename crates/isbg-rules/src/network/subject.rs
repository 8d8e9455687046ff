//! What network rules look at in a message, taken out of it once: relays, senders, hosts of links. Does not know what
//! is asked about them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use isbg_message::views::{self, Relay, Selector, Uri, Views};
use isbg_types::auth::{Spf, SpfRequest};

use crate::ruleset::Settings;

use super::names;
use super::told::Told;

/// So many hosts of links are looked at unless `uridnsbl_max_domains` says otherwise.
const MOST_HOSTS: usize = 20;
/// And never more than this.
const MOST_HOSTS_EVER: usize = 100;

/// The selectors that are taken of every message.
const ALWAYS: &[&str] = &[
    "From:addr",
    "Envelope-Sender:addr",
    "Resent-Sender:addr",
    "X-Envelope-From:addr",
    "EnvelopeFrom:addr",
    "Resent-From:first:addr",
    "EnvelopeFrom:first:addr:host",
    "EnvelopeFrom:addr:host",
    "From:addr:host",
    "Accreditor",
];

/// A hop, as far as network rules care. Empty: not told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hop {
    pub ip: Option<IpAddr>,
    pub by: String,
    pub helo: String,
    pub rdns: String,
}

/// What network rules look at in one message.
#[derive(Debug, Default)]
pub struct Subject {
    /// Public addresses of relays that are not trusted, the newest first.
    pub(super) untrusted: Vec<IpAddr>,
    /// Public addresses of relays that are not internal, the newest first.
    pub(super) external: Vec<IpAddr>,
    /// Addresses in the headers that tell where web mail was written.
    pub(super) originating: Vec<IpAddr>,
    /// The relay that delivered to the first internal one.
    pub(super) last_external: Option<Hop>,
    /// The relay furthest away.
    pub(super) furthest: Option<Hop>,
    /// Hosts of links with the registered domain of each.
    pub(super) hosts: Vec<(String, String)>,
    /// Values by selector.
    pub(super) values: BTreeMap<String, Vec<String>>,
    /// What an internal relay wrote about SPF.
    pub(super) told: Told,
    /// The sender of the envelope as SPF is to see it. `None`: not known.
    pub(super) sender: Option<String>,
}

impl Subject {
    /// Takes a message's; `selectors` are those that rules name.
    pub(super) fn of(views: &Views<'_>, settings: &Settings, selectors: &BTreeSet<String>) -> Self {
        let relays = views.relays();
        let of_hop = |relay: &Relay| Hop {
            ip: address(&relay.ip),
            by: lossy(&relay.by),
            helo: lossy(&relay.helo),
            rdns: lossy(&relay.rdns),
        };
        let untrusted = relays.all.get(relays.trusted..).unwrap_or_default();
        let external = relays
            .all
            .get(relays.internal.min(relays.trusted)..)
            .unwrap_or_default();
        let last_external = relays.all.get(relays.internal);
        let wanted = ALWAYS.iter().copied().chain(selectors.iter().map(String::as_str));
        let mut subject = Self {
            untrusted: public(untrusted.iter().filter_map(|relay| address(&relay.ip))),
            external: public(external.iter().filter_map(|relay| address(&relay.ip))),
            originating: originating(views, settings),
            last_external: last_external.map(of_hop),
            furthest: untrusted.last().map(of_hop),
            hosts: hosts(views, settings),
            values: wanted
                .map(|selector| (selector.to_owned(), values(views, selector)))
                .collect(),
            told: Told::default(),
            sender: last_external
                .and_then(|relay| relay.envfrom.as_deref())
                .map(|sender| lossy(sender).to_ascii_lowercase()),
        };
        if settings.other("ignore_received_spf_header") != Some("1") {
            let newest_first = settings.other("use_newest_received_spf_header") == Some("1");
            subject.told = Told::read(&values(views, "ALL-INTERNAL"), newest_first);
        }
        if subject.sender.is_none() && (relays.trusted == 0 || settings.always_trust_envelope_sender) {
            let sender = subject.values("EnvelopeFrom:addr").first();
            subject.sender = sender.map(|sender| sender.to_ascii_lowercase());
        }
        subject
    }

    /// The values of a selector; none where no rule had named it.
    pub(super) fn values(&self, selector: &str) -> &[String] {
        self.values.get(selector).map_or(&[], Vec::as_slice)
    }

    /// The addresses of the authors, in lower case.
    pub(super) fn authors(&self) -> Vec<String> {
        let authors = self.values("From:addr").iter();
        authors.map(|author| author.to_ascii_lowercase()).collect()
    }

    /// The domains of the authors, in lower case.
    pub(super) fn author_domains(&self) -> Vec<String> {
        let authors = self.authors();
        let domains = authors.iter().filter_map(|author| author.rsplit_once('@'));
        names::unique(
            domains
                .map(|(_, domain)| domain.trim_end().to_owned())
                .filter(|domain| !domain.is_empty()),
        )
    }

    /// All addresses that the message claims to be from.
    pub(super) fn senders(&self) -> Vec<String> {
        let resent = self.values("Resent-From:first:addr");
        if !resent.is_empty() {
            return resent.to_vec();
        }
        let selectors = &ALWAYS[..5];
        names::unique(
            selectors
                .iter()
                .flat_map(|selector| self.values(selector))
                .cloned(),
        )
    }

    /// What SPF is to be asked about the sender of the envelope; `None` where it is known or cannot be known.
    pub fn sender_request(&self) -> Option<SpfRequest> {
        if self.told.sender.is_some() {
            return None;
        }
        let sender = self.sender.as_deref().filter(|sender| !sender.is_empty())?;
        self.request(sender)
    }

    /// What SPF is to be asked about the name in HELO; `None` where it is known or cannot be known.
    pub fn helo_request(&self) -> Option<SpfRequest> {
        let helo = self.last_external.as_ref()?.helo.as_str();
        let literal = helo
            .trim_matches(['[', ']', '!'])
            .parse::<std::net::Ipv4Addr>()
            .is_ok();
        if self.told.helo.is_some() || literal || !helo.contains('.') {
            return None;
        }
        self.request(helo)
    }

    fn request(&self, identity: &str) -> Option<SpfRequest> {
        let hop = self.last_external.as_ref()?;
        Some(SpfRequest {
            ip: hop.ip?,
            helo: hop.helo.clone(),
            identity: identity.to_owned(),
        })
    }

    /// What is already known of SPF without asking: for the sender, and for HELO.
    pub fn told_spf(&self) -> (Option<Spf>, Option<Spf>) {
        (self.told.sender, self.told.helo)
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn public(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    names::unique(addresses.filter(is_public))
}

fn is_public(address: &IpAddr) -> bool {
    !views::is_private(address.to_string().as_bytes())
}

fn values(views: &Views<'_>, selector: &str) -> Vec<String> {
    let values = views.values(&Selector::parse(selector));
    let texts = values
        .iter()
        .map(|value| lossy(value).trim_end_matches('\n').to_owned());
    texts.filter(|text| !text.is_empty()).collect()
}

fn originating(views: &Views<'_>, settings: &Settings) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for header in &settings.originating_ip_headers {
        for value in values(views, header) {
            let words = value.split(|c: char| !c.is_ascii_hexdigit() && c != '.' && c != ':');
            found.extend(words.filter_map(|word| word.trim_matches('.').parse::<IpAddr>().ok()));
        }
    }
    public(found.into_iter())
}

/// The hosts of links, those first that a reader is most likely to follow.
fn hosts(views: &Views<'_>, settings: &Settings) -> Vec<(String, String)> {
    let most = settings
        .other("uridnsbl_max_domains")
        .and_then(|text| text.parse().ok());
    let most = most.unwrap_or(MOST_HOSTS).min(MOST_HOSTS_EVER);
    let skips_mail = settings.other("uridnsbl_skip_mailto") != Some("0");
    let mail = |uri: &Uri| {
        let start = uri.raw.get(..7);
        start.is_some_and(|start| start.eq_ignore_ascii_case(b"mailto:"))
    };
    let mut uris: Vec<&Uri> = views.uris().list.iter().collect();
    uris.retain(|uri| !(skips_mail && mail(uri)));
    uris.sort_by_key(|uri| rank(uri));
    let mut found: Vec<(String, String)> = Vec::new();
    for (host, domain) in uris.iter().flat_map(|uri| &uri.hosts) {
        let (Some(host), Some(domain)) = (names::text(host), names::text(domain)) else {
            continue;
        };
        let skipped =
            settings.skipped_uri_domains.contains(&domain) || settings.skipped_uri_domains.contains(&host);
        if found.len() < most && !skipped && !found.iter().any(|(known, _)| *known == host) {
            found.push((host, domain));
        }
    }
    found
}

fn rank(uri: &Uri) -> u8 {
    let is = |wanted: &str| uri.types.iter().any(|kind| kind == wanted);
    match () {
        () if is("a") && uri.anchor_text.iter().any(|text| !text.is_empty()) => 0,
        () if is("a") => 5,
        () if is("form") => 1,
        () if is("img") => 2,
        () if is("parsed") && uri.types.len() == 1 => 4,
        () => 3,
    }
}
