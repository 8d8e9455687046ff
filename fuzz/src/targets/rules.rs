//! Rule files, patterns, and rules run over a message. Does not know where rule files come from.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bytes::Bytes;
use isbg_message::views::Views;
use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};
use isbg_rules::pattern::{Pattern, always_matches};

/// Where the rule file of one input is written, again and again: a folder in memory where the system has one.
static FILE: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    let folder = folder.expect("a temporary folder");
    let file = folder.path().join("rules.cf");
    (folder, file)
});

/// A message on which many rules have something to look at.
const MESSAGE: &[u8] = include_bytes!("../../seeds/message/plain.eml");

/// A rule file: it loads, whatever is in it; its rules are in the order of their names; and they can be run.
pub fn files(text: &[u8]) {
    fs::write(&FILE.1, text).expect("a file in a temporary folder");
    // An include may name a file that cannot be read; that is an error of the file, not of the program.
    let Ok(rules) = load(&Sources::of(vec![FILE.1.clone()])) else {
        return;
    };
    assert!(rules.rules.is_sorted_by(|one, other| one.name < other.name));
    let prefs = Sources {
        prefs: Some(FILE.1.clone()),
        prefs_unrestricted: false,
        ..Sources::of(Vec::new())
    };
    drop(load(&prefs));
    let Ok(matcher) = Matcher::new(rules, Mode::default()) else {
        return;
    };
    let message = Bytes::from_static(MESSAGE);
    let one = matcher.check(&Views::new(&message, matcher.view_settings()));
    let other = matcher.check(&Views::new(&message, matcher.view_settings()));
    if one.limited.is_empty() && other.limited.is_empty() {
        assert_eq!(one, other);
    }
}

/// A pattern, then NUL, then a text: what the pattern is known to need is in each text that it matches.
pub fn pattern(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (Some(written), text) = (parts.next(), parts.next().unwrap_or_default()) else {
        return;
    };
    always_matches(written);
    let Ok(pattern) = Pattern::delimited(written) else {
        return;
    };
    let requirement = pattern.requirement();
    let Ok(program) = pattern.compile() else { return };
    let Ok(matches) = program.is_match(text) else {
        return;
    };
    if matches {
        assert!(requirement.allows(text), "{requirement:?} is not in {text:?}");
    }
    let Ok(groups) = pattern.compile_with_groups() else {
        return;
    };
    if let Ok(again) = groups.is_match(text) {
        assert_eq!(again, matches);
    }
    if let Ok(count) = program.count(text, 50) {
        assert_eq!(count > 0, matches);
    }
    drop(groups.captures(text, 5));
    groups.first_group(text);
}

/// The rules of the system's SpamAssassin, if there are any, over a message: the same verdict twice.
pub fn evals(message: &[u8]) {
    static MATCHER: LazyLock<Option<Matcher>> = LazyLock::new(|| {
        let folders = ["/usr/share/spamassassin", "/etc/spamassassin"].map(PathBuf::from);
        let folders: Vec<PathBuf> = folders.into_iter().filter(|folder| folder.is_dir()).collect();
        Matcher::new(load(&Sources::of(folders)).ok()?, Mode::default()).ok()
    });
    let Some(matcher) = MATCHER.as_ref() else { return };
    let message = Bytes::copy_from_slice(message);
    let one = matcher.check(&Views::new(&message, matcher.view_settings()));
    assert!(one.hits.is_sorted_by(|one, other| one.rule < other.rule));
    assert!(one.score.points().is_finite());
}
