//! From files to directives: comments, languages, conditionals, inclusion. Does not know what a directive means.

use std::path::{Path, PathBuf};

use super::condition::{self, Facts};
use super::draft::{Draft, Place};
use super::files::{self, LoadError};
use super::{directives, features, text};

/// Files may include one another this deep.
const MAX_DEPTH: usize = 20;
/// So many files are read in all.
const MAX_FILES: usize = 10_000;
/// Conditionals may be nested this deep.
const MAX_NESTING: usize = 1_000;
/// A line may be this long, in bytes.
const MAX_LINE: usize = 1 << 20;

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The distribution's or the site's.
    Site,
    /// A user's preferences.
    Prefs,
}

/// A file that is being read.
struct Open {
    path: PathBuf,
    text: Vec<u8>,
    at: usize,
    place: Place,
    /// One entry for each open conditional: whether lines were skipped before it.
    blocks: Vec<Block>,
    skipping: bool,
}

struct Block {
    outer_skips: bool,
    line: u32,
}

/// Reads a file and all that it includes.
///
/// # Errors
/// If the file itself cannot be read; one that it includes is only noted.
pub fn read_file(draft: &mut Draft, path: &Path, kind: Kind) -> Result<(), LoadError> {
    let failed = |source| LoadError::Read {
        path: path.to_owned(),
        source,
    };
    let first = open(draft, path).map_err(failed)?;
    read_all(draft, first, kind);
    Ok(())
}

/// Reads what would stand in a file of that name.
pub fn read_text(draft: &mut Draft, path: &Path, text: Vec<u8>, kind: Kind) {
    draft.files_read += 1;
    read_all(draft, opened(path, text), kind);
}

fn read_all(draft: &mut Draft, first: Open, kind: Kind) {
    let mut stack = vec![first];
    while let Some(top) = stack.last_mut() {
        match next_line(top) {
            Some(line) => {
                draft.place = top.place.clone();
                let included = one_line(draft, top, &line, kind);
                if let Some(target) = included {
                    include(draft, &mut stack, &target);
                }
            }
            None => {
                draft.place = top.place.clone();
                if let Some(block) = top.blocks.last() {
                    let line = block.line;
                    draft.error(format!("the `if` of line {line} is not closed; add `endif`"));
                }
                stack.pop();
            }
        }
    }
}

fn open(draft: &mut Draft, path: &Path) -> std::io::Result<Open> {
    draft.files_read += 1;
    Ok(opened(path, files::read(path)?))
}

fn opened(path: &Path, text: Vec<u8>) -> Open {
    Open {
        path: path.to_owned(),
        text,
        at: 0,
        place: Place {
            file: path.display().to_string(),
            line: 0,
        },
        blocks: Vec::new(),
        skipping: false,
    }
}

fn next_line(open: &mut Open) -> Option<String> {
    let rest = open.text.get(open.at..)?;
    if rest.is_empty() {
        return None;
    }
    let len = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    open.at += len + 1;
    open.place.line = open.place.line.saturating_add(1);
    Some(text::from_bytes(&rest[..len.min(MAX_LINE)]))
}

fn include(draft: &mut Draft, stack: &mut Vec<Open>, target: &str) {
    let base = stack.last().and_then(|top| top.path.parent()).map(Path::to_owned);
    let path = match base {
        Some(base) => base.join(text::to_utf8(target)),
        None => PathBuf::from(text::to_utf8(target)),
    };
    if stack.iter().any(|open| open.path == path) {
        return draft.error(format!("{} includes itself", path.display()));
    }
    if stack.len() >= MAX_DEPTH || draft.files_read >= MAX_FILES {
        return draft.error("too many files include one another");
    }
    match open(draft, &path) {
        Ok(file) => stack.push(file),
        Err(error) => draft.error(format!("cannot include {}: {error}", path.display())),
    }
}

