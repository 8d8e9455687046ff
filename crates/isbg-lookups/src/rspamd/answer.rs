//! What rspamd's HTTP answers mean. Does no input or output.

use http::StatusCode;
use isbg_types::{Class, RuleHit, Score, Verdict};
use serde_json::Value;

use crate::text::foreign;
use crate::{Unknown, UnknownKind};

/// rspamd's default score for `reject`, where the answer names none.
const REJECT: Score = Score(15_000);

/// What it says of a database in a file that another of its processes is writing.
const LOCKED: &str = "database is locked";

/// More symbols than this are not listed.
const MAX_SYMBOLS: usize = 1000;

/// The verdict in an answer to `/checkv2`. The action decides: rspamd's `required_score` is the one for `reject`, and
/// it calls mail spam (`add header`) well below that.
pub(super) fn verdict(json: &[u8]) -> Result<Verdict, Unknown> {
    let answer: Value = serde_json::from_slice(json).map_err(|error| bad(format!("no JSON ({error})")))?;
    let action = answer["action"].as_str().ok_or_else(|| bad("no action".into()))?;
    let score = points(&answer["score"]).ok_or_else(|| bad("no score".into()))?;
    let thresholds = &answer["thresholds"];
    let required = ["add header", "rewrite subject"]
        .iter()
        .filter_map(|action| points(&thresholds[action]))
        .min()
        .or_else(|| points(&answer["required_score"]))
        .unwrap_or(REJECT);
    let spam = match action {
        "reject" | "add header" | "add_header" | "rewrite subject" | "rewrite_subject" | "quarantine"
        | "discard" => true,
        "no action" | "accept" | "greylist" | "soft reject" | "soft_reject" => false,
        // A custom action.
        _ => score >= required,
    };
    Ok(Verdict {
        score,
        required,
        spam,
        hits: symbols(&answer["symbols"]),
    })
}

/// The weightiest first: rspamd has no order of its own.
fn symbols(symbols: &Value) -> Vec<RuleHit> {
    let mut hits: Vec<RuleHit> = symbols
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, symbol)| RuleHit {
            name: name.clone(),
            score: points(&symbol["score"]),
            description: symbol["description"].as_str().map(str::to_owned),
        })
        .collect();
    hits.sort_by(|one, other| {
        let weight = |hit: &RuleHit| hit.score.map_or(0, |score| score.0.saturating_abs());
        weight(other)
            .cmp(&weight(one))
            .then_with(|| one.name.cmp(&other.name))
    });
    hits.truncate(MAX_SYMBOLS);
    hits
}

fn points(value: &Value) -> Option<Score> {
    Score::from_points(value.as_f64()?)
}

/// Whether a lesson changed anything. Newer rspamds tell by the status, older ones (3.4) by the text of an error.
pub(super) fn learned(status: StatusCode, body: &[u8], class: Class) -> Result<bool, Unknown> {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = answer["error"].as_str().unwrap_or_default();
    let class = if class == Class::Spam { "spam" } else { "ham" };
    if status == StatusCode::ALREADY_REPORTED
        || status == StatusCode::NO_CONTENT
        || error.ends_with(&format!("has been already learned as {class}, ignore it"))
    {
        return Ok(false);
    }
    if status == StatusCode::OK {
        return match answer["success"].as_bool() {
            Some(true) => Ok(true),
            _ => Err(bad(format!(
                "a lesson was neither taken nor refused: {}",
                foreign(error)
            ))),
        };
    }
    Err(refusal(status, body))
}

/// Why a request failed.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> Unknown {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = match answer["error"].as_str() {
        Some(error) => foreign(error),
        None => foreign(status.canonical_reason().unwrap_or_default()),
    };
    let code = status.as_u16();
    let (kind, hint) = match code {
        401 | 403 => (
            UnknownKind::Refused,
            "give its password with --rspamd-password-file",
        ),
        404 => (
            UnknownKind::Refused,
            "see whether the address is that of rspamd's controller (port 11334)",
        ),
        413 => (
            UnknownKind::TooLarge,
            "the message is larger than its max_message",
        ),
        429 | 502..=504 => (UnknownKind::Outage, "it may work again later"),
        500 if said.contains(LOCKED) => (UnknownKind::Outage, "another of its processes is writing"),
        500 if said == "invalid command" => (
            UnknownKind::Refused,
            "only the controller (port 11334) can be taught, give its address",
        ),
        _ => (UnknownKind::BadAnswer, "see rspamd's log"),
    };
    Unknown::new(kind, format!("rspamd says {code} {said}; {hint}"))
}

