//! What the program says when it is called wrongly, and the status it returns.

mod common;

use common::Home;

#[test]
fn wrong_arguments() {
    let lines = [
        "",
        "somebody",
        "--imaphost h",
        "--imapuser u",
        "--imaphost h --imapuser u --maxsize 0",
        "--imaphost h --imapuser u --maxsize many",
        "--imaphost h --imapuser u --partialrun -1",
        "--imaphost h --imapuser u --deletehigherthan 0.5",
        "--imaphost h --imapuser u --imapport 0",
        "--imaphost h --imapuser u --unsure-band 6,4",
        "--imaphost h --imapuser u --unsureinbox Maybe",
        "--imaphost h --imapuser u --blast-limit none",
        "--imaphost h --imapuser u --engine clamav",
        "--imaphost h --imapuser u --spamc --engine rspamd",
        "--imaphost h --imapuser u --ssl --nossl",
        "--imaphost h --imapuser u --pin 1234",
        "--imaphost h --imapuser u --client-cert c.pem",
        "--imaphost h --imapuser u --satest x",
        "--imaphost h --imapuser u --spamflags x",
        "--imaphost h --imapuser u --deletehigherthan 4 --required-score 5",
        "--imaphost",
        "--imap h",
        "--nosuchoption",
        "--imaphost h scan",
        "scan",
        "scan home",
        "undo",
        "undo x",
        "completions tcsh",
        "unwrap --from missing",
    ];
    let told: Vec<String> = lines
        .iter()
        .map(|line| {
            let ran = Home::new().line(line);
            assert_ne!(ran.status, 0, "{line}: {ran}");
            assert_eq!(ran.out, "", "{line}");
            format!("$ isbg {line}\n{ran}")
        })
        .collect();
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(told.join("\n")) });
}

#[test]
fn wrong_config_files() {
    let account = "[account.home]\nhost = \"imap.example.org\"\nuser = \"me\"\n";
    let texts = [
        String::new(),
        "[account.home]\n".to_owned(),
        format!("{account}spamfolder = \"Junk\"\n"),
        format!("{account}port = 70000\n"),
        format!("{account}mode = \"delete\"\n"),
        format!("{account}pin = \"1234\"\n"),
        format!("{account}password-file = \"f\"\npassword-command = \"c\"\n"),
        format!("{account}certain-above = 4.0\nrequired-score = 5.0\n"),
        format!("{account}unsure-band = [6.0, 4.0]\n"),
        format!("{account}spamd = \"localhost\"\nrspamd = \"http://localhost\"\n"),
    ];
    let told: Vec<String> = texts
        .iter()
        .map(|text| {
            let home = Home::new();
            home.write(".config/isbg/config.toml", text);
            let ran = home.line("scan --noninteractive");
            assert_eq!(ran.out, "");
            format!("{text}{ran}")
        })
        .collect();
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(told.join("\n")) });
    let home = Home::new();
    home.write(".config/isbg/config.toml", account);
    let ran = home.line("scan work");
    assert_eq!(
        ran.to_string(),
        "status 10\nisbg: ~/.config/isbg/config.toml: it has no account \"work\"; it has: home\n"
    );
}

#[test]
fn a_home_that_cannot_be_written() {
    let home = Home::new();
    home.write("state", "not a folder");
    let ran = home.line("--imaphost localhost --imapuser me --noninteractive --state-dir state");
    assert_eq!((ran.status, ran.err.lines().count()), (255, 1), "{ran}");
}

#[test]
fn a_missing_password_that_may_not_be_asked_for() {
    let home = Home::new();
    for options in ["--noninteractive", "--passwdfilename missing", "--savepw"] {
        let line = format!("--imaphost localhost --imapport 1 --imapuser me --engine spamassassin {options}");
        let ran = home.line(&line);
        assert_eq!((ran.status, ran.err.lines().count()), (20, 1), "{options}: {ran}");
        assert!(ran.err.contains("a password for me@localhost is needed"), "{ran}");
    }
}
