//! Rules over lists of links: `uridnsbl`, `urirhsbl` and their like. Does not know lists of relays.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use isbg_message::views::is_private;
use isbg_types::dns::{Data, Heard, Inquiry, Kind, Question};

use super::subtest::{Subtest, is_refusal, kind};
use super::{Board, Context, names};

/// What of a link is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Its domain or address.
    Domain,
    /// The domains of its name servers.
    NameServers,
    /// The full names of its name servers.
    NameServersInFull,
    /// The addresses of its host, for rules with the flag `a`, and of its name servers.
    Addresses,
}

/// What of a rule's flags matters here.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub domains_only: bool,
    pub ips_only: bool,
    pub a: bool,
    pub ns: bool,
    pub notrim: bool,
}

#[derive(Debug)]
struct Rule {
    rule: usize,
    part: Part,
    flags: Flags,
    zone: String,
    kind: Kind,
    subtest: Option<Subtest>,
}

/// All rules of this kind.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

impl Rules {
    /// Adds a rule: `uridnssub` and its like with `ZONE TYPE SUBTEST`, `uridnsbl` and its like with `ZONE TYPE`.
    ///
    /// # Errors
    /// If its arguments make no sense.
    pub fn add(&mut self, rule: usize, flags: Flags, directive: &str, arguments: &str) -> Result<(), String> {
        let mut words = arguments.split_whitespace();
        let zone = words.next().unwrap_or_default().trim_end_matches('.').to_owned();
        let name = words.next().unwrap_or_default();
        let kind = kind(name).ok_or_else(|| format!("records of type {name} are not asked for here"))?;
        let rest: Vec<&str> = words.collect();
        let subtest = match (directive.ends_with("sub"), &rest[..]) {
            (true, [subtest]) => Some(Subtest::of_uri_list(subtest)?),
            (false, []) => None,
            _ => {
                return Err(format!(
                    "write it as `{directive} NAME ZONE TYPE`, for `…sub` with a number"
                ));
            }
        };
        let part = match directive.trim_end_matches("sub").trim_end_matches("bl") {
            "urirhs" => Part::Domain,
            "urinsrhs" => Part::NameServers,
            "urifullnsrhs" => Part::NameServersInFull,
            _ => Part::Addresses,
        };
        self.0.push(Rule {
            rule,
            part,
            flags,
            zone,
            kind,
            subtest,
        });
        Ok(())
    }

    /// Asks what is to be asked, and notes what hits.
    pub fn evaluate(&self, context: &Context<'_>, inquiry: &mut Inquiry<'_>, board: &mut Board) {
        let mut links = Links {
            rules: &self.0,
            context,
            inquiry,
            board,
        };
        let mut domains = BTreeSet::new();
        for (host, domain) in &context.subject.hosts {
            if is_literal(host) {
                if let Some(address) = public_v4(host) {
                    links.names(Part::Domain, &names::reversed(address.into()), |rule| {
                        !rule.flags.domains_only
                    });
                }
                continue;
            }
            if domains.insert(domain) {
                links.name_servers(domain);
            }
            links.addresses(host);
            links.domain(host, domain);
        }
    }
}

struct Links<'l, 'a, 'i> {
    rules: &'l [Rule],
    context: &'l Context<'l>,
    inquiry: &'l mut Inquiry<'a>,
    board: &'i mut Board,
}

