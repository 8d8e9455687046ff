//! Rules over lists of relays and senders: `check_rbl` and its like. Does not know lists of links.

use std::collections::BTreeMap;
use std::net::IpAddr;

use isbg_types::dns::{Data, Heard, Inquiry, Kind, Question};

use super::subtest::{Subtest, is_refusal};
use super::{Board, Context, names};

/// Of the relays that a message has come through, this many are looked up.
const MOST_RELAYS: usize = 9;

/// What is looked up.
#[derive(Debug)]
enum What {
    /// The addresses of relays that the set's name says.
    Relays,
    /// The same, where the sender's address or the `Accreditor` header names this accreditor.
    Accredited(String),
    /// The hosts of the senders' addresses.
    Hosts,
    /// Their registered domains.
    Domains,
    /// The host of the envelope sender.
    Envelope,
    /// What these headers hold.
    Headers(Vec<String>),
    /// The address and the names of the furthest relay.
    Furthest,
    /// Nothing: `check_dns_sender` of version 4.0.1 can never hit, whatever the answers.
    Nothing,
}

/// A rule that looks something up.
#[derive(Debug)]
struct Rule {
    rule: usize,
    nice: bool,
    domains_only: bool,
    ips_only: bool,
    what: What,
    kind: Kind,
    set: String,
    server: String,
    subtest: Option<Subtest>,
}

/// All rules of this kind.
#[derive(Debug, Default)]
pub(super) struct Rules {
    asking: Vec<Rule>,
    /// Rules that read the answers to other rules' questions, by the set's name.
    reading: BTreeMap<String, Vec<(Subtest, usize)>>,
}

/// What of a rule's flags matters here.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub nice: bool,
    pub domains_only: bool,
    pub ips_only: bool,
}

impl Rules {
    /// Adds a rule; `false` if the function is none of these.
    ///
    /// # Errors
    /// If its arguments make no sense.
    pub fn add(
        &mut self,
        rule: usize,
        flags: Flags,
        function: &str,
        arguments: &[String],
    ) -> Result<bool, String> {
        let argument = |at: usize| arguments.get(at).map_or("", String::as_str);
        let set = argument(0).to_owned();
        if function == "check_rbl_sub" {
            let subtest = Subtest::of_list(argument(1))?;
            self.reading.entry(set).or_default().push((subtest, rule));
            return Ok(true);
        }
        let what = match function {
            "check_rbl" | "check_rbl_txt" => What::Relays,
            "check_rbl_accreditor" => What::Accredited(argument(3).to_ascii_lowercase()),
            "check_rbl_from_host" => What::Hosts,
            "check_rbl_from_domain" => What::Domains,
            "check_rbl_envfrom" => What::Envelope,
            "check_rbl_headers" => What::Headers(headers(arguments.get(3))),
            "check_rbl_rcvd" => What::Furthest,
            "check_dns_sender" => What::Nothing,
            _ => return Ok(false),
        };
        let server = argument(1).trim_end_matches('.').to_owned();
        if server.is_empty() && !matches!(what, What::Nothing) {
            return Err("it names no list".to_owned());
        }
        let subtest = arguments.get(2).map(|text| Subtest::of_list(text)).transpose()?;
        self.asking.push(Rule {
            rule,
            nice: flags.nice,
            domains_only: flags.domains_only,
            ips_only: flags.ips_only,
            what,
            kind: if function == "check_rbl_txt" {
                Kind::Txt
            } else {
                Kind::A
            },
            set,
            server,
            subtest,
        });
        Ok(true)
    }

    /// The selectors that rules name, with and without `:addr`.
    pub fn selectors(&self) -> impl Iterator<Item = String> {
        let headers = self.asking.iter().filter_map(|rule| match &rule.what {
            What::Headers(headers) => Some(headers),
            _ => None,
        });
        headers
            .flatten()
            .flat_map(|header| [header.clone(), format!("{header}:addr")])
    }

    /// Asks what is to be asked, and notes what hits.
    pub fn evaluate(&self, context: &Context<'_>, inquiry: &mut Inquiry<'_>, board: &mut Board) {
        for rule in &self.asking {
            for name in rule.lookups(context) {
                if let Some(question) = names::below(&name, &rule.server, rule.kind) {
                    self.look_up(rule, question, inquiry, board);
                }
            }
        }
    }

    fn look_up(&self, rule: &Rule, question: Question, inquiry: &mut Inquiry<'_>, board: &mut Board) {
        let reading = self.reading.get(&rule.set).map_or(&[][..], Vec::as_slice);
        let reply = match inquiry.ask(question) {
            Heard::Reply(reply) => reply,
            Heard::Denied => return,
            Heard::Silence | Heard::Waiting => {
                board.not_known(rule.rule);
                reading.iter().for_each(|(_, rule)| board.not_known(*rule));
                return;
            }
        };
        for record in &reply.records {
            if matches!(record, Data::A(address) if address.octets()[0] != 127) {
                continue;
            }
            let refusal = is_refusal(record);
            if refusal {
                board.refused(&rule.server);
            }
            let mut judge = |subtest: Option<&Subtest>, rule: usize| match subtest {
                Some(subtest) if subtest.holds(record) && (subtest.is_exact() || !refusal) => board.hit(rule),
                None if !refusal => board.hit(rule),
                _ if refusal => board.not_known(rule),
                _ => {}
            };
            judge(rule.subtest.as_ref(), rule.rule);
            reading
                .iter()
                .for_each(|(subtest, rule)| judge(Some(subtest), *rule));
        }
    }
}

