//! The figures of a backtest as people read them. Does not know any message.

use std::fmt::Write as _;

use isbg_classifier::evaluate::{Scored, Verdict, calibration_error, reliability};

use super::figures::{self, Figures};
use super::index::Index;

/// Rows of the learning curve.
const BLOCKS: usize = 10;

/// How many were called what, and how good the ranking is.
pub fn figures(figures: &Figures) -> String {
    let table = figures.confusion();
    let percent = |figure: Option<f64>| figure.map_or("-".to_owned(), |figure| format!("{figure:.4} %"));
    format!(
        "{} messages, {:.3} % of them judged rightly, in {:.1} seconds\n\n\
         {:20}{:>12}{:>12}\n\
         {:20}{:>12}{:>12}   {:.3} % of the ham called spam\n\
         {:20}{:>12}{:>12}   {:.3} % of the spam missed\n\n\
         {:44}{:>12}\n\
         {:44}{:>12}\n",
        figures.messages,
        table.accuracy_percent(),
        figures.seconds,
        "",
        "called ham",
        "called spam",
        "ham",
        table.ham,
        table.ham_as_spam,
        table.false_positive_percent(),
        "spam",
        table.spam_as_ham,
        table.spam,
        table.missed_percent(),
        "spam ranked below ham (1-ROCA)",
        percent(figures.one_minus_roca_percent),
        "spam missed where 0.1 % of the ham is lost",
        percent(figures.spam_missed_percent_at_ham_0_1_percent),
    )
}

/// How far the probabilities of what was learned can be believed; nothing where nothing was learned.
pub fn calibration(probabilities: &[Scored]) -> String {
    if probabilities.is_empty() {
        return String::new();
    }
    let bins = reliability(probabilities);
    let mut text = format!(
        "\nProbabilities are off by {:.2} % in the mean\n{:>20}{:>12}{:>12}\n",
        100.0 * calibration_error(&bins),
        "claimed",
        "was spam",
        "messages",
    );
    for bin in bins.iter().filter(|bin| bin.messages > 0) {
        let row = format!("{:>18.1} %{:>10.1} %", 100.0 * bin.claimed, 100.0 * bin.found);
        // Writing to a string cannot fail.
        writeln!(text, "{row}{:>12}", bin.messages).unwrap_or_default();
    }
    text
}

/// The mistakes in each tenth of the mail.
pub fn learning(index: &Index, verdicts: &[Verdict]) -> String {
    let mut text = format!("\n{:>20}{:>12}{:>12}\n", "messages", "ham as spam", "spam as ham");
    let size = verdicts.len().div_ceil(BLOCKS).max(1);
    for start in (0..verdicts.len()).step_by(size) {
        let end = (start + size).min(verdicts.len());
        let table = figures::confusion(index, verdicts, start..end);
        let which = format!("{} - {end}", start + 1);
        writeln!(
            text,
            "{which:>20}{:>12}{:>12}",
            table.ham_as_spam, table.spam_as_ham
        )
        .unwrap_or_default();
    }
    text
}