impl Links<'_, '_, '_> {
    fn domain(&mut self, host: &str, domain: &str) {
        let wanted = |rule: &Rule| !rule.flags.ips_only;
        self.names(Part::Domain, domain, |rule| wanted(rule) && !rule.flags.notrim);
        self.names(Part::Domain, host, |rule| wanted(rule) && rule.flags.notrim);
    }

    /// Looks a name up in the lists of all rules over that part.
    fn names(&mut self, part: Part, name: &str, wanted: impl Fn(&Rule) -> bool) {
        for rule in self.rules.iter().filter(|rule| rule.part == part && wanted(rule)) {
            if let Some(question) = names::below(name, &rule.zone, rule.kind) {
                look_up(rule, question, self.inquiry, self.board);
            }
        }
    }

    fn not_known(&mut self, wanted: impl Fn(&Rule) -> bool) {
        for rule in self.rules.iter().filter(|rule| wanted(rule)) {
            self.board.not_known(rule.rule);
        }
    }

    fn name_servers(&mut self, domain: &str) {
        let by_name = |rule: &Rule| matches!(rule.part, Part::NameServers | Part::NameServersInFull);
        // Version 4.0.1 tries a name server's address on the rules with the flag `a`, and on no others.
        let by_address = |rule: &Rule| rule.part == Part::Addresses && (rule.flags.ns || !rule.flags.a);
        let to_no_end = self
            .rules
            .iter()
            .all(|rule| rule.part != Part::Addresses || !rule.flags.a);
        let any = |wanted: &dyn Fn(&Rule) -> bool| self.rules.iter().any(wanted);
        if !any(&by_name) && (to_no_end || !any(&by_address)) {
            return;
        }
        let Some(question) = Question::new(domain, Kind::Ns) else {
            return;
        };
        let reply = match self.inquiry.ask(question) {
            Heard::Reply(reply) => reply,
            Heard::Denied => return,
            Heard::Silence | Heard::Waiting => return self.not_known(by_name),
        };
        for record in &reply.records {
            let Data::Name(server) = record else { continue };
            let server = server.to_ascii_lowercase();
            if is_literal(&server) || server.contains(':') {
                continue;
            }
            self.addresses(&server);
            let domain = self.context.registered(&server);
            self.names(Part::NameServers, &domain, |_| true);
            self.names(Part::NameServersInFull, &server, |_| true);
        }
    }

    /// Looks the addresses of a host up in the lists of the rules with the flag `a`.
    fn addresses(&mut self, host: &str) {
        let wanted = |rule: &Rule| rule.part == Part::Addresses && rule.flags.a;
        if !self.rules.iter().any(wanted) {
            return;
        }
        let Some(question) = Question::new(host, Kind::A) else {
            return;
        };
        let reply = match self.inquiry.ask(question) {
            Heard::Reply(reply) => reply,
            Heard::Denied => return,
            Heard::Silence | Heard::Waiting => return self.not_known(wanted),
        };
        for record in &reply.records {
            if let Data::A(address) = record {
                self.names(Part::Addresses, &names::reversed((*address).into()), wanted);
            }
        }
    }
}

fn look_up(rule: &Rule, question: Question, inquiry: &mut Inquiry<'_>, board: &mut Board) {
    let reply = match inquiry.ask(question) {
        Heard::Reply(reply) => reply,
        Heard::Denied => return,
        Heard::Silence | Heard::Waiting => return board.not_known(rule.rule),
    };
    for record in &reply.records {
        if !matches!(record, Data::A(_) | Data::Txt(_)) {
            continue;
        }
        let refusal = is_refusal(record);
        if refusal {
            board.refused(&rule.zone);
        }
        let in_list = !matches!(record, Data::A(address) if address.octets()[0] != 127);
        match &rule.subtest {
            Some(subtest) if subtest.holds(record) && (subtest.is_exact() || !refusal) => {
                board.hit(rule.rule)
            }
            None if in_list && !refusal => board.hit(rule.rule),
            _ if refusal => board.not_known(rule.rule),
            _ => {}
        }
    }
}

/// Four numbers, or an address in brackets.
fn is_literal(host: &str) -> bool {
    let numbers = || {
        host.split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    host.starts_with('[') || (host.matches('.').count() == 3 && numbers())
}

fn public_v4(host: &str) -> Option<Ipv4Addr> {
    host.parse().ok().filter(|_| !is_private(host.as_bytes()))
}
