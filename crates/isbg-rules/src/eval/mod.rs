//! The functions that eval rules call, by name. Does not know rules.

mod attached;
mod body;
mod brand;
mod brand_table;
mod charset;
mod date;
mod disguise;
mod domain;
mod fold;
mod forged;
mod freemail;
pub(crate) mod from_name;
mod header;
mod hosts;
mod html;
mod image;
mod link_shapes;
mod links;
mod lists;
mod mime;
mod pdf;
mod punycode;
mod recipients;
mod relay;
mod sender;
mod uri;

use std::cell::OnceCell;
use std::sync::OnceLock;

use isbg_message::views::{Lines, Selector, Views};

use crate::authres::Results;
use crate::pattern::{self, Flags, Pattern, Program};
use crate::ruleset::{EvalView, Settings};

/// What the functions work out once for a message.
#[derive(Debug, Default)]
pub struct State {
    attachments: OnceCell<mime::Attachments>,
    uppercase: OnceCell<f64>,
    base64_length: OnceCell<usize>,
    alternatives: OnceCell<body::Alternatives>,
    vertical: OnceCell<i64>,
    date_shift: OnceCell<i64>,
    recipients: OnceCell<recipients::Recipients>,
    images: OnceCell<image::Images>,
    senders: OnceCell<Vec<Vec<u8>>>,
    receivers: OnceCell<Vec<Vec<u8>>>,
    welcome: OnceCell<i8>,
    default_welcome: OnceCell<i8>,
    enlisted: OnceCell<std::collections::BTreeSet<String>>,
    body_freemails: OnceCell<Option<Vec<Vec<u8>>>>,
    changed_body: OnceCell<Lines>,
    authres: OnceCell<Results>,
    from_name: OnceCell<from_name::FromName>,
    pdfs: OnceCell<pdf::Pdfs>,
    sender: OnceCell<sender::Sender>,
    links: OnceCell<links::Links>,
    folded: OnceCell<String>,
}

impl State {
    /// The body as body rules see it: where the search for free mail addresses went through it, without the addresses
    /// and links that the search takes out. SpamAssassin searches in the very text that its body rules use afterwards.
    pub fn body<'a>(&'a self, views: &'a Views<'_>) -> &'a Lines {
        self.changed_body.get().unwrap_or_else(|| views.body())
    }
}

/// One call.
pub struct Call<'a, 's> {
    /// The message.
    pub views: &'a Views<'s>,
    /// The kind of rule that calls.
    pub view: EvalView,
    /// Lists and settings.
    pub settings: &'a Settings,
    /// What other calls for this message have worked out.
    pub state: &'a State,
    /// The arguments as written.
    pub arguments: &'a [String],
    /// Room for the compiled form of a pattern among the arguments.
    pub program: &'a OnceLock<Option<Program>>,
}

impl Call<'_, '_> {
    /// The text as functions see it: for rules over the raw body that one.
    fn body(&self) -> &Lines {
        match self.view {
            EvalView::RawBody => self.views.rawbody(),
            _ => self.state.body(self.views),
        }
    }

    /// An argument; empty where it is missing.
    fn argument(&self, at: usize) -> &str {
        self.arguments.get(at).map_or("", String::as_str)
    }

    /// An argument as a number, as Perl reads one: what begins like a number counts, all else is 0.
    fn number(&self, at: usize) -> f64 {
        number(self.argument(at))
    }

    /// An argument as an upper limit; `None` where it is missing or the word `undef` or `inf`.
    fn limit(&self, at: usize) -> Option<f64> {
        match self.arguments.get(at).map(String::as_str) {
            None | Some("undef" | "inf") => None,
            Some(text) => Some(number(text)),
        }
    }

    /// A header's text: all fields of that name joined, or the first of several addresses. Empty where there is none.
    fn header(&self, selector: &str) -> Vec<u8> {
        let values = self.views.values(&Selector::parse(selector));
        let single = selector == "EnvelopeFrom" || selector.contains(":addr") || selector.contains(":host");
        if !single {
            return values.concat();
        }
        let mut first = values
            .into_iter()
            .next()
            .map(std::borrow::Cow::into_owned)
            .unwrap_or_default();
        if first.last() == Some(&b'\n') {
            first.pop();
        }
        first
    }

