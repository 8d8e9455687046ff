//! Functions over header fields. Does not know relays or lists.

use crate::authres::Results;

use super::{Call, Function, capture, charset, date, is_match};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("check_authres_result", authres_result),
    // Only with the network is there something to depend on.
    ("check_dkim_dependable", |_| false),
    ("check_for_faraway_charset_in_headers", faraway_charset),
    ("check_for_unique_subject_id", |_| false),
    ("check_illegal_chars", illegal_chars),
    ("check_for_matching_env_and_hdr_from", matching_senders),
    ("check_equal_from_domains", different_sender_domains),
    ("check_for_missing_to_header", |call| {
        call.header("To").is_empty() && call.header("Apparently-To").is_empty()
    }),
    ("check_for_shifted_date", shifted_date),
    ("subject_is_all_caps", subject_is_all_caps),
    ("check_for_to_in_subject", to_in_subject),
    ("check_outlook_message_id", outlook_message_id),
    ("check_messageid_not_usable", message_id_not_usable),
    ("check_header_count_range", count_range),
    ("check_unresolved_template", unresolved_template),
    ("check_ratware_name_id", ratware_name_id),
    ("check_ratware_envelope_from", ratware_envelope_from),
];

fn authres_result(call: &Call<'_, '_>) -> bool {
    let read = || Results::read(call.views, &call.settings.authres);
    let result = call.state.authres.get_or_init(read).result(call.argument(0));
    let wanted = call.argument(1).to_ascii_lowercase();
    result.map_or(wanted == "missing", |result| result == wanted)
}

fn faraway_charset(call: &Call<'_, '_>) -> bool {
    let Some(locales) = charset::locales(call.settings) else {
        return false;
    };
    let values = ["From:raw", "Subject:raw"]
        .into_iter()
        .flat_map(|selector| call.values(selector));
    values.into_iter().any(|value| {
        let mut rest = &value[..];
        while let Some(name) = capture!("=\\?(.+?)\\?.\\?.*?\\?=", rest) {
            if !charset::is_expected(name, &locales) {
                return true;
            }
            let next = memchr::memmem::find(rest, b"?=").map_or(rest.len(), |at| at + 2);
            rest = &rest[next..];
        }
        false
    })
}

fn illegal_chars(call: &Call<'_, '_>) -> bool {
    let name = call.argument(0);
    let selector = if name.ends_with(":raw") {
        name.to_owned()
    } else {
        format!("{name}:raw")
    };
    let text = call.header(&selector);
    let control = |b: &u8| matches!(b, 0..=8 | 0x0b | 0x0c | 0x0e..=0x1f);
    if !text.iter().any(|b| !b.is_ascii_whitespace() && *b != 0x0b) {
        return false;
    }
    if !text.is_ascii() && std::str::from_utf8(&text).is_ok() && !text.iter().any(control) {
        return false;
    }
    let mut illegal = text.iter().filter(|b| control(b) || **b >= 0x7f).count();
    if illegal > 0 && selector.eq_ignore_ascii_case("subject:raw") {
        // One pound, cent or registered sign is forgiven.
        illegal -= usize::from(text.iter().filter(|b| matches!(b, 0xa2 | 0xa3 | 0xae)).count() == 1);
    }
    illegal as f64 / text.len() as f64 >= call.number(1) && illegal as f64 >= call.number(2)
}

fn matching_senders(call: &Call<'_, '_>) -> bool {
    call.header("EnvelopeFrom:addr")
        .eq_ignore_ascii_case(&call.header("From:addr"))
}

/// The last two labels of an address's domain.
fn second_level(address: &[u8]) -> Vec<u8> {
    let domain = address
        .iter()
        .rposition(|b| *b == b'@')
        .map_or(&b""[..], |at| &address[at + 1..]);
    let labels: Vec<&[u8]> = domain.split(|b| *b == b'.').collect();
    let [.., second, first] = &labels[..] else {
        return domain.to_ascii_lowercase();
    };
    if labels.len() < 3 || second.is_empty() || first.is_empty() {
        return domain.to_ascii_lowercase();
    }
    [*second, *first].join(&b'.').to_ascii_lowercase()
}

