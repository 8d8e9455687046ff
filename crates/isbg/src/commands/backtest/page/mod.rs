//! The page of `--report`: the figures of a backtest with plots, in one file that fetches nothing. Does not work out any
//! figure that is not drawn.

mod plot;
mod text;

use std::fmt::Write as _;

use isbg_classifier::evaluate::{Scored, Verdict, reliability, roc};
use isbg_types::Class;

use super::figures::Figures;
use super::index::Index;
use super::mistakes::Kind;
use plot::{Form, Plot, Series};
use text::escaped;

/// Bars of the histogram.
const BARS: usize = 40;

/// The part of each end of the scores that the histogram leaves to its outermost bars.
const TAIL: f64 = 0.005;

/// Points of a curve at most: more cannot be told apart.
const POINTS: usize = 1_000;

const STYLE: &str = "\
:root{color-scheme:light dark;--ham:#2a7f62;--spam:#b3261e;--ink:#222;--faint:#8884}\
@media(prefers-color-scheme:dark){:root{--ham:#6fcfa8;--spam:#ff8a80;--ink:#ddd}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);max-width:62rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}\
table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid var(--faint)}\
th:first-child,td:first-child{text-align:left}.wrong{color:var(--spam);font-weight:600}\
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1.5rem}figure{margin:0}\
figcaption{font-size:.9rem}svg{width:100%;height:auto}svg text{font-size:11px;fill:var(--ink)}\
.grid{stroke:var(--faint);fill:none}.line{fill:none;stroke-width:2}\
.line.ham{stroke:var(--ham)}.line.spam{stroke:var(--spam)}.line.even{stroke:var(--faint)}\
.bars.ham,circle.ham{fill:var(--ham);fill-opacity:.55}.bars.spam,circle.spam{fill:var(--spam);fill-opacity:.55}\
li{margin-bottom:.8rem}.why{font-size:.9rem;opacity:.85;overflow-wrap:anywhere}";

/// What is shown.
#[derive(Debug)]
pub struct Shown<'a> {
    /// What was tested, in a few words.
    pub subject: &'a str,
    /// The figures.
    pub figures: &'a Figures,
    /// The mail.
    pub index: &'a Index,
    /// What was said of it, in the same order.
    pub verdicts: &'a [Verdict],
    /// The logits that the models gave.
    pub probabilities: &'a [Scored],
    /// Whether the order of the mail is the order in which it was judged.
    pub in_order: bool,
    /// The worst mistakes.
    pub mistakes: &'a [Kind],
}

/// The whole page.
pub fn page(shown: &Shown<'_>) -> String {
    let subject = escaped(shown.subject);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>isbg backtest: {subject}</title>\n<style>{STYLE}</style>\n<h1>isbg backtest: {subject}</h1>\n"
    );
    page.push_str(&summary(shown.figures));
    page.push_str("<div class=\"plots\">\n");
    let scored = scored(shown);
    page.push_str(&caught(&scored));
    page.push_str(&histogram(&scored));
    if !shown.probabilities.is_empty() {
        page.push_str(&calibration(shown.probabilities));
    }
    if shown.in_order {
        page.push_str(&learning(shown));
    }
    page.push_str("</div>\n");
    for kind in shown.mistakes {
        page.push_str(&mistakes(kind));
    }
    page.push_str("</html>\n");
    page
}

