//! The rule files that both sides read, laid out so that both find the same. Does not look into them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};
use isbg_rules::ruleset::{RuleSet, Test};

/// Where Debian's package keeps its rules and the machine's own settings.
const DISTRIBUTION: &str = "/usr/share/spamassassin";
const SITE: &str = "/etc/spamassassin";

/// Selectors that are compared whether a rule uses them or not.
const ALWAYS: &str = include_str!("../../../../crates/isbg-message/tests/golden/selectors");

/// Two folders of rule files; the second is read after the first.
pub struct Rules {
    /// The distribution's.
    pub distribution: PathBuf,
    /// The site's: copies, gone when this is dropped.
    pub site: tempfile::TempDir,
}

impl Rules {
    /// This machine's rules, unless these are to stand `alone`, with `more` files or folders.
    ///
    /// # Errors
    /// When a file cannot be read, or two have the same name.
    pub fn new(more: &[PathBuf], alone: bool) -> Result<Self> {
        let site = tempfile::tempdir()?;
        let mut from = Vec::new();
        if !alone {
            from.extend(rule_files(Path::new(SITE))?);
        }
        for path in more {
            match path.is_dir() {
                true => from.extend(rule_files(path)?),
                false => from.push(path.clone()),
            }
        }
        for file in from {
            let name = file.file_name().context("a rule file has a name")?;
            let to = site.path().join(name);
            ensure!(!to.exists(), "there are two files named {}", name.display());
            std::fs::copy(&file, to).with_context(|| file.display().to_string())?;
        }
        let distribution = match alone {
            true => site.path().to_owned(),
            false => DISTRIBUTION.into(),
        };
        Ok(Self { distribution, site })
    }

    /// The rules made ready to run.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn matcher(&self) -> Result<Matcher> {
        let mut paths = vec![self.distribution.clone(), self.site.path().to_owned()];
        paths.dedup();
        Ok(Matcher::new(load(&Sources::of(paths))?, Mode::default())?)
    }
}

/// The files of a folder that are read: `*.pre` and `*.cf`.
fn rule_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let wanted = |end: &std::ffi::OsStr| end == "pre" || end == "cf";
        if path.extension().is_some_and(wanted) {
            files.push(path);
        }
    }
    Ok(files)
}

/// The header selectors of the rules, one a line.
pub fn selectors(rules: &RuleSet) -> String {
    let used = rules.rules.iter().filter_map(|rule| match &rule.test {
        Test::Header(test) => Some(test.selector.as_str()),
        Test::Exists { selector } => Some(selector.as_str()),
        _ => None,
    });
    let all: BTreeSet<&str> = used.chain(ALWAYS.lines()).collect();
    all.into_iter().map(|selector| format!("{selector}\n")).collect()
}
