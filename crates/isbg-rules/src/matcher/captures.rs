//! Rules that capture text, and rules in which captured text stands. Does not know any other rule.

use isbg_message::views::Selector;

use crate::load;
use crate::pattern::Captured;
use crate::ruleset::{Test, View};

use super::run::Run;
use super::source;
use super::texts::{for_each_text, part_header};

impl Run<'_, '_, '_> {
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

    /// Runs the rules that capture text for others.
    pub(super) fn capturing(&mut self) {
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

    /// Runs the rules in which captured text stands.
    pub(super) fn templated(&mut self) {
        for rule in &self.matcher.templated {
            let Some(source) = source(&self.matcher.rules.rules[*rule]) else {
                continue;
            };
            let mut texts: Vec<Vec<u8>> = Vec::new();
            self.with_texts(*rule, |_, text| {
                if source.requirement.allows(text) {
                    texts.push(text.to_vec());
                }
            });
            if texts.is_empty() {
                continue;
            }
            let values = |name: &str| self.tags.get(name).cloned().unwrap_or_default();
            let Ok(Some(pattern)) = load::pattern_with(source, values) else {
                continue;
            };
            // With the values in place more is known, and compiling costs more than all else.
            let requirement = pattern.requirement();
            texts.retain(|text| requirement.allows(text));
            if let Some(program) = (!texts.is_empty()).then(|| pattern.compile().ok()).flatten() {
                texts.iter().for_each(|text| self.count(*rule, &program, text));
            }
        }
    }
}
