//! Runs a filter over labelled mail in order, telling it what a user of some habit would. Does not know what a filter is
//! made of.

use std::str::FromStr;

use isbg_types::Class;

use crate::random::Random;

/// What a filter said of one message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// For ranking: the higher, the more like spam.
    pub score: f64,
    /// Whether the message is called spam; what the figures count.
    pub spam: bool,
    /// Whether it is shown to the user as probably spam; what the user sees as an error or not.
    pub suspect: bool,
    /// Whether it would have asked the user.
    pub ask: bool,
}

/// Something that judges and learns messages, named by their number in the stream.
pub trait Filter {
    /// Why a message could not be judged or learnt.
    type Error;
    /// Judges message `number`.
    fn judge(&mut self, number: usize) -> Result<Verdict, Self::Error>;
    /// Learns message `number`.
    fn teach(&mut self, number: usize, class: Class) -> Result<(), Self::Error>;
}

/// What the user tells the filter after each verdict. Silence teaches nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Feedback {
    /// The class of every message.
    Full,
    /// The class of messages about which the filter asks, this many in all.
    Ask(usize),
    /// The class of this fraction of the messages that were wrongly shown as suspect, or wrongly not.
    Errors(f64),
    /// The class of the first so many messages.
    First(usize),
}

/// The text is no kind of feedback.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("feedback is full, ask:N, errors:F (F from 0 to 1) or first:N, not {0:?}")]
pub struct ParseFeedback(String);

impl FromStr for Feedback {
    type Err = ParseFeedback;

