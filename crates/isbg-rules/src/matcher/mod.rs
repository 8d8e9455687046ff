//! A rule set made ready to be run, shared by all threads. Patterns are compiled when they are first needed. Knows the
//! order of things; does not know what the functions of eval rules do.

mod captures;
mod detail;
mod filter;
mod metas;
mod run;
mod texts;
mod view_settings;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use isbg_message::views::{self, Selector, Views};
use isbg_types::Score;
use isbg_types::auth::Authentication;
use isbg_types::dns::Inquiry;

use crate::eval::{self, Function};
use crate::load;
use crate::network::{Found, Plan, Subject};
use crate::pattern::{Limit, PatternError, Program};
use crate::ruleset::{HeaderTest, Rule, RuleSet, Source, Test, View};

use filter::Filter;
use metas::Metas;

/// After so many texts in which a pattern used up its steps it is switched off.
const OFFENCES: u32 = 20;

/// How a rule set is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mode {
    /// Whether network tests count: chooses the scores.
    pub network: bool,
    /// Whether a classifier takes part: chooses the scores.
    pub classifier: bool,
}

/// A rule that hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its place in [`RuleSet::rules`].
    pub rule: usize,
    /// What metas see of it: how often it matched, or a meta's own value.
    pub value: f64,
    /// How often its score was added.
    pub times: u32,
}

/// What came out for a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The rules that hit, sub-rules too, by name.
    pub hits: Vec<Hit>,
    /// The sum of their scores.
    pub score: Score,
    /// Rules whose pattern used up its steps: whether they hit is unknown.
    pub limited: Vec<usize>,
}

/// A rule set ready to run.
#[derive(Debug)]
pub struct Matcher {
    rules: RuleSet,
    mode: Mode,
    views: Settings,
    headers: Vec<HeaderGroup>,
    mime: Vec<MimeGroup>,
    texts: BTreeMap<View, TextGroup>,
    evals: Vec<usize>,
    /// The functions of eval rules, by rule.
    functions: Vec<Option<Function>>,
    metas: Metas,
    /// Rules that capture for others, then those that need the captures.
    capturing: Vec<usize>,
    templated: Vec<usize>,
    programs: Vec<OnceLock<Option<Program>>>,
    /// Patterns in the arguments of eval functions, by rule.
    argument_programs: Vec<OnceLock<Option<Program>>>,
    /// The patterns of `uri_detail` rules, by rule.
    details: BTreeMap<usize, detail::Programs>,
    offences: Vec<AtomicU32>,
    unknown: Vec<(usize, String)>,
    /// The network rules, where they count.
    network: Option<Plan>,
}

/// The views' settings, which cannot be printed.
struct Settings(views::Settings);

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Settings")
    }
}

#[derive(Debug)]
struct HeaderGroup {
    selector: Selector,
    rules: Vec<usize>,
    filter: Filter,
    /// What hits where the header is absent, and how often.
    absent: OnceLock<Vec<(usize, u32)>>,
}

#[derive(Debug)]
struct MimeGroup {
    selector: String,
    rules: Vec<usize>,
    filter: Filter,
}

#[derive(Debug, Default)]
struct TextGroup {
    rules: Vec<usize>,
    filter: Filter,
}

impl Matcher {
    /// Makes a rule set ready.
    ///
    /// # Errors
    /// If its literals are too many for one automaton.
    pub fn new(rules: RuleSet, mode: Mode) -> Result<Self, PatternError> {
        let len = rules.rules.len();
        let mut matcher = Self {
            views: Settings(view_settings::view_settings(&rules)),
            mode,
            headers: Vec::new(),
            mime: Vec::new(),
            texts: BTreeMap::new(),
            evals: Vec::new(),
            functions: rules.rules.iter().map(function).collect(),
            metas: Metas::default(),
            capturing: Vec::new(),
            templated: Vec::new(),
            programs: std::iter::repeat_with(OnceLock::new).take(len).collect(),
            argument_programs: std::iter::repeat_with(OnceLock::new).take(len).collect(),
            details: BTreeMap::new(),
            offences: std::iter::repeat_with(AtomicU32::default).take(len).collect(),
            unknown: Vec::new(),
            network: None,
            rules,
        };
        matcher.sort_rules()?;
        if mode.network {
            let (plan, unknown) = Plan::new(&matcher.rules, |at| matcher.is_active(at));
            matcher.network = Some(plan);
            matcher.unknown.extend(unknown);
        }
        matcher.metas = Metas::new(&matcher.rules, |at| matcher.is_active(at));
        Ok(matcher)
    }

    /// The rule set.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The settings under which a message's views are to be made.
    pub fn view_settings(&self) -> &views::Settings {
        &self.views.0
    }

    /// The rules that would be run but cannot be run here, with the reason. Their hits are unknown.
    pub fn unknown(&self) -> &[(usize, String)] {
        &self.unknown
    }

    /// The network rules; `None` where they do not count.
    pub fn network(&self) -> Option<&Plan> {
        self.network.as_ref()
    }

    /// What the network rules look at in a message.
    pub fn subject(&self, views: &Views<'_>) -> Option<Subject> {
        let plan = self.network.as_ref()?;
        Some(plan.subject(views, &self.rules.settings))
    }

    /// Evaluates the network rules as far as the answers go, and says in `inquiry` what else they want to know.
    pub fn ask(
        &self,
        subject: &Subject,
        authentication: &Authentication,
        inquiry: &mut Inquiry<'_>,
    ) -> Found {
        let about = (&self.rules.settings, &self.views.0.tlds);
        let plan = self.network.as_ref();
        plan.map(|plan| plan.evaluate(subject, authentication, about, inquiry))
            .unwrap_or_default()
    }

