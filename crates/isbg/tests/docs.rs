//! The documents list what the program has: options, config keys, keys of JSON records.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::PathBuf;

use common::Home;

fn document(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(document(name)).unwrap()
}

/// The options of isbg 2.3.1, from its own help.
const ISBG_2: &str = "imaphost imapuser imaplist help usage version dryrun delete deletehigherthan exitcodes expunge flag \
    gmail ignorelockfile imappasswd imapport imapinbox learnspambox learnhambox learnthendestroy learnthenflag \
    learnunflagged learnflagged lockfilegrace lockfilename maxsize movehamto noninteractive noreport nostats partialrun \
    passwdfilename savepw spamc spaminbox nossl teachonly trackfile verbose verbose-mails";

/// Those that only 0.99 had, or spelled so.
const ISBG_0_99: &str = "deletehigherthen imappassword passwordfilename lockfilegraceminutes ssl satest sasave spamflags \
    spamflagscmd";

#[test]
fn every_old_option_is_in_the_table() {
    let table = read("options.md");
    for name in ISBG_2.split_whitespace().chain(ISBG_0_99.split_whitespace()) {
        let found = table.contains(&format!("`--{name}`")) || table.contains(&format!("`--{name} "));
        assert!(found, "--{name}");
    }
}

/// The keys of the config file as a list, from the manual page isbg-config(5).
fn keys() -> String {
    let home = Home::new();
    assert_eq!(home.line("man --output pages").status, 0);
    let page = std::fs::read_to_string(home.path().join("pages/isbg-config.5")).unwrap();
    let (_, keys) = page.split_once(".SH KEYS\n").unwrap();
    keys.split(".TP\n.B ")
        .skip(1)
        .map(|key| {
            let (name, text) = key.trim_end().split_once('\n').unwrap();
            let plain = |text: &str| text.replace("\\-", "-").replace("\\e", "\\");
            format!("- `{}`: {}\n", plain(name), plain(text))
        })
        .collect()
}

#[test]
fn the_config_file_is_described_key_by_key() {
    let text = read("configuration.md");
    let marker = "tests/docs.rs -->\n";
    let (before, listed) = text.split_once(marker).unwrap();
    let expected = format!("\n{}", keys());
    if listed != expected && std::env::var_os("ISBG_WRITE_DOCS").is_some() {
        std::fs::write(
            document("configuration.md"),
            format!("{before}{marker}{expected}"),
        )
        .unwrap();
    } else {
        assert_eq!(
            listed, expected,
            "run this test with ISBG_WRITE_DOCS=1 to write the list anew"
        );
    }
}
