//! `isbg history` and `isbg undo` on a state that holds nothing, and on one from another program.

mod common;

use common::Home;

#[test]
fn nothing_was_done_yet() {
    let home = Home::new();
    assert_eq!(
        home.line("history").to_string(),
        "status 0\nisbg: nothing was done yet\n"
    );
    assert_eq!(
        home.line("history --json").to_string(),
        "status 0\nisbg: nothing was done yet\n"
    );
    assert_eq!(home.line("undo").status, 10);
    assert_eq!(
        std::fs::read_dir(home.path()).unwrap().count(),
        0,
        "looking leaves no trace"
    );
}

#[test]
fn a_state_that_is_none() {
    let home = Home::new();
    home.write(
        ".local/state/isbg/isbg.db",
        "not a database, whatever its name may say",
    );
    let ran = home.line("history");
    assert_eq!((ran.status, ran.err.lines().count()), (255, 1), "{ran}");
}
