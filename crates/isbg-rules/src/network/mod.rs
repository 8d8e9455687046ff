//! Network rules: which questions they have about a message, and whether they hit once there are answers. One and the
//! same evaluation does both: what it cannot know yet it wants. Does not ask anybody.

mod askdns;
mod dmarc;
mod dnsbl;
mod names;
mod senders;
mod signed;
mod subject;
mod subtest;
mod told;
mod uribl;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use isbg_message::views::{Networks, Tlds, Views, is_fqdn};
use isbg_types::auth::Authentication;
use isbg_types::dns::{Inquiry, Question};

use crate::ruleset::{RuleSet, Settings, Test};

pub use subject::Subject;

/// A list that refuses to answer is left alone for so long unless `dns_block_time` says otherwise.
const BLOCK_TIME: Duration = Duration::from_secs(300);

/// The network rules of a rule set, made ready.
#[derive(Debug, Default)]
pub struct Plan {
    relays: dnsbl::Rules,
    links: uribl::Rules,
    names: askdns::Rules,
    senders: senders::Rules,
    selectors: BTreeSet<String>,
    trusted: Networks,
    /// `dns_query_restriction`: `true` forbids.
    restrictions: BTreeMap<String, bool>,
    /// `dns_block_rule`: the domains that are left alone after a rule has hit.
    block_rules: Vec<(usize, String)>,
    block_time: Duration,
    skips_lists: bool,
    skips_links: bool,
}

/// What the network rules came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The rules that hit.
    pub hits: BTreeSet<usize>,
    /// The rules that did not and still might: some answer is missing.
    pub not_known: BTreeSet<usize>,
    /// Lists that answered that they refuse to answer.
    pub refusing: BTreeSet<String>,
}

/// Where an evaluation notes what it finds.
#[derive(Debug, Default)]
struct Board(Found);

impl Board {
    fn hit(&mut self, rule: usize) {
        self.0.hits.insert(rule);
    }

    fn not_known(&mut self, rule: usize) {
        self.0.not_known.insert(rule);
    }

    fn refused(&mut self, list: &str) {
        self.0.refusing.insert(list.to_ascii_lowercase());
    }
}

/// What an evaluation looks at.
struct Context<'a> {
    subject: &'a Subject,
    authentication: &'a Authentication,
    settings: &'a Settings,
    tlds: &'a Tlds,
    trusted: &'a Networks,
}

impl Context<'_> {
    fn registered(&self, host: &str) -> String {
        String::from_utf8_lossy(&self.tlds.registered(host.as_bytes())).into_owned()
    }

    fn has_host_form(&self, host: &str) -> bool {
        is_fqdn(host.as_bytes())
    }

    /// Whether it is a host's name, below a top-level domain that exists.
    fn is_host(&self, host: &str) -> bool {
        self.has_host_form(host) && self.tlds.is_valid(host.as_bytes())
    }

    fn is_trusted(&self, ip: IpAddr) -> bool {
        ip.is_loopback() || self.trusted.contains(ip.to_string().as_bytes())
    }
}

impl Plan {
    /// The network rules among those that are active, and those that cannot be run here, with the reason.
    pub(crate) fn new(rules: &RuleSet, is_active: impl Fn(usize) -> bool) -> (Self, Vec<(usize, String)>) {
        let settings = &rules.settings;
        let mut plan = Self {
            block_time: settings
                .other("dns_block_time")
                .and_then(|text| text.parse().ok())
                .map_or(BLOCK_TIME, Duration::from_secs),
            skips_lists: settings.other("skip_rbl_checks") == Some("1"),
            skips_links: settings.other("skip_uribl_checks") == Some("1"),
            ..Self::default()
        };
        let mut unknown = Vec::new();
        for rule in (0..rules.rules.len()).filter(|rule| is_active(*rule)) {
            match plan.add(rules, rule) {
                Ok(_) => {}
                Err(reason) => unknown.push((rule, reason)),
            }
        }
        for entry in &settings.trusted_networks.entries {
            plan.trusted.add(entry);
        }
        plan.read_restrictions(rules);
        let selectors = plan.relays.selectors().chain(plan.names.selectors());
        plan.selectors = selectors.collect();
        (plan, unknown)
    }

