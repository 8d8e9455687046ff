//! Who a message says it is from, and what is odd about how it says so. Does not know links or text.

use crate::authres::Results;

use super::{Call, Function, domain, fold, hosts};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[("check_isbg_sender", check)];

/// The addresses of a message. Hosts are in lower case; empty: not given.
#[derive(Debug, Default)]
pub(super) struct Sender {
    /// What stands before the address in From, as it is shown.
    pub name: String,
    /// The same, folded.
    pub folded: String,
    pub local: String,
    pub host: String,
    pub reply_local: String,
    pub reply_host: String,
    pub path_host: String,
    /// Whether a Return-Path is there and empty.
    pub null_path: bool,
    /// Whether a forwarder has rewritten the Return-Path.
    pub is_forwarded: bool,
    /// Whether there is a Return-Path with an address.
    pub has_path: bool,
    /// Whether the name is a well-known one that the domain has nothing of.
    pub borrows: bool,
    /// Addresses in From.
    pub count: usize,
    /// Domains that signed, by what the signatures claim.
    pub signers: Vec<String>,
    /// Domains that are the sender's own: From, Sender, Return-Path, signers.
    pub own: Vec<String>,
}

impl Sender {
    /// Whether a host belongs to the sender.
    pub fn owns(&self, host: &str) -> bool {
        let organization = domain::organization(host);
        self.own.iter().any(|own| domain::related(own, organization)) || self.is_called(organization)
    }

    /// Whether a domain is named as the sender calls itself: a shop that sends through somebody else's domain.
    fn is_called(&self, organization: &str) -> bool {
        let label = domain::label(organization).replace('-', "");
        label.len() >= 6 && !self.borrows && self.folded.replace(' ', "").contains(&label)
    }

    /// Whether the mail comes from a mailbox that anybody can have.
    pub fn is_free_mail(&self) -> bool {
        hosts::is_in(hosts::FREE_MAIL, &self.host)
    }

    /// Whether the domain of From also signed or stands in the Return-Path, as far as the header goes.
    fn is_aligned(&self) -> bool {
        let from = domain::organization(&self.host);
        self.signers.iter().any(|signer| signer == from) || domain::organization(&self.path_host) == from
    }
}

/// The last address in a header value: local part as it stands, and host in lower case.
fn last_address(value: &str) -> Option<(String, String)> {
    let at = value.rfind('@')?;
    let is_part = |c: char| !c.is_whitespace() && !"<>\"(),;:[]".contains(c);
    let local = value[..at].rsplit(|c| !is_part(c)).next().unwrap_or_default();
    let host = value[at + 1..].split(|c| !is_part(c)).next().unwrap_or_default();
    (!local.is_empty() && !host.is_empty()).then(|| (local.to_owned(), host.to_lowercase()))
}

fn text(call: &Call<'_, '_>, name: &str) -> Option<String> {
    let value = call.views.header(name)?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// The domains of a message's signatures, as registered.
fn signers(call: &Call<'_, '_>) -> Vec<String> {
    let mut found = Vec::new();
    let signatures = call
        .views
        .headers()
        .iter()
        .filter(|header| header.is(b"dkim-signature"));
    for signature in signatures {
        let value = String::from_utf8_lossy(signature.decoded());
        let tags = value.split(';').filter_map(|tag| tag.trim().strip_prefix("d="));
        found.extend(tags.map(|host| domain::organization(&host.trim().to_lowercase()).to_owned()));
    }
    found
}

pub(super) fn sender<'a>(call: &'a Call<'_, '_>) -> &'a Sender {
    call.state.sender.get_or_init(|| read(call))
}

fn read(call: &Call<'_, '_>) -> Sender {
    let mut sender = Sender::default();
    if let Some(from) = text(call, "From") {
        let shown = from.rfind('<').map_or("", |at| &from[..at]);
        sender.name = shown
            .trim_matches(|c: char| c == '"' || c == '\'' || c.is_whitespace())
            .to_owned();
        sender.folded = fold::fold(&sender.name);
        sender.count = from.matches('<').count();
        (sender.local, sender.host) = last_address(&from).unwrap_or_default();
    }
    if let Some(reply) = text(call, "Reply-To") {
        (sender.reply_local, sender.reply_host) = last_address(&reply).unwrap_or_default();
    }
    if let Some(path) = text(call, "Return-Path") {
        sender.path_host = last_address(&path).unwrap_or_default().1;
        let lower = path.to_ascii_lowercase();
        sender.is_forwarded = ["srs0", "srs1", "prvs=", "caf_="]
            .iter()
            .any(|mark| lower.contains(mark));
        sender.null_path = matches!(path.trim(), "<>");
        sender.has_path = !sender.path_host.is_empty();
    }
    sender.signers = signers(call);
    let signed_by = text(call, "Sender")
        .and_then(|value| last_address(&value))
        .map(|(_, host)| host);
    let hosts = [
        Some(sender.host.clone()),
        signed_by,
        Some(sender.path_host.clone()),
    ];
    sender.own = hosts
        .into_iter()
        .flatten()
        .filter(|host| !host.is_empty() && !hosts::is_in(hosts::FREE_MAIL, host))
        .map(|host| domain::organization(&host).to_owned())
        .collect();
    let signers = sender
        .signers
        .iter()
        .filter(|host| !hosts::is_in(hosts::SENDING, host));
    sender.own.extend(signers.cloned());
    sender.borrows = super::brand::is_borrowed(&sender);
    if sender.borrows {
        // Who goes under another's name has nothing of his own there.
        sender.own.clear();
    }
    sender
}

