//! What is wrong with rule files, and which rules cannot be run here. Does not decide what is right.

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The line or rule is left out.
    Error,
    /// It is used, but perhaps not as meant.
    Warning,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// The file, as it was named; empty where the finding belongs to no line.
    pub file: String,
    /// The line in it, counted from 1; 0 where the finding belongs to no line.
    pub line: u32,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in a sentence.
    pub message: String,
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:{}: ", self.file, self.line)?;
        }
        f.write_str(match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        })?;
        f.write_str(&self.message)
    }
}