    /// A rule's points in the score set that is in force.
    pub fn points(&self, rule: usize) -> f64 {
        let set = usize::from(self.mode.network) + 2 * usize::from(self.mode.classifier);
        self.rules.rules[rule].scores[set]
    }

    /// A rule with no points in this score set is not run at all.
    fn is_active(&self, rule: usize) -> bool {
        self.points(rule) != 0.0
    }

    fn sort_rules(&mut self) -> Result<(), PatternError> {
        let mut headers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut mime: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut texts: BTreeMap<View, Vec<usize>> = BTreeMap::new();
        for at in 0..self.rules.rules.len() {
            if !self.is_active(at) {
                continue;
            }
            let rule = &self.rules.rules[at];
            if let Some(source) = source(rule) {
                if !source.captures.is_empty() {
                    self.capturing.push(at);
                    continue;
                }
                if !source.templates.is_empty() {
                    self.templated.push(at);
                    continue;
                }
            }
            match &rule.test {
                Test::Header(HeaderTest { selector, .. }) | Test::Exists { selector } => {
                    headers.entry(selector.clone()).or_default().push(at);
                }
                Test::MimeHeader(HeaderTest { selector, .. }) => {
                    mime.entry(selector.clone()).or_default().push(at);
                }
                Test::Text { view, .. } => texts.entry(*view).or_default().push(at),
                Test::Eval { .. } => self.sort_eval(at),
                Test::UriDetail(properties) => {
                    self.details.insert(at, detail::programs(properties));
                    self.evals.push(at);
                }
                Test::Unrunnable(reason) => self.unknown.push((at, reason.clone())),
                Test::Meta(_) | Test::Empty | Test::Network { .. } => {}
            }
        }
        for (selector, rules) in headers {
            let filter = self.filter(&rules)?;
            self.headers.push(HeaderGroup {
                selector: Selector::parse(&selector),
                rules,
                filter,
                absent: OnceLock::new(),
            });
        }
        for (selector, rules) in mime {
            let filter = self.filter(&rules)?;
            self.mime.push(MimeGroup {
                selector,
                rules,
                filter,
            });
        }
        for (view, rules) in texts {
            let filter = self.filter(&rules)?;
            self.texts.insert(view, TextGroup { rules, filter });
        }
        Ok(())
    }

    fn sort_eval(&mut self, at: usize) {
        let rule = &self.rules.rules[at];
        let Test::Eval { view, function, .. } = &rule.test else {
            return;
        };
        let is_rbl = *view == crate::ruleset::EvalView::Rbl;
        if Plan::owns(&self.rules, at) {
            let local = !self.mode.network && !is_rbl && !rule.flags.net;
            if local && crate::eval::exists(function) {
                self.evals.push(at);
            } else if local {
                self.unknown.push((at, "it needs the network".to_owned()));
            }
        } else if rule.flags.learn {
            if self.mode.classifier {
                self.unknown.push((at, "it needs the classifier".to_owned()));
            }
        } else if crate::eval::exists(function) {
            self.evals.push(at);
        } else {
            self.unknown
                .push((at, format!("the function {function} does not exist here")));
        }
    }

    /// A filter for these rules; those that do not test a pattern, or that hit without a match, are always candidates.
    fn filter(&self, rules: &[usize]) -> Result<Filter, PatternError> {
        Filter::new(rules.iter().map(|at| match &self.rules.rules[*at].test {
            Test::Header(test) | Test::MimeHeader(test) if !test.negated => Some(&test.pattern.requirement),
            Test::Text { pattern, .. } => Some(&pattern.requirement),
            _ => None,
        }))
    }

    /// The compiled pattern of a rule; `None` if it cannot be compiled or was switched off.
    fn program(&self, rule: usize) -> Option<&Program> {
        if self.offences[rule].load(Ordering::Relaxed) >= OFFENCES {
            return None;
        }
        let compiled = self.programs[rule].get_or_init(|| {
            let source = source(&self.rules.rules[rule])?;
            load::compile_with(source, |_| Vec::new()).ok().flatten()
        });
        compiled.as_ref()
    }

    /// Compiles every pattern now, which takes a second and much memory, and tells which cannot be compiled.
    pub fn compile_all(&self) -> Vec<(usize, PatternError)> {
        let failed = self.rules.rules.iter().enumerate().filter_map(|(at, rule)| {
            let source = source(rule).filter(|source| source.templates.is_empty())?;
            let error = load::compile_with(source, |_| Vec::new()).err()?;
            Some((at, error))
        });
        failed.collect()
    }

    /// Notes that a pattern used up its steps.
    fn offend(&self, rule: usize, _: Limit, limited: &mut Vec<usize>) {
        self.offences[rule].fetch_add(1, Ordering::Relaxed);
        if !limited.contains(&rule) {
            limited.push(rule);
        }
    }

    /// The rules whose pattern used up its steps so often that it was switched off.
    pub fn switched_off(&self) -> Vec<usize> {
        (0..self.offences.len())
            .filter(|at| self.offences[*at].load(Ordering::Relaxed) >= OFFENCES)
            .collect()
    }
}

/// The function that a rule calls.
fn function(rule: &Rule) -> Option<Function> {
    match &rule.test {
        Test::Eval { function, .. } => eval::find(function),
        _ => None,
    }
}

/// The one pattern of a rule that has one.
fn source(rule: &Rule) -> Option<&Source> {
    match &rule.test {
        Test::Header(test) | Test::MimeHeader(test) => Some(&test.pattern),
        Test::Text { pattern, .. } => Some(pattern),
        _ => None,
    }
}
