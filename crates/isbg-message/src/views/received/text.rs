//! What all programs write alike in Received lines, and how found text is cleaned. Does not know any program.

use super::super::Relay;
use super::super::head::is_space;

/// Single blanks, none around, no semicolons at the end.
pub(super) fn tidy(value: &[u8]) -> Vec<u8> {
    let words: Vec<&[u8]> = value
        .split(|byte| is_space(*byte))
        .filter(|word| !word.is_empty())
        .collect();
    let mut text = words.join(&b' ');
    while text.last() == Some(&b';') {
        text.pop();
        if text.last() == Some(&b' ') {
            text.pop();
        }
    }
    text
}

/// Takes the date off the end: `Mon, 2 Jan 2006 15:04:05 -0700`.
pub(super) fn without_date(text: &[u8]) -> Vec<u8> {
    let word_start = |end: usize| {
        text[..end]
            .iter()
            .rposition(|byte| *byte == b' ')
            .map_or(0, |at| at + 1)
    };
    let mut starts = Vec::new();
    let mut end = text.len();
    for _ in 0..6 {
        let start = word_start(end);
        starts.push(start..end);
        if start == 0 {
            break;
        }
        end = start - 1;
    }
    let word = |index: usize| starts.get(index).map(|range| &text[range.clone()]);
    let digits = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    let is_time = |word: &[u8]| {
        let mut pieces = word.split(|byte| *byte == b':');
        (2..=3).contains(&pieces.clone().count()) && pieces.all(digits)
    };
    const MONTHS: &[u8] = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
    const DAYS: &[u8] = b"Mon, Tue, Wed, Thu, Fri, Sat, Sun,";
    let in_list = |list: &[u8], word: &[u8]| list.split(|byte| *byte == b' ').any(|one| one == word);
    let (Some(zone), Some(time), Some(year), Some(month), Some(day)) =
        (word(0), word(1), word(2), word(3), word(4))
    else {
        return text.to_vec();
    };
    if zone.is_empty() || !is_time(time) || !digits(year) || !in_list(MONTHS, month) {
        return text.to_vec();
    }
    // The day may stand right behind a semicolon.
    let day_digits = day.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let mut start = starts[4].end - day_digits;
    if day_digits == day.len()
        && let Some(name) = word(5)
    {
        let name_start = name.iter().rposition(|byte| *byte == b';').map_or(0, |at| at + 1);
        if in_list(DAYS, &name[name_start..]) {
            start = starts[5].start + name_start;
        }
    }
    let kept = text[..start]
        .iter()
        .rposition(|byte| !matches!(byte, b' ' | b';'))
        .map_or(0, |at| at + 1);
    if day_digits == 0 || kept == start {
        text.to_vec()
    } else {
        text[..kept].to_vec()
    }
}

fn is_helo(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.^+_&:=?!@%*$\\/".contains(&byte)
}

pub(super) fn run_behind(
    text: &[u8],
    marker: &str,
    word_start: bool,
    fits: fn(u8) -> bool,
    least: usize,
) -> Option<Vec<u8>> {
    memchr::memmem::find_iter(text, marker.as_bytes()).find_map(|at| {
        let before = at.checked_sub(1).map(|before| text[before]);
        if word_start && before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        let rest = &text[at + marker.len()..];
        let run = rest.iter().take_while(|byte| fits(**byte)).count();
        (run >= least).then(|| rest[..run].to_vec())
    })
}

/// What most programs write in the same way.
pub(super) fn general(text: &[u8], relay: &mut Relay) {
    let is_id = |byte: u8| !is_space(byte) && !matches!(byte, b'<' | b'>' | b';');
    let id = memchr::memmem::find_iter(text, b" id ").find_map(|at| {
        let rest = &text[at + 4..];
        let bare = rest.strip_prefix(b"<").unwrap_or(rest);
        let run = bare.iter().take_while(|byte| is_id(**byte)).count();
        (run >= 3).then(|| bare[..run].to_vec())
    });
    relay.id = id.unwrap_or_default();
    let helo = run_behind(text, "helo=", true, is_helo, 1).or_else(|| {
        let hello = run_behind(text, "HELO ", true, is_helo, 1);
        let extended = run_behind(text, "EHLO ", true, is_helo, 1);
        let position = |word: &[u8]| memchr::memmem::find(text, word).unwrap_or(usize::MAX);
        if position(b"EHLO ") < position(b"HELO ") {
            extended.or(hello)
        } else {
            hello.or(extended)
        }
    });
    relay.helo = helo.unwrap_or_default();
    relay.by = run_behind(text, " by ", false, |byte| !is_space(byte), 1).unwrap_or_default();
}

pub(super) fn envelope_sender(text: &[u8]) -> Option<Vec<u8>> {
    let lower = text.to_ascii_lowercase();
    let markers = [
        "return-path: ",
        "return-path ",
        "envelope-sender ",
        "envelope-sender=",
        "envelope-from ",
        "envelope-from=",
    ];
    let found = markers
        .iter()
        .flat_map(|marker| memchr::memmem::find_iter(&lower, marker.as_bytes()).map(|at| at + marker.len()));
    let mut starts: Vec<usize> = found.collect();
    starts.sort_unstable();
    starts.into_iter().find_map(|start| {
        let word = &text[start..];
        let word = &word[..word.iter().take_while(|byte| !is_space(**byte)).count()];
        // Up to the last place where a word ends or begins.
        let is_word =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let end = (1..=word.len())
            .rev()
            .find(|end| is_word(word.get(end - 1)) != is_word(text.get(start + end)))?;
        Some(word[..end].to_vec())
    })
}

/// Without `IPv6:`, brackets, zone; an IPv4 address in IPv6 form is an IPv4 address.
pub(super) fn plain_ip(ip: &[u8]) -> Vec<u8> {
    let mut ip = ip;
    if ip
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"ipv6:"))
    {
        ip = &ip[5..];
    }
    ip = ip.strip_prefix(b"[").unwrap_or(ip);
    ip = ip.strip_suffix(b"]").unwrap_or(ip);
    ip = ip.split(|byte| *byte == b'%').next().unwrap_or_default();
    if let Some(colon) = ip.iter().rposition(|byte| *byte == b':')
        && ip[colon + 1..].contains(&b'.')
    {
        let before = ip[..colon].to_ascii_lowercase();
        let zeros = before
            .strip_suffix(b"ffff")
            .filter(|rest| rest.iter().all(|byte| matches!(byte, b'0' | b':')));
        if zeros.is_some_and(|zeros| {
            zeros.ends_with(b":") && zeros.iter().filter(|byte| **byte == b':').count() >= 2
        }) {
            return ip[colon + 1..].to_vec();
        }
    }
    ip.to_vec()
}

/// Bytes that would break the form of `X-Spam-Relays-…`.
pub(super) fn mask(text: &mut [u8]) {
    for byte in text
        .iter_mut()
        .filter(|byte| is_space(**byte) || b"\0#[]()<>|".contains(byte))
    {
        *byte = b'!';
    }
}

pub(super) fn clean_sender(sender: &[u8]) -> Vec<u8> {
    let start = sender.iter().take_while(|byte| is_space(**byte)).count();
    let mut rest = &sender[start..];
    while let Some(inner) = rest.strip_prefix(b"<") {
        rest = inner;
    }
    let mut end = rest.len() - rest.iter().rev().take_while(|byte| is_space(**byte)).count();
    while end > 0 && rest[end - 1] == b'>' {
        end -= 1;
    }
    let mut clean = rest[..end].to_vec();
    mask(&mut clean);
    clean
}
