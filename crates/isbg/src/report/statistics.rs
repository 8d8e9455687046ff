//! What a run counted, as the lines scripts have always read, and as an exit status. Does not print anything.

use isbg_scan::{CorrectionCounts, LearnCounts, ScanCounts};

use crate::exit::Status;

/// The counts of one account's run; absent is what was not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Learning from the folder of spam.
    pub learned_spam: Option<LearnCounts>,
    /// Learning from the folder of ham.
    pub learned_ham: Option<LearnCounts>,
    /// Learning from what the user has moved.
    pub corrected: Option<CorrectionCounts>,
    /// The scan.
    pub scan: Option<ScanCounts>,
}

impl Tally {
    /// The statistics. The first four lines have the form of isbg 2.3.1; what follows them tells what they leave out.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (counts, what) in [(self.learned_spam, "spams"), (self.learned_ham, "hams")] {
            if let Some(counts) = counts {
                lines.push(format!("{}/{} {what} learned", counts.learned, counts.to_learn));
            }
        }
        if let Some(counts) = self.scan {
            lines.push(format!(
                "{} spams found in {} messages",
                counts.spam, counts.judged
            ));
            lines.push(format!(
                "{}/{} was automatically deleted",
                counts.deleted, counts.spam
            ));
        }
        lines.extend(self.more());
        lines
    }

    fn more(&self) -> impl Iterator<Item = String> {
        let learning = [self.learned_spam, self.learned_ham].into_iter().flatten();
        let learned = |count: fn(LearnCounts) -> u64| learning.clone().map(count).sum::<u64>();
        let moved = self.corrected.unwrap_or_default();
        let known = learned(|counts| counts.already_known) + moved.already_known;
        let too_large = learned(|counts| counts.too_large) + moved.too_large;
        let not_learned = learned(|counts| counts.unknown) + moved.unknown;
        let scan = self.scan.unwrap_or_default();
        let done = self.scan.map(|_| {
            let others = [(scan.copied, "copied"), (scan.flagged, "flagged")];
            let others = others.into_iter().filter(|(count, _)| *count > 0);
            others.fold(format!("{} messages moved", scan.moved), |text, (count, what)| {
                format!("{text}, {count} {what}")
            })
        });
        let rest = [
            (scan.unsure, "unsure"),
            (scan.held_back, "held back: nothing was done with them"),
            (scan.spared, "spared: flagged, or put back by you before"),
            (
                scan.yielded,
                "not treated as decided: the message or its folder had changed meanwhile",
            ),
            (
                scan.not_done + self.untreated(),
                "not treated as decided; they are where they were",
            ),
            (scan.unknown, "without a verdict; they are tried again"),
            (scan.too_large, "not scanned because of their size"),
            (scan.left_for_later, "left for the next run"),
            (moved.ham, "moved by you and learned as ham"),
            (moved.spam, "moved by you and learned as spam"),
            (moved.waiting, "moved by you and to be learned if they stay there"),
            (known, "known to the scorer already"),
            (too_large, "too large to be learned"),
            (not_learned, "not learned; they are tried again"),
        ];
        let rest = rest.into_iter().filter(|(count, _)| *count > 0);
        done.into_iter()
            .chain(rest.map(|(count, what)| format!("{count} {what}")))
    }

    /// Learned messages that could not be treated as wished.
    fn untreated(&self) -> u64 {
        [self.learned_spam, self.learned_ham]
            .into_iter()
            .flatten()
            .map(|counts| counts.not_done)
            .sum()
    }

    /// The exit status. 1, 2 and 3 only where `detailed` (`--exitcodes`); a message that could not be
    /// treated as decided is a failure of the server, and new mail without a single verdict one of the scorer.
    pub fn status(&self, detailed: bool) -> Status {
        let scan = self.scan.unwrap_or_default();
        match (scan.judged, scan.spam) {
            _ if scan.not_done + self.untreated() > 0 => Status::Imap,
            (0, _) if scan.unknown > 0 => Status::Scorer,
            (0, _) => Status::Fine,
            _ if !detailed => Status::Fine,
            (_, 0) => Status::AllHam,
            (judged, spam) if judged == spam => Status::AllSpam,
            _ => Status::Mixed,
        }
    }
}
