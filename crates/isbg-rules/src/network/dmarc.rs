//! What DMARC makes of SPF and DKIM (RFC 7489): whether they speak for the author, and what the author's domain wants
//! done if not. Does not report to anybody.

use isbg_types::auth::{SignatureState, Spf};
use isbg_types::dns::{Heard, Inquiry, Kind, Question};

use super::Context;
use super::senders::{spf_of_helo, spf_of_sender};
use super::signed::Signed;

/// What a domain wants done with mail that is not from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Policy {
    Nothing,
    Quarantine,
    Reject,
}

/// The outcome for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There is nothing to judge: no author with a domain, or no relay that delivered the message.
    NotApplicable,
    /// The author's domain publishes no policy.
    NoPolicy,
    /// The author's domain has sent it.
    Pass,
    /// It has not, as far as can be told, and wants this done.
    Fail(Policy),
}

/// A published policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    policy: Policy,
    below: Policy,
    strict_dkim: bool,
    strict_spf: bool,
    /// The share of messages it is meant for, in percent.
    percent: u32,
}

/// The outcome; `None` while it is not known.
pub(super) fn outcome(
    context: &Context<'_>,
    signed: &Signed<'_>,
    inquiry: &mut Inquiry<'_>,
) -> Option<Outcome> {
    let subject = context.subject;
    let authors = subject.author_domains();
    let (Some(author), Some(_)) = (authors.first(), &subject.last_external) else {
        return Some(Outcome::NotApplicable);
    };
    if !author.contains('.') {
        return Some(Outcome::NotApplicable);
    }
    let organization = context.registered(author);
    let (record, is_below) = match policy_of(author, inquiry)? {
        Some(record) => (record, false),
        None if organization == *author => return Some(Outcome::NoPolicy),
        None => match policy_of(&organization, inquiry)? {
            Some(record) => (record, true),
            None => return Some(Outcome::NoPolicy),
        },
    };
    let aligned = |domain: &str, strict: bool| {
        domain.eq_ignore_ascii_case(author)
            || (!strict && context.registered(&domain.to_ascii_lowercase()) == organization)
    };
    let by_signature = match signed.known() {
        None => None,
        Some(signatures) => {
            let ours = || {
                signatures
                    .iter()
                    .filter(|signature| aligned(&signature.domain, record.strict_dkim))
            };
            let any = |state| ours().any(|signature| signature.state == state);
            match () {
                () if any(SignatureState::Pass) => Some(true),
                () if any(SignatureState::Unknown) => None,
                () => Some(false),
            }
        }
    };
    let envelope = subject.values("EnvelopeFrom:first:addr:host").first();
    let envelope = envelope.unwrap_or(author);
    let by_sender = passes(spf_of_sender(context), aligned(envelope, record.strict_spf));
    let helo = subject.last_external.as_ref().map_or("", |hop| hop.helo.as_str());
    let by_helo = passes(spf_of_helo(context), aligned(helo, record.strict_spf));
    let found = [by_signature, by_sender, by_helo];
    if found.contains(&Some(true)) {
        return Some(Outcome::Pass);
    }
    if found.contains(&None) {
        return None;
    }
    let wanted = if is_below { record.below } else { record.policy };
    Some(Outcome::Fail(sampled(wanted, record.percent)))
}

/// Whether SPF passes for a domain that is the author's.
fn passes(found: Option<Option<Spf>>, aligned: bool) -> Option<bool> {
    if !aligned {
        return Some(false);
    }
    match found? {
        Some(Spf::TempError) => None,
        found => Some(found == Some(Spf::Pass)),
    }
}

/// A policy that is meant for a part of the messages only is weakened for all: no lot is drawn here, so that the same
/// message has the same score every time (RFC 7489 §6.6.4).
fn sampled(policy: Policy, percent: u32) -> Policy {
    match policy {
        _ if percent >= 100 => policy,
        Policy::Reject => Policy::Quarantine,
        Policy::Quarantine | Policy::Nothing => Policy::Nothing,
    }
}

/// The policy that a domain publishes, if any; `None` while that is not known.
fn policy_of(domain: &str, inquiry: &mut Inquiry<'_>) -> Option<Option<Record>> {
    let Some(question) = Question::new(&format!("_dmarc.{domain}"), Kind::Txt) else {
        return Some(None);
    };
    match inquiry.ask(question) {
        Heard::Reply(reply) => {
            let mut records = reply
                .texts()
                .filter_map(|text| parse(&String::from_utf8_lossy(text)));
            // More than one record counts as none (RFC 7489 §6.6.3).
            Some(records.next().filter(|_| records.next().is_none()))
        }
        Heard::Denied => Some(None),
        Heard::Silence | Heard::Waiting => None,
    }
}

/// RFC 7489 §6.3.
fn parse(text: &str) -> Option<Record> {
    let mut tags = text.split(';').filter_map(|tag| tag.split_once('='));
    let (name, version) = tags.next()?;
    if name.trim() != "v" || version.trim() != "DMARC1" {
        return None;
    }
    let tags: Vec<(String, String)> = tags
        .map(|(name, value)| {
            (
                name.trim().to_ascii_lowercase(),
                value.trim().to_ascii_lowercase(),
            )
        })
        .collect();
    let tag = |wanted: &str| {
        tags.iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
    };
    let policy = |value: &str| match value {
        "reject" => Some(Policy::Reject),
        "quarantine" => Some(Policy::Quarantine),
        "none" => Some(Policy::Nothing),
        _ => None,
    };
    let main = tag("p")
        .and_then(policy)
        .or_else(|| tag("rua").map(|_| Policy::Nothing))?;
    Some(Record {
        policy: main,
        below: tag("sp").and_then(policy).unwrap_or(main),
        strict_dkim: tag("adkim") == Some("s"),
        strict_spf: tag("aspf") == Some("s"),
        percent: tag("pct").and_then(|text| text.parse().ok()).unwrap_or(100),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records() {
        let of =
            |text| parse(text).map(|record| (record.policy, record.below, record.strict_spf, record.percent));
        let (nothing, quarantine, reject) = (Policy::Nothing, Policy::Quarantine, Policy::Reject);
        assert_eq!(of("v=DMARC1; p=reject"), Some((reject, reject, false, 100)));
        assert_eq!(
            of("v = DMARC1;p=Quarantine ; sp=none; aspf=s; pct=20"),
            Some((quarantine, nothing, true, 20))
        );
        assert_eq!(
            of("v=DMARC1; rua=mailto:x@example"),
            Some((nothing, nothing, false, 100))
        );
        for none in [
            "",
            "v=spf1 -all",
            "p=reject; v=DMARC1",
            "v=DMARC1",
            "v=DMARC1; p=what",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
