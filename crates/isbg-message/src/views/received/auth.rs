//! Signs in a Received line that the sender had logged in. Does not check them.

use super::pattern::{Budget, E, Slot, find, starts};

fn has(text: &[u8], needle: &str) -> bool {
    memchr::memmem::find(text, needle.as_bytes()).is_some()
}

/// How the sender had logged in, in the words of the line or by the program's name; empty if nothing tells it.
pub(super) fn method(text: &[u8], budget: &Budget) -> Vec<u8> {
    if has(text, " by ")
        && let Some(protocol) = protocol(text)
    {
        return protocol;
    }
    if let Some(transport) = gmail(text, budget) {
        return transport;
    }
    if let Some(mechanism) = communicated(text) {
        return mechanism;
    }
    if has(text, "authenticated") && sendmail(text, budget) {
        return b"Sendmail".to_vec();
    }
    if let Some(gmx) = gmx(text, budget) {
        return gmx;
    }
    if let Some(named) = critical_path(text, budget).or_else(|| postfix(text, budget)) {
        return named;
    }
    if has(text, " (account ")
        && ["HTTP", "SMTP", "XIMSS", "IMAP"]
            .iter()
            .any(|way| has(text, &format!("CommuniGate Pro {way}")))
    {
        return b"Communigate".to_vec();
    }
    if has(text, " with Microsoft Exchange Server HTTP-DAV") {
        return b"HTTP-DAV".to_vec();
    }
    via_http(text).unwrap_or_default()
}

fn critical_path(text: &[u8], budget: &Budget) -> Option<Vec<u8>> {
    const CRITICAL_PATH: &[E] = &[
        E::L(") by "),
        E::Any,
        E::L(" ("),
        E::Digits,
        E::L("."),
        E::Digits,
        E::L("."),
        E::Digits,
        E::Opt(&[E::L("."), E::Digits]),
        E::L(") (authenticated as "),
        E::Any,
        E::L(") id "),
    ];
    (has(text, " (authenticated as ") && find(budget, text, CRITICAL_PATH).is_some())
        .then(|| b"CriticalPath".to_vec())
}

fn postfix(text: &[u8], budget: &Budget) -> Option<Vec<u8>> {
    const POSTFIX: &[E] = &[
        E::L(") (Authenticated sender: "),
        E::Word,
        E::L(") by "),
        E::Word,
        E::L(" ("),
        E::Inside(Slot::Other),
        E::L(") with "),
    ];
    let captures = find(budget, text, POSTFIX)?;
    let program = &text[captures[0].1.clone()];
    Some(if program == b"Postfix" {
        program.to_vec()
    } else {
        [b"Postfix (", program, b")"].concat()
    })
}

/// `with ESMTPA` and the like (RFC 3848, RFC 6531 §4.3).
fn protocol(text: &[u8]) -> Option<Vec<u8>> {
    let lower = text.to_ascii_lowercase();
    memchr::memmem::find_iter(&lower, b" with ").find_map(|at| {
        let start = at + 6;
        let end = start
            + lower[start..]
                .iter()
                .take_while(|byte| !matches!(byte, b' ' | b';'))
                .count();
        let word = std::str::from_utf8(&lower[start..end]).ok()?;
        let known = matches!(word, "asmtp" | "http" | "https" | "httpu")
            || ["es", "l", "utf8s", "utf8l"].iter().any(|prefix| {
                word.strip_prefix(prefix)
                    .is_some_and(|rest| matches!(rest, "mtpa" | "mtpsa"))
            });
        known.then(|| text[start..end].to_vec())
    })
}

