//! The forms under which a URI is tried: as written, and as a browser would take it. Does not fetch anything.

use super::super::Settings;
use super::super::head::trim;
use super::numbers::{dotted_form, number_form};

/// Targets inside targets are followed so often.
const TARGETS: usize = 100;

/// Percent escapes of printable ASCII undone; other bytes that do not belong in a URI escaped.
pub(super) fn url_encode(uri: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(uri.len());
    let mut at = 0;
    while let Some(byte) = uri.get(at) {
        if *byte == b'%'
            && let Some(value) = uri.get(at + 1..at + 3).and_then(crate::header::hex_pair)
        {
            match value {
                0x21..=0x7e => out.push(value),
                _ => out.extend_from_slice(&uri[at..at + 3]),
            }
            at += 3;
            continue;
        }
        match byte {
            0..=0x20 | 0x7f..=0xff | b'"' | b'%' | b'<' | b'>' => {
                out.extend_from_slice(format!("%{byte:02x}").as_bytes());
            }
            byte => out.push(*byte),
        }
        at += 1;
    }
    out
}

/// Every form of `uri`, each once; none where it is too short to be one or only an anchor or path.
pub(super) fn forms(uri: &[u8], settings: &Settings) -> Vec<Vec<u8>> {
    let mut targets = vec![uri.to_vec()];
    let mut forms = Vec::new();
    let mut next = 0;
    while next < targets.len() && next < TARGETS {
        targets[next].retain(|byte| *byte != b'\n');
        targets[next] = trim(&targets[next]).to_vec();
        targets[next].retain(|byte| *byte != b'\r');
        let target = targets[next].clone();
        next += 1;
        let path = target.starts_with(b"/") && !target.starts_with(b"//");
        if target.len() <= 1 || path || matches!(target.first(), Some(b'#' | b'?' | b'&')) {
            continue;
        }
        if is_mail(&target) {
            mail_forms(&target, &mut forms);
        } else {
            web_forms(&target, settings, &mut forms, &mut targets);
        }
    }
    targets.append(&mut forms);
    let mut once: Vec<Vec<u8>> = Vec::with_capacity(targets.len());
    for form in targets {
        if !once.contains(&form) {
            once.push(form);
        }
    }
    once
}