/// The headers of `check_rbl_headers` where a rule names none.
const HEADERS: &str = "EnvelopeFrom,Reply-To,Disposition-Notification-To,X-WebmailclientIP,X-Source-IP";

fn headers(argument: Option<&String>) -> Vec<String> {
    let text = argument.map_or(HEADERS, String::as_str);
    text.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

impl Rule {
    /// What stands before the list's name in each question.
    fn lookups(&self, context: &Context<'_>) -> Vec<String> {
        let subject = context.subject;
        match &self.what {
            What::Relays => self.relays(context).into_iter().map(names::reversed).collect(),
            What::Accredited(accreditor) => {
                if accreditors(context).contains(accreditor) {
                    self.relays(context).into_iter().map(names::reversed).collect()
                } else {
                    Vec::new()
                }
            }
            What::Hosts => self.hosts(
                context,
                subject
                    .senders()
                    .iter()
                    .filter_map(|address| names::host_of(address)),
            ),
            What::Domains => {
                let hosts = subject
                    .senders()
                    .into_iter()
                    .filter_map(|address| names::host_of(&address));
                let domains = hosts.map(|host| context.registered(&host));
                self.hosts(context, domains)
            }
            What::Envelope => {
                let sender = subject.values("EnvelopeFrom:addr").first();
                self.hosts(context, sender.and_then(|address| names::host_of(address)))
            }
            What::Headers(headers) => headers
                .iter()
                .flat_map(|header| self.header(context, header))
                .collect(),
            What::Furthest => {
                let Some(hop) = &subject.furthest else {
                    return Vec::new();
                };
                let ip = hop.ip.map(|ip| ip.to_string()).unwrap_or_default();
                let names = [&ip, &hop.by, &hop.helo, &hop.rdns];
                self.hosts(
                    context,
                    names
                        .into_iter()
                        .map(|name| name.trim_end_matches('.').to_owned()),
                )
            }
            What::Nothing => Vec::new(),
        }
    }

    fn header(&self, context: &Context<'_>, header: &str) -> Vec<String> {
        let address = context.subject.values(&format!("{header}:addr")).first();
        match address.filter(|address| address.contains('@')) {
            Some(address) => self.hosts(context, names::host_of(address)),
            None => self.hosts(context, context.subject.values(header).iter().cloned()),
        }
    }

    /// Those of the hosts that may be looked up, as they are looked up.
    fn hosts(&self, context: &Context<'_>, hosts: impl IntoIterator<Item = String>) -> Vec<String> {
        let lookup = |host: String| match host.parse::<IpAddr>() {
            Ok(ip) => (!self.domains_only).then(|| names::reversed(ip)),
            Err(_) => {
                let host = names::text(host.as_bytes())?;
                (!self.ips_only && context.is_host(&host)).then_some(host)
            }
        };
        names::unique(hosts.into_iter().filter_map(lookup))
    }

    /// The relays that the set's name says.
    fn relays(&self, context: &Context<'_>) -> Vec<IpAddr> {
        let subject = context.subject;
        if subject.untrusted.is_empty() && subject.originating.is_empty() {
            return Vec::new();
        }
        let own = subject
            .originating
            .iter()
            .copied()
            .filter(|ip| !context.is_trusted(*ip));
        let with_own = || names::unique(subject.untrusted.iter().copied().chain(own));
        let mut chosen = if self.set.ends_with("-lastexternal") {
            subject.external.first().copied().into_iter().collect()
        } else if self.set.ends_with("-notfirsthop") {
            let mut external = subject.external.clone();
            // With one hop alone it is its user's only way to send mail.
            if external.len() > 1 {
                external.pop();
            }
            external
        } else if self.set.ends_with("-firsttrusted") {
            with_own().into_iter().take(1).collect()
        } else if self.set.ends_with("-untrusted") {
            with_own().into_iter().skip(1).collect()
        } else {
            let mut all: Vec<IpAddr> = with_own();
            all.reverse();
            all
        };
        chosen.truncate(MOST_RELAYS);
        if !self.nice {
            let trusted = chosen.iter().take_while(|ip| context.is_trusted(**ip)).count();
            chosen.drain(..trusted);
        }
        chosen
    }
}

/// Who vouches for the sender, by the message's own word: `a--NAME.` in the sender's host, or the `Accreditor` header.
fn accreditors(context: &Context<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(sender) = context.subject.values("EnvelopeFrom:addr").first() {
        let sender = sender.to_ascii_lowercase();
        let marked = sender
            .split(['@', '.'])
            .skip(1)
            .filter_map(|label| label.strip_prefix("a--"));
        found.extend(marked.filter(|name| name.len() >= 3).map(str::to_owned));
    }
    for value in context.subject.values("Accreditor") {
        let names = value
            .split(',')
            .filter_map(|accreditor| accreditor.split_whitespace().next());
        found.extend(names.map(str::to_ascii_lowercase));
    }
    found
}
