//! The rules for single files. Each says what is wrong, with file and line.

use super::File;

/// The most lines a source file may have.
const LINES: usize = 400;

/// Who may print without going through the program's observer.
const PRINTERS: [&str; 3] = ["xtask/", "/examples/", "/tests/"];

/// The only files that may send commands that change a mailbox.
const CHANGERS: [&str; 2] = [
    "crates/isbg-imap/src/transfer.rs",
    "crates/isbg-imap/src/transfer/",
];

/// Commands that change a mailbox.
const CHANGING: [&str; 12] = [
    "UID MOVE",
    "UID COPY",
    "UID STORE",
    "UID EXPUNGE",
    "MOVE",
    "COPY",
    "STORE",
    "EXPUNGE",
    "APPEND",
    "CREATE",
    "DELETE",
    "RENAME",
];

/// Commands that touch mail which is not ours, and so exist nowhere.
const FORBIDDEN: [&str; 2] = ["CLOSE", "EXPUNGE"];

/// What is wrong with this file. `places` are paths that none may name.
pub fn faults(file: &File, places: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    for (i, line) in file.text.lines().enumerate() {
        if places.iter().any(|place| line.contains(place.as_str())) {
            faults.push(at(file, i, "names a path of one machine"));
        }
    }
    if file.path.ends_with(".rs") {
        faults.extend(length_and_opening(file));
        faults.extend(habits(file));
    }
    if file.path.starts_with("crates/isbg-imap/src/") {
        faults.extend(commands(file));
    }
    faults
}

fn at(file: &File, line: usize, what: &str) -> String {
    format!("{}:{}: {what}", file.path, line + 1)
}

fn length_and_opening(file: &File) -> Vec<String> {
    let mut faults = Vec::new();
    let opening = file.text.lines().next().unwrap_or_default();
    if !opening.starts_with("//! ") {
        faults.push(at(file, 0, "does not open by saying what it is (`//! …`)"));
    }
    let lines = file.text.lines().count();
    let is_table = opening
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|word| word == "table");
    if lines > LINES && !is_table {
        faults.push(at(
            file,
            lines,
            &format!("has {lines} lines; {LINES} at most, unless it is a table and says so"),
        ));
    }
    faults
}

fn habits(file: &File) -> Vec<String> {
    let words = [
        (concat!("#[", "ignore"), "skips a test"),
        (concat!("TO", "DO"), "leaves something to be done"),
        (concat!("FIX", "ME"), "leaves something to be done"),
    ];
    let printing = ["print_stdout", "print_stderr"].map(|lint| format!("clippy::{lint}"));
    let may_print = PRINTERS.iter().any(|place| file.path.contains(place));
    let mut faults = Vec::new();
    for (i, line) in file.text.lines().enumerate() {
        faults.extend(
            words
                .iter()
                .filter(|(word, _)| line.contains(word))
                .map(|(_, what)| at(file, i, what)),
        );
        if !may_print && printing.iter().any(|lint| line.contains(lint.as_str())) {
            faults.push(at(file, i, "prints past the program's observer"));
        }
    }
    faults
}

/// The wall around the mailbox: in the IMAP client only `transfer` changes anything, and nothing sends the commands that
/// would take other people's mail along.
fn commands(file: &File) -> Vec<String> {
    let may_change = CHANGERS.iter().any(|place| file.path.starts_with(place));
    let mut faults = Vec::new();
    for (i, line) in file.text.lines().enumerate() {
        let sends = |command: &&str| {
            [format!("command(\"{command}\""), format!("command(\"{command} ")]
                .iter()
                .any(|call| line.contains(call))
        };
        if FORBIDDEN.iter().any(&sends) {
            faults.push(at(file, i, "sends a command that takes others' mail along"));
        } else if !may_change && CHANGING.iter().any(sends) {
            faults.push(at(file, i, "changes a mailbox outside of transfer"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(path: &str, text: &str) -> Vec<String> {
        let file = File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        faults(&file, &["/private/place/".to_owned()])
    }

    #[test]
    fn a_good_file_has_no_faults() {
        let text = "//! Says hello.\nclient.command(\"UID MOVE\")\n";
        assert!(faults_of("crates/isbg-imap/src/transfer.rs", text).is_empty());
        assert!(faults_of("README.md", "CLOSE command(\"MOVE\")").is_empty());
    }

    #[test]
    fn each_rule_has_teeth() {
        let long = format!("//! Long.\n{}", "x\n".repeat(LINES));
        let ignored = format!("//! A test.\n{}]\n", concat!("#[", "ignore"));
        for (path, text, fault) in [
            (
                "crates/a/src/lib.rs",
                "use x;\n",
                "crates/a/src/lib.rs:1: does not open",
            ),
            ("crates/a/src/lib.rs", &long, "has 401 lines"),
            ("crates/a/src/lib.rs", &ignored, "a/src/lib.rs:2: skips a test"),
            (
                "crates/a/src/lib.rs",
                "//! P.\n#![allow(clippy::print_stderr)]\n",
                "prints past",
            ),
            ("docs/x.md", "see /private/place/x", "names a path"),
            (
                "crates/isbg-imap/src/a.rs",
                "//! A.\nc.command(\"UID STORE\")\n",
                "outside of transfer",
            ),
            (
                "crates/isbg-imap/src/a.rs",
                "//! A.\nc.command(\"APPEND\")\n",
                "outside of transfer",
            ),
            (
                "crates/isbg-imap/src/transfer.rs",
                "//! T.\nc.command(\"EXPUNGE\")\n",
                "takes others' mail",
            ),
            (
                "crates/isbg-imap/src/a.rs",
                "//! A.\nc.command(\"CLOSE\")\n",
                "takes others' mail",
            ),
        ] {
            let faults = faults_of(path, text);
            assert!(
                faults.len() == 1 && faults[0].contains(fault),
                "{fault}: {faults:?}"
            );
        }
        assert!(faults_of("crates/a/src/lib.rs", &long.replace("Long.", "A table of x.")).is_empty());
    }
}
