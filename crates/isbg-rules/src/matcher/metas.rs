//! The order in which meta rules can be evaluated. Does not evaluate them.

use crate::meta::Op;
use crate::ruleset::{RuleSet, Test};

/// The active meta rules, each after those it depends on. Rules that depend on themselves come last, in the order of
/// their names; they see what they wait for as not hit.
pub fn in_order(rules: &RuleSet, is_active: impl Fn(usize) -> bool) -> Vec<usize> {
    let metas: Vec<usize> = (0..rules.rules.len())
        .filter(|at| matches!(rules.rules[*at].test, Test::Meta(_)) && is_active(*at))
        .collect();
    let mut waiting_for = vec![0usize; rules.rules.len()];
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); rules.rules.len()];
    for at in &metas {
        for other in names(rules, *at) {
            if matches!(rules.rules[other].test, Test::Meta(_)) && is_active(other) {
                waiting_for[*at] += 1;
                followers[other].push(*at);
            }
        }
    }
    let mut order: Vec<usize> = metas.iter().copied().filter(|at| waiting_for[*at] == 0).collect();
    let mut next = 0;
    while let Some(done) = order.get(next).copied() {
        next += 1;
        for follower in &followers[done] {
            waiting_for[*follower] -= 1;
            if waiting_for[*follower] == 0 {
                order.push(*follower);
            }
        }
    }
    order.extend(metas.into_iter().filter(|at| waiting_for[*at] > 0));
    order
}

fn names(rules: &RuleSet, at: usize) -> impl Iterator<Item = usize> + '_ {
    let ops: &[Op<usize>] = match &rules.rules[at].test {
        Test::Meta(ops) => ops,
        _ => &[],
    };
    ops.iter().filter_map(|op| match op {
        Op::Name(other) => Some(*other),
        _ => None,
    })
}
