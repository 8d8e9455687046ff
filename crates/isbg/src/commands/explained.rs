//! What in a message the classifier went by, in words. Does not know how it came to that.

use isbg_classifier::Explanation;
use isbg_types::Untrusted;

/// Reasons of one view, and columns of each.
const REASONS: usize = 4;
const COLUMNS: usize = 40;
/// A view that adds less to the score is not worth a line.
const LITTLE: f64 = 0.05;

/// A line for each view that counts, the one that counts most first, below the rules that hit. Each begins with a line
/// end.
pub fn lines(explanation: &Explanation) -> String {
    let mut views: Vec<_> = explanation
        .views
        .iter()
        .filter(|view| view.score.abs() >= LITTLE)
        .collect();
    views.sort_by(|a, b| b.score.abs().total_cmp(&a.score.abs()));
    let mut text = String::new();
    for view in views {
        let towards = if view.score > 0.0 { "spam" } else { "ham" };
        let reasons: Vec<String> = view
            .reasons
            .iter()
            .filter(|reason| reason.score * view.score > 0.0)
            .take(REASONS)
            .map(|reason| {
                let on_one_line = reason.text.split_whitespace().collect::<Vec<_>>().join(" ");
                format!("\"{}\"", Untrusted(&on_one_line).clipped(COLUMNS))
            })
            .collect();
        let name = view.view.as_str();
        let line = format!("\n{:>22}{name} like {towards}: {}", "", reasons.join(", "));
        text.push_str(line.trim_end_matches(": "));
    }
    text
}
