//! Reports around spam: our own for scorers that make none or an incomplete one, and the rule names in SpamAssassin's.
//! Does not judge.

use std::fmt::Write as _;

use isbg_message::{header, strip_markup, unwrap_report, wrap_report};
use isbg_spool::Spool;
use isbg_types::{RuleHit, Untrusted, Verdict};

use crate::{Scored, Unknown, UnknownKind};

/// So much of a rewritten message is looked at for its header.
const MAX_HEADER: usize = 256 * 1024;

/// Columns of a rule's name and description in our report.
const NAME_COLUMNS: usize = 60;
const DESCRIPTION_COLUMNS: usize = 200;

/// The names in the `X-Spam-Status` field on top of a message that SpamAssassin has rewritten. None where its
/// configuration leaves the field out.
pub(crate) fn own_names(rewritten: &Spool) -> Vec<RuleHit> {
    let start = rewritten.prefix(MAX_HEADER).unwrap_or_default();
    let block = &start[..header::block_len(&start)];
    let Some(status) = header::first(block, "X-Spam-Status") else {
        return Vec::new();
    };
    names(&String::from_utf8_lossy(&status.unfolded()))
}

/// `Yes, score=7.3 required=5.0 tests=RULE_A,RULE_B autolearn=no version=4.0.1`, folded after any comma.
fn names(status: &str) -> Vec<RuleHit> {
    let Some((_, tests)) = status.split_once("tests=") else {
        return Vec::new();
    };
    tests
        .split_ascii_whitespace()
        .take_while(|word| !word.contains('='))
        .flat_map(|word| word.split(','))
        .filter(|name| !name.is_empty() && *name != "none")
        .map(|name| RuleHit {
            name: name.to_owned(),
            score: None,
            description: None,
        })
        .collect()
}

/// With a report of our own, where the verdict is spam.
pub(crate) async fn wrapped(scored: Scored, mail: &Spool, scorer: &'static str) -> Result<Scored, Unknown> {
    if !scored.verdict.spam {
        return Ok(scored);
    }
    let mail = mail.clone();
    aside(move || {
        let text = text(&scored.verdict, scorer);
        let rewritten = wrap_report(&mail, &scored.verdict, &text, scorer)?;
        Ok(Scored {
            rewritten: Some(rewritten),
            ..scored
        })
    })
    .await
}

/// With the scorer's report, or with one of our own where the scorer's has not every byte of the message, or not the line
/// ends that a mail server keeps. SpamAssassin takes a first line `From ...` for an mbox separator and leaves it out,
/// and writes bare line feeds around a message without a CRLF.
pub(crate) async fn whole(scored: Scored, mail: &Spool, scorer: &'static str) -> Result<Scored, Unknown> {
    let Some(rewritten) = scored.rewritten.clone() else {
        return Ok(scored);
    };
    let original = mail.clone();
    let will_do = move || match unwrap_report(&rewritten)? {
        Some(attached) => Ok(begins_with_crlf_line(&rewritten)? && attached.same_bytes(&original)?),
        // The user has SpamAssassin write into the header instead (`report_safe 0`). It takes out the X-Spam fields that
        // were there before, which nobody could put back.
        None => strip_markup(&rewritten)?.same_bytes(&original),
    };
    if aside(will_do).await? {
        Ok(scored)
    } else {
        wrapped(scored, mail, scorer).await
    }
}

fn begins_with_crlf_line(message: &Spool) -> std::io::Result<bool> {
    let start = message.prefix(MAX_HEADER)?;
    let line = start.split_inclusive(|byte| *byte == b'\n').next();
    Ok(line.is_some_and(|line| line.ends_with(b"\r\n")))
}

/// Does what may take time on a large message, off the threads that wait for networks.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Unknown> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(std::io::Error::other)
        .and_then(|result| result)
        .map_err(|error| Unknown::new(UnknownKind::Outage, format!("a temporary file failed: {error}")))
}

/// The report for people: the verdict and what it rests on. Nothing of the message itself.
fn text(verdict: &Verdict, scorer: &str) -> String {
    let mut text = format!(
        "This message was taken for spam by {scorer}: {} points, {} are enough.\n\
         The message itself is attached as it arrived.\n\n",
        verdict.score, verdict.required
    );
    for hit in &verdict.hits {
        let score = hit.score.map(|score| score.to_string()).unwrap_or_default();
        let name = Untrusted(&hit.name).clipped(NAME_COLUMNS);
        let description = hit.description.as_deref().unwrap_or_default();
        let description = Untrusted(description).clipped(DESCRIPTION_COLUMNS);
        let line = format!("{score:>8}  {name:<28}  {description}");
        // Writing to a string cannot fail.
        writeln!(text, "{}", line.trim_end()).unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use isbg_types::Score;

    use super::*;

    fn listed(status: &str) -> Vec<String> {
        names(status).into_iter().map(|hit| hit.name).collect()
    }

    #[test]
    fn names_in_a_status_field() {
        let status =
            "Yes, score=1000.0 required=5.0 tests=GTUBE,MSGID_SHORT,\tNO_RELAYS autolearn=no version=4.0.1";
        assert_eq!(listed(status), ["GTUBE", "MSGID_SHORT", "NO_RELAYS"]);
        assert_eq!(
            listed("No, score=0.0 required=5.0 tests=none autolearn=ham"),
            [""; 0]
        );
        assert_eq!(listed("No, score=0.0"), [""; 0]);
    }

    #[test]
    fn the_report_tells_the_reasons() {
        let hit = |name: &str, score, description: &str| RuleHit {
            name: name.into(),
            score: Some(Score(score)),
            description: Some(description.into()),
        };
        let verdict = Verdict {
            score: Score(7_300),
            required: Score(5_000),
            spam: true,
            hits: vec![hit("A", 7_000, "first\u{1b}[2J\r\n--boundary"), hit("B", 300, "")],
        };
        let text = text(&verdict, "rspamd");
        assert!(text.contains("by rspamd: 7.3 points, 5.0 are enough"), "{text}");
        assert!(
            text.contains("     7.0  A") && text.contains("     0.3  B\n"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}') && !text.contains("\n--"), "{text}");
    }
}
