//! Tests of the config file.

use super::*;
use crate::args::TlsMode;

const LEAST: &str = r#"
[account.home]
host = "imap.example.org"
user = "me@example.org"
tls = "implicit"
port = 993
password-file = "/etc/isbg/home"
inbox = "INBOX"
spam-folder = "Spam"
mode = "observe"
"#;

fn error(text: &str) -> String {
    let failure = parse(text, Path::new("config.toml")).unwrap_err();
    assert_eq!(failure.status, Status::BadArguments);
    failure.to_string()
}

#[test]
fn the_least_an_account_needs() {
    let config = parse(LEAST, Path::new("config.toml")).unwrap();
    let home = &config.accounts["home"];
    assert_eq!(home.host.as_deref(), Some("imap.example.org"));
    assert_eq!(home.tls, Some(TlsMode::Implicit));
    assert_eq!(home.mode, Some(Mode::Observe));
}

#[test]
fn defaults_are_taken_over() {
    let text = format!(
        "[defaults]\nmode = \"move\"\nmax-size = 5\nunsure-band = [4, 6.5]\n{LEAST}[account.work]\nhost = \"w\"\n"
    );
    let config = parse(&text, Path::new("config.toml")).unwrap();
    assert_eq!(config.accounts["home"].mode, Some(Mode::Observe));
    assert_eq!(config.accounts["work"].mode, Some(Mode::Move));
    assert_eq!(
        config.accounts["work"].unsure_band.map(|band| band.1.0),
        Some(6500)
    );
}

#[test]
fn mistakes_are_shown_with_their_line() {
    let told = [
        "[account.home]\nhots = \"imap.example.org\"\n",
        "[accounts.home]\n",
        "[account.home]\nport = 0\n",
        "[account.home]\nport = \"993\"\n",
        "[account.home]\nmode = \"delete\"\n",
        "[account.home]\nunsure-band = [4.0]\n",
        "[account.home]\nblast-limit = \"none\"\n",
        "[account.home]\nblast-limit = 0\n",
        "[account.home]\npin = 5\n",
        "[account.home]\nhost = imap.example.org\n",
        "[account.home]\nhost = \"a\"\nhost = \"b\"\n",
        "[account.\"../home\"]\n",
        "[account.\"\u{1b}[2J\"]\n",
        "[defaults]\nuser = \"me\"\n",
    ]
    .map(error)
    .join("\n");
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(told) });
}

#[test]
fn a_password_is_never_shown() {
    for line in [
        "password = canary",
        "password = 7777",
        "password = \"canary\" 7777",
        "password = [\"canary\"]",
        "password = \"\"\"\ncanary \\x\n7777\"\"\"",
        "password = \"canary\"\npassword = \"7777\"",
        "password = \"canary\"\nport = canary7777",
        "password = { canary = 7777 }",
        "passwordd = \"canary\"",
        "password-fil = \"canary\"",
    ] {
        let message = error(&format!("[account.home]\n{line}\n"));
        assert!(
            !message.contains("canary") && !message.contains("7777"),
            "{line}: {message}"
        );
    }
}

#[test]
fn every_key_is_documented() {
    let names: Vec<String> = DOCUMENTED
        .iter()
        .map(|(name, _)| name.replace('_', "-"))
        .collect();
    let message = toml::from_str::<Keys>("unknown = 1")
        .unwrap_err()
        .message()
        .to_owned();
    for name in &names {
        assert!(message.contains(&format!("`{name}`")), "{name}");
    }
}
