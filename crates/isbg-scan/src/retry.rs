//! When a message without a verdict, or on which the server would not act, is tried again. Does not try.

use isbg_store::NoVerdict;
use isbg_types::Uid;

use crate::error::Result;
use crate::pass::Pass;
use crate::plan::Plan;

/// The first wait, in seconds. It doubles with each try.
const FIRST_WAIT: i64 = 600;

/// The longest wait, in seconds.
pub(crate) const LONGEST_WAIT: i64 = 86_400;

/// Notes that these messages are to be tried again later, each by itself, and why.
pub(crate) fn retry_later(pass: &mut Pass<'_>, plan: &Plan, failures: Vec<(Uid, String)>) -> Result<()> {
    if failures.is_empty() {
        return Ok(());
    }
    let now = pass.now();
    let attempts = pass.store.attempts(plan.id, plan.purpose)?;
    let tries = |uid: Uid| {
        attempts
            .iter()
            .find(|attempt| attempt.uid == uid)
            .map_or(1, |attempt| attempt.tries)
    };
    let failures: Vec<NoVerdict> = failures
        .into_iter()
        .map(|(uid, error)| NoVerdict {
            uid,
            next_try: now.plus(wait(tries(uid))),
            error,
        })
        .collect();
    Ok(pass
        .store
        .end_without_verdict(plan.id, plan.purpose, &failures, now)?)
}

/// How long to wait after so many tries, in seconds.
fn wait(tries: u32) -> i64 {
    FIRST_WAIT
        .saturating_mul(1 << tries.saturating_sub(1).min(10))
        .min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_day() {
        assert_eq!(
            [1, 2, 3, 8, 9, u32::MAX].map(wait),
            [600, 1200, 2400, 76_800, 86_400, 86_400]
        );
    }
}
