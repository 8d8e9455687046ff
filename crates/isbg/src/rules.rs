//! Which rule files the native scorer uses, and reading them. Knows where SpamAssassin keeps its rules; does not know
//! what is in them.

use std::fs;
use std::path::{Path, PathBuf};

use isbg_rules::lint::Severity;
use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};
use isbg_types::Untrusted;

use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::secrets::shown;

/// The name that stands for a rule set within the program. There is none yet, so that it can be refused by name.
const BUILT_IN: &str = "builtin";

/// Where sa-update keeps what it fetched, one folder for each version of SpamAssassin.
const UPDATED: [&str; 2] = ["/var/lib/spamassassin", "/var/db/spamassassin"];

/// Where packages put SpamAssassin's own rules.
const PACKAGED: [&str; 3] = [
    "/usr/share/spamassassin",
    "/usr/local/share/spamassassin",
    "/opt/homebrew/share/spamassassin",
];

/// Where a machine's administrator writes rules. The first that exists is used, as SpamAssassin does.
const SITE: [&str; 5] = [
    "/etc/spamassassin",
    "/etc/mail/spamassassin",
    "/usr/local/etc/spamassassin",
    "/usr/local/etc/mail/spamassassin",
    "/opt/homebrew/etc/mail/spamassassin",
];

/// So many rules that cannot be run are named.
const MOST_NAMES: usize = 5;

/// Which rules are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Folders with rule files, or rule files; none: those that are found.
    pub paths: Vec<PathBuf>,
    /// The user's preferences: a file, or `none`; not given: SpamAssassin's, if there are any.
    pub prefs: Option<PathBuf>,
}

/// The files to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    paths: Vec<PathBuf>,
    prefs: Option<PathBuf>,
    language: String,
}

/// A rule set ready to run, with a name for it.
#[derive(Debug)]
pub struct Loaded {
    /// The rules.
    pub matcher: Matcher,
    /// Where they come from, for people: their folders and files, and the versions that these state.
    pub name: String,
}

/// Looks for the rules that are wanted. `None`: none were named, and there are none.
///
/// # Errors
/// With status 10 when a rule set was named that does not exist.
pub fn find(wish: &Wish, around: &Environment) -> Result<Option<Found>, Failure> {
    if wish.paths.iter().any(|path| path.as_os_str() == BUILT_IN) {
        return Err(
            Failure::new(Status::BadArguments, "this isbg has no built-in rules")
                .hint("name a folder with rule files, or leave --rules out to use those of SpamAssassin"),
        );
    }
    let paths = match wish.paths[..] {
        [] => match own(around).or_else(system) {
            Some(paths) => paths,
            None => return Ok(None),
        },
        _ => wish
            .paths
            .iter()
            .map(|path| around.expanded(path.clone()))
            .collect(),
    };
    let prefs = match &wish.prefs {
        Some(none) if none.as_os_str() == "none" => None,
        Some(file) => Some(around.expanded(file.clone())),
        None => around
            .home
            .as_ref()
            .map(|home| home.join(".spamassassin").join("user_prefs"))
            .filter(|file| file.is_file()),
    };
    Ok(Some(Found {
        paths,
        prefs,
        language: around.language.clone(),
    }))
}

/// As [`find`], where there must be some.
///
/// # Errors
/// With status 12 when there are none.
pub fn must_find(wish: &Wish, around: &Environment) -> Result<Found, Failure> {
    find(wish, around)?.ok_or_else(|| {
        Failure::new(Status::Scorer, "there are no rules on this machine").hint(
            "install the distribution's spamassassin package, or name a folder with rule files with --rules",
        )
    })
}

/// The rules in isbg's own data folder.
fn own(around: &Environment) -> Option<Vec<PathBuf>> {
    let folder = around.data_home.as_ref()?.join("isbg").join("rules");
    has_rules(&folder).then(|| vec![folder])
}

/// SpamAssassin's rules, then the site's.
fn system() -> Option<Vec<PathBuf>> {
    let updated = UPDATED.iter().find_map(|folder| newest(Path::new(folder)));
    let packaged = || {
        PACKAGED
            .iter()
            .map(PathBuf::from)
            .find(|folder| has_rules(folder))
    };
    let rules = updated.or_else(packaged)?;
    let site = SITE.iter().map(PathBuf::from).find(|folder| folder.is_dir());
    Some([rules].into_iter().chain(site).collect())
}

/// Of the folders in here, named for versions such as `4.000001`, the last that has rules.
fn newest(folder: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    versions.filter(|path| has_rules(path)).max()
}

fn has_rules(folder: &Path) -> bool {
    let is_rule_file = |path: &Path| path.extension().is_some_and(|extension| extension == "cf");
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|entry| is_rule_file(&entry.path())))
}

