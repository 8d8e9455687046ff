//! Tests of what command lines and config files settle to.

mod network;

use std::ffi::OsString;
use std::path::Path;

use super::*;
use crate::args::{self, Command};

fn around() -> Environment {
    Environment {
        home: Some("/home/me".into()),
        config_home: Some("/home/me/.config".into()),
        state_home: Some("/home/me/.local/state".into()),
        cache_home: Some("/home/me/.cache".into()),
        user: Some("me".into()),
        can_ask: true,
        ..Environment::default()
    }
}

fn words(line: &str) -> impl Iterator<Item = OsString> {
    std::iter::once("isbg")
        .chain(line.split_whitespace())
        .map(OsString::from)
}

fn line(options: &str) -> Result<Run, Failure> {
    let line = format!("--imaphost imap.example.org --imapuser me {options}");
    classic(
        &args::read(words(&line))
            .unwrap_or_else(|error| panic!("{error}"))
            .classic,
        &around(),
    )
}

fn settled(options: &str) -> Account {
    line(options)
        .unwrap_or_else(|failure| panic!("{options}: {failure}"))
        .accounts
        .remove(0)
}

fn refused(options: &str) -> String {
    let failure = line(options).unwrap_err();
    assert_eq!(failure.status, Status::BadArguments);
    failure.to_string()
}

fn from_file(text: &str, options: &str) -> Result<Run, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    let typed = args::read(words(&format!("scan --config {} {options}", path.display()))).unwrap();
    let Some(Command::Scan(typed)) = typed.command else {
        panic!("{typed:?}")
    };
    configured(&typed, Task::LearnAndScan, &around())
}

#[test]
fn a_plain_classic_run() {
    let run = line("").unwrap();
    assert_eq!(run.task, Task::LearnAndScan);
    assert_eq!(run.state_dir, Path::new("/home/me/.local/state/isbg"));
    assert!(run.notices.is_empty());
    let account = &run.accounts[0];
    assert_eq!(account.access.name, "me@imap.example.org");
    assert_eq!(
        (account.access.server.port, account.access.server.protection),
        (993, Protection::ImplicitTls)
    );
    assert_eq!(account.inbox, "INBOX");
    assert_eq!(account.spam_folder, None);
    assert_eq!(
        account.bounds,
        Bounds {
            max_size: 120_000,
            at_most: Some(50),
            blast_limit: None
        }
    );
    assert_eq!(account.manner, Manner::Classic(Classic::default()));
    assert!(
        matches!(&account.scorer.engine, EngineChoice::Found { native: true, user: Some(user) } if user == "me")
    );
    assert_eq!(
        account.old_files,
        Some(OldFiles {
            track_prefix: None,
            lock: Some(LockFile {
                path: None,
                grace_minutes: 240.0
            })
        })
    );
}

#[test]
fn ports_follow_the_protection() {
    for (options, port, protection) in [
        ("--nossl", 143, Protection::PlainToLoopback),
        ("--tls none --insecure-plaintext", 143, Protection::PlainAnywhere),
        ("--tls starttls", 143, Protection::StartTls),
        ("--tls starttls --imapport 1143", 1143, Protection::StartTls),
        ("--ssl", 993, Protection::ImplicitTls),
    ] {
        let server = settled(options).access.server;
        assert_eq!((server.port, server.protection), (port, protection), "{options}");
    }
    assert!(refused("--ssl --nossl").contains("contradict"));
}

#[test]
fn notices_say_what_is_unsafe() {
    assert!(line("--nossl").unwrap().notices[0].contains("not encrypted"));
    assert!(line("--imappasswd x").unwrap().notices[0].contains("command line"));
    assert!(line("--ssl").unwrap().notices[0].contains("TLS is the default"));
    assert!(line("--teachonly").unwrap().notices[0].contains("nothing to learn"));
}

#[test]
fn the_order_of_password_sources() {
    let sources = |options: &str| match settled(options).access.login {
        Login::Password { sources, save } => format!("{sources:?} {save:?}"),
        Login::Token(command) => command,
    };
    let credential = "Credential { name: \"isbg-password\", optional: true }";
    for (options, expected) in [
        ("", format!("[{credential}, Saved, Prompt] None")),
        ("--noninteractive", format!("[{credential}, Saved] None")),
        ("--passwdfilename f", "[File(\"f\"), Prompt] None".to_owned()),
        ("--savepw", "[Prompt] Some(State)".to_owned()),
        (
            "--savepw --passwdfilename f",
            "[Prompt] Some(File(\"f\"))".to_owned(),
        ),
        (
            "--imappasswd x --savepw",
            "[Given(Secret(…))] Some(State)".to_owned(),
        ),
        ("--password-command c", "[Command(\"c\")] None".to_owned()),
        ("--oauth-token-command t", "t".to_owned()),
    ] {
        assert_eq!(sources(options), expected, "{options}");
    }
    assert!(refused("--oauth-token-command t --savepw").contains("exclude"));
}