/// Words that an office uses of itself and a person does not, folded.
const OFFICE: &[&str] = &[
    "account",
    "accounts",
    "admin",
    "administrator",
    "airdrop",
    "assistance",
    "atendimento",
    "bank",
    "billing",
    "bonus",
    "casino",
    "compliance",
    "customer",
    "delivery",
    "department",
    "desk",
    "dept",
    "helpdesk",
    "hr",
    "invoice",
    "kundenservice",
    "kundendienst",
    "mailbox",
    "mailer",
    "notification",
    "notifications",
    "notificacao",
    "office",
    "official",
    "payroll",
    "paiement",
    "president",
    "prize",
    "rechnung",
    "refund",
    "reward",
    "rewards",
    "security",
    "seguranca",
    "seguridad",
    "service",
    "servicio",
    "sicherheit",
    "suporte",
    "soporte",
    "support",
    "survey",
    "system",
    "team",
    "verification",
    "voicemail",
    "webmail",
    "winner",
    "banco",
    "cartoes",
    "cliente",
    "protocolo",
    "aviso",
    "financeiro",
    "cobranca",
];

fn check(call: &Call<'_, '_>) -> bool {
    let from = sender(call);
    match call.argument(0) {
        "no_domain" => match from.host.as_str() {
            "" => from.count > 0,
            host => !call.views.tlds().is_valid(host.as_bytes()),
        },
        "several" => from.count > 1 && call.views.header("Sender").is_none(),
        "broken" => broken(call),
        "random_host" => from.host.split('.').rev().skip(1).any(domain::looks_random),
        "random_local" => {
            !hosts::is_in(hosts::SENDING, &from.host)
                && !from.host.starts_with("reply.")
                && domain::looks_random(from.local.split(['+', '-', '_', '.']).next().unwrap_or_default())
        }
        "spelled_out" => from.host.split('.').filter(|label| label.len() == 1).count() >= 4,
        "cheap" => hosts::is_cheap(&from.host),
        "hosted" => from.host.ends_with(".onmicrosoft.com") || from.host.ends_with(".secureserver.net"),
        "free_mail" => from.is_free_mail(),
        "office" => from.folded.split(' ').any(|word| OFFICE.contains(&word)),
        "reply_free_mail" => reply_is_elsewhere(from) && hosts::is_in(hosts::FREE_MAIL, &from.reply_host),
        "reply_elsewhere" => {
            reply_is_elsewhere(from)
                && !domain::related(
                    domain::organization(&from.reply_host),
                    domain::organization(&from.host),
                )
        }
        "null_path" => from.null_path,
        "unaligned" => from.has_path && !from.host.is_empty() && !from.is_aligned(),
        "unsigned" => from.has_path && from.signers.is_empty(),
        "other_address" => other_address(from),
        "dmarc_fail" => believed(call, |results| results.result("dmarc") == Some("fail")),
        "no_pass" => believed(call, |results| {
            let failed = |method| results.result(method).is_some_and(|result| result != "pass");
            failed("spf") && failed("dkim")
        }),
        "emoji" => from
            .name
            .chars()
            .any(|c| matches!(c, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}')),
        _ => false,
    }
}

/// Whether it holds of the results of the servers that are believed. Where none is named, none is.
fn believed(call: &Call<'_, '_>, test: impl Fn(&Results) -> bool) -> bool {
    let settings = &call.settings.authres;
    let read = || Results::read(call.views, settings);
    !settings.trusted.is_empty() && test(call.state.authres.get_or_init(read))
}

/// Replies go to another mailbox than the one that wrote.
fn reply_is_elsewhere(from: &Sender) -> bool {
    !from.reply_host.is_empty()
        && !from.host.is_empty()
        && (from.reply_host != from.host || !from.reply_local.eq_ignore_ascii_case(&from.local))
}

/// A comma, quote or bracket left over before or around the address, which no program writes for a person.
fn broken(call: &Call<'_, '_>) -> bool {
    let Some(from) = text(call, "From") else {
        return false;
    };
    let Some(at) = from.rfind('<') else { return false };
    let before = from[..at].trim_end_matches(|c: char| c.is_whitespace() || c == '_');
    let inside = from[at + 1..].split('>').next().unwrap_or_default();
    before.ends_with([',', '(', ';'])
        || from.ends_with(">,")
        || inside.trim_end().contains([' ', ',', '%'])
        || inside.starts_with("mailto:")
}

/// The name shown is itself an address, of another domain.
fn other_address(from: &Sender) -> bool {
    let Some((_, host)) = last_address(&from.name) else {
        return false;
    };
    host.contains('.') && !domain::related(domain::organization(&host), domain::organization(&from.host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let pair = |local: &str, host: &str| Some((local.to_owned(), host.to_owned()));
        assert_eq!(
            last_address("\"A, B\" <a.b@Example.ORG>"),
            pair("a.b", "example.org")
        );
        assert_eq!(last_address("a@example.org (A)"), pair("a", "example.org"));
        assert_eq!(last_address("[removed]"), None);
        assert_eq!(last_address("x@"), None);
    }
}