impl Found {
    /// Reads the rules.
    ///
    /// # Errors
    /// With status 12 when a path cannot be read or there is no rule in any of them.
    pub fn load(&self) -> Result<Loaded, Failure> {
        let failed = |what: String| Failure::new(Status::Scorer, what);
        let rules = load(&Sources {
            prefs: self.prefs.clone(),
            language: self.language.clone(),
            ..Sources::of(self.paths.clone())
        })
        .map_err(|error| failed(error.to_string()))?;
        if rules.rules.is_empty() {
            return Err(failed(format!("there are no rules in {}", self.listed()))
                .hint("name a folder with rule files with --rules"));
        }
        let versions: Vec<String> = rules.versions.values().map(u64::to_string).collect();
        let name = match versions[..] {
            [] => self.listed(),
            _ => format!("{} (version {})", self.listed(), versions.join(", ")),
        };
        let matcher = Matcher::new(rules, Mode::default()).map_err(|error| failed(error.to_string()))?;
        Ok(Loaded { matcher, name })
    }

    fn listed(&self) -> String {
        let all: Vec<String> = self
            .paths
            .iter()
            .chain(&self.prefs)
            .map(|path| shown(path))
            .collect();
        all.join(", ")
    }
}

impl Loaded {
    /// What is not as the rule files mean it, in a sentence; `None` where everything is.
    pub fn remark(&self) -> Option<String> {
        let rules = self.matcher.rules();
        let broken = rules
            .lint
            .iter()
            .filter(|lint| lint.severity == Severity::Error)
            .count();
        let unknown = self.matcher.unknown();
        let mut names: Vec<String> = unknown
            .iter()
            .filter_map(|(rule, _)| Some(Untrusted(&rules.rules.get(*rule)?.name).to_string()))
            .take(MOST_NAMES)
            .collect();
        if let more @ 1.. = unknown.len() - names.len() {
            names.push(format!("{more} more"));
        }
        let lines = (broken > 0).then(|| format!("lines of the rule files that cannot be used: {broken}"));
        let rules =
            (!names.is_empty()).then(|| format!("rules that cannot be run here: {}", names.join(", ")));
        let parts: Vec<String> = lines.into_iter().chain(rules).collect();
        (!parts.is_empty()).then(|| format!("{}; isbg rules lint tells why", parts.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(home: &Path) -> Environment {
        Environment {
            home: Some(home.into()),
            data_home: Some(home.join("data")),
            ..Environment::default()
        }
    }

    #[test]
    fn named_rules_and_prefs_win() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".spamassassin")).unwrap();
        let default = home.path().join(".spamassassin").join("user_prefs");
        fs::write(&default, "").unwrap();
        let find = |paths: &[&str], prefs: Option<&str>| {
            let wish = Wish {
                paths: paths.iter().map(PathBuf::from).collect(),
                prefs: prefs.map(PathBuf::from),
            };
            find(&wish, &around(home.path()))
        };
        let found = find(&["~/a", "/b.cf"], None).unwrap().unwrap();
        assert_eq!(found.paths, [home.path().join("a"), PathBuf::from("/b.cf")]);
        assert_eq!(found.prefs, Some(default));
        assert_eq!(find(&["/a"], Some("none")).unwrap().unwrap().prefs, None);
        let other = find(&["/a"], Some("~/mine")).unwrap().unwrap();
        assert_eq!(other.prefs, Some(home.path().join("mine")));
        assert_eq!(
            find(&["/a", "builtin"], None).unwrap_err().status,
            Status::BadArguments
        );
    }

    #[test]
    fn isbg_s_own_folder_counts_once_there_are_rules_in_it() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("data").join("isbg").join("rules");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("notes.txt"), "").unwrap();
        assert_eq!(own(&around(home.path())), None);
        fs::write(folder.join("a.cf"), "body A /a/\n").unwrap();
        let found = find(&Wish::default(), &around(home.path())).unwrap().unwrap();
        assert_eq!(found.paths, [folder]);
        let loaded = found.load().unwrap();
        assert!(loaded.matcher.rules().find("A").is_some() && loaded.remark().is_none());
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.cf");
        fs::write(
            &file,
            "body A /(/\nbody B eval:check_nothing_known()\nloadplugin\n",
        )
        .unwrap();
        let loaded = Found {
            paths: vec![file],
            prefs: None,
            language: String::new(),
        }
        .load()
        .unwrap();
        assert_eq!(
            loaded.remark().unwrap(),
            "lines of the rule files that cannot be used: 2; rules that cannot be run here: B; isbg rules lint tells why"
        );
    }

    #[test]
    fn the_newest_update_that_has_rules() {
        let folder = tempfile::tempdir().unwrap();
        for (version, file) in [("3.004006", "a.cf"), ("4.000001", "a.cf"), ("4.000002", "a.txt")] {
            fs::create_dir(folder.path().join(version)).unwrap();
            fs::write(folder.path().join(version).join(file), "").unwrap();
        }
        assert_eq!(newest(folder.path()), Some(folder.path().join("4.000001")));
        assert_eq!(newest(&folder.path().join("none")), None);
    }

    #[test]
    fn nothing_to_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let found = |path: &Path| Found {
            paths: vec![path.into()],
            prefs: None,
            language: String::new(),
        };
        for path in [folder.path(), &folder.path().join("missing")] {
            assert_eq!(found(path).load().unwrap_err().status, Status::Scorer);
        }
    }
}
