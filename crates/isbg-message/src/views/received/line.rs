//! One Received line made sense of. Does not judge trust.

use super::super::Relay;
use super::super::head::is_space;
use super::auth;
use super::pattern::{Budget, Captures, E, Slot, find, starts};
use super::shapes::{self, Meaning, Shape};
use super::text::{clean_sender, envelope_sender, general, mask, plain_ip, run_behind, tidy, without_date};

/// What a line says.
#[derive(Debug)]
pub(super) enum Line {
    Hop(Relay),
    /// No hop.
    Local,
    /// No hop, but the sender of the next one.
    SenderOfNext(Option<Vec<u8>>),
    /// Fetched from a mailbox: what came before is of no interest.
    Fetched,
    Unparseable,
}

/// What was found so far.
struct Facts<'b> {
    budget: &'b Budget,
    relay: Relay,
    looked_up: bool,
}

/// Makes sense of a decoded Received value.
pub(super) fn parse(value: &[u8], budget: &Budget) -> Line {
    let text = tidy(value);
    let lower = text.to_ascii_lowercase();
    if !(lower.starts_with(b"from ") || lower.starts_with(b"(from ")) || has(&text, "with local for") {
        return Line::Local;
    }
    if handed_over_at_once(&text, &lower, budget) {
        return Line::Local;
    }
    let text = without_date(&text);
    let text = match memchr::memmem::find(&text, b")by ") {
        Some(at) => [&text[..at], b") by ", &text[at + 4..]].concat(),
        None => text,
    };
    let mut facts = Facts {
        budget,
        relay: Relay::default(),
        looked_up: false,
    };
    general(&text, &mut facts.relay);
    facts.relay.auth = auth::method(&text, budget);
    let outcome = if let Some(rest) = text.strip_prefix(b"from ") {
        facts.relay.envfrom = envelope_sender(rest);
        from_line(rest, &mut facts)
    } else if let Some(rest) = text.strip_prefix(b"FROM ") {
        starts(budget, rest, shapes::CAPITALS).map(|captures| {
            facts.take(rest, &captures);
            facts.looked_up = true;
            Some(Line::Hop(Relay::default()))
        })
    } else if let Some(rest) = text.strip_prefix(b"(from ") {
        try_shapes(rest, &shapes::BRACKETED, &mut facts).map(Some)
    } else {
        None
    };
    match outcome {
        Some(Some(Line::Hop(_))) => Line::Hop(facts.finish()),
        Some(Some(line)) => line,
        Some(None) | None => {
            let bracketed: &'static [E] = &[E::L("["), E::Ip, E::L("]")];
            if facts.relay.ip.is_empty()
                && let Some(captures) = find(budget, &text, bracketed)
            {
                facts.take(&text, &captures);
            }
            if facts.relay.ip.is_empty() || facts.relay.by.is_empty() {
                Line::Unparseable
            } else {
                Line::Hop(facts.finish())
            }
        }
    }
}

fn has(text: &[u8], needle: &str) -> bool {
    memchr::memmem::find(text, needle.as_bytes()).is_some()
}

/// `from x by y;`: nothing is told about where it came from.
fn handed_over_at_once(text: &[u8], lower: &[u8], budget: &Budget) -> bool {
    let Some(rest) = lower.strip_prefix(b"from ") else {
        return false;
    };
    let pattern: &'static [E] = &[E::W(Slot::Other), E::L(" by "), E::Not(" ;")];
    let Some(captures) = starts(budget, rest, pattern) else {
        return false;
    };
    let name = &rest[captures[0].1.clone()];
    let by_start = captures[0].1.end + 4;
    let after = &rest[by_start
        + rest[by_start..]
            .iter()
            .take_while(|byte| !b" ;".contains(byte))
            .count()..];
    let literal = name.starts_with(b"[")
        && name.ends_with(b"]")
        && name.len() > 2
        && name[1..name.len() - 1]
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.');
    (after.starts_with(b";") || after.starts_with(b" ;")) && !literal && text.len() == lower.len()
}

/// Tries shapes in order.
fn try_shapes(text: &[u8], shapes: &'static [Shape], facts: &mut Facts<'_>) -> Option<Line> {
    shapes.iter().find_map(|(needs, pattern, meaning)| {
        if !needs.is_empty() && !has(text, needs) {
            return None;
        }
        let captures = starts(facts.budget, text, pattern)?;
        Some(match meaning {
            Meaning::Local => Line::Local,
            Meaning::Fetched => Line::Fetched,
            Meaning::Hop | Meaning::LookedUp => {
                facts.take(text, &captures);
                facts.looked_up = *meaning == Meaning::LookedUp;
                Line::Hop(Relay::default())
            }
        })
    })
}

