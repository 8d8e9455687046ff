//! What may befall a run: drawn by lot, the same for the same seed. Does not know the run.

use std::time::Duration;

use isbg_testkit::mail::Numbers;
use isbg_testkit::proxy::{Act, Plan, Side, When};

use crate::program::Fate;

/// How the scorer behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It judges.
    Well,
    /// It hangs up on everybody.
    Down,
    /// It takes a message and never answers.
    Hanging,
}

/// The kinds, in the order in which they are counted.
pub const KINDS: [&str; 5] = [
    "undisturbed",
    "killed",
    "cut off",
    "without a scorer",
    "stopped while the scorer hung",
];

/// What befalls one run.
#[derive(Debug)]
pub struct Mishap {
    /// Which of [`KINDS`].
    pub kind: usize,
    /// What becomes of the connection.
    pub plan: Plan,
    /// What becomes of the process.
    pub fate: Fate,
    /// What becomes of the scorer.
    pub mood: Mood,
}

impl Mishap {
    /// Nothing happens.
    pub fn none() -> Self {
        Self {
            kind: 0,
            plan: Plan::new(),
            fate: Fate::Left,
            mood: Mood::Well,
        }
    }

    /// One drawn by lot, where a run usually takes so long.
    pub fn draw(numbers: &mut Numbers, usual: Duration) -> Self {
        let moment = usual.mul_f64(numbers.below(120) as f64 / 100.0);
        let none = Self::none();
        match numbers.below(20) {
            0..4 => Self {
                kind: 1,
                fate: Fate::Killed(moment),
                ..none
            },
            4..8 => Self {
                kind: 2,
                plan: cut(numbers),
                ..none
            },
            8..10 => Self {
                kind: 3,
                mood: Mood::Down,
                ..none
            },
            10 => Self {
                kind: 4,
                mood: Mood::Hanging,
                fate: Fate::Stopped(2 * usual),
                ..none
            },
            _ => none,
        }
    }
}

/// A connection that breaks: somewhere, before a command, after it, before its answer; or that does not come about.
fn cut(numbers: &mut Numbers) -> Plan {
    const VERBS: [&str; 6] = [
        "UID FETCH",
        "UID MOVE",
        "UID COPY",
        "UID STORE",
        "UID EXPUNGE",
        "APPEND",
    ];
    let verb = VERBS[numbers.below(VERBS.len())];
    let plan = Plan::new();
    match numbers.below(8) {
        0 => plan.cut_after_bytes(Side::Client, numbers.below(3_000) as u64),
        1 => plan.cut_after_bytes(Side::Server, numbers.below(30_000) as u64),
        2 | 3 => plan.at(When::Command(verb), 1, Act::Cut),
        4 => plan.at(When::Command(verb), 1, Act::CutAfter),
        5 | 6 => plan.at(When::Tagged(verb), 1, Act::Cut),
        _ => plan.refuse_connections(),
    }
}
