//! Whether a failure is the scorer's or one message's. Does not act on it.

use std::time::Duration;

use tokio::time::timeout;

use crate::{Scorer, Unknown, UnknownKind};

/// A scorer that works is through with a small harmless message long before.
const PROBE: Duration = Duration::from_secs(60);

/// What follows from a failure on one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    /// The scorer works: this message alone is set aside, and tried again later.
    SetAside,
    /// The scorer does not work, or not for us: the run ends, and what it has no verdict about counts as not seen.
    Stop(Unknown),
}

/// Has the scorer probed where that decides. For scoring: a scorer that scores may still refuse to be taught.
pub async fn consequence(scorer: &dyn Scorer, why: &Unknown) -> Consequence {
    match weigh(why, None) {
        Some(consequence) => consequence,
        None => {
            let late = || Unknown::new(UnknownKind::Timeout, "no answer to a small harmless message");
            let probe = timeout(PROBE, scorer.probe())
                .await
                .unwrap_or_else(|_| Err(late()));
            weigh(why, Some(probe)).unwrap_or(Consequence::SetAside)
        }
    }
}

/// What follows from `why` and the result of a probe after it. `None`: only a probe can tell.
pub fn weigh(why: &Unknown, probe: Option<Result<(), Unknown>>) -> Option<Consequence> {
    match (why.kind, probe) {
        // The next message would be refused as well.
        (UnknownKind::Refused, _) => Some(Consequence::Stop(why.clone())),
        // Says something about this message only.
        (UnknownKind::TooLarge, _) => Some(Consequence::SetAside),
        (UnknownKind::Outage | UnknownKind::Timeout | UnknownKind::BadAnswer, probe) => match probe? {
            Ok(()) => Some(Consequence::SetAside),
            Err(outage) => Some(Consequence::Stop(outage)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_with_every_probe() {
        use UnknownKind::*;
        let down = Unknown::new(Outage, "down");
        for kind in [Outage, Timeout, BadAnswer] {
            let why = Unknown::new(kind, "why");
            assert_eq!(weigh(&why, None), None);
            assert_eq!(weigh(&why, Some(Ok(()))), Some(Consequence::SetAside));
            assert_eq!(
                weigh(&why, Some(Err(down.clone()))),
                Some(Consequence::Stop(down.clone()))
            );
        }
        for probe in [None, Some(Ok(())), Some(Err(down))] {
            let refused = Unknown::new(Refused, "no");
            assert_eq!(
                weigh(&refused, probe.clone()),
                Some(Consequence::Stop(refused.clone()))
            );
            assert_eq!(
                weigh(&Unknown::new(TooLarge, "big"), probe),
                Some(Consequence::SetAside)
            );
        }
    }
}