fn different_sender_domains(call: &Call<'_, '_>) -> bool {
    let from = second_level(&call.header("From:addr"));
    let envelope = second_level(&call.header("EnvelopeFrom:addr"));
    !from.is_empty() && !envelope.is_empty() && from != envelope
}

fn shifted_date(call: &Call<'_, '_>) -> bool {
    let hours = date::shift(call) as f64 / 3600.0;
    let (min, max) = (call.limit(0), call.limit(1));
    min.is_none_or(|min| hours >= min) && max.is_none_or(|max| hours < max)
}

fn trimmed(text: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|b| !blank(b)).unwrap_or(text.len());
    let end = text.iter().rposition(|b| !blank(b)).map_or(start, |at| at + 1);
    &text[start..end]
}

fn subject_is_all_caps(call: &Call<'_, '_>) -> bool {
    let whole = call.header("Subject");
    let mut subject = trimmed(&whole);
    while let Some(rest) = capture!("(?is)^(?:Re|Fwd|Fw|Aw|Antwort|WG|SV|VB|VS|VL):\\s*(.*)", subject) {
        subject = rest;
    }
    let several = subject.iter().any(|b| matches!(b, b' ' | b'\t'..=b'\r'));
    if !several || subject.len() < 10 {
        return false;
    }
    let encoded = call.header("Subject:raw");
    let asian = is_match!(
        "(?i)=\\?[-_a-z0-9]*(?:koi|jp|jis|euc|gb|big5|isoir|cp1251|windows-1251|georgianps|pt154|tis)[-_a-z0-9]*\\?",
        &encoded
    );
    let mut letters = subject.iter().filter(|b| b.is_ascii_alphabetic()).peekable();
    !asian && letters.peek().is_some() && letters.all(u8::is_ascii_uppercase)
}

fn to_in_subject(call: &Call<'_, '_>) -> bool {
    let to = call.header("To:addr");
    if to.is_empty() {
        return false;
    }
    let subject = call.header("Subject");
    let line = subject.strip_suffix(b"\n").unwrap_or(&subject);
    match call.argument(0) {
        "address" => has_word(line, &to),
        "user" => {
            let user = &to[..to.iter().position(|b| *b == b'@').unwrap_or(to.len())];
            names_user(line, user)
        }
        _ => false,
    }
}

/// Whether the text stands in the line, ASCII case aside, with word boundaries at both of its ends.
fn has_word(line: &[u8], text: &[u8]) -> bool {
    let is_word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    line.windows(text.len()).enumerate().any(|(at, window)| {
        let before = at.checked_sub(1).and_then(|at| line.get(at));
        window.eq_ignore_ascii_case(text)
            && is_word(before) != is_word(text.first())
            && is_word(line.get(at + text.len())) != is_word(text.last())
    })
}

/// Whether a subject addresses the user by name: alone, after `re:` with at most one word between, followed by a mark,
/// or between commas at the end.
fn names_user(line: &[u8], user: &[u8]) -> bool {
    let same = |text: &[u8]| text.eq_ignore_ascii_case(user);
    let mark = |b: &u8| matches!(b, b',' | b':' | b';' | b'!' | b'?' | b'-');
    if same(line) {
        return true;
    }
    if let Some(rest) = capture!("(?is)^(?:re|fw):\\s*(.*)", line) {
        let after_word = capture!("(?s)^\\w+\\s+(.*)", rest);
        if same(rest) || after_word.is_some_and(same) {
            return true;
        }
    }
    if let Some(rest) = line.strip_prefix(user) {
        let rest = &rest[rest
            .iter()
            .position(|b| !matches!(b, b' ' | b'\t'..=b'\r'))
            .unwrap_or(rest.len())..];
        let follows = |b: Option<&u8>| b.is_none_or(|b| matches!(b, b' ' | b'\t'..=b'\r'));
        if rest.first().is_some_and(mark) && follows(rest.get(1)) {
            return true;
        }
    }
    let after_comma = line.strip_prefix(b",").map(|rest| {
        &rest[rest
            .iter()
            .position(|b| !matches!(b, b' ' | b'\t'..=b'\r'))
            .unwrap_or(rest.len())..]
    });
    let split = after_comma.and_then(<[u8]>::split_last);
    split.is_some_and(|(last, name)| mark(last) && same(name))
}

