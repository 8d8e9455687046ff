//! What has been read so far. Does not read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::lint::{Lint, Severity};
use crate::ruleset::Settings;

use super::pattern_source::RawPattern;
use super::{Sources, features};

/// A rule before tags are replaced and names resolved.
#[derive(Debug, Clone)]
pub enum DraftTest {
    Header {
        selector: String,
        negated: bool,
        if_unset: Option<Vec<u8>>,
        pattern: RawPattern,
    },
    Exists {
        selector: String,
    },
    MimeHeader {
        selector: String,
        negated: bool,
        if_unset: Option<Vec<u8>>,
        pattern: RawPattern,
    },
    Text {
        view: crate::ruleset::View,
        pattern: RawPattern,
    },
    Eval {
        view: crate::ruleset::EvalView,
        call: String,
    },
    Meta {
        text: String,
    },
    UriDetail {
        properties: Vec<(String, bool, RawPattern)>,
    },
    Network {
        directive: String,
        arguments: String,
    },
    Empty,
    Unrunnable {
        reason: String,
    },
}

/// Where a line stands.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub file: String,
    pub line: u32,
}

/// Everything read so far.
pub struct Draft {
    pub settings: Settings,
    pub tests: BTreeMap<String, (DraftTest, Place)>,
    pub scores: HashMap<String, [f64; 4]>,
    pub descriptions: HashMap<String, String>,
    pub flags: HashMap<String, String>,
    pub priorities: HashMap<String, i32>,
    pub replace_start: String,
    pub replace_end: String,
    /// Tags, then what `pre`, `inter` and `post` add, each by name.
    pub replace_tags: HashMap<String, String>,
    pub replace_around: HashMap<(&'static str, String), String>,
    pub replace_rules: BTreeSet<String>,
    pub compat: BTreeSet<String>,
    pub allow_user_rules: bool,
    pub prefs_unrestricted: bool,
    pub language: String,
    pub local_tests_only: bool,
    pub versions: BTreeMap<String, u64>,
    pub lint: Vec<Lint>,
    pub place: Place,
    /// Files read in all, included ones too.
    pub files_read: usize,
}

/// So many findings are kept; more say nothing new.
const MAX_LINT: usize = 10_000;

impl Draft {
    pub fn new(sources: &Sources) -> Self {
        let language = match sources.language.as_str() {
            "" | "C" | "POSIX" => "en_US",
            other => other.split(['@', '.', '+', ',']).next().unwrap_or("en_US"),
        };
        Self {
            settings: Settings::default(),
            tests: BTreeMap::new(),
            scores: HashMap::new(),
            descriptions: HashMap::new(),
            flags: HashMap::new(),
            priorities: HashMap::new(),
            replace_start: "<".to_owned(),
            replace_end: ">".to_owned(),
            replace_tags: HashMap::new(),
            replace_around: HashMap::new(),
            replace_rules: BTreeSet::new(),
            compat: BTreeSet::new(),
            allow_user_rules: false,
            prefs_unrestricted: sources.prefs_unrestricted,
            language: language.to_owned(),
            local_tests_only: sources.local_tests_only,
            versions: BTreeMap::new(),
            lint: Vec::new(),
            place: Place::default(),
            files_read: 0,
        }
    }

    /// Notes an error at the line being read.
    pub fn error(&mut self, message: impl Into<String>) {
        let place = self.place.clone();
        self.note(&place, Severity::Error, message.into());
    }

    /// Notes a warning at the line being read.
    pub fn warning(&mut self, message: impl Into<String>) {
        let place = self.place.clone();
        self.note(&place, Severity::Warning, message.into());
    }

    /// Notes a finding at some line.
    pub fn note(&mut self, place: &Place, severity: Severity, message: String) {
        if self.lint.len() < MAX_LINT {
            self.lint.push(Lint {
                file: place.file.clone(),
                line: place.line,
                severity,
                message,
            });
        }
    }

    /// Whether a plugin counts as loaded, by its short name.
    pub fn is_loaded(&self, plugin: &str) -> bool {
        self.settings.plugins.contains(plugin)
    }

    /// Takes note of a `loadplugin` line.
    pub fn load_plugin(&mut self, full_name: &str, is_try: bool) {
        match features::find(full_name) {
            Some(plugin) => {
                self.settings.plugins.insert(plugin.name.to_owned());
            }
            None if is_try => {}
            None => self.warning(format!(
                "the plugin {full_name} is not known; its rules are left out"
            )),
        }
    }
}
