//! Adds up what the rules, the user's lessons and the user's people say of a message. Knows where none of it comes from.

use isbg_classifier::Judgement;
use isbg_types::Score;

use super::people::Standing;

/// What lessons may count for at most against somebody who is known and authenticated: as much as knowing them counts,
/// so that the rules alone decide.
const AGAINST_KNOWN: f64 = 1.5;

/// The parts of a score, and the whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Total {
    /// The sum, for the verdict.
    pub score: Score,
    /// The classifier's part of it.
    pub learned: Score,
    /// The sum with the classifier's part unbounded and unrounded: for ranking messages, not for deciding about one.
    pub ranking: f64,
}

/// The sum of the rules' points, the classifier's, and those of the sender's standing.
pub fn total(rules: Score, judgement: Option<&Judgement>, standing: Option<Standing>) -> Total {
    let people = standing.map_or(Score(0), Standing::points);
    let most = match standing {
        Some(Standing::Known | Standing::Welcome) => AGAINST_KNOWN,
        Some(Standing::Blocked | Standing::Unproven) | None => f64::INFINITY,
    };
    let learned = judgement.map_or(0.0, |judgement| judgement.points().min(most));
    let learned = Score::from_points(learned).unwrap_or_default();
    Total {
        score: rules + learned + people,
        learned,
        ranking: rules.points() + people.points() + judgement.map_or(0.0, Judgement::unbounded_points),
    }
}

/// SpamAssassin's names for probabilities: up to which one they go. Whoever looks for them in its reports finds them in
/// ours.
const BAYES: [(f64, &str); 9] = [
    (0.01, "BAYES_00"),
    (0.05, "BAYES_05"),
    (0.2, "BAYES_20"),
    (0.4, "BAYES_40"),
    (0.6, "BAYES_50"),
    (0.8, "BAYES_60"),
    (0.95, "BAYES_80"),
    (0.99, "BAYES_95"),
    (f64::INFINITY, "BAYES_99"),
];

/// SpamAssassin has this one hit besides BAYES_99.
pub const BAYES_999: &str = "BAYES_999";
const CERTAIN: f64 = 0.999;

/// The names that stand for a probability.
pub fn bayes_names(probability: f64) -> impl Iterator<Item = &'static str> {
    let named = BAYES.iter().find(|(up_to, _)| probability < *up_to);
    let certain = (probability >= CERTAIN).then_some(BAYES_999);
    named.map(|(_, name)| *name).into_iter().chain(certain)
}

/// Whether a rule of this name says what the classifier says.
pub fn is_bayes(name: &str) -> bool {
    name == BAYES_999 || BAYES.iter().any(|(_, bayes)| *bayes == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgement(logit: f64, score: f64, labels: u32) -> Judgement {
        Judgement {
            probability: 0.0,
            logit,
            score,
            margins: [0.0; 4],
            ham: labels,
            spam: labels,
        }
    }

    #[test]
    fn points_add_up() {
        // 1.3 * 4 * 200 / 250 = 4.16
        let sure = total(Score(840), Some(&judgement(4.0, 3.0, 200)), None);
        assert_eq!((sure.score, sure.learned), (Score(5_000), Score(4_160)));
        assert!((sure.ranking - 5.0).abs() < 1e-9);
        assert_eq!(total(Score(2_400), None, None).score, Score(2_400));
        // The word for ham counts for 4 points at most, in the verdict but not in the ranking.
        let contradicted = total(Score(9_000), Some(&judgement(-100.0, -1.0, 1000)), None);
        assert_eq!(contradicted.score, Score(5_000));
        assert!(contradicted.ranking < -100.0);
    }

    #[test]
    fn lessons_do_not_overrule_whom_the_user_knows() {
        let spam = judgement(100.0, 9.0, 1000);
        let with = |rules, standing| total(Score(rules), Some(&spam), standing).score;
        assert_eq!(with(0, None), Score(5_000));
        assert_eq!(with(0, Some(Standing::Known)), Score(0));
        assert_eq!(with(4_999, Some(Standing::Known)), Score(4_999));
        assert_eq!(with(0, Some(Standing::Unproven)), Score(5_500));
        let ham = judgement(-100.0, -9.0, 1000);
        assert_eq!(
            total(Score(0), Some(&ham), Some(Standing::Known)).score,
            Score(-5_500)
        );
    }

    #[test]
    fn names_of_probabilities() {
        for (probability, names) in [
            (0.0, &["BAYES_00"][..]),
            (0.01, &["BAYES_05"]),
            (0.5, &["BAYES_50"]),
            (0.95, &["BAYES_95"]),
            (0.99, &["BAYES_99"]),
            (0.999, &["BAYES_99", "BAYES_999"]),
            (1.0, &["BAYES_99", "BAYES_999"]),
        ] {
            assert_eq!(bayes_names(probability).collect::<Vec<_>>(), names);
            assert!(names.iter().all(|name| is_bayes(name)));
        }
        assert!(!is_bayes("BAYES_POISON"));
    }
}
