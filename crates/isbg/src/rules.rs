//! Which rule files the native scorer uses, and reading them. Does not know what is in them.

mod places;
mod trial;

use std::net::SocketAddr;
use std::path::PathBuf;

use isbg_rules::lint::Severity;
use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};
use isbg_types::Untrusted;

use crate::args::values;
use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::secrets::shown;
use places::Place;

pub use places::store;
pub use trial::trial;

/// The name that stands for the rule set within the program.
const BUILT_IN: &str = "builtin";

/// So many rules that cannot be run are named.
const MOST_NAMES: usize = 5;

/// Which rules are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Folders with rule files, rule files, or `builtin` for the rules within the program; none: the built-in ones and
    /// those that are found.
    pub paths: Vec<PathBuf>,
    /// The user's preferences: a file, or `none`; not given: SpamAssassin's, if there are any.
    pub prefs: Option<PathBuf>,
}

/// The files to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The built-in rules count.
    builtin: bool,
    places: Vec<Place>,
    prefs: Option<PathBuf>,
    language: String,
    /// These rules came without a machine's choice of plugins.
    default_plugins: bool,
}

/// A rule set ready to run, with a name for it.
#[derive(Debug)]
pub struct Loaded {
    /// The rules.
    pub matcher: Matcher,
    /// Where they come from, for people: their folders and files, and the versions that these state.
    pub name: String,
}

/// Looks for the rules that are wanted.
///
/// # Errors
/// When a folder of rules cannot be looked at.
pub fn find(wish: &Wish, around: &Environment) -> Result<Found, Failure> {
    let is_builtin = |path: &PathBuf| path.as_os_str() == BUILT_IN;
    let places = match wish.paths[..] {
        [] => places::by_default(around, None)?.unwrap_or_else(|| places::site().into_iter().collect()),
        _ => {
            let named = wish.paths.iter().filter(|path| !is_builtin(path));
            named.map(|path| around.expanded(path.clone()).into()).collect()
        }
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
    Ok(Found {
        builtin: wish.paths.is_empty() || wish.paths.iter().any(is_builtin),
        places,
        prefs,
        language: around.language.clone(),
        default_plugins: wish.paths.is_empty(),
    })
}

impl Found {
    /// Reads the rules.
    ///
    /// # Errors
    /// With status 12 when a path cannot be read or there is no rule in any of them.
    pub fn load(&self) -> Result<Loaded, Failure> {
        self.load_for(Mode::default())
    }

    /// The same, for a run in which more than the rules over the message itself count.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_for(&self, mode: Mode) -> Result<Loaded, Failure> {
        let failed = |what: String| Failure::new(Status::Scorer, what);
        let paths = self.places.iter().map(|place| place.path.clone()).collect();
        let rules = load(&Sources {
            builtin: self.builtin,
            prefs: self.prefs.clone(),
            language: self.language.clone(),
            default_plugins: self.default_plugins,
            local_tests_only: !mode.network,
            ..Sources::of(paths)
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
        let matcher = Matcher::new(rules, mode).map_err(|error| failed(error.to_string()))?;
        Ok(Loaded { matcher, name })
    }

    fn listed(&self) -> String {
        let builtin = self.builtin.then(|| "built-in rules".to_owned());
        let places = self.places.iter().map(|place| place.name.clone());
        let all: Vec<String> = builtin
            .into_iter()
            .chain(places)
            .chain(self.prefs.iter().map(|path| shown(path)))
            .collect();
        all.join(", ")
    }
}

impl Loaded {
    /// The DNS servers that the rules' settings name (`dns_server`).
    pub fn dns_servers(&self) -> Vec<SocketAddr> {
        let mut servers = Vec::new();
        for (key, value) in &self.matcher.rules().settings.other {
            match key.as_str() {
                "dns_server" => servers.extend(values::dns_server(value)),
                "clear_dns_servers" => servers.clear(),
                _ => {}
            }
        }
        servers
    }

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
mod tests;
