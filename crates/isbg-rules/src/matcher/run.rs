//! Runs a rule set over one message. Does not know how views are made.

use std::borrow::Cow;
use std::collections::BTreeMap;

use isbg_message::views::{Part, Selector, Views};
use isbg_types::Score;

use crate::eval::{self, Call};
use crate::load;
use crate::meta;
use crate::network::Found;
use crate::pattern::{Captured, Limit, Program};
use crate::ruleset::{EvalView, HeaderTest, Test, View};

use super::filter::Candidates;
use super::texts::{for_each_text, part_header};
use super::{Hit, Matcher, Outcome, source};

/// Without `maxhits` a rule counts no further than this.
const MOST_HITS: u32 = 1_000_000;

/// What one message has brought so far.
struct Run<'m, 'v, 's> {
    matcher: &'m Matcher,
    views: &'v Views<'s>,
    /// For each rule what metas see of it; 0: not hit.
    values: Vec<f64>,
    times: Vec<u32>,
    limited: Vec<usize>,
    tags: BTreeMap<String, Vec<Vec<u8>>>,
    state: &'v eval::State,
}

impl Matcher {
    /// Evaluates all rules but those of the network over a message whose views were made with
    /// [`Matcher::view_settings`].
    pub fn check(&self, views: &Views<'_>) -> Outcome {
        self.check_with(views, &Found::default())
    }

    /// Evaluates all rules, those of the network as they were found to be.
    pub fn check_with(&self, views: &Views<'_>, found: &Found) -> Outcome {
        let len = self.rules.rules.len();
        let state = eval::State::default();
        let mut run = Run {
            matcher: self,
            views,
            values: vec![0.0; len],
            times: vec![0; len],
            limited: Vec::new(),
            tags: BTreeMap::new(),
            state: &state,
        };
        run.capturing();
        run.headers();
        run.evals(|view| view == EvalView::Header);
        run.mime_headers();
        for view in self.texts.keys() {
            run.texts(*view);
        }
        run.templated();
        run.evals(|view| view != EvalView::Header);
        found.hits.iter().for_each(|rule| run.add(*rule, 1));
        run.metas();
        run.outcome()
    }
}

