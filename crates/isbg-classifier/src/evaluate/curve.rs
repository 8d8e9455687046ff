//! Figures of a ranking: the area above the ROC curve and points on it. Knows scores and classes only.

use isbg_types::Class;

/// One message's score and true class; the higher the score, the more like spam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The filter's score. A NaN counts as the lowest score.
    pub score: f64,
    /// What the message really is.
    pub class: Class,
}

/// 1-ROCA%: of all pairs of one spam and one ham, the percentage in which the ham has the higher score; equal scores
/// count half. `None` unless there are both spam and ham. This is the area above the ROC curve, as the TREC spam track
/// reports it.
pub fn one_minus_roca_percent(messages: &[Scored]) -> Option<f64> {
    let sorted = ascending(messages);
    let (mut ham_below, mut wrong, mut spam_total) = (0u64, 0f64, 0u64);
    let ham_total = sorted
        .iter()
        .filter(|message| message.class == Class::Ham)
        .count() as u64;
    for tied in sorted.chunk_by(|a, b| a.score == b.score) {
        let ham = tied.iter().filter(|message| message.class == Class::Ham).count() as u64;
        let spam = tied.len() as u64 - ham;
        let ham_above = ham_total - ham_below - ham;
        wrong += spam as f64 * (ham_above as f64 + ham as f64 / 2.0);
        ham_below += ham;
        spam_total += spam;
    }
    let pairs = ham_total as f64 * spam_total as f64;
    (pairs > 0.0).then(|| 100.0 * wrong / pairs)
}

/// The percentage of spam missed when the threshold is as low as it can be with at most `ham_percent` of the ham at or
/// above it. `None` unless there are both spam and ham.
pub fn missed_percent(messages: &[Scored], ham_percent: f64) -> Option<f64> {
    let sorted = ascending(messages);
    let ham_total = sorted
        .iter()
        .filter(|message| message.class == Class::Ham)
        .count();
    let spam_total = sorted.len() - ham_total;
    if ham_total == 0 || spam_total == 0 {
        return None;
    }
    let allowed = (ham_total as f64 * ham_percent / 100.0).floor() as usize;
    let (mut ham_above, mut caught) = (0, 0);
    let groups: Vec<&[Scored]> = sorted.chunk_by(|a, b| a.score == b.score).collect();
    for tied in groups.into_iter().rev() {
        let ham = tied.iter().filter(|message| message.class == Class::Ham).count();
        ham_above += ham;
        if ham_above > allowed {
            break;
        }
        caught += tied.len() - ham;
    }
    Some(100.0 * (spam_total - caught) as f64 / spam_total as f64)
}

/// The ROC curve: for every threshold, from the highest to the lowest, the shares (0 to 1) of the ham and of the spam at
/// or above it. Empty unless there are both.
pub fn roc(messages: &[Scored]) -> Vec<(f64, f64)> {
    let sorted = ascending(messages);
    let spam_in = |some: &[Scored]| some.iter().filter(|message| message.class == Class::Spam).count();
    let spam_total = spam_in(&sorted);
    let ham_total = sorted.len() - spam_total;
    if ham_total == 0 || spam_total == 0 {
        return Vec::new();
    }
    let (mut ham, mut spam) = (0, 0);
    let mut curve = vec![(0.0, 0.0)];
    let groups: Vec<&[Scored]> = sorted.chunk_by(|a, b| a.score == b.score).collect();
    for tied in groups.into_iter().rev() {
        let spam_here = spam_in(tied);
        spam += spam_here;
        ham += tied.len() - spam_here;
        curve.push((ham as f64 / ham_total as f64, spam as f64 / spam_total as f64));
    }
    curve
}

fn ascending(messages: &[Scored]) -> Vec<Scored> {
    let mut sorted: Vec<Scored> = messages
        .iter()
        .map(|message| Scored {
            score: if message.score.is_nan() {
                f64::NEG_INFINITY
            } else {
                message.score
            },
            ..*message
        })
        .collect();
    sorted.sort_by(|a, b| a.score.total_cmp(&b.score));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(text: &[(f64, char)]) -> Vec<Scored> {
        text.iter()
            .map(|&(score, class)| Scored {
                score,
                class: if class == 's' { Class::Spam } else { Class::Ham },
            })
            .collect()
    }

    #[test]
    fn pairs_in_the_wrong_order() {
        let perfect = stream(&[(1.0, 'h'), (2.0, 'h'), (3.0, 's')]);
        assert_eq!(one_minus_roca_percent(&perfect), Some(0.0));
        let half = stream(&[(1.0, 's'), (0.0, 'h'), (2.0, 'h'), (3.0, 's')]);
        assert_eq!(one_minus_roca_percent(&half), Some(25.0));
        let tied = stream(&[(0.0, 's'), (-0.0, 'h'), (f64::NAN, 'h')]);
        assert_eq!(one_minus_roca_percent(&tied), Some(25.0));
        assert_eq!(one_minus_roca_percent(&stream(&[(1.0, 'h')])), None);
    }

    #[test]
    fn curve_from_nothing_to_all() {
        let mail = stream(&[
            (1.0, 's'),
            (0.0, 'h'),
            (2.0, 'h'),
            (3.0, 's'),
            (3.0, 's'),
            (3.0, 's'),
        ]);
        assert_eq!(
            roc(&mail),
            [(0.0, 0.0), (0.0, 0.75), (0.5, 0.75), (0.5, 1.0), (1.0, 1.0)]
        );
        assert!(roc(&stream(&[(1.0, 's')])).is_empty());
    }

    #[test]
    fn missed_at_a_false_positive_rate() {
        let mut mail: Vec<(f64, char)> = (0..1000).map(|at| (f64::from(at), 'h')).collect();
        mail.extend([(998.5, 's'), (999.0, 's'), (997.5, 's'), (1500.0, 's')]);
        assert_eq!(missed_percent(&stream(&mail), 0.1), Some(25.0));
        assert_eq!(missed_percent(&stream(&mail), 0.0), Some(75.0));
        assert_eq!(missed_percent(&stream(&mail), 100.0), Some(0.0));
    }
}