#[test]
fn an_address_chooses_its_engine() {
    for (options, expected) in [
        (
            "--spamc",
            "Spamd { address: None, tls: false, user: Some(\"me\") }",
        ),
        (
            "--spamd /run/spamd.sock",
            "Spamd { address: Some(\"/run/spamd.sock\"), tls: false, user: Some(\"me\") }",
        ),
        (
            "--spamc --spamd-user other",
            "Spamd { address: None, tls: false, user: Some(\"other\") }",
        ),
        ("--engine spamassassin", "Program"),
        ("--engine native", "Native(Wish { paths: [], prefs: None })"),
        (
            "--rules /r --rules b.cf --prefs none",
            "Native(Wish { paths: [\"/r\", \"b.cf\"], prefs: Some(\"none\") })",
        ),
        (
            "--rspamd http://r:11334",
            "Rspamd { url: Some(\"http://r:11334\"), password: None }",
        ),
        (
            "--engine rspamd --rspamd-password-command c",
            "Rspamd { url: None, password: Some(Command(\"c\")) }",
        ),
    ] {
        assert_eq!(
            format!("{:?}", settled(options).scorer.engine),
            expected,
            "{options}"
        );
    }
    assert!(refused("--spamc --engine rspamd").contains("rspamd and spamd"));
    assert!(refused("--spamd h --rspamd u").contains("spamd and rspamd"));
}

#[test]
fn native_is_the_default() {
    let may_be_native = |engine: &EngineChoice| match engine {
        EngineChoice::Found { native, .. } => *native,
        other => panic!("{other:?}"),
    };
    for (options, expected) in [
        ("", true),
        ("--teachonly", true),
        ("--learnspambox Spam", true),
        ("--learnhambox Ham --teachonly", true),
        ("--spamd-user other", false),
    ] {
        assert_eq!(
            may_be_native(&settled(options).scorer.engine),
            expected,
            "{options}"
        );
    }
    let text = "[account.a]\nhost = \"h\"\nuser = \"u\"\n[account.b]\nhost = \"h\"\nuser = \"u\"\nlearn-spam-folder = \"S\"\n";
    let run = from_file(text, "").unwrap();
    let defaults: Vec<bool> = run
        .accounts
        .iter()
        .map(|account| may_be_native(&account.scorer.engine))
        .collect();
    assert_eq!(defaults, [true, true]);
    let run = from_file(text, "--rules r").unwrap();
    assert!(
        run.accounts
            .iter()
            .all(|account| matches!(account.scorer.engine, EngineChoice::Native(_)))
    );
    let text = "[defaults]\nrules = [\"a\", \"b\"]\n[account.a]\nhost = \"h\"\nuser = \"u\"\n";
    let engine = |options: &str| {
        format!(
            "{:?}",
            from_file(text, options).unwrap().accounts[0].scorer.engine
        )
    };
    assert_eq!(engine(""), "Native(Wish { paths: [\"a\", \"b\"], prefs: None })");
    assert_eq!(engine("--engine spamassassin"), "Program");
    assert!(engine("--spamc").starts_with("Spamd"));
}

