//! Answers as they go over the wire. Does not send them.

use isbg_types::{Untrusted, Verdict};

use super::{Verb, Version};

/// Columns of an error's text.
const TEXT: usize = 300;

/// Why there is no answer; each has a code of `sysexits.h`, or one that spamc knows besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// 76: the request is none.
    Protocol(String),
    /// 69: what is asked for is not to be had here.
    Unavailable(String),
    /// 75: there is no verdict now; later there may be.
    Later(String),
    /// 70: the message has no verdict, and will not have one.
    Internal(String),
    /// 79: it took longer than so many seconds.
    Timeout(u64, &'static str),
    /// 98: the message has more than so many bytes.
    TooBig(u64),
}

impl Fault {
    /// The line that tells the client.
    pub fn line(&self) -> String {
        let (code, text) = match self {
            Self::Protocol(why) => (76, format!("Bad header line: {why}")),
            Self::Unavailable(why) => (69, format!("Service Unavailable: {why}")),
            Self::Later(why) => (75, format!("Temporary Failure: {why}")),
            Self::Internal(why) => (70, format!("Internal Error: {why}")),
            Self::Timeout(seconds, doing) => (
                79,
                format!("Timeout: ({seconds} second timeout while trying to {doing})"),
            ),
            Self::TooBig(most) => (98, format!("Message Too Big: more than {most} bytes")),
        };
        format!("SPAMD/1.0 {code} {}\r\n", Untrusted(&text).clipped(TEXT))
    }
}

/// The answer to PING, with the highest version that is spoken here.
pub fn pong() -> &'static str {
    "SPAMD/1.5 0 PONG\r\n"
}

/// `Spam: True ; 15.3 / 5.0`; REPORT_IFSPAM says Yes and No.
fn spam_line(verb: Verb, verdict: &Verdict) -> String {
    let flag = match (verb, verdict.spam) {
        (Verb::ReportIfSpam, true) => "Yes",
        (Verb::ReportIfSpam, false) => "No",
        (_, true) => "True",
        (_, false) => "False",
    };
    format!(
        "Spam: {flag} ; {:.1} / {:.1}\r\n",
        verdict.score.points(),
        verdict.required.points()
    )
}

/// What stands before the body of an answer about a message, and what stands after it.
pub fn answer(verb: Verb, version: Version, verdict: &Verdict, body_len: u64) -> (String, &'static str) {
    let verdict = spam_line(verb, verdict);
    let length = format!("Content-length: {body_len}\r\n");
    let ok = "SPAMD/1.1 0 EX_OK\r\n";
    match verb {
        Verb::Process | Verb::Headers if !version.has_length() => ("SPAMD/1.0 0 EX_OK\r\n".to_owned(), ""),
        Verb::Process | Verb::Headers if !version.has_verdict() => (format!("{ok}{length}\r\n"), ""),
        Verb::Check => (format!("{ok}{verdict}\r\n"), ""),
        Verb::Symbols if !version.has_verdict() => (format!("{ok}{verdict}\r\n"), "\r\n"),
        _ if !version.has_verdict() => (format!("{ok}{verdict}\r\n"), ""),
        _ => (format!("{ok}{length}{verdict}\r\n"), ""),
    }
}

/// The answer to TELL: what was changed.
pub fn told(set: bool, removed: bool) -> String {
    let mut text = "SPAMD/1.1 0 EX_OK\r\n".to_owned();
    if set {
        text.push_str("DidSet: local\r\n");
    }
    if removed {
        text.push_str("DidRemove: local\r\n");
    }
    text.push_str("\r\n\r\n");
    text
}

#[cfg(test)]
mod tests {
    use isbg_types::Score;

    use super::*;
    use crate::protocol::request_line;

    fn head(verb: Verb, version: &str, score: i64) -> String {
        let line = format!("{} SPAMC/{version}", verb.as_str());
        let verdict = Verdict {
            score: Score(score),
            required: Score(5_000),
            spam: score >= 5_000,
            hits: Vec::new(),
        };
        let (before, after) = answer(verb, request_line(line.as_bytes()).unwrap().version, &verdict, 7);
        format!("{before}|{after}")
    }

    #[test]
    fn heads_by_version() {
        for (verb, version, text) in [
            (
                Verb::Check,
                "1.0",
                "SPAMD/1.1 0 EX_OK\r\nSpam: True ; 15.3 / 5.0\r\n\r\n|",
            ),
            (
                Verb::Check,
                "1.5",
                "SPAMD/1.1 0 EX_OK\r\nSpam: True ; 15.3 / 5.0\r\n\r\n|",
            ),
            (
                Verb::Symbols,
                "1.2",
                "SPAMD/1.1 0 EX_OK\r\nSpam: True ; 15.3 / 5.0\r\n\r\n|\r\n",
            ),
            (
                Verb::Report,
                "1.2",
                "SPAMD/1.1 0 EX_OK\r\nSpam: True ; 15.3 / 5.0\r\n\r\n|",
            ),
            (
                Verb::ReportIfSpam,
                "1.3",
                "SPAMD/1.1 0 EX_OK\r\nContent-length: 7\r\nSpam: Yes ; 15.3 / 5.0\r\n\r\n|",
            ),
            (Verb::Process, "1.1", "SPAMD/1.0 0 EX_OK\r\n|"),
            (
                Verb::Headers,
                "1.2",
                "SPAMD/1.1 0 EX_OK\r\nContent-length: 7\r\n\r\n|",
            ),
            (
                Verb::Process,
                "1.5",
                "SPAMD/1.1 0 EX_OK\r\nContent-length: 7\r\nSpam: True ; 15.3 / 5.0\r\n\r\n|",
            ),
        ] {
            assert_eq!(head(verb, version, 15_300), text, "{verb:?} {version}");
        }
        assert!(head(Verb::ReportIfSpam, "1.5", -1).contains("Spam: No ; -0.0 / 5.0"));
    }

    #[test]
    fn errors_are_one_line() {
        let fault = Fault::Protocol(format!("a\r\nSpam: False ; 0 / 5\u{1b}[2J{}", "x".repeat(5_000)));
        let line = fault.line();
        assert_eq!(line.matches('\n').count(), 1);
        assert!(
            line.starts_with("SPAMD/1.0 76 Bad header line: a\\r\\nSpam") && line.len() < 500,
            "{line}"
        );
        assert!(!line.contains('\u{1b}'));
        assert_eq!(
            Fault::Timeout(300, "CHECK").line(),
            "SPAMD/1.0 79 Timeout: (300 second timeout while trying to CHECK)\r\n"
        );
    }
}