fn summary(figures: &Figures) -> String {
    let table = figures.confusion();
    let percent =
        |figure: Option<f64>| figure.map_or("&ndash;".to_owned(), |figure| format!("{figure:.4} %"));
    format!(
        "<p>{} messages, {:.3} % of them judged rightly.</p>\n<table>\n\
         <tr><th></th><th>called ham</th><th>called spam</th><th></th></tr>\n\
         <tr><td>ham</td><td>{}</td><td class=\"wrong\">{}</td><td>{:.3} % called spam</td></tr>\n\
         <tr><td>spam</td><td class=\"wrong\">{}</td><td>{}</td><td>{:.3} % missed</td></tr>\n</table>\n\
         <p>Of all pairs of a spam and a ham, {} are ranked wrongly (1-ROCA). \
         Where 0.1 % of the ham is lost, {} of the spam is missed.</p>\n",
        figures.messages,
        table.accuracy_percent(),
        table.ham,
        table.ham_as_spam,
        table.false_positive_percent(),
        table.spam_as_ham,
        table.spam,
        table.missed_percent(),
        percent(figures.one_minus_roca_percent),
        percent(figures.spam_missed_percent_at_ham_0_1_percent),
    )
}

fn scored(shown: &Shown<'_>) -> Vec<Scored> {
    let pairs = shown.index.entries().iter().zip(shown.verdicts);
    pairs
        .map(|(entry, verdict)| Scored {
            score: verdict.score,
            class: entry.class,
        })
        .collect()
}

fn figure(plot: &Plot<'_>, caption: &str) -> String {
    format!(
        "<figure>{}<figcaption>{}</figcaption></figure>\n",
        plot.svg(caption),
        escaped(caption)
    )
}

fn caught(scored: &[Scored]) -> String {
    let all = roc(scored);
    // Nobody would lose more than one ham in a hundred.
    let mut points: Vec<(f64, f64)> = all
        .iter()
        .map(|(ham, spam)| (100.0 * ham, 100.0 * spam))
        .take_while(|(ham, _)| *ham <= 1.0)
        .collect();
    points.extend(points.last().map(|(_, spam)| (1.0, *spam)));
    let plot = Plot {
        across: "ham lost, %",
        up: "spam caught, %",
        x: 0.0..=1.0,
        y: 0.0..=100.0,
        series: vec![Series {
            name: "",
            colour: "spam",
            form: Form::Steps,
            points: thinned(points),
        }],
    };
    figure(
        &plot,
        "How much spam is caught for how much ham is lost, at every threshold",
    )
}

/// How the scores of each class lie, as shares of the class.
fn histogram(scored: &[Scored]) -> String {
    let mut sorted: Vec<f64> = scored
        .iter()
        .map(|message| message.score)
        .filter(|score| score.is_finite())
        .collect();
    sorted.sort_by(f64::total_cmp);
    let at =
        |part: f64| sorted.get(((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1)));
    let (low, high) = (
        at(TAIL).copied().unwrap_or(0.0),
        at(1.0 - TAIL).copied().unwrap_or(1.0),
    );
    let size = ((high - low) / BARS as f64).max(f64::MIN_POSITIVE);
    let bars = |class: Class| {
        let mut counts = [0_usize; BARS];
        let of_class = scored.iter().filter(|message| message.class == class);
        let mut total = 0_usize;
        for message in of_class {
            let bar = ((message.score - low) / size).clamp(0.0, BARS as f64 - 1.0) as usize;
            counts[bar.min(BARS - 1)] += 1;
            total += 1;
        }
        let mut points: Vec<(f64, f64)> = counts
            .iter()
            .enumerate()
            .map(|(bar, count)| {
                (
                    low + size * bar as f64,
                    100.0 * *count as f64 / total.max(1) as f64,
                )
            })
            .collect();
        points.push((low + size * BARS as f64, 0.0));
        points
    };
    let (ham, spam) = (bars(Class::Ham), bars(Class::Spam));
    let highest = ham.iter().chain(&spam).map(|point| point.1).fold(1.0, f64::max);
    let series = |name, colour, points| Series {
        name,
        colour,
        form: Form::Bars,
        points,
    };
    let plot = Plot {
        across: "score",
        up: "share of the class, %",
        x: low..=low + size * BARS as f64,
        y: 0.0..=highest,
        series: vec![series("ham", "ham", ham), series("spam", "spam", spam)],
    };
    figure(&plot, "Where the scores of ham and spam lie")
}

