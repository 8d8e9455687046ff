//! One fuzz target, the one that `ISBG_FUZZ` names, under libFuzzer. Does not know how inputs are made or kept.

#![no_main]

mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("ISBG_FUZZ").unwrap_or_default();
    targets::ALL
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, target)| *target)
        .unwrap_or_else(|| panic!("ISBG_FUZZ names no target: {name}"))
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
