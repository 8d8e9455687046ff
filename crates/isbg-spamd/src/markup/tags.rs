//! Templates: `_SCORE_`, `_TESTS(,)_` and the like replaced by what they stand for. Does not know where a template is
//! used.

use isbg_types::Verdict;

use super::{Markup, VERSION};

/// Stars at most, for whatever `_STARS(*)_` is made of.
const STARS: i64 = 50;

/// Characters of a message that a report shows.
const PREVIEW: usize = 200;

/// Bytes that one template may become.
const MOST: usize = 256 * 1024;

/// What is known about one message.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What was found out about it.
    pub verdict: &'a Verdict,
    /// How its text begins, without a line end.
    pub preview: &'a str,
    /// Who brought it: the name and the address of a machine.
    pub remote: (&'a str, &'a str),
}

/// The first words of a text, for a report: on one line, and not all of them.
pub fn preview<'a>(lines: impl Iterator<Item = &'a [u8]>) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(String::from_utf8_lossy(line).trim());
        text.push(' ');
        if text.len() > PREVIEW * 4 {
            break;
        }
    }
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let clean = clean.trim();
    let mut short: String = clean.chars().take(PREVIEW).collect();
    if short.len() < clean.len() {
        short.push_str(" [...]");
    }
    short
}

impl Markup {
    /// A template with its tags replaced. Unknown ones stay; what a tag stands for is not looked at again.
    pub(super) fn expand(&self, template: &str, facts: &Facts<'_>) -> String {
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some(at) = rest.find('_') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let known =
                tag(rest).and_then(|(name, argument, len)| Some((self.value(name, argument, facts)?, len)));
            match known {
                Some((value, len)) => {
                    out.push_str(&value);
                    rest = &rest[len..];
                }
                None => {
                    out.push('_');
                    rest = &rest[1..];
                }
            }
            if out.len() > MOST {
                return out;
            }
        }
        out.push_str(rest);
        out
    }

    fn value(&self, name: &str, argument: Option<&str>, facts: &Facts<'_>) -> Option<String> {
        let verdict = facts.verdict;
        Some(match name {
            "YESNO" => yes_no(verdict.spam, argument, ["Yes", "No"]),
            "YESNOCAPS" => yes_no(verdict.spam, argument, ["YES", "NO"]),
            "SCORE" | "HITS" => padded(
                &format!("{:.1}", verdict.score.points()),
                argument.unwrap_or_default(),
            ),
            "REQD" => format!("{:.1}", verdict.required.points()),
            "VERSION" => VERSION.to_owned(),
            "SUBVERSION" => env!("CARGO_PKG_VERSION").to_owned(),
            "RULESVERSION" => self.rules_version.clone(),
            "HOSTNAME" => self.hostname.clone(),
            "REMOTEHOSTNAME" => facts.remote.0.to_owned(),
            "REMOTEHOSTADDR" => facts.remote.1.to_owned(),
            "TESTS" => self.tests(verdict, argument.unwrap_or(","), false),
            "TESTSSCORES" => self.tests(verdict, argument.unwrap_or(","), true),
            "STARS" => {
                let stars = verdict.score.0.div_euclid(1_000).clamp(0, STARS);
                argument
                    .unwrap_or("*")
                    .chars()
                    .take(1)
                    .collect::<String>()
                    .repeat(stars as usize)
            }
            "AUTOLEARN" => "no".to_owned(),
            "CONTACTADDRESS" => self.contact.clone(),
            "PREVIEW" => facts.preview.to_owned(),
            "REPORT" => self.list(&verdict.hits),
            "SUMMARY" => self.summary(&verdict.hits),
            "DATE" => now(),
            _ => return None,
        })
    }

    /// The names of the rules that hit, in order, with or without their points.
    fn tests(&self, verdict: &Verdict, between: &str, scores: bool) -> String {
        let mut hits: Vec<_> = verdict
            .hits
            .iter()
            .filter(|hit| !hit.name.starts_with("__"))
            .collect();
        hits.sort_by(|one, other| one.name.cmp(&other.name));
        let names: Vec<String> = hits
            .into_iter()
            .map(|hit| {
                let name: String = hit.name.chars().filter(char::is_ascii_graphic).collect();
                match hit.score.filter(|_| scores) {
                    Some(score) => format!("{name}={}", score.points()),
                    None => name,
                }
            })
            .collect();
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(between)
        }
    }
}

