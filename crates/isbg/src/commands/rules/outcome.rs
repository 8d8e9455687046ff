//! What became of each channel in an update: as lines, as records, and as one exit status. Updates nothing.

use anyhow::Result;
use isbg_lookups::update::{Channel, State};
use isbg_types::Untrusted;
use serde::Serialize;

use crate::exit::Status;
use crate::report::Terminal;

use super::super::print;

/// What became of a channel. The keys are a contract, listed in `docs/json.md`.
#[derive(Debug, Serialize)]
pub struct Outcome {
    pub channel: String,
    pub status: What,
    /// The version in force, or the one that could be.
    pub version: Option<u64>,
    /// The one before it.
    pub previous: Option<u64>,
    /// How many rules the new version has.
    pub rules: Option<usize>,
    /// The fingerprint of the key that the version in force is signed with.
    pub key: Option<String>,
    /// What went wrong, or is to be known.
    pub text: Option<String>,
}

/// The sorts of outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Updated,
    Available,
    Current,
    RolledBack,
    Installed,
    Failed,
}

impl Outcome {
    /// Of a channel of which this is in force.
    pub fn of(channel: &Channel, status: What, state: Option<&State>) -> Self {
        Self {
            channel: channel.to_string(),
            status,
            version: state.map(|state| state.version),
            previous: state.and_then(|state| state.previous),
            rules: None,
            key: None,
            text: None,
        }
    }
}

/// Prints what became of all channels: failures to people on standard error, all else on standard output.
///
/// # Errors
/// When standard output cannot be written.
pub fn told(json: bool, outcomes: &[Outcome], terminal: &Terminal) -> Result<()> {
    let mut text = String::new();
    for outcome in outcomes {
        if outcome.status == What::Failed {
            let what = outcome.text.as_deref().unwrap_or_default();
            terminal.say(&format!("isbg: {}: {}", outcome.channel, Untrusted(what)));
        }
        if json || outcome.status != What::Failed {
            text.push_str(&line(json, outcome)?);
        }
    }
    print(&text)?;
    Ok(())
}

/// One channel's line, or record.
///
/// # Errors
/// Never in practice: JSON can be made of it.
pub fn line(json: bool, outcome: &Outcome) -> Result<String> {
    if json {
        return Ok(format!("{}\n", serde_json::to_string(outcome)?));
    }
    let version = outcome.version.unwrap_or_default();
    let before = |word: &str| outcome.previous.map(|previous| format!("{word}{previous}"));
    let what = match outcome.status {
        What::Updated => format!(
            "updated{} to {version} ({} rules)",
            before(" from ").unwrap_or_default(),
            outcome.rules.unwrap_or_default()
        ),
        What::Available => format!(
            "{version} is available{}",
            before("; installed is ").unwrap_or_default()
        ),
        What::Current if outcome.version.is_none() => "nothing is installed".to_owned(),
        What::Current => format!("{version} is the newest"),
        What::RolledBack => format!("back to {version}{}", before(" from ").unwrap_or_default()),
        What::Installed => format!(
            "{version}{}, signed with {}",
            before(", before it ").unwrap_or_default(),
            outcome.key.as_deref().unwrap_or_default()
        ),
        What::Failed => "failed".to_owned(),
    };
    let text = outcome.text.as_ref().map(|text| format!("; {text}"));
    Ok(format!(
        "{}: {what}{}\n",
        outcome.channel,
        Untrusted(&text.unwrap_or_default())
    ))
}

/// sa-update's statuses, on which cron lines rely.
pub fn status(outcomes: &[Outcome]) -> Status {
    let any = |of: &[What]| outcomes.iter().any(|outcome| of.contains(&outcome.status));
    let done = any(&[What::Updated, What::Available, What::RolledBack]);
    match (any(&[What::Failed]), done) {
        (true, true) => Status::PartlyUpdated,
        (true, false) => Status::UpdateFailed,
        (false, true) => Status::Fine,
        (false, false) => Status::NothingNew,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_sa_update_s() {
        let of = |all: &[What]| {
            let channel = Channel::of_spamassassin();
            let outcomes: Vec<_> = all
                .iter()
                .map(|what| Outcome::of(&channel, *what, None))
                .collect();
            status(&outcomes).code()
        };
        assert_eq!(of(&[]), 1);
        assert_eq!(of(&[What::Current]), 1);
        assert_eq!(of(&[What::Current, What::Updated]), 0);
        assert_eq!(of(&[What::Failed, What::Updated]), 3);
        assert_eq!(of(&[What::Failed, What::Current]), 4);
    }
}