/// A line behind "from ". The outer `None`: no shape fits.
fn from_line(text: &[u8], facts: &mut Facts<'_>) -> Option<Option<Line>> {
    let hop = || Some(Some(Line::Hop(Relay::default())));
    let webmail = [
        " (SquirrelMail authenticated user ",
        " (NaSMail authenticated user ",
    ];
    if webmail.iter().any(|name| has(text, name)) && facts.found(text, shapes::SQUIRREL) {
        return hop();
    }
    if has(text, "aol.com") && has(text, "with HTTP (WebMailUI)") && facts.found(text, shapes::AOL) {
        return hop();
    }
    if let Some(line) = program(text, facts) {
        return Some(Some(line));
    }
    if has(text, "with HTTP") && facts.begins(text, shapes::HTTP) {
        return hop();
    }
    let by_qmail: &'static [E] = &[E::L(" by "), E::Word, E::L(" (qmail-"), E::Word, E::L(") with ")];
    if find(facts.budget, text, by_qmail).is_none() && facts.begins(text, shapes::SENDMAIL) {
        facts.looked_up = true;
        facts.split_ident();
        return hop();
    }
    if let Some(line) = up_to_qmail(text, facts) {
        return Some(Some(line));
    }
    if let Some(line) = try_shapes(text, &shapes::COMMON, facts) {
        return Some(Some(line));
    }
    if starts(facts.budget, text, shapes::QMAIL_SCANNER).is_some() {
        return Some(Some(Line::SenderOfNext(
            facts.relay.envfrom.take().map(|sender| clean_sender(&sender)),
        )));
    }
    if let Some(line) = try_shapes(text, &shapes::LOCAL, facts) {
        return Some(Some(line));
    }
    if facts.relay.helo.is_empty() {
        let word = text.iter().take_while(|byte| !is_space(**byte)).count();
        let ends =
            |byte: Option<&u8>| byte.is_some_and(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'-' | b'.'));
        if let Some(end) = (1..=word).rev().find(|end| ends(text.get(*end))) {
            facts.relay.helo = text[..end].to_vec();
        }
    }
    Some(None)
}

/// Shapes that are tried up to qmail's, and qmail's.
fn up_to_qmail(text: &[u8], facts: &mut Facts<'_>) -> Option<Line> {
    if let Some(line) = try_shapes(text, &shapes::BEFORE_QMAIL[..5], facts) {
        return Some(line);
    }
    let hotmail: &'static [E] = &[E::L("by "), E::W(Slot::By), E::L(" ")];
    if has(text, ".hotmail.msn.com ")
        && let Some(captures) = find(facts.budget, text, hotmail)
        && text[captures[0].1.clone()].ends_with(b".hotmail.msn.com")
    {
        facts.take(text, &captures);
        let address: &'static [E] = &[E::Ip, E::L(" ")];
        facts.begins(text, address);
        return Some(Line::Hop(Relay::default()));
    }
    if let Some(line) = try_shapes(text, &shapes::BEFORE_QMAIL[5..], facts) {
        return Some(line);
    }
    if starts(facts.budget, text, shapes::QMAIL).is_some() {
        for shape in shapes::QMAIL_SHAPES {
            if facts.begins(text, shape) {
                break;
            }
        }
        facts.looked_up = facts.relay.rdns != b"unknown";
        if !facts.looked_up {
            facts.relay.rdns.clear();
        }
        return Some(Line::Hop(Relay::default()));
    }
    None
}

/// Programs that are known by name.
fn program(text: &[u8], facts: &mut Facts<'_>) -> Option<Line> {
    let (name, shapes) = {
        let found = shapes::PROGRAMS.iter().find(|(name, _)| has(text, name));
        // Exchange stands second in the order, after SMTPSVC.
        match found {
            Some((" SMTPSVC", shapes)) => (" SMTPSVC", *shapes),
            _ if find(facts.budget, text, shapes::EXCHANGE).is_some() => {
                if !facts.begins(text, shapes::EXCHANGE_SHAPE) {
                    return None;
                }
                facts.relay.id.clear();
                return Some(Line::Hop(Relay::default()));
            }
            Some((name, shapes)) => (*name, *shapes),
            None => return None,
        }
    };
    if name == "Exim" {
        let local = memchr::memmem::find_iter(text, b"with local").any(|at| {
            let rest = &text[at + 10..];
            let tail = rest
                .strip_prefix(b"-")
                .map_or(0, |tail| 1 + tail.iter().take_while(|b| !is_space(**b)).count());
            rest.get(tail) == Some(&b' ') && tail != 1
        });
        if local {
            return Some(Line::Local);
        }
    }
    let line = try_shapes(text, shapes, facts);
    match (name, &line) {
        ("[XMail ", Some(Line::Hop(_))) => {
            facts.found(text, shapes::XMAIL_ID);
            facts.found(text, shapes::XMAIL_SENDER);
        }
        (" (Postfix) with", Some(Line::Hop(_))) if facts.relay.rdns == b"unknown" => facts.relay.rdns.clear(),
        ("Exim", None) => return exim_in_pieces(text, facts),
        _ => {}
    }
    line
}

