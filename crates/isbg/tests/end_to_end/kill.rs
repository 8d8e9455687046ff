//! Days of cron use in which the program is killed again and again. What is checked is in the test kit.

use isbg_testkit::cron::Day;

/// Lives through a day. The seed is in every error, and what happened is printed.
fn day(seed: u64, with_report: bool, lacking: &[&'static str]) {
    let program = env!("CARGO_BIN_EXE_isbg").into();
    let day = Day {
        program,
        seed,
        runs: 20,
        with_report,
        lacking: lacking.to_vec(),
    };
    println!("{day:?}");
    let diary = day.live().unwrap();
    println!("{diary:?}");
    assert!(
        diary.killed >= 4 && diary.outages >= 1 && diary.spam >= 10,
        "too quiet a day: {diary:?}"
    );
    assert_eq!(diary.left, 0, "{diary:?}");
}

#[test]
fn a_day_of_moves() {
    day(1, false, &[]);
}

#[test]
fn a_day_of_reports() {
    day(2, true, &[]);
}

#[test]
fn a_day_of_copies_on_a_server_without_move() {
    day(3, false, &["MOVE"]);
}

#[test]
fn another_day_of_reports() {
    day(4, true, &["MOVE"]);
}
