//! What the program says of itself: help, usage, version, manual pages, completions.

mod common;

use common::Home;

#[test]
fn help_is_as_it_was_reviewed() {
    for (name, line) in [
        ("short", "-h"),
        ("long", "--help"),
        ("usage", "--usage"),
        ("scan", "scan --help"),
        ("learn", "learn --help"),
        ("backtest", "backtest --help"),
        ("check", "check --help"),
        ("train", "train --help"),
        ("rules", "rules --help"),
        ("rules_list", "rules list --help"),
        ("rules_lint", "rules lint --help"),
        ("rules_update", "rules update --help"),
        ("history", "history --help"),
        ("undo", "undo --help"),
        ("unwrap", "unwrap --help"),
        ("completions", "completions --help"),
        ("man", "man --help"),
    ] {
        let ran = Home::new().line(line);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{line}");
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, ran.out) });
    }
}

#[test]
fn version() {
    let ran = Home::new().line("--version");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out, format!("isbg {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_needs_no_home() {
    let home = Home::new();
    let output = home.isbg().env_remove("HOME").arg("--help").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        std::fs::read_dir(home.path()).unwrap().count(),
        0,
        "help leaves no trace"
    );
}

#[test]
fn manual_pages() {
    let home = Home::new();
    let ran = home.line("man --output pages");
    assert_eq!(ran.status, 0, "{ran}");
    for page in [
        "isbg.1",
        "isbg-scan.1",
        "isbg-check.1",
        "isbg-train.1",
        "isbg-rules-lint.1",
        "isbg-undo.1",
        "isbg-config.5",
    ] {
        let text = std::fs::read_to_string(home.path().join("pages").join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
    let config = std::fs::read_to_string(home.path().join("pages/isbg-config.5")).unwrap();
    assert!(config.contains(".B spam\\-folder") && config.contains("junk folder"));
    let own = home.line("man");
    assert!(own.out.contains("\\-\\-imaphost") && own.status == 0);
}

#[test]
fn completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = Home::new().run(["completions", shell]);
        assert_eq!(ran.status, 0, "{ran}");
        assert!(ran.out.contains("imaphost"), "{shell}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    use std::process::Stdio;
    let home = Home::new();
    let program = assert_cmd::cargo::cargo_bin("isbg");
    let mut child = std::process::Command::new(program)
        .env("HOME", home.path())
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}