fn starts_with(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn position(text: &[u8], stops: &[u8]) -> Option<usize> {
    text.iter().position(|byte| stops.contains(byte))
}

fn is_mail(uri: &[u8]) -> bool {
    starts_with(uri, b"mailto:") || position(uri, b":@").is_some_and(|at| uri[at] == b'@')
}

fn mail_forms(uri: &[u8], forms: &mut Vec<Vec<u8>>) {
    let at = position(uri, b"@").filter(|at| *at > 0);
    // Without a subject and the like.
    if let Some(at) = at {
        let end = |stops: &[u8]| position(&uri[at + 1..], stops).map(|end| at + 1 + end);
        if let Some(end) = end(b"?").filter(|end| *end > at + 1) {
            forms.push(uri[..end].to_vec());
        }
        if let Some(end) = end(b"?&").filter(|end| *end > at + 1 && uri[*end] == b'&') {
            forms.push(uri[..end].to_vec());
        }
    }
    if memchr::memmem::find(uri, b"%20").is_some() {
        let mut rest = if starts_with(uri, b"mailto:") {
            &uri[7..]
        } else {
            uri
        };
        while let Some(after) = rest.strip_prefix(b"%20") {
            rest = after;
        }
        if let Some(at) = position(rest, b"@").filter(|at| *at > 0) {
            let host = position(&rest[at + 1..], b"?&%").unwrap_or(rest.len() - at - 1);
            if host > 0 {
                forms.push([b"mailto:", &rest[..at + 1 + host]].concat());
            }
        }
    }
    // An address in brackets.
    let before = position(uri, b"?&").unwrap_or(uri.len());
    let inner = (0..before)
        .rev()
        .filter(|open| uri[*open] == b'<')
        .find_map(|open| {
            let rest = &uri[open + 1..];
            let at = position(rest, b"@>").filter(|at| *at > 0 && rest[*at] == b'@')?;
            let close = position(&rest[at + 1..], b">").filter(|len| *len > 0)?;
            Some(&rest[..at + 1 + close])
        });
    if let Some(inner) = inner {
        forms.push([b"mailto:", inner].concat());
    }
}

/// Replaces numeric character references of printable ASCII and of what counts as a full stop in host names.
fn without_references(uri: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(uri.len());
    let mut at = 0;
    while at < uri.len() {
        match reference(&uri[at..]) {
            Some((byte, len)) => {
                out.push(byte);
                at += len;
            }
            None => {
                out.push(uri[at]);
                at += 1;
            }
        }
    }
    out
}

fn reference(text: &[u8]) -> Option<(u8, usize)> {
    let number = text.strip_prefix(b"&#")?;
    let (radix, digits) = match number.first() {
        Some(b'x' | b'X') => (16, &number[1..]),
        _ => (10, number),
    };
    let len = digits
        .iter()
        .take(12)
        .take_while(|byte| char::from(**byte).is_digit(radix))
        .count();
    let code = u32::from_str_radix(std::str::from_utf8(&digits[..len]).ok()?, radix).ok()?;
    if digits.get(len) != Some(&b';') {
        return None;
    }
    let byte = match code {
        0x21..=0x7e if number[0] != b'X' => code as u8,
        0x2e | 12_290 if radix == 16 || code == 12_290 => b'.',
        0x3002 | 0xff0e | 0xff61 => b'.',
        _ => return None,
    };
    Some((byte, text.len() - digits.len() + len + 1))
}

fn web_forms(uri: &[u8], settings: &Settings, forms: &mut Vec<Vec<u8>>, targets: &mut Vec<Vec<u8>>) {
    let mut clean: Vec<u8> = uri
        .iter()
        .map(|byte| if *byte == b'\\' { b'/' } else { *byte })
        .collect();
    let scheme = [&b"https:"[..], b"http:"]
        .into_iter()
        .find(|scheme| starts_with(&clean, scheme))
        .map(<[u8]>::len);
    if let Some(scheme) = scheme {
        let slashes = clean[scheme..]
            .iter()
            .take(2)
            .take_while(|byte| **byte == b'/')
            .count();
        clean.splice(scheme..scheme + slashes, *b"//");
    }
    if clean
        .windows(3)
        .any(|w| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit())
    {
        clean = url_encode(&clean);
    }
    let named = clean
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    if named == 0 || clean.get(named) != Some(&b':') {
        let scheme: &[u8] = if clean.starts_with(b"ftp.") {
            b"ftp://"
        } else {
            b"http://"
        };
        clean.splice(..0, scheme.iter().copied());
    }
    let proto = [&b"https://"[..], b"http://"]
        .into_iter()
        .find(|scheme| starts_with(&clean, scheme))
        .map(<[u8]>::len);
    if let Some(proto) = proto
        && let Some(end) = position(&clean[proto..], b"/?#").filter(|end| *end > 0)
        && clean[proto + end] != b'/'
    {
        clean.insert(proto + end, b'/');
    }
    let clean = without_references(&clean);
    if clean != uri {
        forms.push(clean.clone());
    }
    // The references may have changed the scheme.
    let proto = [&b"https://"[..], b"http://"]
        .into_iter()
        .find(|scheme| starts_with(&clean, scheme))
        .map(<[u8]>::len);
    if let Some(proto) = proto {
        host_forms(&clean, proto, settings, forms, targets);
    }
}

/// Scheme, host, and everything behind the host, of a web URI; and whether it has user name or password.
struct Web<'u> {
    proto: &'u [u8],
    host: Vec<u8>,
    rest: &'u [u8],
    user: bool,
    /// The port where one is told.
    port: Option<&'u [u8]>,
}

