//! The head of a spamd answer: status line and headers. Does no input or output.
//!
//! The protocol is spamd's `PROTOCOL` document, and what spamd 4.0.1 and the servers that imitate it really send.

use isbg_types::Verdict;

use crate::text::{foreign, points};
use crate::{Unknown, UnknownKind};

/// What stands before the body of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Head {
    /// The length of the body; without it the body goes on until the connection closes.
    pub(super) content_length: Option<u64>,
    /// The verdict of the `Spam:` line, without rules.
    pub(super) verdict: Option<Verdict>,
    /// What TELL added to (`DidSet`) and took out of (`DidRemove`).
    pub(super) did_set: bool,
    pub(super) did_remove: bool,
}

/// Looks at the status line, `SPAMD/1.1 0 EX_OK`. `lesson`: whether it answers a TELL.
pub(super) fn status(line: &str, lesson: bool) -> Result<(), Unknown> {
    let nonsense = || bad(format!("it answers in another protocol: {}", foreign(line)));
    let mut words = line.split_ascii_whitespace();
    let protocol = words.next().ok_or_else(nonsense)?;
    let code: u8 = words
        .next()
        .and_then(|code| code.parse().ok())
        .ok_or_else(nonsense)?;
    if !protocol
        .get(..6)
        .is_some_and(|name| name.eq_ignore_ascii_case("SPAMD/"))
    {
        return Err(nonsense());
    }
    let said = foreign(&words.collect::<Vec<_>>().join(" "));
    // sysexits.h, and spamd's own EX_TIMEOUT.
    let (kind, hint) = match code {
        0 => return Ok(()),
        67 | 77 => (
            UnknownKind::Refused,
            "see whether spamd knows the user and allows this machine (--allowed-ips)",
        ),
        69 if lesson => (
            UnknownKind::Refused,
            "to be taught, spamd must be started with --allow-tell",
        ),
        69 | 71 | 75 => (UnknownKind::Outage, "it may work again later"),
        78 => (UnknownKind::Outage, "see spamd's log"),
        79 => (
            UnknownKind::Timeout,
            "its --timeout-child is shorter than the message needs",
        ),
        _ => (UnknownKind::BadAnswer, "see spamd's log"),
    };
    Err(Unknown::new(kind, format!("spamd says {code} {said}; {hint}")))
}

