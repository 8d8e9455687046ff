//! Perl patterns as rule files hold them: read, translated for the engines at hand, compiled and run with limits. Does
//! not know rules or messages.

mod ast;
mod class;
mod delimited;
mod escape;
mod group;
mod hir;
mod needs;
mod parse;
mod pcre;
mod program;
mod requirement;
mod set;
mod window;

#[cfg(test)]
mod perl_tests;

pub use needs::Needs;
pub use parse::Flags;
pub use program::{Captured, Limit, Program};
pub use requirement::{Find, Requirement};
pub use set::ByteSet;
pub use window::{WIDTH, Window};

/// A pattern text may be this long, after its tags have been replaced too.
pub const MAX_LENGTH: usize = 1 << 20;

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not begin with `/`, or `m` or `qr` and a delimiter.
    #[error("the pattern has no delimiters; write it as /pattern/")]
    NoDelimiter,
    /// The closing delimiter is missing or something else than modifiers follows it.
    #[error("the pattern does not end with its delimiter and modifiers")]
    NoEnd,
    /// The delimiter stands inside without a backslash.
    #[error("the delimiter {0:?} stands inside the pattern; put a backslash before it")]
    DelimiterInside(char),
    /// A modifier letter that does not exist.
    #[error("the modifier {0:?} does not exist")]
    UnknownModifier(char),
    /// Not Perl, or something Perl warns about.
    #[error("{0}, at byte {1} of the pattern")]
    Syntax(&'static str, usize),
    /// Perl, but not ours.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// Too many groups in one another.
    #[error("its groups are nested too deeply")]
    TooDeep,
    /// The text or what it compiles to is over a limit.
    #[error("it is too large")]
    TooLarge,
    /// An engine refused it.
    #[error("it cannot be compiled: {0}")]
    Engine(String),
}

/// A pattern that was read and can be compiled.
#[derive(Debug, Clone)]
pub struct Pattern {
    node: ast::Node,
    groups: Vec<Option<String>>,
}

impl Pattern {
    /// Reads a pattern with delimiters and modifiers, such as `/viagra/i`.
    ///
    /// # Errors
    /// See [`PatternError`].
    pub fn delimited(text: &[u8]) -> Result<Self, PatternError> {
        let (body, flags) = undelimited(text)?;
        Self::plain(body, flags)
    }

    /// Reads a pattern without delimiters.
    ///
    /// # Errors
    /// See [`PatternError`].
    pub fn plain(body: &[u8], flags: Flags) -> Result<Self, PatternError> {
        if body.len() > MAX_LENGTH {
            return Err(PatternError::TooLarge);
        }
        let parsed = parse::parse(body, flags)?;
        Ok(Self {
            node: parsed.node,
            groups: parsed.groups,
        })
    }

    /// The names of the groups that have one.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().filter_map(|name| name.as_deref())
    }

    /// What a text must contain for this to match.
    pub fn requirement(&self) -> Requirement {
        requirement::of(&self.node)
    }

    /// Whether the linear-time engine can run it.
    pub fn is_regular(&self) -> bool {
        hir::regular(&self.node).is_some()
    }

    /// Compiles it for the linear-time engine, or for the backtracking one if it needs that. Groups that have no name and
    /// that nothing refers to are not kept: they cost much and nobody asks for them.
    ///
    /// # Errors
    /// [`PatternError::TooLarge`] or [`PatternError::Engine`].
    pub fn compile(&self) -> Result<Program, PatternError> {
        if self.names().next().is_some() || self.node.refers() {
            return build(&self.node);
        }
        let mut node = self.node.clone();
        node.drop_groups();
        match build(&node) {
            Err(PatternError::TooLarge) => Program::backtracking(&pcre::spell(&node, true)),
            other => other,
        }
    }

    /// Compiles it with all its groups.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub fn compile_with_groups(&self) -> Result<Program, PatternError> {
        build(&self.node)
    }
}

fn build(node: &ast::Node) -> Result<Program, PatternError> {
    match hir::regular(node) {
        Some(regular) => Program::linear(&regular),
        None => Program::backtracking(&pcre::spell(node, false)),
    }
}

/// Takes delimiters and modifiers off.
///
/// # Errors
/// See [`PatternError`].
pub fn undelimited(text: &[u8]) -> Result<(&[u8], Flags), PatternError> {
    let shell = delimited::split(text)?;
    let mut flags = Flags::default();
    for letter in shell.flags {
        flags.apply(*letter, true)?;
    }
    Ok((shell.body, flags))
}

/// Why SpamAssassin's lint would refuse the pattern (between its delimiters) as one that matches everything.
pub fn always_matches(body: &[u8]) -> Option<&'static str> {
    delimited::always_matches(body)
}