fn outlook_message_id(call: &Call<'_, '_>) -> bool {
    let id = call.header("MESSAGEID");
    let token = capture!("^<[0-9a-f]{4}([0-9a-f]{8})\\$[0-9a-f]{8}\\$[0-9a-f]{8}@", &id);
    let Some(token) = token.and_then(|hex| i64::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok())
    else {
        return false;
    };
    // The token counts in units of about 429.5 seconds from 1601.
    let expected = |seconds: i64| (seconds as f64 * 0.002_328_306_436_538_7 + 27_111_902.832_984_9) as i64;
    let differs = |seconds: i64| (token - expected(seconds)).abs() >= 250;
    let sent = date::seconds(&call.header("Date")).unwrap_or(0);
    if !differs(sent) {
        return false;
    }
    let received = call.header("Received");
    let seconds = date::in_received(&received).and_then(date::seconds).unwrap_or(0);
    differs(seconds)
}

fn message_id_not_usable(call: &Call<'_, '_>) -> bool {
    let unsubscribe = call.header("List-Unsubscribe");
    let received = call.header("Received");
    is_match!("(?i)<mailto:(?:leave-\\S+|\\S+-unsubscribe)@\\S+>$", &unsubscribe)
        || super::forged::gated_through_remover(call)
        || is_match!("/CWT/DCE\\)|iPlanet Messaging Server", &received)
}

fn count_range(call: &Call<'_, '_>) -> bool {
    let name = call.argument(0).as_bytes();
    let fields = call.views.headers().iter().filter(|header| header.is(name));
    let different: std::collections::BTreeSet<&[u8]> = fields.map(|header| &header.decoded()[..]).collect();
    let count = different.len() as f64;
    count >= call.number(1) && count <= call.number(2)
}

fn unresolved_template(call: &Call<'_, '_>) -> bool {
    call.header("ALL").split(|b| *b == b'\n').any(|line| {
        is_match!("%[A-Z][A-Z_-]", line)
            && !is_match!(
                "(?i)^(?:X-VMS-To|X-UIDL|X-Face|To|Cc|From|Subject|References|In-Reply-To|\
                (?:X-|Resent-|X-Original-)?Message-Id):",
                line
            )
    })
}

fn ratware_name_id(call: &Call<'_, '_>) -> bool {
    let id = call.header("MESSAGEID");
    let Some(address) = capture!("<[A-Z]{28}\\.([^>]+?)>", &id) else {
        return false;
    };
    let from = call.header("From");
    let wanted = [b"<", address, b">"].concat();
    memchr::memmem::find_iter(&from, &wanted).any(|at| is_match!("\"[^\"]+\"\\s*$", &from[..at]))
}

fn ratware_envelope_from(call: &Call<'_, '_>) -> bool {
    let to = call.header("To:addr");
    let from = call.header("EnvelopeFrom:addr");
    if from.is_empty() || is_match!("(?i)^SRS\\d[=+-]", &from) {
        return false;
    }
    let Some(at) = to.iter().position(|b| *b == b'@') else {
        return false;
    };
    let (user, host) = (&to[..at], &to[at + 1..]);
    if user.is_empty() || host.is_empty() {
        return false;
    }
    let tlds = call.views.tlds();
    let domain = tlds.registered(&host.to_ascii_lowercase());
    if !tlds.is_valid(&domain) {
        return false;
    }
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let len = domain.len() + 1 + user.len() + 1;
    from.windows(len).enumerate().any(|(start, window)| {
        let before = start.checked_sub(1).is_some_and(|at| is_word(&from[at]));
        window[..domain.len()].eq_ignore_ascii_case(&domain)
            && window[domain.len() + 1..len - 1].eq_ignore_ascii_case(user)
            && window[len - 1] == b'@'
            && domain.first().is_some_and(|b| is_word(b) != before)
    })
}