    /// The values of a selector one by one.
    fn values(&self, selector: &str) -> Vec<Vec<u8>> {
        let values = self.views.values(&Selector::parse(selector));
        values.into_iter().map(std::borrow::Cow::into_owned).collect()
    }

    /// The same for a pattern that may stand between delimiters, modifiers behind them.
    fn matches_delimited(&self, at: usize, text: &[u8]) -> bool {
        let program = self.program.get_or_init(|| {
            let bytes = crate::load::text::to_bytes(self.argument(at));
            match pattern::undelimited(&bytes) {
                Ok((body, flags)) => Pattern::plain(body, flags).ok()?.compile().ok(),
                Err(_) => compile(self.argument(at)),
            }
        });
        program
            .as_ref()
            .is_some_and(|program| program.is_match(text) == Ok(true))
    }

    /// Whether a pattern among the arguments matches; one that is invalid never does.
    fn matches(&self, at: usize, text: &[u8]) -> bool {
        let program = self.program.get_or_init(|| compile(self.argument(at)));
        program
            .as_ref()
            .is_some_and(|program| program.is_match(text) == Ok(true))
    }
}

fn number(text: &str) -> f64 {
    let text = text.trim_start();
    let len = text
        .bytes()
        .enumerate()
        .take_while(|(at, b)| b.is_ascii_digit() || *b == b'.' || (*at == 0 && matches!(b, b'-' | b'+')))
        .count();
    text[..len].parse().unwrap_or(0.0)
}

fn read(pattern: &str) -> Option<Pattern> {
    let bytes = crate::load::text::to_bytes(pattern);
    Pattern::plain(&bytes, Flags::default()).ok()
}

fn compile(pattern: &str) -> Option<Program> {
    read(pattern)?.compile().ok()
}

/// Whether a pattern of ours, compiled at its first use, matches.
fn runs(program: &OnceLock<Option<Program>>, pattern: &str, text: &[u8]) -> bool {
    let program = program.get_or_init(|| compile(pattern));
    program
        .as_ref()
        .is_some_and(|program| program.is_match(text) == Ok(true))
}

/// What the first group of a pattern of ours matched.
fn group<'t>(program: &OnceLock<Option<Program>>, pattern: &str, text: &'t [u8]) -> Option<&'t [u8]> {
    let program = program.get_or_init(|| read(pattern)?.compile_with_groups().ok());
    program
        .as_ref()
        .and_then(|program| text.get(program.first_group(text)?))
}

/// `is_match!(pattern, text)`: whether a pattern of ours matches.
macro_rules! is_match {
    ($pattern:expr, $text:expr) => {{
        static PROGRAM: std::sync::OnceLock<Option<$crate::pattern::Program>> = std::sync::OnceLock::new();
        $crate::eval::runs(&PROGRAM, $pattern, $text)
    }};
}

/// `capture!(pattern, text)`: what the first group of a pattern of ours matched.
macro_rules! capture {
    ($pattern:expr, $text:expr) => {{
        static PROGRAM: std::sync::OnceLock<Option<$crate::pattern::Program>> = std::sync::OnceLock::new();
        $crate::eval::group(&PROGRAM, $pattern, $text)
    }};
}

use {capture, is_match};

/// A function that a rule can call.
pub type Function = fn(&Call<'_, '_>) -> bool;

/// All functions, family by family.
const FAMILIES: &[&[(&str, Function)]] = &[
    attached::FUNCTIONS,
    body::FUNCTIONS,
    brand::FUNCTIONS,
    disguise::FUNCTIONS,
    forged::FUNCTIONS,
    freemail::FUNCTIONS,
    from_name::FUNCTIONS,
    header::FUNCTIONS,
    html::FUNCTIONS,
    image::FUNCTIONS,
    links::FUNCTIONS,
    lists::FUNCTIONS,
    mime::FUNCTIONS,
    pdf::FUNCTIONS,
    recipients::FUNCTIONS,
    relay::FUNCTIONS,
    sender::FUNCTIONS,
    uri::FUNCTIONS,
];

/// The function of that name.
pub fn find(name: &str) -> Option<Function> {
    let mut all = FAMILIES.iter().flat_map(|family| family.iter());
    all.find(|(known, _)| *known == name)
        .map(|(_, function)| *function)
}

/// Whether there is a function of that name.
pub fn exists(name: &str) -> bool {
    find(name).is_some()
}