/// Gmail's ids of mail that was submitted.
fn gmail(text: &[u8], budget: &Budget) -> Option<Vec<u8>> {
    const MARK: &[u8] = b" by mx.google.com with ESMTPS id ";
    let at = memchr::memmem::find(text, MARK)? + MARK.len();
    let id = text[at..].split(|byte| *byte == b' ').next()?;
    let mut pieces = id.split(|byte| *byte == b'.');
    let name = pieces.next()?;
    let submitted = memchr::memmem::find_iter(name, b"sm").any(|sm| {
        let tail = &name[sm + 2..];
        let digits = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (1..=4).contains(&sm) && (2..=9).contains(&digits) && tail.len() == digits + 3
    });
    let (first, year) = (pieces.next()?, pieces.next()?);
    if !submitted || !(1..=3).contains(&first.len()) || year.len() != 4 || pieces.count() < 5 {
        return None;
    }
    const CIPHER: &[E] = &[
        E::L("(version="),
        E::Not0(Slot::Other, " "),
        E::L(" cipher="),
        E::Inside(Slot::Other),
        E::L(")"),
    ];
    let captures = find(budget, text, CIPHER)?;
    let (version, cipher) = (&text[captures[0].1.clone()], &text[captures[1].1.clone()]);
    Some([b"GMail - transport=", version, b" cipher=", cipher].concat())
}

/// `(AUTH: LOGIN user)`
fn communicated(text: &[u8]) -> Option<Vec<u8>> {
    text.strip_prefix(b"from ")?;
    for mechanism in ["LOGIN", "PLAIN", "DIGEST-MD5", "CRAM-MD5"] {
        for bracket in ["])", ")]"] {
            let mark = format!("{bracket} (AUTH: {mechanism} ");
            if let Some(at) = memchr::memmem::find(text, mark.as_bytes()) {
                let rest = &text[at + mark.len()..];
                let end = memchr::memmem::find(rest, b") by ")?;
                let user = rest[..end].split(|byte| *byte == b' ').next()?;
                let only_user = user.len() == end || user.ends_with(b",");
                return (!user.is_empty() && only_user).then(|| mechanism.as_bytes().to_vec());
            }
        }
    }
    None
}

fn sendmail(text: &[u8], budget: &Budget) -> bool {
    const TAIL: &[E] = &[
        E::Any,
        E::L("("),
        E::Any,
        E::L("authenticated"),
        E::Any,
        E::L(")"),
        E::Any,
        E::L(" by"),
    ];
    const CLOSE: &[E] = &[
        E::L("]"),
        E::Opt(&[E::L(" ("), E::Not0(Slot::Other, ")"), E::L(")")]),
        E::L(") "),
    ];
    const OTHER: &[E] = &[E::L(")] ")];
    let behind = |pattern: &'static [E]| {
        (0..text.len()).any(|at| {
            matches!(text[at], b']' | b')')
                && starts(budget, &text[at..], pattern).is_some()
                && starts(budget, &text[at + 2..], TAIL).is_some()
        })
    };
    text.starts_with(b"from ") && (behind(CLOSE) || behind(OTHER))
}

fn gmx(text: &[u8], budget: &Budget) -> Option<Vec<u8>> {
    const SHAPE: &[E] = &[
        E::L(" ("),
        E::Alt(&["HELO ", "EHLO "]),
        E::Word0,
        E::L(") ["),
        E::AnyIp,
        E::L("] by "),
        E::W(Slot::By),
        E::L(" ("),
        E::Inside(Slot::Other),
        E::L(") with "),
    ];
    if !has(text, "mail.gmx.") {
        return None;
    }
    let captures = find(budget, text, SHAPE)?;
    let by = &text[captures[0].1.clone()];
    let protocol = &text[captures[1].1.end + 7..];
    let protocol = [&b"ESMTP"[..], b"SMTP"]
        .into_iter()
        .find(|name| protocol.starts_with(name))?;
    matches!(by, b"mail.gmx.net" | b"mail.gmx.com").then(|| [b"GMX (", protocol, b" / ", by, b")"].concat())
}

/// `(via HTTP)`
fn via_http(text: &[u8]) -> Option<Vec<u8>> {
    let lower = text.to_ascii_lowercase();
    let at = memchr::memmem::find(&lower, b" (via http")?;
    let start = at + 6;
    let close = start + lower[start..].iter().position(|byte| *byte == b')')?;
    let ended = matches!(text.get(close + 1), None | Some(b' ' | b';'));
    (has(text, " by ") && ended && (4..=5).contains(&(close - start))).then(|| text[start..close].to_vec())
}
