//! What a scorer found and which tier that means. Does not know what is done about it.

use serde::{Deserialize, Serialize};

use crate::Score;

/// The two classes a message can be taught as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Wanted mail.
    Ham,
    /// Unwanted mail.
    Spam,
}

/// How sure the verdict is; each tier has its own action and folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Wanted, as far as the scorer can tell.
    Ham,
    /// Within the unsure band. Only where a band is asked for.
    Unsure,
    /// At or above the required score.
    Spam,
    /// Strictly above the "delete higher than" score. Only where one is asked for.
    Certain,
}

impl Tier {
    /// The lower-case word used in reports, `--json` and the history.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ham => "ham",
            Self::Unsure => "unsure",
            Self::Spam => "spam",
            Self::Certain => "certain",
        }
    }
}

/// A rule that hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleHit {
    /// The rule's name, such as `HTML_MESSAGE`.
    pub name: String,
    /// Its score, where the scorer tells it.
    pub score: Option<Score>,
    /// Its description, where the scorer tells it.
    pub description: Option<String>,
}

/// A scorer's answer about one message: a score against a threshold, with reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The message's score.
    pub score: Score,
    /// The score from which the scorer calls a message spam.
    pub required: Score,
    /// Whether the scorer itself calls it spam. It decides unless the user set a threshold of their own.
    pub spam: bool,
    /// The rules that hit, in the scorer's order.
    pub hits: Vec<RuleHit>,
}

/// The user's own limits, applied on top of a scorer's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Thresholds {
    /// The user's own required score (`--required-score`).
    pub required: Option<Score>,
    /// Scores from the first to the second, both included, are unsure (`--unsure-band`).
    pub unsure: Option<(Score, Score)>,
    /// Spam strictly above this score is certain (`--deletehigherthan`).
    pub certain_above: Option<Score>,
}

impl Verdict {
    /// The tier this verdict means under the user's limits.
    ///
    /// Certain needs a spam verdict as well as the score. The unsure band wins over ham and spam, never over certain.
    pub fn tier(&self, limits: &Thresholds) -> Tier {
        let spam = limits
            .required
            .map_or(self.spam, |required| self.score >= required);
        if spam && limits.certain_above.is_some_and(|limit| self.score > limit) {
            return Tier::Certain;
        }
        if limits
            .unsure
            .is_some_and(|(low, high)| low <= self.score && self.score <= high)
        {
            return Tier::Unsure;
        }
        if spam { Tier::Spam } else { Tier::Ham }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(points: f64) -> Verdict {
        let score = Score::from_points(points).unwrap();
        Verdict {
            score,
            required: Score::REQUIRED,
            spam: score >= Score::REQUIRED,
            hits: Vec::new(),
        }
    }

    #[test]
    fn tiers() {
        let limits = Thresholds {
            required: None,
            unsure: Some((Score(4_000), Score(6_000))),
            certain_above: Some(Score(15_000)),
        };
        let tiers: Vec<Tier> = [0.0, 4.0, 6.0, 6.1, 15.0, 15.001]
            .map(|points| verdict(points).tier(&limits))
            .into();
        assert_eq!(
            tiers,
            [
                Tier::Ham,
                Tier::Unsure,
                Tier::Unsure,
                Tier::Spam,
                Tier::Spam,
                Tier::Certain
            ]
        );
    }

    #[test]
    fn without_limits_the_scorer_decides() {
        let mut odd = verdict(1.0);
        odd.spam = true;
        assert_eq!(odd.tier(&Thresholds::default()), Tier::Spam);
        let own = Thresholds {
            required: Some(Score(2_000)),
            ..Thresholds::default()
        };
        assert_eq!(odd.tier(&own), Tier::Ham);
    }
}
