//! Tests of the order of sources and of what each makes of what it finds.

use std::fs;

use super::*;
use crate::settled::{Login, Protection, Server};

struct Home(tempfile::TempDir, Environment);

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let around = Environment {
            home: Some(folder.path().to_owned()),
            cache_home: Some(folder.path().join(".cache")),
            credentials: Some(folder.path().join("credentials")),
            ..Environment::default()
        };
        Self(folder, around)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        path
    }

    fn keeper(&self) -> Keeper<'_> {
        Keeper {
            around: &self.1,
            state_dir: self.0.path(),
        }
    }

    fn password(&self, sources: &[Source]) -> Result<String, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime
            .block_on(self.keeper().password(&access(), sources))
            .map(|found| String::from_utf8(found.secret.expose().to_vec()).unwrap())
    }
}

fn access() -> Access {
    Access {
        name: "me@h".to_owned(),
        server: Server {
            host: "h".to_owned(),
            port: 993,
            protection: Protection::ImplicitTls,
            tls: Default::default(),
        },
        user: "me".to_owned(),
        login: Login::Token(String::new()),
    }
}

fn command(text: &str) -> Source {
    Source::Command(text.to_owned())
}

#[test]
fn the_first_source_that_has_one() {
    let home = Home::new();
    let plain = home.write("plain", "from the file\n");
    let json = home.write("json", r#"{"password": "from isbg 2"}"#);
    home.write("credentials/pw", "from systemd\n");
    let credential = |name: &str, optional| Source::Credential {
        name: name.to_owned(),
        optional,
    };
    for (sources, password) in [
        (
            vec![Source::Given(Secret::from("given".to_owned())), command("exit 1")],
            "given",
        ),
        (vec![Source::File(plain)], "from the file"),
        (vec![Source::File(json)], "from isbg 2"),
        (
            vec![
                Source::File("missing".into()),
                command("echo from a command; echo more"),
            ],
            "from a command",
        ),
        (
            vec![credential("missing", true), credential("pw", false)],
            "from systemd",
        ),
    ] {
        assert_eq!(home.password(&sources).unwrap(), password);
    }
}

#[test]
fn what_was_saved_is_found() {
    let home = Home::new();
    assert_eq!(
        home.password(&[Source::Saved]).unwrap_err().status,
        Status::NeedsTerminal
    );
    let [_, quoted] = name_hashes("h", "me", 993);
    home.write(&format!(".cache/isbg/.isbg-{quoted}"), r#"{"password": "old"}"#);
    assert_eq!(home.password(&[Source::Saved]).unwrap(), "old");
    let new = Secret::from("new".to_owned());
    home.keeper().save(&access(), &new, &SaveTo::State).unwrap();
    assert_eq!(home.password(&[Source::Saved]).unwrap(), "new");
    let path = home.0.path().join("mine");
    home.keeper()
        .save(&access(), &new, &SaveTo::File(path.clone()))
        .unwrap();
    assert_eq!(home.password(&[Source::File(path)]).unwrap(), "new");
}

#[test]
fn failures_say_what_to_do_and_show_no_secret() {
    let home = Home::new();
    let two_lines = home.write("two", "canary\nline\n");
    let credential = |name: &str| Source::Credential {
        name: name.to_owned(),
        optional: false,
    };
    for (source, status, part) in [
        (
            Source::File("missing".into()),
            Status::NeedsTerminal,
            "no file missing",
        ),
        (
            Source::File(two_lines),
            Status::NeedsTerminal,
            "more than one line",
        ),
        (command("echo canary; exit 3"), Status::NeedsTerminal, "failed"),
        (command("true"), Status::NeedsTerminal, "printed nothing"),
        (credential("missing"), Status::NeedsTerminal, "LoadCredential"),
        (credential("../two"), Status::NeedsTerminal, "not the name"),
        (Source::Saved, Status::NeedsTerminal, "--savepw"),
    ] {
        let failure = home.password(&[source]).unwrap_err();
        let text = failure.to_string();
        assert_eq!(failure.status, status, "{text}");
        assert!(text.contains(part) && !text.contains("canary"), "{text}");
    }
}

#[test]
#[cfg(unix)]
fn files_that_others_can_read_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let path = home.write("open", "canary\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let failure = home.password(&[Source::File(path)]).unwrap_err().to_string();
    assert!(
        failure.contains("chmod 600") && !failure.contains("canary"),
        "{failure}"
    );
}
