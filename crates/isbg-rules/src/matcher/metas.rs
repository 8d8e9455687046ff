//! The order in which meta rules are evaluated, and which of them a message can change. Does not know messages.

use crate::meta::{self, Op};
use crate::ruleset::{RuleSet, Test};

/// The active meta rules, each after those it depends on. Rules that depend on themselves come last, in the order of
/// their names; they see what they wait for as not hit.
#[derive(Debug, Default)]
pub struct Metas {
    order: Vec<usize>,
    /// For each rule the places in `order` of the metas that name it.
    followers: Vec<Vec<u32>>,
    /// The metas that hit where nothing else does, with their values.
    at_rest: Vec<(usize, f64)>,
    /// From here on in `order` they depend on themselves.
    circular: usize,
}

impl Metas {
    /// Puts the metas in order.
    pub fn new(rules: &RuleSet, is_active: impl Fn(usize) -> bool) -> Self {
        let (order, circular) = in_order(rules, is_active);
        let mut metas = Self {
            followers: vec![Vec::new(); rules.rules.len()],
            at_rest: Vec::new(),
            order,
            circular,
        };
        for (place, at) in (0u32..).zip(&metas.order) {
            for other in names(rules, *at) {
                metas.followers[other].push(place);
            }
        }
        let mut values = vec![0.0; rules.rules.len()];
        for at in &metas.order[..metas.circular] {
            values[*at] = value(rules, *at, &values);
            if values[*at] != 0.0 {
                metas.at_rest.push((*at, values[*at]));
            }
        }
        metas
    }

    /// Works out the metas' values: `values` holds those of the other rules, of which `hit` are not 0. Returns the
    /// metas that hit.
    pub fn evaluate(&self, rules: &RuleSet, hit: &[usize], values: &mut [f64]) -> Vec<usize> {
        for (at, value) in &self.at_rest {
            values[*at] = *value;
        }
        let mut pending = vec![0u64; self.order.len().div_ceil(64)];
        let mark = |pending: &mut [u64], at: usize| {
            for place in &self.followers[at] {
                pending[*place as usize / 64] |= 1 << (place % 64);
            }
        };
        hit.iter().for_each(|at| mark(&mut pending, *at));
        for place in self.circular..self.order.len() {
            pending[place / 64] |= 1 << (place % 64);
        }
        let mut word = 0;
        while word < pending.len() {
            let places = pending[word];
            if places == 0 {
                word += 1;
                continue;
            }
            pending[word] = places & (places - 1);
            let place = word * 64 + places.trailing_zeros() as usize;
            let at = self.order[place];
            let new = value(rules, at, values);
            if new != values[at] {
                values[at] = new;
                // The circular ones are each evaluated once.
                if place < self.circular {
                    mark(&mut pending, at);
                }
            }
        }
        let hits = self.order.iter().copied().filter(|at| values[*at] != 0.0);
        hits.collect()
    }
}

/// A meta's value; a hit always counts for something.
fn value(rules: &RuleSet, at: usize, values: &[f64]) -> f64 {
    let Test::Meta(ops) = &rules.rules[at].test else {
        return 0.0;
    };
    match meta::evaluate(ops, |other, _| values[*other]) {
        value if value > 0.0 => value,
        value if value < 0.0 => 1.0,
        _ => 0.0,
    }
}

/// The order, and from where on it is not one.
fn in_order(rules: &RuleSet, is_active: impl Fn(usize) -> bool) -> (Vec<usize>, usize) {
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
    let circular = order.len();
    order.extend(metas.into_iter().filter(|at| waiting_for[*at] > 0));
    (order, circular)
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::load::{Sources, load};

    const RULES: &str = "\
        header A X-A =~ /a/\n\
        header B X-B =~ /b/\n\
        meta NOT_A !A\n\
        meta BOTH A && B\n\
        meta SUM A + NOT_A + BOTH > 1\n\
        meta LATE !SUM && !BOTH\n\
        meta LEFT !RIGHT\n\
        meta RIGHT !LEFT && A\n\
        meta BEHIND LEFT || RIGHT\n";

    /// One after another, as they stand in the order.
    fn plainly(metas: &Metas, rules: &RuleSet, hit: &[usize]) -> Vec<usize> {
        let mut values = vec![0.0; rules.rules.len()];
        hit.iter().for_each(|at| values[*at] = 1.0);
        for at in &metas.order {
            values[*at] = value(rules, *at, &values);
        }
        metas
            .order
            .iter()
            .copied()
            .filter(|at| values[*at] != 0.0)
            .collect()
    }

    #[test]
    fn what_a_message_changes_is_all_there_is() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(RULES.as_bytes()).unwrap();
        let rules = load(&Sources::of(vec![file.path().into()])).unwrap();
        let metas = Metas::new(&rules, |_| true);
        assert_eq!((metas.order.len(), metas.circular), (7, 4));
        let (a, b) = (rules.find("A").unwrap(), rules.find("B").unwrap());
        for hit in [vec![], vec![a], vec![b], vec![a, b]] {
            let mut values = vec![0.0; rules.rules.len()];
            hit.iter().for_each(|at| values[*at] = 1.0);
            let found = metas.evaluate(&rules, &hit, &mut values);
            assert_eq!(found, plainly(&metas, &rules, &hit), "{hit:?}");
        }
    }
}