fn calibration(probabilities: &[Scored]) -> String {
    let bins = reliability(probabilities);
    let points = bins
        .iter()
        .filter(|bin| bin.messages > 0)
        .map(|bin| (100.0 * bin.claimed, 100.0 * bin.found))
        .collect();
    let plot = Plot {
        across: "claimed, %",
        up: "was spam, %",
        x: 0.0..=100.0,
        y: 0.0..=100.0,
        series: vec![
            Series {
                name: "",
                colour: "even",
                form: Form::Line,
                points: vec![(0.0, 0.0), (100.0, 100.0)],
            },
            Series {
                name: "",
                colour: "spam",
                form: Form::Dots,
                points,
            },
        ],
    };
    figure(
        &plot,
        "How far the probabilities of what was learned can be believed: on the line, exactly",
    )
}

/// The mistakes so far, message after message.
fn learning(shown: &Shown<'_>) -> String {
    let (mut ham, mut spam) = (vec![(0.0, 0.0)], vec![(0.0, 0.0)]);
    let (mut lost, mut missed) = (0.0, 0.0);
    for (number, (entry, verdict)) in shown.index.entries().iter().zip(shown.verdicts).enumerate() {
        match (entry.class, verdict.spam) {
            (Class::Ham, true) => lost += 1.0,
            (Class::Spam, false) => missed += 1.0,
            _ => continue,
        }
        ham.push((number as f64, lost));
        spam.push((number as f64, missed));
    }
    let end = shown.verdicts.len() as f64;
    ham.push((end, lost));
    spam.push((end, missed));
    let series = |name, colour, points| Series {
        name,
        colour,
        form: Form::Steps,
        points: thinned(points),
    };
    let plot = Plot {
        across: "messages seen",
        up: "mistakes so far",
        x: 0.0..=end,
        y: 0.0..=f64::max(lost, missed).max(1.0),
        series: vec![
            series("spam called ham", "spam", spam),
            series("ham called spam", "ham", ham),
        ],
    };
    figure(
        &plot,
        "Mistakes so far, as the mail came: a flat line has learned",
    )
}

/// At most [`POINTS`] of these, the first and the last among them.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(POINTS).max(1);
    let last = points.len().saturating_sub(1);
    points
        .into_iter()
        .enumerate()
        .filter(|(number, _)| number % step == 0 || *number == last)
        .map(|(_, point)| point)
        .collect()
}

fn mistakes(kind: &Kind) -> String {
    if kind.mistakes.is_empty() {
        return String::new();
    }
    let mut list = format!("<h2>{}, the worst first</h2>\n<ol>\n", escaped(kind.title));
    for told in &kind.mistakes {
        // Writing to a string cannot fail.
        write!(
            list,
            "<li><b>{}</b><br>{} &middot; score {:.2}",
            escaped(&told.subject),
            escaped(&told.path),
            told.score
        )
        .unwrap_or_default();
        for line in kind.reasons(told) {
            write!(list, "<div class=\"why\">{}</div>", escaped(&line)).unwrap_or_default();
        }
        list.push_str("</li>\n");
    }
    list.push_str("</ol>\n");
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_keeps_its_ends() {
        let all: Vec<(f64, f64)> = (0..2_500).map(|at| (f64::from(at), 0.0)).collect();
        let thin = thinned(all.clone());
        assert!(thin.len() <= POINTS + 1, "{}", thin.len());
        assert_eq!((thin.first(), thin.last()), (all.first(), all.last()));
        assert!(thinned(Vec::new()).is_empty());
    }

    #[test]
    fn odd_scores_are_drawn() {
        let message = |score, class| Scored { score, class };
        for scores in [
            vec![],
            vec![message(1.0, Class::Ham)],
            vec![
                message(f64::NAN, Class::Spam),
                message(f64::INFINITY, Class::Ham),
                message(2.0, Class::Ham),
            ],
        ] {
            let drawn = histogram(&scores) + &caught(&scores);
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
    }
}