/// Whether it is to be asked again in a moment: rspamd's processes contend for a database in a file.
pub(super) fn is_busy(unknown: &Unknown) -> bool {
    unknown.kind == UnknownKind::Outage && unknown.detail.contains(LOCKED)
}

pub(super) fn bad(why: String) -> Unknown {
    Unknown::new(
        UnknownKind::BadAnswer,
        format!("rspamd's answer makes no sense: {why}; see whether it is an rspamd that listens there"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_action_decides() {
        for (action, score, spam) in [
            ("reject", 16.0, true),
            ("add header", 7.0, true),
            ("rewrite subject", 7.0, true),
            ("no action", 1.0, false),
            ("greylist", 5.0, false),
            ("soft reject", 20.0, false),
            ("our own", 16.0, true),
            ("our own", 14.0, false),
        ] {
            let json = format!(r#"{{"action":"{action}","score":{score},"required_score":15.0}}"#);
            let verdict = verdict(json.as_bytes()).unwrap();
            assert_eq!(verdict.spam, spam, "{action}");
            assert_eq!(verdict.required, REJECT);
        }
    }

    #[test]
    fn symbols_and_thresholds() {
        let json = br#"{"score":7.5,"required_score":15,"action":"add header","extra":[1],"thresholds":{"reject":15.0,
            "rewrite subject":null,"add header":6.0},"symbols":{"A":{"score":-1.5,"description":"a <b>"},"B":{"score":4},
            "C":{"name":"C"},"D":7}}"#;
        let verdict = verdict(json).unwrap();
        assert_eq!((verdict.score, verdict.required), (Score(7_500), Score(6_000)));
        let hits: Vec<_> = verdict
            .hits
            .iter()
            .map(|hit| (hit.name.as_str(), hit.score))
            .collect();
        assert_eq!(
            hits,
            [
                ("B", Some(Score(4_000))),
                ("A", Some(Score(-1_500))),
                ("C", None),
                ("D", None)
            ]
        );
        assert_eq!(verdict.hits[1].description.as_deref(), Some("a <b>"));
    }

    #[test]
    fn nonsense_is_no_verdict() {
        let deep = "[".repeat(100_000);
        for json in [
            "",
            "pong",
            "[]",
            "null",
            r#"{"score":1.0}"#,
            r#"{"action":"no action"}"#,
            r#"{"action":"no action","score":"1"}"#,
            r#"{"action":"no action","score":null}"#,
            r#"{"action":"no action","score":1e999}"#,
            r#"{"action":["reject"],"score":1}"#,
            r#"{"action":"reject","score":1"#,
            &deep,
        ] {
            assert_eq!(
                verdict(json.as_bytes()).unwrap_err().kind,
                UnknownKind::BadAnswer,
                "{json:.40}"
            );
        }
        let many: Vec<String> = (0..5000).map(|i| format!(r#""S{i}":{{"score":0}}"#)).collect();
        let json = format!(
            r#"{{"action":"reject","score":1,"symbols":{{{}}}}}"#,
            many.join(",")
        );
        assert_eq!(verdict(json.as_bytes()).unwrap().hits.len(), MAX_SYMBOLS);
    }

    #[test]
    fn lessons() {
        let known = br#"{"error":"<1@a> has been already learned as spam, ignore it"}"#;
        let code = |code| StatusCode::from_u16(code).unwrap();
        assert_eq!(learned(code(200), br#"{"success":true}"#, Class::Spam), Ok(true));
        assert_eq!(learned(code(404), known, Class::Spam), Ok(false));
        assert_eq!(learned(code(208), b"", Class::Ham), Ok(false));
        assert_eq!(learned(code(204), b"", Class::Ham), Ok(false));
        for (status, body, kind) in [
            (404, &known[..], UnknownKind::Refused), // learned as the other class
            (200, b"", UnknownKind::BadAnswer),
            (200, br#"{"success":false,"error":"x"}"#, UnknownKind::BadAnswer),
            (401, br#"{"error":"Unauthorized"}"#, UnknownKind::Refused),
            (413, b"", UnknownKind::TooLarge),
            (503, b"<html>", UnknownKind::Outage),
            (
                500,
                br#"{"error":"invalid command","error_domain":"protocol-error"}"#,
                UnknownKind::Refused,
            ),
            (
                500,
                br#"{"error":"cannot commit checkpoint: database is locked"}"#,
                UnknownKind::Outage,
            ),
            (500, b"\x1b[2J", UnknownKind::BadAnswer),
            (302, b"", UnknownKind::BadAnswer),
        ] {
            let unknown = learned(code(status), body, Class::Ham).unwrap_err();
            assert_eq!(unknown.kind, kind, "{status}: {unknown}");
            assert!(!unknown.detail.contains('\x1b'));
        }
    }
}
