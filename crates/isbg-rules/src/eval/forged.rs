//! Functions that tell whether the Received fields fit the web mail service a message claims to come from. Does not
//! parse these fields into relays.

use super::{Call, Function, capture, is_match};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("check_for_fake_aol_relay_in_rcvd", fake_aol_relay),
    ("gated_through_received_hdr_remover", gated_through_remover),
    ("check_for_forged_hotmail_received_headers", |call| {
        hotmail(call) == Hotmail::Forged
    }),
    ("check_for_no_hotmail_received_headers", |call| {
        hotmail(call) == Hotmail::Absent
    }),
    ("check_for_msn_groups_headers", msn_groups),
    ("check_for_forged_eudoramail_received_headers", eudoramail),
    ("check_for_forged_yahoo_received_headers", yahoo),
    ("check_for_forged_juno_received_headers", juno),
    ("check_for_forged_gmail_received_headers", gmail),
    ("check_for_forged_gw05_received_headers", gw05),
];

/// Each run of white space as one blank.
fn squeezed(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        let blank = matches!(byte, b' ' | b'\t'..=b'\r');
        if !blank {
            out.push(*byte);
        } else if out.last() != Some(&b' ') {
            out.push(b' ');
        }
    }
    out
}

fn has_ip(text: &[u8]) -> bool {
    is_match!(
        "(?:\\d{1,3}\\.){3}\\d{1,3}|[0-9a-fA-F]{0,4}:[0-9a-fA-F:.]*:[0-9a-fA-F]{0,4}",
        text
    )
}

fn fake_aol_relay(call: &Call<'_, '_>) -> bool {
    let received = squeezed(&call.header("Received"));
    is_match!("(?i) rly-[a-z][a-z]\\d\\d\\.", &received)
        && !is_match!(
            "/AOL-\\d+\\.\\d+\\.\\d+\\)|ESMTP id (?:RELAY|MAILRELAY|MAILIN)",
            &received
        )
}

/// Whether the message came through something that takes Received fields away.
pub(super) fn gated_through_remover(call: &Call<'_, '_>) -> bool {
    let received = call.header("Received");
    let list = call.header("Mailing-List");
    if is_match!("(?m)^contact \\S+@\\S+; run by ezmlm$", &list)
        && is_match!("(?m)^mailing list \\S+@\\S+", &call.header("Delivered-To"))
        && is_match!(
            "qmail \\d+ invoked (?:from network|by .{3,20})\\); \\d+ ... \\d+",
            &received
        )
    {
        return true;
    }
    received.is_empty() || is_match!("from groups\\.msn\\.com \\(\\S+\\.msn\\.com ", &received)
}

#[derive(PartialEq, Eq)]
enum Hotmail {
    Fine,
    Forged,
    Absent,
}

fn hotmail(call: &Call<'_, '_>) -> Hotmail {
    let received = squeezed(&call.header("Received"));
    let by_service = is_match!(
        "from mail pickup service by hotmail\\.com with Microsoft SMTPSVC;",
        &received
    );
    if by_service || msn_groups(call) || gated_through_remover(call) {
        return Hotmail::Fine;
    }
    let from_ip = has_ip(&call.header("X-Originating-Ip"));
    let from_org = is_match!("hotmail\\.com|msonline-outlook", &call.header("X-OriginatorOrg"));
    let with_ip = is_match!(
        "from (?:\\S*\\.)?hotmail.com \\(\\S+\\.hotmail(?:\\.msn)?\\.com[ )]\
        |from \\S*\\.hotmail.com \\(\\[[0-9a-fA-F.:]+\\][ ):]\
        |from \\S+ by \\S+\\.hotmail(?:\\.msn)?\\.com with HTTP;|from \\[66\\.218.\\S+\\] by \\S+\\.yahoo\\.com",
        &received
    );
    let with_org = is_match!(
        "from \\S*\\.outbound\\.protection\\.outlook\\.com \\(\\S+\\.outbound\\.protection\\.outlook\\.com[ )]\
        |from \\S*\\.(?:eur|nam)prd\\d+\\.prod\\.outlook\\.com \\([0-9a-fA-F.:]+\\)",
        &received
    );
    if (with_ip && from_ip) || (with_org && from_org) {
        Hotmail::Fine
    } else if is_match!("(?:from |HELO |helo=)\\S*hotmail\\.com\\b", &received) {
        Hotmail::Forged
    } else if is_match!("(?i)\\bhotmail\\.com$", &call.header("From:addr")) {
        Hotmail::Absent
    } else {
        Hotmail::Fine
    }
}

