//! `isbg rules`: the native scorer's rules, what is wrong with them, and updates. Judges nothing.

mod outcome;
mod update;

use std::fmt::Write as _;

use anyhow::Result;
use isbg_rules::lint::Severity;
use isbg_rules::matcher::Matcher;
use isbg_rules::ruleset::{EvalView, Rule, Test, View};
use isbg_types::{Score, Untrusted};
use serde::Serialize;

use crate::args::RuleFiles;
use crate::environment::Environment;
use crate::exit::Status;
use crate::report::Terminal;
use crate::rules::{Wish, find};

use super::print;

pub use update::update;

/// A rule's record. Its keys are a contract, listed in `docs/json.md`.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    r#type: String,
    score: Option<Score>,
    description: Option<&'a str>,
}

/// A finding's record. Its keys are a contract, listed in `docs/json.md`.
#[derive(Serialize)]
struct Finding<'a> {
    file: Option<&'a str>,
    line: Option<u32>,
    rule: Option<&'a str>,
    severity: &'static str,
    message: String,
}

fn matcher(files: &RuleFiles, around: &Environment) -> Result<Matcher> {
    let wish = Wish {
        paths: files.rules.clone(),
        prefs: files.prefs.clone(),
    };
    Ok(find(&wish, around)?.load()?.matcher)
}

/// Prints every rule by name, with what it tests, its points and its description.
///
/// # Errors
/// When the rules cannot be read or standard output cannot be written.
pub fn list(files: &RuleFiles, around: &Environment) -> Result<Status> {
    let matcher = matcher(files, around)?;
    let mut text = String::new();
    for (at, rule) in matcher.rules().rules.iter().enumerate() {
        let points = if rule.name.starts_with("__") {
            0.0
        } else {
            matcher.points(at)
        };
        let listed = Listed {
            name: &rule.name,
            r#type: kind(rule),
            score: Score::from_points(points),
            description: rule.description.as_deref(),
        };
        if files.json {
            text.push_str(&serde_json::to_string(&listed)?);
        } else {
            let score = listed.score.map(|score| score.to_string()).unwrap_or_default();
            let description = Untrusted(listed.description.unwrap_or_default());
            let line = format!(
                "{:<32}  {:<13}  {score:>8}  {description}",
                Untrusted(listed.name).to_string(),
                listed.r#type
            );
            text.push_str(line.trim_end());
        }
        text.push('\n');
    }
    print(&text)
}

/// Prints what is wrong with the rule files, and the rules that cannot be run here. Status 1 if there is anything but
/// warnings.
///
/// # Errors
/// As [`list`].
pub fn lint(files: &RuleFiles, around: &Environment, terminal: &Terminal) -> Result<Status> {
    let matcher = matcher(files, around)?;
    let rules = &matcher.rules().rules;
    let name = |at: usize| rules.get(at).map(|rule| rule.name.as_str());
    let lines = matcher.rules().lint.iter().map(|lint| Finding {
        file: Some(lint.file.as_str()).filter(|file| !file.is_empty()),
        line: Some(lint.line).filter(|line| *line > 0),
        rule: None,
        severity: match lint.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        message: lint.message.clone(),
    });
    let of_rule = |at: usize, message: String| Finding {
        file: None,
        line: None,
        rule: name(at),
        severity: "error",
        message,
    };
    let broken = matcher.compile_all().into_iter();
    let broken = broken.map(|(at, error)| of_rule(at, format!("its pattern cannot be used: {error}")));
    let unknown = matcher.unknown().iter();
    let unknown = unknown.map(|(at, reason)| of_rule(*at, format!("it cannot be run here: {reason}")));
    let findings: Vec<Finding<'_>> = lines.chain(broken).chain(unknown).collect();
    let mut text = String::new();
    for finding in &findings {
        if files.json {
            text.push_str(&serde_json::to_string(finding)?);
        } else {
            line(&mut text, finding);
        }
        text.push('\n');
    }
    print(&text)?;
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == "error")
        .count();
    terminal.say(&format!(
        "isbg: {} rules, {errors} errors, {} warnings",
        rules.len(),
        findings.len() - errors
    ));
    Ok(if errors == 0 { Status::Fine } else { Status::Found })
}

/// `file:line: warning: what`, as compilers do, or `rule NAME: what`.
fn line(text: &mut String, finding: &Finding<'_>) {
    let warning = if finding.severity == "warning" {
        "warning: "
    } else {
        ""
    };
    let message = Untrusted(&finding.message);
    // Writing to a string cannot fail.
    match (finding.file, finding.rule) {
        (Some(file), _) => {
            let line = finding.line.unwrap_or_default();
            write!(text, "{}:{line}: {warning}{message}", Untrusted(file))
        }
        (None, Some(rule)) => write!(text, "rule {}: {warning}{message}", Untrusted(rule)),
        (None, None) => write!(text, "{warning}{message}"),
    }
    .unwrap_or_default();
}

/// What a rule tests, in the words of the rule language.
fn kind(rule: &Rule) -> String {
    match &rule.test {
        Test::Header(_) => "header",
        Test::Exists { .. } => "header exists",
        Test::MimeHeader(_) => "mimeheader",
        Test::Text { view: View::Body, .. } => "body",
        Test::Text {
            view: View::RawBody, ..
        } => "rawbody",
        Test::Text { view: View::Full, .. } => "full",
        Test::Text { view: View::Uri, .. } => "uri",
        Test::Eval { view, .. } => match view {
            EvalView::Header => "header eval",
            EvalView::Body => "body eval",
            EvalView::RawBody => "rawbody eval",
            EvalView::Full => "full eval",
            EvalView::Rbl => "dnsbl eval",
        },
        Test::Meta(_) => "meta",
        Test::UriDetail(_) => "uri_detail",
        Test::Network { directive, .. } => return directive.clone(),
        Test::Empty => "empty",
        Test::Unrunnable(_) => "not runnable",
    }
    .to_owned()
}
