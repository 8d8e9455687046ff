//! `cargo xtask oracle`: our views, hits and scores against those of the SpamAssassin on this machine, message by
//! message. Knows no rule by name and mends nothing: it says where the first difference lies.

mod dump;
mod golden;
mod hits;
mod mail;
mod rules;
#[path = "../../../../crates/isbg-message/tests/compare/mod.rs"]
mod views;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use isbg_message::views::{Selector, Views};
use isbg_rules::matcher::Matcher;
use serde_json::Value;

/// What to compare.
#[derive(Debug, clap::Args)]
pub struct Oracle {
    /// A folder of messages, searched in depth; without it mail that we wrote and hostile mail made up by a seed.
    #[arg(long)]
    corpus: Option<PathBuf>,
    /// A rule file or a folder of them that both sides read besides this machine's rules.
    #[arg(long)]
    rules: Vec<PathBuf>,
    /// Leave this machine's own rules out.
    #[arg(long)]
    alone: bool,
    /// Take so many messages, evenly from all there are.
    #[arg(long)]
    limit: Option<usize>,
    /// Keep what SpamAssassin said in this file, and ask it only about what is not in it yet. It must be about the same
    /// rules.
    #[arg(long)]
    dumps: Option<PathBuf>,
    /// Print so many differences of each kind.
    #[arg(long, default_value_t = 2)]
    show: usize,
    /// The first seed of the messages that are made up.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Instead make the golden files of the tests again.
    #[arg(long)]
    golden: bool,
}

impl Oracle {
    /// Asks SpamAssassin, compares and prints.
    ///
    /// # Errors
    /// When SpamAssassin cannot be asked, or anything differs.
    pub fn run(&self) -> Result<()> {
        if self.golden {
            return golden::make();
        }
        let rules = rules::Rules::new(&self.rules, self.alone)?;
        let matcher = rules.matcher()?;
        println!(
            "{} rules; {} are unknown here",
            matcher.rules().rules.len(),
            matcher.unknown().len()
        );
        for (rule, reason) in matcher.unknown() {
            println!("  {}: {reason}", matcher.rules().rules[*rule].name);
        }
        let mail = mail::Mail::gather(
            self.corpus.as_deref(),
            self.limit,
            self.seed,
            self.dumps.as_deref(),
        )?;
        println!("{} messages", mail.files.len());
        let mut comparison = Comparison::new(&matcher, self.show);
        let selectors = rules::selectors(matcher.rules());
        dump::each(
            &rules,
            &selectors,
            &mail.files,
            self.dumps.as_deref(),
            &mut |theirs| comparison.message(theirs),
        )?;
        comparison.print();
        let asked = mail.files.len();
        ensure!(
            comparison.messages == asked,
            "SpamAssassin answered for {} of {asked} messages only",
            comparison.messages
        );
        ensure!(comparison.is_clean(), "there are differences");
        Ok(())
    }
}

/// All that was compared so far.
struct Comparison<'m> {
    matcher: &'m Matcher,
    show: usize,
    messages: usize,
    same_views: usize,
    /// For each view: how often it differed.
    views: BTreeMap<String, usize>,
    selectors: BTreeMap<String, Selector>,
    hits: hits::Tally,
}

impl<'m> Comparison<'m> {
    fn new(matcher: &'m Matcher, show: usize) -> Self {
        Self {
            matcher,
            show,
            messages: 0,
            same_views: 0,
            views: BTreeMap::new(),
            selectors: BTreeMap::new(),
            hits: hits::Tally::default(),
        }
    }

    /// Compares one message: first the views, then what the rules make of them.
    fn message(&mut self, theirs: &Value) -> Result<()> {
        let file = theirs["file"].as_str().unwrap_or_default();
        let message = Bytes::from(std::fs::read(file).with_context(|| file.to_owned())?);
        let views = Views::new(&message, self.matcher.view_settings());
        let named = theirs["get"].as_object();
        for name in named.into_iter().flat_map(|named| named.keys()) {
            if !self.selectors.contains_key(name) {
                self.selectors.insert(name.clone(), Selector::parse(name));
            }
        }
        let selectors: Vec<(String, Selector)> = named
            .into_iter()
            .flat_map(|named| named.keys())
            .filter_map(|name| Some((name.clone(), self.selectors.get(name)?.clone())))
            .collect();
        let mut same = true;
        views::compare(&views, theirs, &selectors, &mut |view, ours, theirs| {
            if ours == theirs {
                return;
            }
            same = false;
            let count = self.views.entry(view.to_owned()).or_default();
            *count += 1;
            if *count <= self.show {
                println!("{view} {file}\n  {}", views::first_difference(&ours, &theirs));
            }
        });
        self.messages += 1;
        self.same_views += usize::from(same);
        self.hits
            .add(self.matcher, &self.matcher.check(&views), theirs, self.show);
        Ok(())
    }

    fn is_clean(&self) -> bool {
        self.same_views == self.messages && self.hits.same_hits == self.messages
    }

    fn print(&self) {
        for (view, count) in &self.views {
            println!("view {view} differs in {count} messages");
        }
        self.hits.print();
        println!(
            "{} messages: same views {}, same hits {}, same score {}, same verdict {}; {} hits",
            self.messages,
            self.same_views,
            self.hits.same_hits,
            self.hits.same_scores,
            self.hits.same_verdicts,
            self.hits.hits
        );
    }
}
