//! Whether a relay may send for a domain (SPF, RFC 7208). Does not know how the request was found in a message.

mod macros;
mod record;

use std::net::IpAddr;

use isbg_types::auth::{Spf, SpfRequest};
use isbg_types::dns::{Data, Heard, Inquiry, Kind, Question, Reply};

use macros::expand;
use record::{Mechanism, Qualifier, Record, Term};

/// So many terms may cause look-ups. The RFC says ten, and SpamAssassin twenty: large senders need more than ten.
const MOST_LOOKUPS: usize = 20;
/// So many look-ups may find nothing (RFC 7208 §4.6.4).
const MOST_VOID: usize = 2;
/// So many names are followed of one MX or PTR look-up.
const MOST_NAMES: usize = 10;

/// Why a check ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Not all answers are there yet.
    Waiting,
    /// An answer will not come.
    NoAnswer,
    /// The record makes no sense.
    Broken,
}

/// The result of a check; `None` while answers are missing.
pub fn spf(request: &SpfRequest, inquiry: &mut Inquiry<'_>) -> Option<Spf> {
    let (local, domain) = match request.identity.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() => (local, domain),
        Some((_, domain)) => ("postmaster", domain),
        None => ("postmaster", request.identity.as_str()),
    };
    let mut check = Check {
        ip: request.ip.to_canonical(),
        helo: &request.helo,
        local,
        sender_domain: domain,
        inquiry,
        lookups: MOST_LOOKUPS,
        void: MOST_VOID,
    };
    match check.domain(domain) {
        Ok(result) => Some(result),
        Err(Stop::Waiting) => None,
        Err(Stop::NoAnswer) => Some(Spf::TempError),
        Err(Stop::Broken) => Some(Spf::PermError),
    }
}

struct Check<'c, 'a> {
    ip: IpAddr,
    helo: &'c str,
    local: &'c str,
    sender_domain: &'c str,
    inquiry: &'c mut Inquiry<'a>,
    lookups: usize,
    void: usize,
}