/// Exim's line in an unknown order.
fn exim_in_pieces(text: &[u8], facts: &mut Facts<'_>) -> Option<Line> {
    let name: &'static [E] = &[E::W(Slot::Rdns), E::L(" ")];
    let helo: &'static [E] = &[E::L(" ("), E::W(Slot::Helo), E::L(") ")];
    let address: &'static [E] = &[E::L(" ["), E::Ip, E::Opt(&[E::L("."), E::Digits]), E::L("] ")];
    let by: &'static [E] = &[E::L("by "), E::W(Slot::By), E::L(" ")];
    facts.begins(text, name);
    facts.found(text, helo);
    facts.found(text, address);
    (facts.found(text, by) && !facts.relay.ip.is_empty()).then(|| Line::Hop(Relay::default()))
}

impl Facts<'_> {
    fn begins(&mut self, text: &[u8], pattern: &'static [E]) -> bool {
        starts(self.budget, text, pattern)
            .map(|captures| self.take(text, &captures))
            .is_some()
    }

    fn found(&mut self, text: &[u8], pattern: &'static [E]) -> bool {
        find(self.budget, text, pattern)
            .map(|captures| self.take(text, &captures))
            .is_some()
    }

    fn take(&mut self, text: &[u8], captures: &Captures) {
        for (slot, range) in captures {
            let found = text[range.clone()].to_vec();
            match slot {
                Slot::Ip => self.relay.ip = found,
                Slot::Helo => self.relay.helo = found,
                Slot::Rdns => self.relay.rdns = found,
                Slot::Name => {
                    self.relay.rdns.clone_from(&found);
                    self.relay.helo = found;
                }
                Slot::By => self.relay.by = found,
                Slot::Ident => self.relay.ident = found,
                Slot::Id => self.relay.id = found,
                Slot::Envfrom => self.relay.envfrom = Some(found),
                Slot::Facts => {
                    if let Some(helo) = run_behind(&found, "helo=", false, |byte| !is_space(byte), 1) {
                        self.relay.helo = helo;
                    }
                    if let Some(ident) = run_behind(&found, "ident=", false, |byte| !is_space(byte), 0) {
                        self.relay.ident = ident;
                    }
                }
                Slot::Other => {}
            }
        }
    }

    /// `IDENT:user@host` or `user@host` as the looked-up name.
    fn split_ident(&mut self) {
        let rdns = std::mem::take(&mut self.relay.rdns);
        let mut rest = &rdns[..];
        for prefix in [&b"IDENT:"[..], b""] {
            if let Some(named) = rest.strip_prefix(prefix)
                && let Some(at) = named.iter().position(|byte| *byte == b'@')
            {
                self.relay.ident = named[..at].to_vec();
                rest = &named[at + 1..];
            }
        }
        self.relay.rdns = rest.to_vec();
    }

    fn finish(self) -> Relay {
        let mut relay = self.relay;
        while relay.rdns.last() == Some(&b'.') {
            relay.rdns.pop();
        }
        if relay.rdns.eq_ignore_ascii_case(b"unknown") || relay.rdns.starts_with(b"[") {
            relay.rdns.clear();
        }
        relay.ip = plain_ip(&relay.ip);
        if relay.by.ends_with(b";") {
            relay.by.pop();
        }
        for text in [
            &mut relay.ip,
            &mut relay.rdns,
            &mut relay.helo,
            &mut relay.by,
            &mut relay.ident,
        ] {
            mask(text);
        }
        relay.envfrom = relay.envfrom.map(|sender| clean_sender(&sender));
        relay.no_reverse_dns = relay.rdns.is_empty() && self.looked_up;
        relay.ip_private = super::super::ip::is_private(&relay.ip);
        relay
    }
}
