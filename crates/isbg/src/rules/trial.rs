//! Trying out a version of a channel before it is put in force. Does not know where it came from.

use isbg_lookups::update::Installed;
use isbg_rules::lint::Severity;
use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};

use crate::environment::Environment;
use crate::exit::{Failure, Status};

use super::places;

/// So many faults any version may have: an engine that is a little older than the rules does not understand all of them.
const FAULTS: usize = 10;

/// And one more for so many rules.
const RULES_PER_FAULT: usize = 50;

/// Reads the rules of a version, by themselves and together with all others that would be read then. Gives how many it
/// brings.
///
/// # Errors
/// When it brings none, or has more faults than newer rules would have.
pub fn trial(version: Installed, around: &Environment) -> Result<usize, Failure> {
    let failed = |what: String| Failure::new(Status::Scorer, what);
    let folder = version.folder.clone();
    let all = places::by_default(around, Some(version))?.unwrap_or_default();
    let read = |paths| {
        let sources = Sources {
            default_plugins: true,
            ..Sources::of(paths)
        };
        load(&sources).map_err(|error| failed(error.to_string()))
    };
    let together = read(all.into_iter().map(|place| place.path).collect())?;
    let at_fault = |file: &str| std::path::Path::new(file).starts_with(&folder);
    let lines: Vec<String> = together
        .lint
        .iter()
        .filter(|lint| lint.severity == Severity::Error && at_fault(&lint.file))
        .map(ToString::to_string)
        .collect();

    let alone = read(vec![folder.clone()])?;
    let rules = alone.rules.len();
    if rules == 0 {
        return Err(failed("there is no rule in it".into()));
    }
    let matcher = Matcher::new(alone, Mode::default()).map_err(|error| failed(error.to_string()))?;
    let patterns = matcher.compile_all().len();
    let faults = lines.len() + patterns;
    if faults > FAULTS + rules / RULES_PER_FAULT {
        let first = lines.first().map(|line| format!(", the first is {line}"));
        return Err(failed(format!(
            "too many of its lines and patterns cannot be used here: {faults} for {rules} rules{}",
            first.unwrap_or_default()
        )));
    }
    Ok(rules)
}