    /// Whether a rule is one of the network's, though it may not be run here.
    pub(crate) fn owns(rules: &RuleSet, rule: usize) -> bool {
        let rule = &rules.rules[rule];
        match &rule.test {
            Test::Network { .. } => true,
            Test::Eval { view, function, .. } => {
                *view == crate::ruleset::EvalView::Rbl
                    || rule.flags.net
                    || rules.settings.uri_lists.contains_key(&rule.name)
                    || senders::knows(function)
            }
            _ => false,
        }
    }

    fn add(&mut self, rules: &RuleSet, at: usize) -> Result<(), String> {
        if !Self::owns(rules, at) {
            return Ok(());
        }
        let rule = &rules.rules[at];
        let flags = rule.flags;
        if let Some((directive, arguments)) = rules.settings.uri_lists.get(&rule.name) {
            let flags = uribl::Flags {
                domains_only: flags.domains_only,
                ips_only: flags.ips_only,
                a: flags.a,
                ns: flags.ns,
                notrim: flags.notrim,
            };
            return self.links.add(at, flags, directive, arguments);
        }
        match &rule.test {
            Test::Network { directive, arguments } if directive == "askdns" => self.names.add(at, arguments),
            Test::Eval {
                function, arguments, ..
            } => {
                let flags = dnsbl::Flags {
                    nice: flags.nice,
                    domains_only: flags.domains_only,
                    ips_only: flags.ips_only,
                };
                let known = self.relays.add(at, flags, function, arguments)?
                    || self.senders.add(at, function, arguments);
                if known {
                    Ok(())
                } else {
                    Err(format!("the network test {function} does not exist here"))
                }
            }
            _ => Err("it names no list".to_owned()),
        }
    }

    fn read_restrictions(&mut self, rules: &RuleSet) {
        for (key, value) in &rules.settings.other {
            let mut words = value.split_whitespace();
            match (key.as_str(), words.next()) {
                ("dns_query_restriction", Some(word)) => {
                    let denies = word.eq_ignore_ascii_case("deny");
                    self.restrictions
                        .extend(words.map(|domain| (domain.to_ascii_lowercase(), denies)));
                }
                ("clear_dns_query_restriction", _) => self.restrictions.clear(),
                ("dns_block_rule", Some(rule)) => {
                    if let Some(rule) = rules.find(rule) {
                        self.block_rules
                            .extend(words.map(|domain| (rule, domain.to_ascii_lowercase())));
                    }
                }
                _ => {}
            }
        }
    }

    /// What this plan looks at in a message.
    pub(crate) fn subject(&self, views: &Views<'_>, settings: &Settings) -> Subject {
        Subject::of(views, settings, &self.selectors)
    }

    /// Evaluates all network rules as far as the answers go.
    pub(crate) fn evaluate(
        &self,
        subject: &Subject,
        authentication: &Authentication,
        (settings, tlds): (&Settings, &Tlds),
        inquiry: &mut Inquiry<'_>,
    ) -> Found {
        let context = Context {
            subject,
            authentication,
            settings,
            tlds,
            trusted: &self.trusted,
        };
        let mut board = Board::default();
        if !self.skips_lists {
            self.relays.evaluate(&context, inquiry, &mut board);
        }
        if !self.skips_links {
            self.links.evaluate(&context, inquiry, &mut board);
        }
        self.names.evaluate(&context, inquiry, &mut board);
        self.senders.evaluate(&context, inquiry, &mut board);
        let mut found = board.0;
        found.not_known.retain(|rule| !found.hits.contains(rule));
        let blocked = self
            .block_rules
            .iter()
            .filter(|(rule, _)| found.hits.contains(rule));
        found.refusing.extend(blocked.map(|(_, domain)| domain.clone()));
        found
    }

    /// Whether `dns_query_restriction` allows a question.
    pub fn allows(&self, question: &Question) -> bool {
        let mut domains = question.domains().chain(std::iter::once("*"));
        let restriction = domains.find_map(|domain| self.restrictions.get(domain));
        restriction != Some(&true)
    }

    /// For how long a list that refuses is left alone.
    pub fn block_time(&self) -> Duration {
        self.block_time
    }

    /// Whether any rule asks for SPF.
    pub fn wants_spf(&self) -> bool {
        self.senders.wants_spf()
    }

    /// Whether any rule asks for DKIM.
    pub fn wants_dkim(&self) -> bool {
        self.senders.wants_dkim() || self.names.reads_signatures()
    }
}
