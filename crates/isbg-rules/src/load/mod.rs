//! Reads rule files into a [`RuleSet`]. Does not run anything.

mod condition;
mod directives;
mod draft;
mod features;
mod files;
mod finish;
mod known;
mod lines;
mod lists;
mod pattern_source;
mod replace;
mod rules;
mod settings;
pub mod text;

use std::path::PathBuf;

use crate::builtin;
use crate::ruleset::RuleSet;

pub use features::VERSION_TEXT;
pub use files::LoadError;
pub use pattern_source::{PatternFault, compile_with, pattern_with};

/// Where rules come from and how they are read.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Whether the built-in rules are read, before all others.
    pub builtin: bool,
    /// Directories: first the `*.pre` files of all of them, then the `*.cf` files, directory by directory in the order
    /// of names. A single file may be named as well.
    pub paths: Vec<PathBuf>,
    /// The user's preferences, read last.
    pub prefs: Option<PathBuf>,
    /// Whether the preferences may hold whatever site files may hold (one's own machine), or only what
    /// `allow_user_rules` leaves to users.
    pub prefs_unrestricted: bool,
    /// The language of descriptions, such as `de_AT`; `C` and `POSIX` mean `en_US`.
    pub language: String,
    /// Whether `local_tests_only` holds in conditions and metas.
    pub local_tests_only: bool,
    /// Whether the plugins that SpamAssassin loads by default count as loaded where no `*.pre` file loads any.
    pub default_plugins: bool,
}

impl Sources {
    /// Rules of these directories, without preferences, in English, without network.
    pub fn of(paths: Vec<PathBuf>) -> Self {
        Self {
            builtin: false,
            paths,
            prefs: None,
            prefs_unrestricted: true,
            language: "C".to_owned(),
            local_tests_only: true,
            default_plugins: false,
        }
    }
}

/// Reads everything. Broken lines are left out and named in [`RuleSet::lint`].
///
/// # Errors
/// If a directory or file that was named cannot be read.
pub fn load(sources: &Sources) -> Result<RuleSet, LoadError> {
    let mut draft = draft::Draft::new(sources);
    let built_in = |draft: &mut _, (name, text): (&str, &str)| {
        let name = format!("builtin/{name}");
        lines::read_text(draft, name.as_ref(), text.as_bytes().to_vec(), lines::Kind::Site);
    };
    if sources.builtin {
        builtin::FILES.iter().for_each(|file| built_in(&mut draft, *file));
    }
    let is_pre = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "pre");
    for path in files::in_order(&sources.paths)? {
        if sources.default_plugins && !is_pre(&path) && draft.settings.plugins.is_empty() {
            let names = features::LOADED_BY_DEFAULT.iter().map(|name| (*name).to_owned());
            draft.settings.plugins.extend(names);
        }
        lines::read_file(&mut draft, &path, lines::Kind::Site)?;
    }
    if sources.builtin && draft.settings.suffixes.is_empty() {
        built_in(&mut draft, builtin::TOP_LEVEL);
    }
    if let Some(prefs) = &sources.prefs {
        lines::read_file(&mut draft, prefs, lines::Kind::Prefs)?;
    }
    Ok(finish::finish(draft))
}