impl Head {
    /// Takes in one header line.
    pub(super) fn line(&mut self, line: &str) -> Result<(), Unknown> {
        let (name, value) = line.split_once(':').ok_or_else(|| {
            bad(format!(
                "a header line of its answer has no colon: {}",
                foreign(line)
            ))
        })?;
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "content-length" => {
                let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                let length = value.parse().ok().filter(|_| digits);
                let length = length.ok_or_else(|| bad("it claims an impossible length".into()))?;
                once(&mut self.content_length, length, "length")
            }
            "spam" => {
                let verdict = verdict(value)
                    .ok_or_else(|| bad(format!("its verdict cannot be read: {}", foreign(value))))?;
                once(&mut self.verdict, verdict, "verdict")
            }
            "didset" => {
                self.did_set |= names_local(value);
                Ok(())
            }
            "didremove" => {
                self.did_remove |= names_local(value);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// A second one must not differ from the first.
fn once<T: PartialEq>(slot: &mut Option<T>, value: T, what: &str) -> Result<(), Unknown> {
    if slot.as_ref().is_some_and(|first| *first != value) {
        return Err(bad(format!(
            "its answer contradicts itself: more than one {what}"
        )));
    }
    *slot = Some(value);
    Ok(())
}

/// `True ; 15.3 / 5.0`. REPORT_IFSPAM says Yes and No.
fn verdict(value: &str) -> Option<Verdict> {
    let (flag, numbers) = value.split_once(';')?;
    let (score, required) = numbers.split_once('/')?;
    let flag = flag.trim();
    let spam = match () {
        () if flag.eq_ignore_ascii_case("true") || flag.eq_ignore_ascii_case("yes") => true,
        () if flag.eq_ignore_ascii_case("false") || flag.eq_ignore_ascii_case("no") => false,
        () => return None,
    };
    Some(Verdict {
        score: points(score)?,
        required: points(required)?,
        spam,
        hits: Vec::new(),
    })
}

fn names_local(targets: &str) -> bool {
    targets
        .split(',')
        .any(|target| target.trim().eq_ignore_ascii_case("local"))
}

pub(super) fn bad(why: String) -> Unknown {
    Unknown::new(
        UnknownKind::BadAnswer,
        format!("spamd's answer makes no sense: {why}; see whether it is a spamd that listens there"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &[&str]) -> Result<Head, Unknown> {
        let mut head = Head::default();
        lines.iter().try_for_each(|line| head.line(line))?;
        Ok(head)
    }

    #[test]
    fn the_verdict_line() {
        for (line, spam, score, required) in [
            ("Spam: True ; 1000.0 / 5.0", true, 1_000_000, 5_000),
            ("spam: false;-2.6/5.0", false, -2_600, 5_000),
            ("SPAM: Yes ; 7 / 5", true, 7_000, 5_000),
            ("Spam: NO ; 0.0 / 5.0", false, 0, 5_000),
        ] {
            let verdict = head(&[line]).unwrap().verdict.unwrap();
            assert_eq!(
                (verdict.spam, verdict.score.0, verdict.required.0),
                (spam, score, required),
                "{line}"
            );
        }
        for line in [
            "Spam: True ; nan / 5.0",
            "Spam: True ; inf / 5.0",
            "Spam: True ; 1e9 / 5.0",
            "Spam: True ; / 5.0",
            "Spam: True ; 5.0",
            "Spam: True",
            "Spam: Maybe ; 5.0 / 5.0",
            "Spam:",
            "Spam",
        ] {
            assert_eq!(head(&[line]).unwrap_err().kind, UnknownKind::BadAnswer, "{line}");
        }
    }

    #[test]
    fn a_contradiction_is_no_answer() {
        let same = ["Spam: True ; 9.0 / 5.0", "Spam: True ; 9.0 / 5.0"];
        assert!(head(&same).is_ok());
        for lines in [
            ["Spam: True ; 9.0 / 5.0", "Spam: False ; 0.0 / 5.0"],
            ["Content-length: 3", "Content-length: 4"],
        ] {
            assert!(
                head(&lines).unwrap_err().detail.contains("contradicts"),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn lengths() {
        assert_eq!(head(&["CONTENT-LENGTH: 17"]).unwrap().content_length, Some(17));
        for line in [
            "Content-length: -1",
            "Content-length: +1",
            "Content-length: 1 1",
            "Content-length: ",
            "Content-length: 99999999999999999999",
        ] {
            assert!(head(&[line]).is_err(), "{line}");
        }
    }

    #[test]
    fn did_set() {
        let told = head(&["DidSet: local, remote", "X-Other: x"]).unwrap();
        assert!(told.did_set && !told.did_remove);
        assert!(!head(&["DidSet: remote"]).unwrap().did_set);
    }

    #[test]
    fn status_codes() {
        assert_eq!(status("SPAMD/1.1 0 EX_OK", false), Ok(()));
        assert_eq!(status("spamd/1.5 0 PONG", false), Ok(()));
        let unavailable = "SPAMD/1.0 69 Service Unavailable: TELL commands are not enabled";
        assert_eq!(status(unavailable, true).unwrap_err().kind, UnknownKind::Refused);
        assert_eq!(status(unavailable, false).unwrap_err().kind, UnknownKind::Outage);
        for (line, kind) in [
            ("SPAMD/1.0 77 EX_NOPERM", UnknownKind::Refused),
            ("SPAMD/1.0 75 EX_TEMPFAIL", UnknownKind::Outage),
            (
                "SPAMD/1.0 79 Timeout: (30 second timeout while trying to CHECK)",
                UnknownKind::Timeout,
            ),
            ("SPAMD/1.0 74 EX_IOERR", UnknownKind::BadAnswer),
            ("SPAMD/1.0 76 Bad header line", UnknownKind::BadAnswer),
            ("SPAMD/1.0", UnknownKind::BadAnswer),
            ("SPAMD/1.0 256 x", UnknownKind::BadAnswer),
            ("SPAMD/1.0 -1 x", UnknownKind::BadAnswer),
            ("HTTP/1.1 400 Bad Request", UnknownKind::BadAnswer),
            ("", UnknownKind::BadAnswer),
            ("\u{1b}[2J 0 x", UnknownKind::BadAnswer),
        ] {
            let unknown = status(line, false).unwrap_err();
            assert_eq!(unknown.kind, kind, "{line}");
            assert!(!unknown.detail.contains('\u{1b}'), "{line}");
        }
    }
}
