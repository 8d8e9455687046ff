//! What SpamAssassin's rule files say about reports and rewritten messages: `add_header`, `rewrite_header`, `report` and
//! their like. Does not judge, and does not write any message.

mod fold;
mod rewrite;
mod table;
mod tags;

use std::collections::BTreeMap;

use isbg_rules::ruleset::{EvalView, RuleSet, Test, View};

pub use tags::{Facts, preview, symbols};

/// The version of SpamAssassin whose rule language is spoken, with who speaks it.
const VERSION: &str = concat!("4.0.1-isbg", env!("CARGO_PKG_VERSION"));

/// Columns of the list of rules in a header, unless `report_wrap_width` says otherwise.
const LIST_COLUMNS: usize = 75;

/// Columns of a report.
const LINE_COLUMNS: usize = 79;

/// Lines of `report` and the like that are kept.
const MOST_LINES: usize = 1_000;

/// Which messages a header is added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Spam,
    Ham,
    All,
}

impl On {
    fn read(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "spam" => Some(Self::Spam),
            "ham" => Some(Self::Ham),
            "all" => Some(Self::All),
            _ => None,
        }
    }

    fn holds(self, spam: bool) -> bool {
        match self {
            Self::All => true,
            Self::Spam => spam,
            Self::Ham => !spam,
        }
    }
}

/// A header to add, `X-Spam-` left out of its name.
#[derive(Debug, Clone)]
struct Added {
    on: On,
    name: String,
    template: String,
}

/// What is done to a spam: `report_safe`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Safe {
    /// It stays as it is, but for its header.
    InPlace,
    /// It is attached to a report, as a message.
    Message,
    /// It is attached to a report, as text.
    Text,
}

/// How reports and rewritten messages look.
#[derive(Debug, Clone)]
pub struct Markup {
    added: Vec<Added>,
    /// Texts to put before Subject, From, To of spam.
    rewritten: BTreeMap<&'static str, String>,
    safe: Safe,
    /// Header fields that a report repeats besides the usual ones.
    copied: Vec<String>,
    fold: bool,
    report: Vec<String>,
    columns: usize,
    contact: String,
    hostname: String,
    rules_version: String,
    /// For the table of a report: the text that rules look at, and their descriptions.
    areas: BTreeMap<String, &'static str>,
    descriptions: BTreeMap<String, String>,
}

impl Markup {
    /// As it is without any rule file. `hostname`: what this machine calls itself.
    pub fn new(hostname: String) -> Self {
        let added = |on, name: &str, template: &str| Added {
            on,
            name: name.to_owned(),
            template: template.to_owned(),
        };
        let report = [
            "_HOSTNAME_ looked at this message and takes it for_YESNO( spam, wanted mail)_.",
            "It has _SCORE_ points; _REQD_ make a message spam.",
            "",
            "It begins:  _PREVIEW_",
            "",
            "_SUMMARY_",
        ];
        Self {
            added: vec![
                added(On::All, "Checker-Version", "isbg _VERSION_ on _HOSTNAME_"),
                added(On::Spam, "Flag", "_YESNOCAPS_"),
                added(On::All, "Level", "_STARS(*)_"),
                added(
                    On::All,
                    "Status",
                    "_YESNO_, score=_SCORE_ required=_REQD_ tests=_TESTS_ autolearn=_AUTOLEARN_ version=_VERSION_",
                ),
            ],
            rewritten: BTreeMap::new(),
            safe: Safe::Message,
            copied: Vec::new(),
            fold: true,
            report: report.map(str::to_owned).to_vec(),
            columns: LIST_COLUMNS,
            contact: "the administrator of that system".to_owned(),
            hostname,
            rules_version: String::new(),
            areas: BTreeMap::new(),
            descriptions: BTreeMap::new(),
        }
    }

    /// As these rule files want it.
    pub fn of(rules: &RuleSet, hostname: String) -> Self {
        let mut markup = Self::new(hostname);
        for (key, value) in &rules.settings.other {
            markup.apply(key, value.trim());
        }
        let versions: Vec<String> = rules.versions.values().map(u64::to_string).collect();
        markup.rules_version = versions.join(" ");
        for rule in rules.rules.iter().filter(|rule| !rule.name.starts_with("__")) {
            markup.areas.insert(rule.name.clone(), area(&rule.test));
            if let Some(description) = &rule.description {
                markup.descriptions.insert(rule.name.clone(), description.clone());
            }
        }
        markup
    }