fn msn_groups(call: &Call<'_, '_>) -> bool {
    let to = call.header("To");
    let Some(list) = capture!("(?i)<(\\S+)@groups\\.msn\\.com>", &to) else {
        return false;
    };
    let received = call.header("Received");
    let server = capture!(
        "from mail pickup service by ((?:p\\d\\d\\.)groups\\.msn\\.com)\\b",
        &received
    );
    let Some(server) = server else { return false };
    let id = call.header("Message-Id");
    if list == b"notifications" {
        let host = capture!("^<\\S+@([^>]*)>", &id);
        return host == Some(server);
    }
    let ours = id
        .strip_prefix(b"<")
        .and_then(|rest| rest.strip_prefix(list)?.strip_prefix(b"-"));
    let bounce = [list, b"-bounce@groups.msn.com"].concat();
    ours.is_some_and(|rest| is_match!("^\\S+@groups\\.msn\\.com>", rest))
        && memchr::memmem::find(&call.header("EnvelopeFrom:addr"), &bounce).is_some()
}

fn eudoramail(call: &Call<'_, '_>) -> bool {
    if !is_match!("(?i)\\beudoramail\\.com$", &call.header("From:addr")) || gated_through_remover(call) {
        return false;
    }
    let received = squeezed(&call.header("Received"));
    !(is_match!("by \\S*whowhere.com;", &received) && has_ip(&call.header("X-Sender-Ip")))
}

fn yahoo(call: &Call<'_, '_>) -> bool {
    let from = call.header("From:addr");
    if !is_match!("(?i)\\byahoo\\.com$", &from) {
        return false;
    }
    let mut received = call.header("Received");
    if !call.header("Resent-From").is_empty() && !call.header("Resent-To").is_empty() {
        let other = call.header("X-Received");
        if !other.is_empty() {
            received = other;
        }
    }
    let received = squeezed(&received);
    let relays = call.views.relays();
    let first_untrusted = relays.trusted + 1;
    let by_relay = relays
        .all
        .iter()
        .take(first_untrusted)
        .any(|relay| relay.rdns.ends_with(b".yahoo.com") && relay.rdns.len() > b".yahoo.com".len());
    let reply = is_match!("\\bmailer\\d+\\.bulk\\.scd\\.yahoo\\.com\\b", &received)
        && is_match!("(?i)@reply\\.yahoo\\.com$", &from);
    let known = is_match!(
        "by web\\S+\\.mail\\S*\\.yahoo\\.com via HTTP|by sonic\\S+\\.consmr\\.mail\\S*\\.yahoo\\.com with HTTP\
        |by smtp\\S+\\.yahoo\\.com with SMTP\
        |from \\[[0-9a-fA-F.:]+\\] by \\S+\\.(?:groups|scd|dcn)\\.yahoo\\.com with NNFMP\
        |by \\w+\\.\\w+\\.yahoo\\.com \\(\\d+\\.\\d+\\.\\d+/\\d+\\.\\d+\\.\\d+\\)(?: with ESMTP)? id \\w+",
        &received
    );
    !(gated_through_remover(call) || by_relay || reply || known)
}

fn juno(call: &Call<'_, '_>) -> bool {
    if !is_match!("(?i)\\bjuno\\.com$", &call.header("From:addr")) || gated_through_remover(call) {
        return false;
    }
    let origin = call.header("X-Originating-IP");
    let mailer = call.header("X-Mailer");
    let received = call.header("Received");
    if !origin.is_empty() {
        let theirs = is_match!(
            "from.*\\b(?:juno|untd)\\.com.*[\\[(][0-9a-fA-F.:]+[\\])].*by| cookie\\.(?:juno|untd)\\.com ",
            &received
        );
        return !theirs || memchr::memmem::find(&mailer, b"Juno ").is_none();
    }
    // Without an origin nothing below can end well: the last test wants an address in it.
    true
}

fn gmail(call: &Call<'_, '_>) -> bool {
    if !is_match!("(?i)\\bgmail\\.com$", &call.header("From:addr")) {
        return false;
    }
    let over_http = is_match!(
        "by 10\\.\\S+ with SMTP id \\S+|by 2002:a\\d\\d:\\w+:\\S+ with SMTP id \\S+",
        &call.header("X-Received")
    );
    let over_smtp = is_match!(
        "by smtp\\.googlemail\\.com with ESMTPSA id \\S+",
        &call.header("Received")
    );
    let signed =
        call.header("X-Gm-Message-State").len() >= 60 && call.header("X-Google-Smtp-Source").len() >= 60;
    !(over_http || over_smtp || signed)
}

fn gw05(call: &Call<'_, '_>) -> bool {
    let received = call.header("Received");
    let by = capture!(
        "\\nfrom\\s\\S+\\sby\\s(\\S+)\\swith\\sESMTP;\\s+\\S\\S\\S,\\s+\\d+\\s+\\S\\S\\S\\s+\\d{4}\\s+\
        \\d\\d:\\d\\d:\\d\\d\\s+[-+]*\\d{4}\\n$",
        &received
    );
    by.is_some_and(|by| !by.contains(&b'.'))
}