#[test]
fn the_model_and_the_people_of_an_account() {
    let account = "[account.a]\nhost = \"h\"\nuser = \"u\"\n";
    let scorer = |keys: &str, options: &str| {
        let run = from_file(&format!("{account}{keys}"), options).unwrap();
        run.accounts[0].scorer.clone()
    };
    let model = |keys: &str, options: &str| scorer(keys, options).model;
    assert_eq!(model("", "").as_deref(), Some("default"));
    assert_eq!(model("model = \"work\"", "").as_deref(), Some("work"));
    assert_eq!(model("model = \"work\"", "--model x").as_deref(), Some("x"));
    assert_eq!(model("model = \"work\"", "--no-classifier"), None);
    assert_eq!(model("classifier = false", ""), None);
    assert_eq!(model("classifier = false", "--model x").as_deref(), Some("x"));
    let people = scorer(
        "welcome = [\"ann@example.org\", \"example.net\"]\nblock = \"*@spam.example\"\nauthserv-id = \"mx\"",
        "",
    )
    .people;
    assert!(people.authserv_id.as_deref() == Some("mx") && people.known.is_empty());
    assert_ne!(people.welcome, Default::default());
    assert_ne!(people.block, Default::default());
    for (keys, part) in [
        ("model = \"../a\"", "letters"),
        ("welcome = [\"ann@example.org\", \"nobody\"]", "nobody"),
        ("block = 7", "line 4"),
    ] {
        let why = from_file(&format!("{account}{keys}"), "").unwrap_err();
        assert!(why.to_string().contains(part), "{why}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for (options, part) in [
        ("--satest x", "--engine"),
        ("--network --engine spamd", "for the native scorer"),
        ("--rules r --engine spamd", "spamd and native"),
        ("--spamflags x", "--flag"),
        ("--deletehigherthan 4 --required-score 5", "below"),
        ("--deletehigherthan 4 --unsure-band 3,5", "unsure band"),
    ] {
        assert!(refused(options).contains(part), "{options}");
    }
    let nobody = args::read(words("--imaphost h")).unwrap().classic;
    assert!(
        classic(&nobody, &around())
            .unwrap_err()
            .what
            .contains("--imapuser")
    );
}

#[test]
fn accounts_of_the_file() {
    let text = r#"
        [defaults]
        mode = "move"
        rspamd = "http://r:11334"
        [account.home]
        host = "imap.example.org"
        user = "me"
        password-file = "~/pw"
        blast-limit = "off"
        [account.work]
        host = "mail.example.com"
        user = "me"
        tls = "starttls"
        engine = "spamd"
    "#;
    let run = from_file(text, "").unwrap();
    let [home, work] = &run.accounts[..] else {
        panic!("{run:?}")
    };
    assert_eq!(
        home.bounds,
        Bounds {
            max_size: 10_000_000,
            at_most: Some(1000),
            blast_limit: None
        }
    );
    assert!(
        matches!(&home.manner, Manner::Configured(wish) if wish.mode == Mode::Move && wish.first_run_reports)
    );
    assert!(matches!(&home.access.login, Login::Password { sources, .. }
        if matches!(&sources[..], [Source::File(path)] if path == Path::new("/home/me/pw"))));
    assert!(matches!(home.scorer.engine, EngineChoice::Rspamd { .. }));
    assert_eq!(work.access.server.port, 143);
    assert_eq!(work.bounds.blast_limit, Some(100));
    assert!(matches!(work.scorer.engine, EngineChoice::Spamd { .. }));
    let one = from_file(text, "home --spamc --partialrun 0 --deletehigherthan 12").unwrap();
    assert_eq!(one.accounts.len(), 1);
    assert!(matches!(
        one.accounts[0].scorer.engine,
        EngineChoice::Spamd { .. }
    ));
    assert_eq!(one.accounts[0].bounds.at_most, None);
    assert!(matches!(&one.accounts[0].manner, Manner::Configured(wish) if wish.delete_certain));
    assert!(
        from_file(text, "hme")
            .unwrap_err()
            .to_string()
            .contains("home, work")
    );
}

#[test]
fn incomplete_accounts_are_named() {
    for (text, part) in [
        ("", "no account"),
        ("[account.home]\nuser = \"me\"", "host is missing"),
        ("[account.home]\nhost = \"h\"", "user is missing"),
        (
            "[account.home]\nhost = \"h\"\nuser = \"me\"\npassword-file = \"f\"\npassword-command = \"c\"",
            "more than one way",
        ),
        (
            "[account.home]\nhost = \"h\"\nuser = \"me\"\nunsure-band = [6, 4]",
            "must not be above",
        ),
        (
            "[account.home]\nhost = \"h\"\nuser = \"me\"\nclient-cert = \"c\"",
            "need each other",
        ),
    ] {
        let failure = from_file(text, "").unwrap_err();
        assert!(failure.to_string().contains(part), "{failure}");
        assert_eq!(failure.status, Status::BadArguments);
    }
}

#[test]
#[cfg(unix)]
fn a_password_in_a_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(
        &path,
        "[account.home]\nhost = \"h\"\nuser = \"u\"\npassword = \"canary\"\n",
    )
    .unwrap();
    let read = |mode: u32| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        crate::config::read(&path)
    };
    let failure = read(0o644).unwrap_err();
    assert!(failure.to_string().contains("chmod 600") && !failure.to_string().contains("canary"));
    assert!(!format!("{:?}", read(0o600).unwrap()).contains("canary"));
    assert!(!format!("{:?}", Secret::from("canary".to_owned())).contains("canary"));
}
