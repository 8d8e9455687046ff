//! The rules that hit, as the tables of reports list them. Does not know where a report goes.

use isbg_types::{RuleHit, Score, Untrusted};

use super::{LINE_COLUMNS, Markup, fold};

/// Rules listed.
const MOST: usize = 500;

/// Characters of a description.
const DESCRIPTION: usize = 500;

impl Markup {
    /// `_SUMMARY_`: points, names and descriptions in columns.
    pub(super) fn summary(&self, hits: &[RuleHit]) -> String {
        let mut table = String::new();
        for hit in hits.iter().take(MOST) {
            let line = format!(
                "{} {:<22} {}",
                points(hit.score),
                name(hit),
                self.description(hit)
            );
            table.push_str(&fold::text(&line, &" ".repeat(28), LINE_COLUMNS));
            table.push('\n');
        }
        table
    }

    /// `_REPORT_`: the same as a list, for a header.
    pub(super) fn list(&self, hits: &[RuleHit]) -> String {
        let mut list = String::new();
        for hit in hits.iter().take(MOST) {
            let line = format!("* {} {} {}", points(hit.score), name(hit), self.description(hit));
            list.push('\n');
            list.push_str(&fold::text(&line, "*      ", self.columns));
        }
        list
    }

    fn description(&self, hit: &RuleHit) -> String {
        let known = hit
            .description
            .as_ref()
            .or_else(|| self.descriptions.get(&hit.name));
        let text = known.map_or("No description available.", String::as_str);
        let area = self.areas.get(&hit.name).copied().unwrap_or_default();
        format!("{area}{}", Untrusted(text).clipped(DESCRIPTION))
    }
}

fn name(hit: &RuleHit) -> String {
    Untrusted(&hit.name).clipped(100)
}

/// Four columns where that is possible.
fn points(score: Option<Score>) -> String {
    let points = score.map_or(0.0, Score::points);
    let text = format!("{points:.1}");
    if text.len() > 4 {
        format!("{points:>4.0}")
    } else {
        format!("{text:>4}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(name: &str, score: i64, description: Option<&str>) -> RuleHit {
        RuleHit {
            name: name.into(),
            score: Some(Score(score)),
            description: description.map(str::to_owned),
        }
    }

    #[test]
    fn tables() {
        let markup = Markup::new("here".into());
        let hits = [
            hit("A_RULE", 1_000_000, Some("first")),
            hit("B", -1, None),
            hit("C", 2_739, Some(&"word ".repeat(12))),
        ];
        let words = "word ".repeat(10);
        assert_eq!(
            markup.summary(&hits),
            format!(
                "1000 A_RULE                 first\n-0.0 B                      No description available.\n \
                 2.7 C                      {}\n{}word word \n",
                words.trim_end(),
                " ".repeat(28)
            )
        );
        assert!(
            markup
                .list(&hits)
                .starts_with("\n* 1000 A_RULE first\n* -0.0 B No")
        );
    }
}
