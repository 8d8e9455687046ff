//! Unique prefixes of option names, as isbg has always taken them: `--imaph` for `--imaphost`. Does not know what any
//! option means.

use std::ffi::{OsStr, OsString};

use clap::Command;

/// The options of isbg 2.3.1. A prefix that was unique among them keeps its meaning, whatever options were added since.
pub const ISBG_2: [&str; 40] = [
    "delete",
    "deletehigherthan",
    "dryrun",
    "exitcodes",
    "expunge",
    "flag",
    "gmail",
    "help",
    "ignorelockfile",
    "imaphost",
    "imapinbox",
    "imaplist",
    "imappasswd",
    "imapport",
    "imapuser",
    "learnflagged",
    "learnhambox",
    "learnspambox",
    "learnthendestroy",
    "learnthenflag",
    "learnunflagged",
    "lockfilegrace",
    "lockfilename",
    "maxsize",
    "movehamto",
    "noninteractive",
    "noreport",
    "nossl",
    "nostats",
    "partialrun",
    "passwdfilename",
    "savepw",
    "spamc",
    "spaminbox",
    "teachonly",
    "trackfile",
    "usage",
    "verbose",
    "verbose-mails",
    "version",
];

/// The options that isbg 0.99 spelled otherwise, and those that only it had.
#[cfg(test)]
pub const ISBG_0_99: [&str; 9] = [
    "deletehigherthen",
    "imappassword",
    "lockfilegraceminutes",
    "passwordfilename",
    "sasave",
    "satest",
    "spamflags",
    "spamflagscmd",
    "ssl",
];

/// Writes out every abbreviated long option of a command line in the classic form. An ambiguous or unknown name is left
/// as it is, for the parser to complain about. `words` does not hold the program's own name.
pub fn written_out(classic: &Command, words: Vec<OsString>) -> Vec<OsString> {
    let mut result = Vec::with_capacity(words.len());
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "--" {
            result.push(word);
            break;
        }
        let Some((name, value)) = split(&word) else {
            result.push(word);
            continue;
        };
        let full = full_name(classic, name).unwrap_or_else(|| name.to_owned());
        let takes_next = value.is_none() && takes_value(classic, &full);
        let mut option = OsString::from(format!("--{full}"));
        if let Some(value) = value {
            option.push("=");
            option.push(value);
        }
        result.push(option);
        if takes_next {
            result.extend(words.next());
        }
    }
    result.extend(words);
    result
}

/// A long option's name and the value after its `=`. `None` for anything else, also for names that are not UTF-8.
fn split(word: &OsStr) -> Option<(&str, Option<&str>)> {
    let rest = word.to_str()?.strip_prefix("--")?;
    Some(match rest.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (rest, None),
    })
}

fn full_name(classic: &Command, prefix: &str) -> Option<String> {
    let all = || {
        classic
            .get_arguments()
            .flat_map(|arg| arg.get_long_and_visible_aliases().unwrap_or_default())
    };
    let hidden = || {
        classic
            .get_arguments()
            .flat_map(|arg| arg.get_aliases().unwrap_or_default())
    };
    if all().chain(hidden()).any(|name| name == prefix) {
        return Some(prefix.to_owned());
    }
    let only = |names: Vec<&str>| match names[..] {
        [name] => Some(name.to_owned()),
        _ => None,
    };
    let old = ISBG_2
        .into_iter()
        .filter(|name| name.starts_with(prefix))
        .collect();
    only(old).or_else(|| only(all().filter(|name| name.starts_with(prefix)).collect()))
}

fn takes_value(classic: &Command, name: &str) -> bool {
    classic
        .get_arguments()
        .find(|arg| {
            arg.get_long() == Some(name)
                || arg
                    .get_all_aliases()
                    .is_some_and(|aliases| aliases.contains(&name))
        })
        .is_some_and(|arg| arg.get_action().takes_values())
}