fn web(uri: &[u8], proto: usize) -> Option<Web<'_>> {
    let (proto, rest) = uri.split_at(proto);
    let user = position(rest, b"@/?#")
        .filter(|at| rest[*at] == b'@')
        .map(|at| at + 1);
    let with_host = |start: usize| {
        let host = position(&rest[start..], b"/?#:").unwrap_or(rest.len() - start);
        (host > 0).then_some((start, start + host))
    };
    let (start, end) = user.and_then(with_host).or_else(|| with_host(0))?;
    let behind = &rest[end..];
    let port = behind.strip_prefix(b":").map(|port| {
        let digits = port.iter().take_while(|byte| byte.is_ascii_digit()).count();
        &port[..digits]
    });
    Some(Web {
        proto,
        host: rest[start..end].to_vec(),
        rest: behind,
        user: start > 0,
        port: port.filter(|port| !port.is_empty()),
    })
}

fn host_forms(
    uri: &[u8],
    proto: usize,
    settings: &Settings,
    forms: &mut Vec<Vec<u8>>,
    targets: &mut Vec<Vec<u8>>,
) {
    let Some(Web {
        proto,
        mut host,
        rest,
        user,
        port,
    }) = web(uri, proto)
    else {
        return;
    };
    let default_port: &[u8] = if proto == b"http://" { b"80" } else { b"443" };
    if port == Some(default_port) {
        let behind = &rest[1 + default_port.len()..];
        if !behind
            .first()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        {
            forms.push([proto, &host, behind].concat());
        }
    }
    let original_host = host.to_ascii_lowercase();
    if host.iter().any(|byte| *byte <= 0x20) {
        host.retain(|byte| *byte > 0x20);
        forms.push([proto, &host, rest].concat());
    }
    redirection(&[proto, &host, rest].concat(), rest, settings, targets);
    if let Some(at) = position(&host, b"@").filter(|at| *at > 0) {
        host.drain(..=at);
        forms.push([proto, &host, rest].concat());
    }
    if host.last().is_some_and(|byte| !byte.is_ascii_alphanumeric()) {
        let end = host
            .iter()
            .rposition(u8::is_ascii_alphanumeric)
            .map_or(0, |at| at + 1);
        host.truncate(end);
        forms.push([proto, &host, rest].concat());
    }
    if let Some(address) = dotted_form(&host).or_else(|| number_form(&host)) {
        forms.push([proto, &address, rest].concat());
        return;
    }
    if proto == b"http://" && !user && (port.is_none() || port == Some(b"80")) {
        forms.extend(guessed_host(&original_host, settings).map(|host| [proto, &host, rest].concat()));
    }
}

/// A single word is looked up as `www.word.com` by browsers.
fn guessed_host(host: &[u8], settings: &Settings) -> Option<Vec<u8>> {
    let word = host.strip_prefix(b"www.").unwrap_or(host);
    let guess =
        host != b"localhost" && !word.is_empty() && !word.contains(&b'.') && !settings.tlds.is_valid(host);
    guess.then(|| [b"www.", word, b".com"].concat())
}

/// What is wrapped in a redirecting URI.
fn redirection(uri: &[u8], rest: &[u8], settings: &Settings, targets: &mut Vec<Vec<u8>>) {
    for redirector in &settings.redirectors {
        if let Some(target) = redirector(uri)
            .and_then(|range| uri.get(range))
            .filter(|target| target.contains(&b'.'))
        {
            targets.push(target.to_vec());
            return;
        }
    }
    let lower = rest.to_ascii_lowercase();
    let inner = memchr::memmem::find_iter(&lower, b"http").find_map(|at| {
        let after = lower[at + 4..].strip_prefix(b"s").unwrap_or(&lower[at + 4..]);
        let after = after.strip_prefix(b":")?;
        let end = position(after, b"&#").unwrap_or(after.len());
        let behind = position(after, b"&#").is_some();
        let stop = if behind {
            lower.len() - after.len() + end
        } else {
            lower.len()
        };
        (end > 0).then_some(at..stop)
    });
    if let Some(target) = inner
        .map(|range| &rest[range])
        .filter(|target| target.contains(&b'.'))
    {
        targets.push(target.to_vec());
    }
}