    /// Applies one line of a rule file. Lines that mean nothing here, and values that mean nothing at all, change nothing;
    /// `isbg rules lint` names those.
    fn apply(&mut self, key: &str, value: &str) {
        let number = value.parse::<usize>();
        match key {
            "clear_headers" => self.added.clear(),
            "add_header" => self.add_header(value),
            "remove_header" => {
                let mut words = value.split_whitespace();
                if let (Some(on), Some(name)) = (words.next().and_then(On::read), words.next()) {
                    self.added.retain(|added| {
                        !(added.name.eq_ignore_ascii_case(name) && (on == On::All || added.on == on))
                    });
                }
            }
            "rewrite_header" => self.rewrite_header(value),
            "report_safe" => {
                self.safe = match value {
                    "0" => Safe::InPlace,
                    "2" => Safe::Text,
                    _ => Safe::Message,
                };
                if self.safe == Safe::InPlace {
                    self.set_header(On::Spam, "Report", "_REPORT_");
                }
            }
            "report_safe_copy_headers" => self.copied.extend(value.split_whitespace().map(str::to_owned)),
            "fold_headers" => self.fold = value != "0",
            "report_wrap_width" if number.is_ok() => {
                self.columns = number.unwrap_or(LIST_COLUMNS).clamp(40, 998);
            }
            "clear_report_template" => self.report.clear(),
            "report" if self.report.len() < MOST_LINES => {
                let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                self.report.push(quoted.unwrap_or(value).to_owned());
            }
            "report_contact" => value.clone_into(&mut self.contact),
            "report_hostname" if !value.is_empty() => value.clone_into(&mut self.hostname),
            _ => {}
        }
    }

    /// `all Status "_YESNO_, …"`; `\n` and `\t` stand for a new line and a tab.
    fn add_header(&mut self, value: &str) {
        let mut words = value.splitn(3, char::is_whitespace);
        let on = words.next().and_then(On::read);
        let (Some(on), Some(name)) = (on, words.next()) else {
            return;
        };
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let template = words.next().unwrap_or_default().trim();
        let quoted = template.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let template = quoted
            .unwrap_or(template)
            .replace("\\n", "\n")
            .replace("\\t", "\t");
        if is_name && self.added.len() < MOST_LINES {
            self.set_header(on, name, &template);
        }
    }

    fn set_header(&mut self, on: On, name: &str, template: &str) {
        let new = Added {
            on,
            name: name.to_owned(),
            template: template.to_owned(),
        };
        let same = |old: &&mut Added| old.name.eq_ignore_ascii_case(name) && (old.on == on || on == On::All);
        match self.added.iter_mut().find(same) {
            Some(old) => *old = new,
            None => self.added.push(new),
        }
    }

    fn rewrite_header(&mut self, value: &str) {
        let (name, text) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
        let known = ["Subject", "From", "To"]
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(name));
        let Some(name) = known else { return };
        match text.trim() {
            "" => self.rewritten.remove(name),
            text => self.rewritten.insert(name, text.to_owned()),
        };
    }

    /// The report for people about a message.
    pub fn report(&self, facts: &Facts<'_>) -> String {
        let mut text = String::new();
        for line in &self.report {
            let expanded = self.expand(line, facts);
            if line.contains("_PREVIEW_") {
                text.push_str(&fold::text(&expanded, "   ", LINE_COLUMNS));
            } else {
                text.push_str(expanded.trim_end_matches('\n'));
            }
            text.push('\n');
        }
        text.push('\n');
        text
    }
}

/// What the table of a report puts before a rule's description.
fn area(test: &Test) -> &'static str {
    match test {
        Test::Text { view: View::Body, .. }
        | Test::Eval {
            view: EvalView::Body, ..
        } => "BODY: ",
        Test::Text {
            view: View::RawBody, ..
        }
        | Test::Eval {
            view: EvalView::RawBody,
            ..
        } => "RAW: ",
        Test::Text { view: View::Full, .. }
        | Test::Eval {
            view: EvalView::Full, ..
        } => "FULL: ",
        Test::Text { view: View::Uri, .. } => "URI: ",
        Test::Eval {
            view: EvalView::Rbl, ..
        } => "RBL: ",
        _ => "",
    }
}
