//! What the programs `spamassassin` and `sa-learn` print. Does not run them.

use std::io;

use isbg_message::header;
use isbg_spool::{Spool, Writer};
use isbg_types::{RuleHit, Verdict};

use crate::text::points;

/// Our own field is looked for in so much of the output. SpamAssassin puts its fields on top, or after those few that
/// it repeats of the original.
const MAX_HEADER: usize = 256 * 1024;

/// The field that carries the verdict. Its name has a random part: who writes a message cannot guess it, so there is
/// no text by which a message could speak for the scorer.
pub(super) struct Field {
    name: String,
}

impl Field {
    pub(super) fn new() -> Self {
        Self {
            name: format!("Isbg-{:032x}", rand::random::<u128>()),
        }
    }

    /// The configuration line that makes SpamAssassin add the field.
    pub(super) fn configuration(&self) -> String {
        format!(
            "add_header all {} _YESNO_ _SCORE_ _REQD_ _TESTSSCORES(,)_",
            self.name
        )
    }

    /// The verdict in the program's output, and the output without the field. `None` when the field is not there or
    /// makes no sense.
    pub(super) fn take(&self, output: &Spool) -> io::Result<Option<(Verdict, Spool)>> {
        let start = output.prefix(MAX_HEADER)?;
        let block = &start[..header::block_len(&start)];
        let name = format!("X-Spam-{}", self.name);
        let mut before = 0;
        for field in header::fields(block) {
            if field.is(&name) {
                let value = field.unfolded();
                let Some(verdict) = std::str::from_utf8(&value).ok().and_then(verdict) else {
                    return Ok(None);
                };
                return Ok(Some((
                    verdict,
                    without(output, before, before + field.raw.len())?,
                )));
            }
            before += field.raw.len();
        }
        Ok(None)
    }
}

/// The message without the bytes from `start` to `end`.
fn without(message: &Spool, start: usize, end: usize) -> io::Result<Spool> {
    let mut out = Writer::with_expected(message.len());
    for part in [
        message.slice(0, start as u64)?,
        message.slice(end as u64, message.len())?,
    ] {
        io::copy(&mut part.reader(), &mut out)?;
    }
    out.finish()
}

/// `Yes 7.3 5.0 RULE_A=1.2,RULE_B=-0.1`, folded anywhere after a comma.
fn verdict(value: &str) -> Option<Verdict> {
    let mut words = value.split_ascii_whitespace();
    let spam = match words.next()? {
        "Yes" => true,
        "No" => false,
        _ => return None,
    };
    let (score, required) = (points(words.next()?)?, points(words.next()?)?);
    let tests: String = words.collect();
    let hits = tests
        .split(',')
        .filter_map(|test| test.split_once('='))
        .map(|(name, score)| RuleHit {
            name: name.to_owned(),
            score: points(score),
            description: None,
        })
        .collect();
    Some(Verdict {
        score,
        required,
        spam,
        hits,
    })
}

/// Whether `sa-learn` learned its one message: `Learned tokens from 1 message(s) (1 message(s) examined)`. `None` when
/// it says nothing of the kind or saw no message.
pub(super) fn learned(output: &str) -> Option<bool> {
    let rest = output
        .lines()
        .find_map(|line| line.strip_prefix("Learned tokens from "))?;
    let (learned, rest) = rest.split_once(" message(s) (")?;
    let examined = rest.strip_suffix(" message(s) examined)")?;
    match (learned.trim(), examined.trim()) {
        ("1", "1") => Some(true),
        ("0", "1") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use isbg_types::Score;

    use super::*;

    #[test]
    fn a_verdict_with_its_rules() {
        let got = verdict("Yes 7.3 5.0 GTUBE=1000,MSGID_SHORT=0.001, NO_RELAYS=-0.001").unwrap();
        assert_eq!(
            (got.spam, got.score, got.required),
            (true, Score(7_300), Score(5_000))
        );
        let hits: Vec<_> = got
            .hits
            .iter()
            .map(|hit| (hit.name.as_str(), hit.score))
            .collect();
        let want = [("GTUBE", 1_000_000), ("MSGID_SHORT", 1), ("NO_RELAYS", -1)];
        assert_eq!(hits, want.map(|(name, score)| (name, Some(Score(score)))));
        assert!(verdict("No 0.0 5.0 none").unwrap().hits.is_empty());
        for value in [
            "",
            "Yes",
            "Yes 7.3",
            "yes 7.3 5.0 none",
            "Yes x 5.0 none",
            "Yes 7.3 inf none",
        ] {
            assert_eq!(verdict(value), None, "{value}");
        }
    }

    #[test]
    fn only_our_own_field_counts_and_it_is_taken_out() {
        let field = Field::new();
        let other = Field::new();
        let output = format!(
            "Subject: x\n\tX-Spam-{0}: No 0.0 5.0 none\nX-Spam-{1}: No 1.0 5.0 none\nx-spam-{0}: Yes 9.0 5.0\n\tA=9\n\
             To: b\n\nX-Spam-{0}: No 2.0 5.0 none\n",
            field.name, other.name
        );
        let (verdict, rest) = field.take(&output.clone().into_bytes().into()).unwrap().unwrap();
        assert_eq!((verdict.score, verdict.hits.len()), (Score(9_000), 1));
        let own = format!("x-spam-{}: Yes 9.0 5.0\n\tA=9\n", field.name);
        assert_eq!(
            rest.prefix(usize::MAX).unwrap(),
            output.replace(&own, "").as_bytes()
        );
        let stranger = Field::new().take(&output.into_bytes().into()).unwrap();
        assert!(stranger.is_none());
    }

    #[test]
    fn what_sa_learn_says() {
        for (output, want) in [
            (
                "Learned tokens from 1 message(s) (1 message(s) examined)\n",
                Some(true),
            ),
            (
                "a warning\nLearned tokens from 0 message(s) (1 message(s) examined)\n",
                Some(false),
            ),
            ("Learned tokens from 0 message(s) (0 message(s) examined)\n", None),
            ("Learned tokens from 2 message(s) (2 message(s) examined)\n", None),
            ("", None),
        ] {
            assert_eq!(learned(output), want, "{output}");
        }
    }
}
