//! Runs a rule set over one message. Does not know how views are made.

use std::borrow::Cow;
use std::collections::BTreeMap;

use isbg_message::views::{Part, Views};
use isbg_types::Score;

use crate::eval::{self, Call};
use crate::network::Found;
use crate::pattern::{Limit, Program};
use crate::ruleset::{EvalView, HeaderTest, Test, View};

use super::filter::Candidates;
use super::texts::{for_each_text, part_header};
use super::{HeaderGroup, Hit, Matcher, Outcome};

/// Without `maxhits` a rule counts no further than this.
const MOST_HITS: u32 = 1_000_000;

/// What one message has brought so far.
pub(super) struct Run<'m, 'v, 's> {
    pub(super) matcher: &'m Matcher,
    pub(super) views: &'v Views<'s>,
    /// For each rule what metas see of it; 0: not hit.
    values: Vec<f64>,
    pub(super) times: Vec<u32>,
    /// The rules that hit, in the order in which that was found.
    hit: Vec<usize>,
    pub(super) limited: Vec<usize>,
    pub(super) tags: BTreeMap<String, Vec<Vec<u8>>>,
    pub(super) state: &'v eval::State,
}

/// A MIME header of one part.
struct Value {
    text: Option<Vec<u8>>,
    /// The rules, by their place in the group, that its text allows.
    candidates: Candidates,
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
            hit: Vec::new(),
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
    pub(super) fn max_hits(&self, rule: usize) -> u32 {
        let flags = self.matcher.rules.rules[rule].flags;
        match flags.max_hits {
            _ if !flags.multiple => 1,
            Some(most) if most > 0 => most,
            _ => MOST_HITS,
        }
    }

    pub(super) fn add(&mut self, rule: usize, times: u32) {
        if self.times[rule] == 0 && times > 0 {
            self.hit.push(rule);
        }
        self.values[rule] += f64::from(times);
        self.times[rule] += times;
    }

    /// Runs a rule's own pattern over a text and counts.
    fn try_text(&mut self, rule: usize, text: &[u8]) {
        if let Some(program) = self.matcher.program(rule) {
            self.count(rule, program, text);
        }
    }

    pub(super) fn count(&mut self, rule: usize, program: &Program, text: &[u8]) {
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

    pub(super) fn limit(&mut self, rule: usize, limit: Limit) {
        self.matcher.offend(rule, limit, &mut self.limited);
    }

    fn headers(&mut self) {
        for group in &self.matcher.headers {
            if let Some(value) = self.views.get(&group.selector) {
                self.header_group(group, Some(&value));
            } else if let Some(hits) = group.absent.get() {
                // Most headers are absent from most messages, and that always means the same.
                hits.iter().for_each(|(rule, times)| self.add(*rule, *times));
            } else {
                let (known, limited) = (self.hit.len(), self.limited.len());
                self.header_group(group, None);
                if self.limited.len() == limited {
                    let hits = self.hit[known..].iter().map(|rule| (*rule, self.times[*rule]));
                    group.absent.get_or_init(|| hits.collect());
                }
            }
        }
    }

    fn header_group(&mut self, group: &HeaderGroup, value: Option<&[u8]>) {
        let mut candidates = Candidates::default();
        group.filter.scan(value.unwrap_or_default(), &mut candidates);
        for at in candidates.iter() {
            let rule = group.rules[at];
            match &self.matcher.rules.rules[rule].test {
                Test::Exists { .. } if value.is_some() => self.add(rule, 1),
                Test::Header(test) => self.header(rule, test, value),
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
        for group in &self.matcher.mime {
            let values: Vec<Value> = parts
                .iter()
                .map(|part| {
                    let text = part_header(part, &group.selector);
                    let mut candidates = Candidates::default();
                    group
                        .filter
                        .scan(text.as_deref().unwrap_or_default(), &mut candidates);
                    Value { text, candidates }
                })
                .collect();
            for (at, rule) in group.rules.iter().enumerate() {
                if let Test::MimeHeader(test) = &self.matcher.rules.rules[*rule].test {
                    self.mime_header(at, *rule, test, &values);
                }
            }
        }
    }

    fn mime_header(&mut self, at: usize, rule: usize, test: &HeaderTest, values: &[Value]) {
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
            .map(|(value, _)| value);
        let texts: Vec<Cow<'_, [u8]>> = if flags.concat {
            let texts = in_range.map(|value| value.text.as_deref().unwrap_or(unset));
            let lines = texts.map(|text| match text.ends_with(b"\n") {
                true => text.to_vec(),
                false => [text, b"\n"].concat(),
            });
            vec![Cow::Owned(lines.collect::<Vec<_>>().concat())]
        } else {
            // The filter has not seen what stands for an absent header.
            in_range
                .filter(|value| {
                    let is_unset = value.text.is_none() && !unset.is_empty();
                    is_unset || value.candidates.contains(at)
                })
                .map(|value| Cow::Borrowed(value.text.as_deref().unwrap_or(unset)))
                .collect()
        };
        if texts.is_empty() {
            return;
        }
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

    fn evals(&mut self, wanted: impl Fn(EvalView) -> bool) {
        for rule in &self.matcher.evals {
            let value = match &self.matcher.rules.rules[*rule].test {
                Test::Eval { view, arguments, .. } if wanted(*view) => {
                    let call = Call {
                        views: self.views,
                        view: *view,
                        settings: &self.matcher.rules.settings,
                        state: self.state,
                        arguments,
                        program: &self.matcher.argument_programs[*rule],
                    };
                    self.matcher.functions[*rule].is_some_and(|function| function(&call))
                }
                Test::UriDetail(properties) if wanted(EvalView::Body) => self.detail(*rule, properties),
                _ => false,
            };
            if value {
                self.add(*rule, 1);
            }
        }
    }

    fn metas(&mut self) {
        let others = std::mem::take(&mut self.hit);
        let rules = &self.matcher.rules;
        self.hit = self.matcher.metas.evaluate(rules, &others, &mut self.values);
        self.hit.iter().for_each(|rule| self.times[*rule] = 1);
        self.hit.extend(others);
    }

    fn outcome(mut self) -> Outcome {
        self.hit.sort_unstable();
        let mut millionths = 0i64;
        for rule in &self.hit {
            if !self.matcher.rules.rules[*rule].name.starts_with("__") {
                let points = (self.matcher.points(*rule) * 1e6).round() as i64;
                millionths = millionths.saturating_add(points.saturating_mul(i64::from(self.times[*rule])));
            }
        }
        let hits = self.hit.iter().map(|rule| Hit {
            rule: *rule,
            value: self.values[*rule],
            times: self.times[*rule],
        });
        let half = if millionths < 0 { -500 } else { 500 };
        Outcome {
            hits: hits.collect(),
            score: Score(millionths.saturating_add(half) / 1000),
            limited: self.limited,
        }
    }
}
