//! A compiled pattern and how it is run. Does not know where its text comes from.

use regex_automata::meta;
use regex_syntax::hir::Hir;

use super::PatternError;

/// Steps the backtracking engine may take in one text.
const STEPS: u32 = 50_000;
/// Memory for that engine's stack, in bytes.
const STACK: usize = 1 << 20;
/// The largest automaton of one pattern, in bytes.
const AUTOMATON: usize = 10 << 20;

/// That engine's error for a pattern over its limits.
const TOO_LARGE: i32 = 120;

/// The pattern used up its steps in this text: whether it matches is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit;

/// The named groups of one match and what they captured.
pub type Captured = Vec<(String, Vec<u8>)>;

/// A compiled pattern. Cheap to share between threads.
#[derive(Debug)]
pub enum Program {
    /// Runs in time linear in the text.
    Linear(meta::Regex),
    /// Backtracks, within limits.
    Backtracking(Box<pcre2::bytes::Regex>),
}

impl Program {
    pub(super) fn linear(hir: &Hir) -> Result<Self, PatternError> {
        let config = meta::Config::new()
            .utf8_empty(false)
            .nfa_size_limit(Some(AUTOMATON))
            .hybrid_cache_capacity(4 << 20)
            .onepass(false)
            .dfa(false);
        meta::Builder::new()
            .configure(config)
            .build_from_hir(hir)
            .map(Self::Linear)
            .map_err(|error| match error.size_limit() {
                Some(_) => PatternError::TooLarge,
                None => PatternError::Engine(error.to_string()),
            })
    }

    pub(super) fn backtracking(text: &str) -> Result<Self, PatternError> {
        pcre2::bytes::RegexBuilder::new()
            .jit_if_available(true)
            .max_jit_stack_size(Some(STACK))
            .build(&format!("(*LIMIT_MATCH={STEPS})(*LIMIT_HEAP=2048){text}"))
            .map(|regex| Self::Backtracking(Box::new(regex)))
            .map_err(|error| match error.code() {
                TOO_LARGE => PatternError::TooLarge,
                _ => PatternError::Engine(error.to_string()),
            })
    }

    /// Whether it matches somewhere in the text.
    ///
    /// # Errors
    /// [`Limit`] if that could not be found out within the steps allowed.
    pub fn is_match(&self, text: &[u8]) -> Result<bool, Limit> {
        match self {
            Self::Linear(regex) => Ok(regex.is_match(text)),
            Self::Backtracking(regex) => regex.is_match(text).map_err(|_| Limit),
        }
    }

    /// How often it matches, one match after another, at most `most` times.
    ///
    /// # Errors
    /// As [`Self::is_match`].
    pub fn count(&self, text: &[u8], most: usize) -> Result<usize, Limit> {
        let (mut count, mut from) = (0, 0);
        while count < most && from <= text.len() {
            let Some((start, end)) = self.find_from(text, from)? else {
                break;
            };
            count += 1;
            // As in Perl, an empty match may follow a match that was not empty, but not another one at its place.
            from = if start == end { end + 1 } else { end };
        }
        Ok(count)
    }

    /// Where the next match from `from` on begins and ends.
    ///
    /// # Errors
    /// As [`Self::is_match`].
    pub fn find_from(&self, text: &[u8], from: usize) -> Result<Option<(usize, usize)>, Limit> {
        match self {
            Self::Linear(regex) => {
                let input = regex_automata::Input::new(text).range(from..);
                Ok(regex.search(&input).map(|found| (found.start(), found.end())))
            }
            Self::Backtracking(regex) => {
                let found = regex.find_at(text, from).map_err(|_| Limit)?;
                Ok(found.map(|found| (found.start(), found.end())))
            }
        }
    }

    /// Where the first group matched, in the first match of the pattern. Nothing where the steps did not suffice.
    pub fn first_group(&self, text: &[u8]) -> Option<std::ops::Range<usize>> {
        match self {
            Self::Linear(regex) => {
                let mut captures = regex.create_captures();
                regex.captures(text, &mut captures);
                captures.get_group(1).map(|span| span.range())
            }
            // Room for captures is costly, and most texts need none.
            Self::Backtracking(regex) if !regex.is_match(text).unwrap_or(false) => None,
            Self::Backtracking(regex) => {
                let captures = regex.captures(text).ok()??;
                captures.get(1).map(|found| found.start()..found.end())
            }
        }
    }

    /// What the named groups of each match captured, empty captures left out, at most `most` matches.
    ///
    /// # Errors
    /// As [`Self::is_match`].
    pub fn captures(&self, text: &[u8], most: usize) -> Result<Vec<Captured>, Limit> {
        match self {
            Self::Linear(regex) => Ok(regex
                .captures_iter(text)
                .take(most)
                .map(|captures| {
                    let info = regex.group_info();
                    let named = info.pattern_names(regex_automata::PatternID::ZERO);
                    let named = named.enumerate().filter_map(|(index, name)| Some((index, name?)));
                    named
                        .filter_map(|(index, name)| {
                            let span = captures.get_group(index)?;
                            kept(name, text.get(span.range())?)
                        })
                        .collect()
                })
                .collect()),
            Self::Backtracking(regex) => regex
                .captures_iter(text)
                .take(most)
                .map(|captures| {
                    let captures = captures.map_err(|_| Limit)?;
                    let names = regex.capture_names().iter().flatten();
                    Ok(names
                        .filter_map(|name| kept(name, captures.name(name)?.as_bytes()))
                        .collect())
                })
                .collect(),
        }
    }
}

fn kept(name: &str, value: &[u8]) -> Option<(String, Vec<u8>)> {
    (!value.is_empty()).then(|| (name.to_owned(), value.to_vec()))
}
