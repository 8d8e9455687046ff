//! Scores in SpamAssassin points, kept as whole thousandths so that sums are exact. Does not know any rule's weight.

use std::fmt;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A score in thousandths of a SpamAssassin point. Written with as many decimals as needed, at least one: `5.0`, `7.312`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Score(pub i64);

/// Larger claims are clamped to this many points: no scorer means more.
const LIMIT: f64 = 1_000_000.0;

impl Score {
    /// SpamAssassin's default threshold, 5.0.
    pub const REQUIRED: Self = Self(5_000);

    /// From points; `None` for NaN. Infinite or absurd values are clamped to ±1,000,000 points.
    pub fn from_points(points: f64) -> Option<Self> {
        if points.is_nan() {
            return None;
        }
        Some(Self((points.clamp(-LIMIT, LIMIT) * 1000.0).round() as i64))
    }

    /// In points.
    pub fn points(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000);
        let decimals = format!("{rest:03}");
        let trimmed = decimals.trim_end_matches('0');
        let text = format!("{sign}{whole}.{}", if trimmed.is_empty() { "0" } else { trimmed });
        f.pad(&text)
    }
}

/// The text is not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAScore;

impl fmt::Display for NotAScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a number")
    }
}

impl std::error::Error for NotAScore {}

impl FromStr for Score {
    type Err = NotAScore;

    fn from_str(text: &str) -> Result<Self, NotAScore> {
        text.trim()
            .parse::<f64>()
            .ok()
            .and_then(Self::from_points)
            .ok_or(NotAScore)
    }
}

impl Add for Score {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Score {
    fn sum<I: Iterator<Item = Self>>(scores: I) -> Self {
        scores.fold(Self(0), Add::add)
    }
}

impl Serialize for Score {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.points())
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let points = f64::deserialize(deserializer)?;
        Self::from_points(points).ok_or_else(|| serde::de::Error::custom(NotAScore))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read() {
        for (text, thousandths) in [
            ("5.0", 5000),
            ("-0.001", -1),
            ("7.312", 7312),
            ("1000.5", 1_000_500),
        ] {
            assert_eq!(text.parse(), Ok(Score(thousandths)));
            assert_eq!(Score(thousandths).to_string(), text);
        }
        assert!("NaN".parse::<Score>().is_err());
        assert!("five".parse::<Score>().is_err());
        assert_eq!("1e300".parse(), Ok(Score(1_000_000_000)));
    }

    #[test]
    fn sums_are_exact() {
        assert_eq!(std::iter::repeat_n(Score(100), 10).sum::<Score>(), Score(1000));
    }
}
