//! From a verdict to what is done. Pure: does not know the mailbox, the store or the clock. Doubt is *leave*.

use isbg_types::{Flag, Flags, Tier, Verdict};

use crate::policy::{Policy, Treatment};

/// Why a message is left where it is although its tier says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spared {
    /// It carries a flag the policy spares, or the user marked it deleted already.
    Flagged,
    /// The user put it back before.
    PutBack,
}

/// What is to be done with one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The tier of the verdict under the user's limits.
    pub tier: Tier,
    /// What is done.
    pub treatment: Treatment,
    /// Why nothing is done, where the tier's treatment says otherwise.
    pub spared: Option<Spared>,
}

/// What is done with a message of this verdict, these flags, and this history (`put_back`: the user has put it back
/// before, so it is never moved again).
pub fn decide(verdict: &Verdict, policy: &Policy, flags: &Flags, put_back: bool) -> Decision {
    let tier = verdict.tier(&policy.thresholds);
    let treatment = policy.treatment(tier);
    let flagged = flags.has(Flag::DELETED) || policy.spare.iter().any(|flag| flags.has(flag.as_str()));
    let spared = match () {
        () if treatment.is_leave() => None,
        () if put_back => Some(Spared::PutBack),
        () if flagged => Some(Spared::Flagged),
        () => None,
    };
    let treatment = if spared.is_some() {
        Treatment::leave()
    } else {
        treatment.clone()
    };
    Decision {
        tier,
        treatment,
        spared,
    }
}

#[cfg(test)]
mod tests {
    use isbg_types::{FolderName, Score, Thresholds};

    use super::*;
    use crate::policy::BlastLimit;

    fn policy() -> Policy {
        Policy {
            thresholds: Thresholds::default(),
            ham: Treatment::leave(),
            unsure: Treatment::leave(),
            spam: Treatment::move_to(FolderName::new("Spam")),
            certain: Treatment::move_to(FolderName::new("Spam")),
            spare: vec![Flag::new(Flag::FLAGGED)],
            blast_limit: BlastLimit::Off,
            first_run_reports: false,
        }
    }

    fn verdict(spam: bool) -> Verdict {
        Verdict {
            score: Score(if spam { 9_000 } else { 0 }),
            required: Score::REQUIRED,
            spam,
            hits: Vec::new(),
        }
    }

    #[test]
    fn ham_is_left() {
        let decision = decide(&verdict(false), &policy(), &Flags::default(), false);
        assert_eq!((decision.treatment.is_leave(), decision.spared), (true, None));
    }

    #[test]
    fn spam_is_moved_unless_spared() {
        let flags = |name: &str| [Flag::new(name)].into_iter().collect::<Flags>();
        let cases = [
            (Flags::default(), false, None),
            (flags(Flag::SEEN), false, None),
            (flags(Flag::FLAGGED), false, Some(Spared::Flagged)),
            (flags(Flag::DELETED), false, Some(Spared::Flagged)),
            (Flags::default(), true, Some(Spared::PutBack)),
        ];
        for (flags, put_back, spared) in cases {
            let decision = decide(&verdict(true), &policy(), &flags, put_back);
            assert_eq!(decision.spared, spared);
            assert_eq!(decision.treatment.is_leave(), spared.is_some());
            assert_eq!(decision.tier, Tier::Spam);
        }
    }
}