    fn from_str(text: &str) -> Result<Self, ParseFeedback> {
        let wrong = || ParseFeedback(text.to_owned());
        let (kind, amount) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "full" if amount.is_empty() => Ok(Self::Full),
            "ask" => amount.parse().map(Self::Ask).map_err(|_| wrong()),
            "first" => amount.parse().map(Self::First).map_err(|_| wrong()),
            "errors" => match amount.parse::<f64>() {
                Ok(fraction) if (0.0..=1.0).contains(&fraction) => Ok(Self::Errors(fraction)),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

/// Judges every message of the stream in order, teaching as `feedback` says. The seed decides which errors are corrected.
///
/// # Errors
/// The first error of the filter ends the run.
pub fn online<F: Filter>(
    filter: &mut F,
    classes: &[Class],
    feedback: Feedback,
    seed: u64,
) -> Result<Vec<Verdict>, F::Error> {
    let mut random = Random(seed);
    let mut asked = 0;
    let mut verdicts = Vec::with_capacity(classes.len());
    for (number, &class) in classes.iter().enumerate() {
        let verdict = filter.judge(number)?;
        let told = match feedback {
            Feedback::Full => true,
            Feedback::Ask(limit) => asked < limit && verdict.ask,
            Feedback::First(limit) => number < limit,
            Feedback::Errors(fraction) => {
                let wrong = verdict.suspect != (class == Class::Spam);
                wrong && (random.next() >> 11) as f64 / (1u64 << 53) as f64 <= fraction
            }
        };
        if told {
            asked += 1;
            filter.teach(number, class)?;
        }
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

/// Judges every message with a filter that has learnt all others except those of its fold; message `n` is in fold
/// `n % folds`. `fresh` makes an untaught filter.
///
/// # Errors
/// The first error of a filter ends the run.
pub fn folds<F: Filter>(
    fresh: impl Fn() -> F,
    classes: &[Class],
    folds: usize,
) -> Result<Vec<Verdict>, F::Error> {
    let folds = folds.max(2);
    let mut verdicts = Vec::with_capacity(classes.len());
    for fold in 0..folds {
        let mut filter = fresh();
        for (number, &class) in classes
            .iter()
            .enumerate()
            .filter(|(number, _)| number % folds != fold)
        {
            filter.teach(number, class)?;
        }
        for number in (fold..classes.len()).step_by(folds) {
            verdicts.push((number, filter.judge(number)?));
        }
    }
    verdicts.sort_by_key(|(number, _)| *number);
    Ok(verdicts.into_iter().map(|(_, verdict)| verdict).collect())
}

/// How many messages of each class were called what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Confusion {
    /// Ham left alone.
    pub ham: usize,
    /// Ham called spam: false positives.
    pub ham_as_spam: usize,
    /// Spam called spam.
    pub spam: usize,
    /// Spam left alone.
    pub spam_as_ham: usize,
}

impl Confusion {
    /// Counts pairs of the true class and whether it was called spam.
    pub fn count(pairs: impl IntoIterator<Item = (Class, bool)>) -> Self {
        let mut table = Self::default();
        for (class, called_spam) in pairs {
            *match (class, called_spam) {
                (Class::Ham, false) => &mut table.ham,
                (Class::Ham, true) => &mut table.ham_as_spam,
                (Class::Spam, true) => &mut table.spam,
                (Class::Spam, false) => &mut table.spam_as_ham,
            } += 1;
        }
        table
    }

    /// The percentage judged rightly; 100 of nothing.
    pub fn accuracy_percent(&self) -> f64 {
        percent(
            self.ham + self.spam,
            self.ham + self.spam + self.ham_as_spam + self.spam_as_ham,
            100.0,
        )
    }

    /// The percentage of the ham called spam.
    pub fn false_positive_percent(&self) -> f64 {
        percent(self.ham_as_spam, self.ham + self.ham_as_spam, 0.0)
    }

    /// The percentage of the spam left alone.
    pub fn missed_percent(&self) -> f64 {
        percent(self.spam_as_ham, self.spam + self.spam_as_ham, 0.0)
    }
}

fn percent(part: usize, whole: usize, of_nothing: f64) -> f64 {
    if whole == 0 {
        of_nothing
    } else {
        100.0 * part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls spam what is odd, and notes what it is taught.
    #[derive(Default)]
    struct Odd(Vec<usize>);

    impl Filter for Odd {
        type Error = std::convert::Infallible;

        fn judge(&mut self, number: usize) -> Result<Verdict, Self::Error> {
            let odd = number % 2 == 1;
            Ok(Verdict {
                score: number as f64,
                spam: odd,
                suspect: odd,
                ask: number.is_multiple_of(3),
            })
        }

        fn teach(&mut self, number: usize, _: Class) -> Result<(), Self::Error> {
            self.0.push(number);
            Ok(())
        }
    }

    fn taught(feedback: &str) -> Vec<usize> {
        let mut filter = Odd::default();
        let classes = [Class::Ham; 12];
        let verdicts = online(&mut filter, &classes, feedback.parse().unwrap(), 1).unwrap();
        assert_eq!(verdicts.len(), 12);
        filter.0
    }

    #[test]
    fn each_user_tells_what_it_should() {
        assert_eq!(taught("full").len(), 12);
        assert_eq!(taught("first:3"), [0, 1, 2]);
        assert_eq!(taught("ask:2"), [0, 3]);
        assert_eq!(taught("errors:1"), [1, 3, 5, 7, 9, 11]);
        assert_eq!(taught("errors:0"), []);
        assert!(matches!(taught("errors:0.5").len(), 1..=5));
        for wrong in ["", "ask", "ask:-1", "errors:2", "errors:NaN", "full:1", "first:x"] {
            assert!(wrong.parse::<Feedback>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn folds_never_teach_what_they_judge() {
        let classes = [Class::Ham; 7];
        let made = std::cell::RefCell::new(Vec::new());
        struct Watch<'a>(Vec<usize>, &'a std::cell::RefCell<Vec<usize>>);
        impl Filter for Watch<'_> {
            type Error = std::convert::Infallible;
            fn judge(&mut self, number: usize) -> Result<Verdict, Self::Error> {
                assert!(!self.0.contains(&number));
                assert!(self.0.len() >= 4);
                self.1.borrow_mut().push(number);
                Odd::default().judge(number)
            }
            fn teach(&mut self, number: usize, _: Class) -> Result<(), Self::Error> {
                self.0.push(number);
                Ok(())
            }
        }
        let verdicts = folds(|| Watch(Vec::new(), &made), &classes, 3).unwrap();
        assert_eq!(made.borrow().len(), 7);
        let scores: Vec<f64> = verdicts.iter().map(|verdict| verdict.score).collect();
        assert_eq!(scores, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn confusion() {
        use Class::{Ham, Spam};
        let table = Confusion::count([
            (Ham, true),
            (Ham, false),
            (Spam, true),
            (Spam, true),
            (Spam, false),
        ]);
        assert_eq!((table.ham_as_spam, table.spam_as_ham), (1, 1));
        assert_eq!(table.accuracy_percent(), 60.0);
        assert_eq!(table.false_positive_percent(), 50.0);
        assert!((table.missed_percent() - 33.333).abs() < 0.001);
        assert_eq!(Confusion::default().accuracy_percent(), 100.0);
    }
}