impl<'a> Check<'_, 'a> {
    /// `check_host()` (RFC 7208 §4). Goes one call deeper for each `include`, of which there are at most
    /// [`MOST_LOOKUPS`].
    fn domain(&mut self, domain: &str) -> Result<Spf, Stop> {
        let mut domain = domain.to_owned();
        let mut redirected = false;
        loop {
            let Some(record) = self.record(&domain)? else {
                return if redirected {
                    Err(Stop::Broken)
                } else {
                    Ok(Spf::None)
                };
            };
            for Term { qualifier, mechanism } in &record.terms {
                if self.matches(mechanism, &domain)? {
                    return Ok(match qualifier {
                        Qualifier::Pass => Spf::Pass,
                        Qualifier::Fail => Spf::Fail,
                        Qualifier::SoftFail => Spf::SoftFail,
                        Qualifier::Neutral => Spf::Neutral,
                    });
                }
            }
            let Some(target) = record.redirect else {
                return Ok(Spf::Neutral);
            };
            self.spend()?;
            domain = self.expanded(Some(&target), &domain)?;
            redirected = true;
        }
    }

    /// The one SPF record of a domain.
    fn record(&mut self, domain: &str) -> Result<Option<Record>, Stop> {
        if !domain.contains('.') {
            return Ok(None);
        }
        let Some(reply) = self.ask(domain, Kind::Txt)? else {
            return Ok(None);
        };
        let mut records = reply.texts().filter_map(record::text);
        match (records.next(), records.next()) {
            (None, _) => Ok(None),
            (Some(text), None) => record::parse(text).map(Some).ok_or(Stop::Broken),
            (Some(_), Some(_)) => Err(Stop::Broken),
        }
    }

    /// The reply; `None` for what cannot be asked because it is no name.
    fn ask(&mut self, name: &str, kind: Kind) -> Result<Option<&'a Reply>, Stop> {
        let Some(question) = Question::new(name, kind) else {
            return Ok(None);
        };
        match self.inquiry.ask(question) {
            Heard::Reply(reply) => Ok(Some(reply)),
            Heard::Waiting => Err(Stop::Waiting),
            Heard::Silence | Heard::Denied => Err(Stop::NoAnswer),
        }
    }

    /// The records of a look-up that a mechanism causes; that there are none counts.
    fn look_up(&mut self, name: &str, kind: Kind) -> Result<&'a [Data], Stop> {
        let records = self.ask(name, kind)?.map_or(&[][..], |reply| &reply.records);
        if records.is_empty() {
            self.void = self.void.checked_sub(1).ok_or(Stop::Broken)?;
        }
        Ok(records)
    }

    fn spend(&mut self) -> Result<(), Stop> {
        self.lookups = self.lookups.checked_sub(1).ok_or(Stop::Broken)?;
        Ok(())
    }

    fn expanded(&self, target: Option<&str>, domain: &str) -> Result<String, Stop> {
        let Some(target) = target else {
            return Ok(domain.to_owned());
        };
        let values = macros::Values {
            ip: self.ip,
            helo: self.helo,
            local: self.local,
            sender_domain: self.sender_domain,
            domain,
        };
        expand(target, &values).ok_or(Stop::Broken)
    }

    fn matches(&mut self, mechanism: &Mechanism, domain: &str) -> Result<bool, Stop> {
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip(network, bits) => Ok(is_in(self.ip, *network, *bits)),
            Mechanism::Include(target) => {
                self.spend()?;
                let target = self.expanded(Some(target), domain)?;
                match self.domain(&target)? {
                    Spf::Pass => Ok(true),
                    Spf::None => Err(Stop::Broken),
                    _ => Ok(false),
                }
            }
            Mechanism::A(target, bits) => {
                self.spend()?;
                let name = self.expanded(target.as_deref(), domain)?;
                self.is_address_of(&name, bits)
            }
            Mechanism::Mx(target, bits) => {
                self.spend()?;
                let name = self.expanded(target.as_deref(), domain)?;
                let records = self.look_up(&name, Kind::Mx)?;
                let exchanges = records.iter().filter_map(|record| match record {
                    Data::Mx { exchange, .. } => Some(exchange),
                    _ => None,
                });
                if exchanges.clone().count() > MOST_NAMES {
                    return Err(Stop::Broken);
                }
                self.any(exchanges, |check, exchange| check.is_address_of(exchange, bits))
            }
            Mechanism::Exists(target) => {
                self.spend()?;
                let name = self.expanded(Some(target), domain)?;
                Ok(!self.look_up(&name, Kind::A)?.is_empty())
            }
            Mechanism::Ptr(target) => {
                self.spend()?;
                let name = self.expanded(target.as_deref(), domain)?;
                self.is_named(&name)
            }
        }
    }

    /// Whether the test holds for any; all are tried so that everything they want is asked at once.
    fn any<T>(
        &mut self,
        items: impl Iterator<Item = T>,
        test: impl Fn(&mut Self, T) -> Result<bool, Stop>,
    ) -> Result<bool, Stop> {
        let mut stop = None;
        for item in items {
            match test(self, item) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(why) => stop = stop.or(Some(why)),
            }
        }
        stop.map_or(Ok(false), Err)
    }

    fn is_address_of(&mut self, name: &str, (bits4, bits6): &(u8, u8)) -> Result<bool, Stop> {
        let (kind, bits) = match self.ip {
            IpAddr::V4(_) => (Kind::A, *bits4),
            IpAddr::V6(_) => (Kind::Aaaa, *bits6),
        };
        let records = self.look_up(name, kind)?;
        Ok(records
            .iter()
            .filter_map(address)
            .any(|address| is_in(self.ip, address, bits)))
    }

    /// Whether a name of the address, which has that address, is the domain or below it (RFC 7208 §5.5).
    fn is_named(&mut self, domain: &str) -> Result<bool, Stop> {
        let suffix = if self.ip.is_ipv4() {
            "in-addr.arpa"
        } else {
            "ip6.arpa"
        };
        let name = format!("{}.{suffix}", macros::reversed(self.ip));
        let records = match self.look_up(&name, Kind::Ptr) {
            Err(Stop::NoAnswer) => return Ok(false),
            records => records?,
        };
        let domain = domain.trim_end_matches('.').to_ascii_lowercase();
        let below = |name: &str| {
            name.strip_suffix(&domain)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let names = records.iter().take(MOST_NAMES).filter_map(|record| match record {
            Data::Name(name) => Some(name.to_ascii_lowercase()).filter(|name| below(name)),
            _ => None,
        });
        self.any(names, |check, name| {
            match check.is_address_of(&name, &(32, 128)) {
                Err(Stop::NoAnswer) => Ok(false),
                found => found,
            }
        })
    }
}

fn address(record: &Data) -> Option<IpAddr> {
    match record {
        Data::A(address) => Some((*address).into()),
        Data::Aaaa(address) => Some((*address).into()),
        _ => None,
    }
}

/// Whether two addresses are the same in their first bits.
fn is_in(ip: IpAddr, network: IpAddr, bits: u8) -> bool {
    let same = |a: u128, b: u128, width: u32| {
        let rest = width.saturating_sub(bits.into());
        rest >= 128 || a >> rest == b >> rest
    };
    match (ip, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
