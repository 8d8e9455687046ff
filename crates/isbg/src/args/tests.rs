//! Tests of the command line as typed.

use super::spelling::{ISBG_0_99, ISBG_2};
use super::*;

fn typed(line: &str) -> Classic {
    read(
        std::iter::once("isbg")
            .chain(line.split_whitespace())
            .map(OsString::from),
    )
    .unwrap_or_else(|error| panic!("{line}: {error}"))
    .classic
}

fn password(classic: &Classic) -> String {
    let secret = classic.password.imappasswd.as_ref().unwrap();
    String::from_utf8(secret.expose().to_vec()).unwrap()
}

fn refused(line: &str) -> String {
    read(
        std::iter::once("isbg")
            .chain(line.split_whitespace())
            .map(OsString::from),
    )
    .unwrap_err()
    .to_string()
}

#[test]
fn definition_is_sound() {
    definition().debug_assert();
}

#[test]
fn every_old_option_is_known() {
    let mut definition = definition();
    definition.build();
    for name in ISBG_2.iter().chain(&ISBG_0_99) {
        assert!(
            definition.get_arguments().any(|arg| arg.get_long() == Some(name)
                || arg.get_all_aliases().is_some_and(|all| all.contains(name))),
            "--{name}"
        );
    }
}

#[test]
fn old_spellings_mean_the_same() {
    let old =
        typed("--imappassword x --deletehigherthen 12 --passwordfilename f --lockfilegraceminutes 5 --ssl");
    assert_eq!(password(&old), "x");
    assert_eq!(old.judging.deletehigherthan, Some(isbg_types::Score(12_000)));
    assert_eq!(old.password.passwdfilename, Some("f".into()));
    assert_eq!(old.files.lockfilegrace, 5.0);
    assert!(old.connection.ssl);
}

#[test]
fn values_with_space_or_equals_sign() {
    let one = typed("--imaphost=mail.example.org --imapuser me --imapport=1993");
    assert_eq!(one.mailbox.imaphost.as_deref(), Some("mail.example.org"));
    assert_eq!(one.mailbox.imapuser.as_deref(), Some("me"));
    assert_eq!(one.mailbox.imapport, Some(1993));
    assert_eq!(password(&typed("--imappasswd --odd=one")), "--odd=one");
    assert_eq!(password(&typed("--imappasswd=--flag")), "--flag");
}

#[test]
fn unique_prefixes_keep_their_old_meaning() {
    let one = typed("--imaph h --imapu=u --passw f --spami Junk --imappass --learnsp --dry --nor --par 7");
    assert_eq!(one.mailbox.imaphost.as_deref(), Some("h"));
    assert_eq!(one.mailbox.imapuser.as_deref(), Some("u"));
    assert_eq!(one.password.passwdfilename, Some("f".into()));
    assert_eq!(one.mailbox.spaminbox.as_deref(), Some("Junk"));
    assert_eq!(password(&one), "--learnsp");
    assert!(one.output.dryrun && one.spam.noreport);
    assert_eq!(one.judging.partialrun, Some(7));
    assert_eq!(
        typed("--unsure-b 4,6").judging.unsure_band.map(|band| band.1.0),
        Some(6000)
    );
    assert!(refused("--imap h").contains("--imap"), "ambiguous");
    assert!(refused("--passwords f").contains("--passwords"), "no such option");
}

#[test]
fn the_last_of_a_repeated_option_counts() {
    assert_eq!(
        typed("--maxsize 5 --maxsize 7 --flag --flag").judging.maxsize,
        Some(7)
    );
}

#[test]
fn wrong_values_are_named() {
    for (line, part) in [
        ("--maxsize 0", "at least 1"),
        ("--maxsize big", "at least 1"),
        ("--partialrun -3", "at least 0"),
        ("--deletehigherthan 0.5", "at least 1 point"),
        ("--imapport 99999", "1 to 65535"),
        ("--unsure-band 6,4", "must not be above"),
        ("--blast-limit none", "or off"),
        ("--engine perl", "spamassassin"),
        ("--nossl --tls none", "cannot be used with"),
        ("somebody", "somebody"),
        ("--imaphost", "required"),
    ] {
        let message = refused(line);
        assert!(message.contains(part), "{line}: {message}");
    }
}

#[test]
fn commands_take_no_classic_options_before_them() {
    assert!(refused("--imaphost h scan").contains("scan"));
    let scan = read(["isbg", "scan", "home", "--dry-run", "--engine", "rspamd"].map(OsString::from)).unwrap();
    assert!(
        matches!(scan.command, Some(Command::Scan(accounts)) if accounts.accounts == ["home"] && accounts.output.dryrun)
    );
}