/// The names of the rules that hit, as SYMBOLS lists them.
pub fn symbols(verdict: &Verdict) -> String {
    let mut names: Vec<&str> = verdict.hits.iter().map(|hit| hit.name.as_str()).collect();
    names.retain(|name| !name.starts_with("__"));
    names.sort_unstable();
    names.join(",")
}

/// This moment, as a message's Date field has it.
pub(super) fn now() -> String {
    jiff::Zoned::now()
        .strftime("%a, %d %b %Y %H:%M:%S %z")
        .to_string()
}

/// The tag that `text` begins with: its name, its argument, and how long all of it is.
fn tag(text: &str) -> Option<(&str, Option<&str>, usize)> {
    let inner = text.strip_prefix('_')?;
    let end = inner
        .bytes()
        .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        .count();
    let (name, rest) = inner.split_at(end);
    if name.is_empty() {
        return None;
    }
    if rest.starts_with('_') {
        return Some((name, None, end + 2));
    }
    let argument = rest.strip_prefix('(')?;
    let close = argument.find(")_")?;
    Some((name, Some(&argument[..close]), end + close + 4))
}

/// `_YESNO(a,b)_` says a for spam and b for ham; without an argument, the usual words.
fn yes_no(spam: bool, argument: Option<&str>, words: [&str; 2]) -> String {
    let Some(argument) = argument else {
        return words[usize::from(!spam)].to_owned();
    };
    let (yes, no) = argument.split_once(',').unwrap_or((argument, words[1]));
    if spam { yes.to_owned() } else { no.to_owned() }
}

/// `_SCORE(00)_`: a score with so many more digits before its point, zeros or blanks.
fn padded(score: &str, pad: &str) -> String {
    let usable = !pad.is_empty() && pad.len() < 20 && pad.bytes().all(|byte| byte == b'0' || byte == b' ');
    if !usable {
        return score.to_owned();
    }
    let missing = (pad.len() + 3).saturating_sub(score.len());
    format!("{}{score}", pad[..1].repeat(missing))
}

#[cfg(test)]
mod tests {
    use isbg_types::{RuleHit, Score};

    use super::*;

    fn expanded(template: &str, score: i64) -> String {
        let hit = |name: &str, score| RuleHit {
            name: name.into(),
            score: Some(Score(score)),
            description: None,
        };
        let verdict = Verdict {
            score: Score(score),
            required: Score(5_000),
            spam: score >= 5_000,
            hits: vec![hit("B", 1_500), hit("A", -1), hit("__C", 0)],
        };
        let facts = Facts {
            verdict: &verdict,
            preview: "how it begins",
            remote: ("h", "192.0.2.1"),
        };
        Markup::new("here".into()).expand(template, &facts)
    }

    #[test]
    fn tags() {
        for (template, text) in [
            ("_YESNO_ _YESNOCAPS_ _SCORE_/_REQD_", "Yes YES 7.3/5.0"),
            ("has_YESNO(, NOT)_ so", "has so"),
            ("_TESTS_ _TESTS( )_ _TESTSSCORES_", "A,B A B A=-0.001,B=1.5"),
            ("_STARS(+)_|_STARS_", "+++++++|*******"),
            (
                "_HOSTNAME_ _REMOTEHOSTNAME_ [_REMOTEHOSTADDR_]",
                "here h [192.0.2.1]",
            ),
            (
                "_SCORE(0)_ _SCORE(00)_ _SCORE( )_ _SCORE(x)_",
                "07.3 007.3  7.3 7.3",
            ),
            ("_NOSUCHTAG_ _ __ _x_ _SCORE", "_NOSUCHTAG_ _ __ _x_ _SCORE"),
            ("_PREVIEW_", "how it begins"),
            ("_SCORE_SCORE_", "7.3SCORE_"),
        ] {
            assert_eq!(expanded(template, 7_300), text, "{template}");
        }
        assert_eq!(
            expanded("has_YESNO(, NOT)_ _STARS(*)__YESNO(j,n)_", -1),
            "has NOT n"
        );
    }

    #[test]
    fn previews_are_short_and_on_one_line() {
        assert_eq!(preview([&b"a\n"[..], b"b\x1b[2J\n"].into_iter()), "a b [2J");
        let long = b"word ".repeat(100);
        assert!(
            preview([&long[..]].into_iter()).ends_with("wor [...]")
                || preview([&long[..]].into_iter()).ends_with(" [...]")
        );
        assert_eq!(preview(std::iter::empty()), "");
    }
}