/// Handles a line; gives the file it includes, if it does.
fn one_line(draft: &mut Draft, open: &mut Open, line: &str, kind: Kind) -> Option<String> {
    if let Some(version) = line.strip_prefix("# UPDATE version ") {
        if let Ok(version) = text::trim(version).parse() {
            draft.versions.insert(open.place.file.clone(), version);
        }
        return None;
    }
    let line = without_comment(line);
    let line = in_language(text::trim(&line), &draft.language)?;
    let (key, value) = text::first_word(line);
    let key = normal_key(key);
    match key.as_str() {
        "if" | "ifplugin" => begin(draft, open, &key, value, kind),
        "else" => otherwise(draft, open, value),
        "endif" => end(draft, open, value),
        _ if open.skipping || key.is_empty() => {}
        "include" if value.is_empty() => draft.error("`include` needs the name of a file"),
        "include" if kind == Kind::Prefs && !draft.prefs_unrestricted => {
            draft.error("`include` is not allowed in user preferences");
        }
        "include" => return Some(value.to_owned()),
        "require_version" => require_version(draft, open, value),
        _ => directives::apply(draft, &key, value, kind),
    }
    None
}

/// Lower case, `_` for `-`, and the newer spelling of welcome and block lists.
pub fn normal_key(key: &str) -> String {
    let key = key.to_ascii_lowercase().replace('-', "_");
    key.replace("whitelist", "welcomelist")
        .replace("blacklist", "blocklist")
}

/// Without what follows a `#`; `\#` is a plain `#`.
fn without_comment(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut last = '\0';
    for c in line.chars() {
        if c == '#' {
            if last != '\\' {
                break;
            }
            out.pop();
        }
        out.push(c);
        last = c;
    }
    out
}

/// What follows `lang xx`, if that is the language; the line itself if it names none.
fn in_language<'l>(line: &'l str, language: &str) -> Option<&'l str> {
    let (key, value) = text::first_word(line);
    if key != "lang" {
        return Some(line);
    }
    let (wanted, rest) = text::first_word(value);
    let matches = language
        .get(..wanted.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(wanted));
    matches.then_some(rest)
}

fn begin(draft: &mut Draft, open: &mut Open, key: &str, value: &str, kind: Kind) {
    if open.blocks.len() >= MAX_NESTING {
        return draft.error("conditionals are nested too deeply");
    }
    open.blocks.push(Block {
        outer_skips: open.skipping,
        line: open.place.line,
    });
    if open.skipping {
        return;
    }
    if value.is_empty() {
        draft.error(format!("`{key}` needs a condition"));
        open.skipping = true;
        return;
    }
    let text = match key {
        "ifplugin" => format!("plugin ({value})"),
        _ => value.to_owned(),
    };
    let facts = Facts {
        is_loaded: &|name| draft.is_loaded(name),
        is_compat: &|name| draft.compat.contains(name),
        local_tests_only: draft.local_tests_only,
    };
    let restricted = kind == Kind::Prefs && !draft.prefs_unrestricted && value.contains("can");
    match condition::holds(&text, &facts) {
        _ if restricted => {
            draft.error("`can` is not available in user preferences");
            open.skipping = true;
        }
        Ok(holds) => open.skipping = !holds,
        Err(error) => {
            draft.error(format!(
                "the condition cannot be read, its block is left out: {error}"
            ));
            open.skipping = true;
        }
    }
}

fn otherwise(draft: &mut Draft, open: &mut Open, value: &str) {
    if !value.is_empty() {
        return draft.error("`else` must stand alone");
    }
    match open.blocks.last() {
        None => draft.error("`else` without `if`"),
        Some(block) => open.skipping = block.outer_skips || !open.skipping,
    }
}

fn end(draft: &mut Draft, open: &mut Open, value: &str) {
    if !value.is_empty() {
        return draft.error("`endif` must stand alone");
    }
    match open.blocks.pop() {
        None => draft.error("`endif` without `if`"),
        Some(block) => open.skipping = block.outer_skips,
    }
}

fn require_version(draft: &mut Draft, open: &mut Open, value: &str) {
    if value == "@@VERSION@@" || value == features::VERSION_TEXT {
        return;
    }
    draft.error(format!(
        "this file is for version {value}, not {}; the rest of it is left out",
        features::VERSION_TEXT
    ));
    open.skipping = true;
    // A closing `endif` must not switch the rest on again.
    for block in &mut open.blocks {
        block.outer_skips = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_languages() {
        assert_eq!(without_comment("a /\\#b/ # c"), "a /#b/ ");
        assert_eq!(without_comment("\\\\# x"), "\\# x");
        assert_eq!(in_language("lang de describe X y", "de_AT"), Some("describe X y"));
        assert_eq!(in_language("lang de_CH describe X y", "de_AT"), None);
        assert_eq!(in_language("language x", "de"), Some("language x"));
        assert_eq!(normal_key("WhiteList-From"), "welcomelist_from");
    }
}