impl Run<'_, '_, '_> {
    fn max_hits(&self, rule: usize) -> u32 {
        let flags = self.matcher.rules.rules[rule].flags;
        match flags.max_hits {
            _ if !flags.multiple => 1,
            Some(most) if most > 0 => most,
            _ => MOST_HITS,
        }
    }

    fn add(&mut self, rule: usize, times: u32) {
        self.values[rule] += f64::from(times);
        self.times[rule] += times;
    }

    /// Runs a rule's own pattern over a text and counts.
    fn try_text(&mut self, rule: usize, text: &[u8]) {
        if let Some(program) = self.matcher.program(rule) {
            self.count(rule, program, text);
        }
    }

    fn count(&mut self, rule: usize, program: &Program, text: &[u8]) {
        let left = self.max_hits(rule).saturating_sub(self.times[rule]);
        if left == 0 {
            return;
        }
        let found = match left {
            1 => program.is_match(text).map(u32::from),
            _ => program.count(text, left as usize).map(|count| count as u32),
        };
        match found {
            Ok(0) => {}
            Ok(times) => self.add(rule, times),
            Err(limit) => self.limit(rule, limit),
        }
    }

    fn limit(&mut self, rule: usize, limit: Limit) {
        self.matcher.offend(rule, limit, &mut self.limited);
    }

    fn headers(&mut self) {
        let mut candidates = Candidates::default();
        for group in &self.matcher.headers {
            let value = self.views.get(&group.selector);
            let text = value.as_deref().unwrap_or_default();
            group.filter.scan(text, &mut candidates);
            for at in candidates.iter() {
                let rule = group.rules[at];
                match &self.matcher.rules.rules[rule].test {
                    Test::Exists { .. } if value.is_some() => self.add(rule, 1),
                    Test::Header(test) => self.header(rule, test, value.as_deref()),
                    _ => {}
                }
            }
            if value.is_none() {
                // The filter has seen the empty text, not what stands for an absent header.
                for rule in &group.rules {
                    if let Test::Header(test) = &self.matcher.rules.rules[*rule].test
                        && test.if_unset.is_some()
                        && self.times[*rule] == 0
                    {
                        self.header(*rule, test, None);
                    }
                }
            }
        }
    }

    fn header(&mut self, rule: usize, test: &HeaderTest, value: Option<&[u8]>) {
        let text = value.or(test.if_unset.as_deref()).unwrap_or_default();
        if !test.negated {
            return self.try_text(rule, text);
        }
        match self.matcher.program(rule).map(|program| program.is_match(text)) {
            Some(Ok(false)) => self.add(rule, 1),
            Some(Err(limit)) => self.limit(rule, limit),
            Some(Ok(true)) | None => {}
        }
    }

    fn mime_headers(&mut self) {
        if self.matcher.mime.is_empty() {
            return;
        }
        let parts: Vec<&Part> = self.views.parts_in_order().collect();
        let mut values: BTreeMap<&str, Vec<Option<Vec<u8>>>> = BTreeMap::new();
        for rule in &self.matcher.mime {
            let Test::MimeHeader(test) = &self.matcher.rules.rules[*rule].test else {
                continue;
            };
            let values = values.entry(test.selector.as_str()).or_insert_with(|| {
                parts
                    .iter()
                    .map(|part| part_header(part, &test.selector))
                    .collect()
            });
            self.mime_header(*rule, test, values);
        }
    }

    fn mime_header(&mut self, rule: usize, test: &HeaderTest, values: &[Option<Vec<u8>>]) {
        if test.negated {
            // In version 4.0.1 such a rule hits whatever the parts say.
            return self.add(rule, 1);
        }
        let flags = self.matcher.rules.rules[rule].flags;
        let (first, last) = flags.range.unwrap_or((0, 1000));
        let unset = test.if_unset.as_deref().unwrap_or_default();
        let in_range = values
            .iter()
            .zip(1u32..)
            .filter(|(_, number)| (first..=last).contains(number))
            .map(|(value, _)| value.as_deref().unwrap_or(unset));
        let texts: Vec<Cow<'_, [u8]>> = if flags.concat {
            let lines = in_range.map(|text| match text.ends_with(b"\n") {
                true => text.to_vec(),
                false => [text, b"\n"].concat(),
            });
            vec![Cow::Owned(lines.collect::<Vec<_>>().concat())]
        } else {
            in_range.map(Cow::Borrowed).collect()
        };
        let Some(program) = self.matcher.program(rule) else {
            return;
        };
        let most = if flags.multiple {
            flags.max_hits.unwrap_or(1000)
        } else {
            1
        };
        for text in texts {
            match program.count(&text, most as usize) {
                Ok(0) => {}
                Ok(times) => return self.add(rule, times as u32),
                Err(limit) => return self.limit(rule, limit),
            }
        }
    }

    fn texts(&mut self, view: View) {
        let Some(group) = self.matcher.texts.get(&view) else {
            return;
        };
        let mut candidates = Candidates::default();
        let mut number = 0;
        for_each_text(self.views, self.state, view, &mut |text| {
            group.filter.scan(text, &mut candidates);
            for at in candidates.iter() {
                let rule = group.rules[at];
                if number > 0 || !self.matcher.rules.rules[rule].flags.no_subject {
                    self.try_text(rule, text);
                }
            }
            number += 1;
        });
    }

    /// The texts a pattern rule is tried on.
    fn with_texts(&mut self, rule: usize, mut each: impl FnMut(&mut Self, &[u8])) {
        let matcher = self.matcher;
        match &matcher.rules.rules[rule].test {
            Test::Header(test) => {
                let value = self.views.get(&Selector::parse(&test.selector));
                let text = value.as_deref().or(test.if_unset.as_deref()).unwrap_or_default();
                each(self, text);
            }
            Test::MimeHeader(test) => {
                let parts: Vec<_> = self.views.parts_in_order().collect();
                for part in parts {
                    let value = part_header(part, &test.selector);
                    each(
                        self,
                        value.as_deref().or(test.if_unset.as_deref()).unwrap_or_default(),
                    );
                }
            }
            Test::Text { view, .. } => {
                let no_subject = matcher.rules.rules[rule].flags.no_subject && *view == View::Body;
                let mut number = 0;
                for_each_text(self.views, self.state, *view, &mut |text| {
                    if number > 0 || !no_subject {
                        each(self, text);
                    }
                    number += 1;
                });
            }
            _ => {}
        }
    }

    fn capturing(&mut self) {
        for rule in &self.matcher.capturing {
            let Some(program) = self.matcher.program(*rule) else {
                continue;
            };
            self.with_texts(*rule, |run, text| {
                let left = run.max_hits(*rule).saturating_sub(run.times[*rule]) as usize;
                match program.captures(text, left) {
                    Ok(found) => {
                        run.add(*rule, found.len() as u32);
                        found.into_iter().for_each(|captured| run.tag(captured));
                    }
                    Err(limit) => run.limit(*rule, limit),
                }
            });
        }
    }

    fn tag(&mut self, captured: Captured) {
        for (name, value) in captured {
            let values = self.tags.entry(name).or_default();
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }

    fn templated(&mut self) {
        for rule in &self.matcher.templated {
            let Some(source) = source(&self.matcher.rules.rules[*rule]) else {
                continue;
            };
            let values = |name: &str| self.tags.get(name).cloned().unwrap_or_default();
            let Ok(Some(program)) = load::compile_with(source, values) else {
                continue;
            };
            self.with_texts(*rule, |run, text| run.count(*rule, &program, text));
        }
    }

    fn evals(&mut self, wanted: impl Fn(EvalView) -> bool) {
        for rule in &self.matcher.evals {
            let value = match &self.matcher.rules.rules[*rule].test {
                Test::Eval {
                    view,
                    function,
                    arguments,
                } if wanted(*view) => {
                    let call = Call {
                        views: self.views,
                        view: *view,
                        settings: &self.matcher.rules.settings,
                        state: self.state,
                        arguments,
                        program: &self.matcher.argument_programs[*rule],
                    };
                    eval::call(function, &call)
                }
                _ => false,
            };
            if value {
                self.add(*rule, 1);
            }
        }
    }

    fn metas(&mut self) {
        for rule in &self.matcher.metas {
            let Test::Meta(ops) = &self.matcher.rules.rules[*rule].test else {
                continue;
            };
            let value = meta::evaluate(ops, |other, _| self.values[*other]);
            if value != 0.0 && !value.is_nan() {
                // A hit always counts for something.
                self.values[*rule] = if value > 0.0 { value } else { 1.0 };
                self.times[*rule] = 1;
            }
        }
    }

    fn outcome(self) -> Outcome {
        let mut hits = Vec::new();
        let mut millionths = 0i64;
        for (rule, times) in self.times.iter().enumerate().filter(|(_, times)| **times > 0) {
            hits.push(Hit {
                rule,
                value: self.values[rule],
                times: *times,
            });
            if !self.matcher.rules.rules[rule].name.starts_with("__") {
                let points = (self.matcher.points(rule) * 1e6).round() as i64;
                millionths = millionths.saturating_add(points.saturating_mul(i64::from(*times)));
            }
        }
        let half = if millionths < 0 { -500 } else { 500 };
        let score = Score(millionths.saturating_add(half) / 1000);
        Outcome {
            hits,
            score,
            limited: self.limited,
        }
    }
}
